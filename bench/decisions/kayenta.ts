import { shiftInterval, type Tallied, tally } from './mann-whitney.ts';
import type { Rule } from './rule.ts';
import { MINUTES, type Traffic } from './traffic.ts';

const INTERVAL = 60;
/** 99 % quantile of the normal distribution: confidence 0.98, two-sided. */
const CRITICAL = 2.3263478740408408;
const TOLERANCE = 0.25;
const LEAST_EFFECT = 1;

/**
 * Whether Kayenta would classify the experiment as High: the interval of the shift lies above a quarter of its estimate's
 * size, and the ratio of means is at least 1. Source: spinnaker/kayenta `MannWhitneyClassifier.scala`, `NetflixACAJudge.scala`
 * (confidence 0.98, tolerance 0.25, no outlier removal unless configured) at a69573b.
 */
export function isHigh(experiment: readonly number[], control: readonly number[]): boolean {
  const [x, y] = [tally(experiment), tally(control)];
  if (sameValues(x, y) || (x.values.length === 1 && y.values.length === 1 && x.values[0] === y.values[0])) return false;
  // Where both samples are constant and differ, Kayenta adds noise; then every value of one lies above every one of the other.
  if (x.values.length === 1 && y.values.length === 1) return x.values[0] > y.values[0];
  const { low, estimate } = shiftInterval(x, y, CRITICAL);
  const [meanX, meanY] = [mean(x), mean(y)];
  const effect = meanX === 0 || meanY === 0 ? Number.NaN : meanX / meanY;
  return low > TOLERANCE * Math.abs(estimate) && !(effect < LEAST_EFFECT);
}

function sameValues(x: Tallied, y: Tallied): boolean {
  return (
    x.values.length === y.values.length &&
    x.values.every((value, i) => value === y.values[i] && x.counts[i] === y.counts[i])
  );
}

function mean({ values, counts, size }: Tallied): number {
  return values.reduce((sum, value, i) => sum + value * counts[i], 0) / size;
}

/**
 * A canary stage with an interval of one hour and a growing window: error rates per minute of canary and of a baseline
 * deployment of the same size, the metric critical, so that the first High fails it.
 */
export function kayentaAbortsAfter({ nT, xT, nM, xM }: Traffic): number {
  const [experiment, control]: [number[], number[]] = [[], []];
  for (let end = INTERVAL; end <= MINUTES; end += INTERVAL) {
    for (let minute = end - INTERVAL; minute < end; minute += 1) {
      experiment.push(xT[minute] / nT[minute]);
      control.push(xM[minute] / nM[minute]);
    }
    if (isHigh(experiment, control)) return end;
  }
  return Number.POSITIVE_INFINITY;
}

/** Kayenta, hourly. */
export const KAYENTA: readonly Rule[] = [
  {
    key: 'kayentaHourly',
    name: 'Kayenta, hourly, growing window',
    isModel: false,
    abortsAfter: kayentaAbortsAfter,
  },
];
