export {
  type BucketBatch,
  type BucketScore,
  type BucketScoreEstimate,
  bucketScoreEstimate,
  bucketScoreLogE,
  emptyBucketScore,
  updateBucketScore,
} from './cluster.ts';
export { designEffect } from './design-effect.ts';
export { bonferroniThreshold, closedTestingBlame, weightedAverageLogE } from './family.ts';
export { type HarmCap, harmCap } from './harm-cap.ts';
export {
  betaQuantile,
  clopperPearsonLower,
  clopperPearsonUpper,
  logLowerIncompleteBeta,
  logUpperIncompleteBeta,
} from './incomplete-beta.ts';
export { lateOnsetLogE } from './late-onset.ts';
export {
  concurrentExposureLimit,
  type ErrorRates,
  gaussianLimit,
  harmLimit,
  thresholdExposureLimit,
} from './limits.ts';
export {
  bestTau,
  criticalDelta,
  type Direction,
  meanInterval,
  type NormalEstimate,
  oneSidedMeanLogE,
  twoSidedMeanLogE,
} from './mean.ts';
export { logNormalCdf, wallaceZ } from './normal.ts';
export { concurrentPassExposures, passExposures } from './pass-exposures.ts';
export { type HarmSide, poissonLogE, poissonPassLogE, truncatedGammaLogE } from './poisson.ts';
export {
  EQUAL_WEIGHTS,
  mixtureLogE,
  passGrid,
  RATIO_GRID,
  type TwoArmCounts,
  updateRateRatio,
  type WeightedRatios,
} from './rate-ratio.ts';
export { type RateRatioInterval, rateRatioInterval } from './rate-ratio-interval.ts';
export {
  emptyLattice,
  LATTICE_RATIOS,
  latticeInterval,
  type RateRatioLattice,
  updateLattice,
} from './rate-ratio-lattice.ts';
export {
  type ArmCounts,
  deficitLogE,
  dirichletLogMarginal,
  dirichletMultinomialLogE,
  sampleRatioLogE,
  updateDeficit,
  updateSampleRatio,
} from './sample-ratio.ts';
export { logBeta, logGamma, logSumExp } from './special.ts';
export {
  emptyStratifiedMean,
  type StratifiedMean,
  stratifiedMeanEstimate,
  type TwoArmMoments,
  updateStratifiedMean,
} from './stratified-mean.ts';
export {
  proportionInterval,
  type ShareInterval,
  thresholdLogE,
  thresholdPassLogE,
  truncatedBetaLogE,
} from './threshold.ts';
