import { type Check, check, pair } from './conformance.contract.ts';
import * as stats from './index.ts';

type Share = { x: number; n: number; p0: number; a: number; b: number; alpha: number };
type Limit = {
  p: number;
  p0: number;
  p1: number;
  r: number;
  control_per_treatment: number;
  alpha: number;
  beta?: number;
};
type Gaussian = { delta: number; varT: number; varC: number; control_per_treatment: number; alpha: number };

/** Shares and counts against a limit. */
export const shares: readonly Check[] = [
  check(/^(prop\.threshold\.grid|quantile\.exceedance)/, (i: Share) => stats.thresholdLogE(i.x, i.n, i.p0)),
  check(/^prop\.threshold\.beta/, (i: Share) => stats.truncatedBetaLogE(i.x, i.n, i.p0, i.a, i.b)),
  check(/^prop\.cs\.beta/, (i: Share) => pair(stats.proportionInterval(i.x, i.n, i.alpha, i.a, i.b))),
  check(/^prop\.cs\.clopper/, (i: { x: number; n: number; level: number }) =>
    stats.clopperPearsonUpper(i.x, i.n, i.level),
  ),
  check(/^count\.poisson_grid/, (i: { x: number; mu0: number }) => stats.poissonLogE(i.x, i.mu0, 'higher')),
  check(/^count\.poisson_gamma/, (i: { x: number; mu0: number; a: number; b: number }) =>
    stats.truncatedGammaLogE(i.x, i.mu0, i.a, i.b),
  ),
  check(/^harm\.cap/, (i: { B: number; xT: number; nT: number; xC: number; nC: number; level_each: number }) => {
    const cap = stats.harmCap(i, i.B, i.level_each);
    return {
      pT_upper: cap.treatmentUpper,
      pC_lower: cap.controlLower,
      delta_upper: cap.excessUpper,
      cap_total_exposures: cap.exposures,
    };
  }),
];

/** Special functions, and what no test can beat. */
export const numbers: readonly Check[] = [
  check(/^special\.log_beta/, (i: { a: number; b: number }) => stats.logBeta(i.a, i.b)),
  check(/^special\.log_ibeta_upper/, (i: { a: number; b: number; x: number }) =>
    stats.logUpperIncompleteBeta(i.a, i.b, i.x),
  ),
  check(/^special\.log_ndtr/, (i: { x: number }) => stats.logNormalCdf(i.x)),
  check(/^special\.wallace/, (i: { t: number[]; nu: number[] }) => i.t.map((t, j) => stats.wallaceZ(t, i.nu[j]!))),
  check(/^limit\.concurrent/, (i: Limit) =>
    stats.concurrentExposureLimit({ ...i, ratio: i.r, controlPerTreatment: i.control_per_treatment }),
  ),
  check(/^limit\.harm/, (i: { r: number[]; alpha: number }) =>
    i.r.map((ratio) => stats.harmLimit({ ratio, alpha: i.alpha })),
  ),
  check(/^limit\.mean/, (i: Gaussian) =>
    stats.gaussianLimit({
      ...i,
      varianceTreatment: i.varT,
      varianceControl: i.varC,
      controlPerTreatment: i.control_per_treatment,
    }),
  ),
  check(/^limit\.wald/, (i: Limit) => stats.thresholdExposureLimit(i)),
];
