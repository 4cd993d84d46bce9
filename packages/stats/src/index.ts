export { type BaselineShare, baselineShareLogE } from './baseline-share.ts';
export { type BetaBinomialTuning, betaBinomialLogE } from './beta-binomial.ts';
export {
  type BucketBatch,
  type BucketScore,
  type BucketScoreEstimate,
  bucketScoreEstimate,
  bucketScoreEstimateIn,
  bucketScoreLogE,
  emptyBucketScore,
  type ScoreTest,
  scoreEstimateLogE,
  updateBucketScore,
} from './cluster.ts';
export { beyondChance, designEffect, designEffectIn, type ScoreResiduals, scoreDesignEffect } from './design-effect.ts';
export { bonferroniThreshold, closedTestingBlame, weightedAverageLogE } from './family.ts';
export {
  DEPLETION_LIMIT,
  emptyFirstEvents,
  type FirstEventBatch,
  type FirstEventEvidence,
  type FirstEvents,
  firstEventEvidence,
  joinFirstEvents,
  updateFirstEvents,
} from './first-events.ts';
export { type HarmCap, harmCap } from './harm-cap.ts';
export {
  betaQuantile,
  clopperPearsonLower,
  clopperPearsonUpper,
  logLowerIncompleteBeta,
  logUpperIncompleteBeta,
} from './incomplete-beta.ts';
export { type LiveRestart, lateOnsetLogE, liveOnsetLogE } from './late-onset.ts';
export {
  concurrentExposureLimit,
  type ErrorRates,
  gaussianLimit,
  harmLimit,
  thresholdExposureLimit,
} from './limits.ts';
export {
  bankAtLeast,
  bankAtMost,
  bankLogE,
  FAIL_LOG_WEIGHTS,
  type LinearBank,
  PASS_LOG_WEIGHTS,
  poissonBank,
  thresholdBank,
} from './linear-bank.ts';
export {
  bestTau,
  criticalDelta,
  type Direction,
  meanInterval,
  type NormalEstimate,
  normalAtMost,
  oneSidedMeanLogE,
  twoSidedMeanLogE,
} from './mean.ts';
export { BET_FRACTIONS, BET_WEIGHTS, type MeanBet, meanBetLogE, updateMeanBet } from './mean-betting.ts';
export { logNormalCdf, wallaceZ } from './normal.ts';
export { concurrentPassExposures, passExposures } from './pass-exposures.ts';
export { type HarmSide, poissonLogE, poissonPassLogE, truncatedGammaLogE } from './poisson.ts';
export { type CumulativeArm, type QuantileArm, quantileLogE, quantileRatioLogE } from './quantile.ts';
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
  type BaselineSlot,
  emptyReplay,
  type FrozenBaseline,
  frozenBaseline,
  isReplayOver,
  type Replay,
  type ReplayBatch,
  type ReplayPlan,
  updateReplay,
  WEEK_MINUTES,
} from './replay.ts';
export { emptySafe2x2, type Safe2x2, safe2x2Gain, safe2x2LogE, updateSafe2x2 } from './safe-2x2.ts';
export {
  type ArmCounts,
  deficitLogE,
  dirichletLogMarginal,
  dirichletMultinomialLogE,
  sampleRatioLogE,
  updateDeficit,
  updateSampleRatio,
} from './sample-ratio.ts';
export {
  emptyScoreBet,
  type ScoreBet,
  type ScoreNull,
  type ScoreUnit,
  scoreBetLogE,
  updateScoreBet,
  updateScoreBetCounts,
} from './score-betting.ts';
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
