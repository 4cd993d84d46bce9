import type { Rule } from './rule.ts';
import { MINUTES, type Traffic } from './traffic.ts';

/** 97.5 % quantile of the normal distribution. */
const CRITICAL = 1.959963984540054;
/** Prior of each arm's rate. */
const PRIOR = { a: 1, b: 1 } as const;

/** Distance of the posterior difference of two rates from 0 in posterior standard deviations, under flat priors. */
export function posteriorZ(xT: number, nT: number, xC: number, nC: number): number {
  const [mT, vT] = posterior(xT, nT);
  const [mC, vC] = posterior(xC, nC);
  return (mT - mC) / Math.sqrt(vT + vC);
}

function posterior(x: number, n: number): readonly [number, number] {
  const size = n + PRIOR.a + PRIOR.b;
  const mean = (x + PRIOR.a) / size;
  return [mean, (mean * (1 - mean)) / (size + 1)];
}

/**
 * Model of LaunchDarkly's guarded rollouts before 2026: roll back as soon as the 95 % credible interval of the difference
 * between two equal arms lies on the bad side of the threshold, here 0, at whatever look. The documentation
 * (launchdarkly.com/docs/home/releases/regression-detection) gave the rule and not its prior; flat priors are assumed here.
 */
export function launchDarklyAbortsAfter({ nT, xT, nM, xM }: Traffic): number {
  let [eT, rT, eC, rC] = [0, 0, 0, 0];
  for (let minute = 0; minute < MINUTES; minute += 1) {
    eT += xT[minute];
    rT += nT[minute];
    eC += xM[minute];
    rC += nM[minute];
    if (posteriorZ(eT, rT, eC, rC) > CRITICAL) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

/** The rule that LaunchDarkly's documentation described until 2026. */
export const LAUNCHDARKLY: readonly Rule[] = [
  {
    key: 'launchdarklyEarlier',
    name: 'LaunchDarkly, earlier (95 % credible interval > 0, each look)',
    isModel: true,
    abortsAfter: launchDarklyAbortsAfter,
  },
];
