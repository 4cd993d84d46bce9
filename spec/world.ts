import { binOf, type EvidenceSeries, type RolloutState, stageOf, weightOfEveryone } from '@rampart/rollout';

/** What one arm shows of one metric: totals over a step. Times are in seconds, money in USD. */
export type ArmEvidence = {
  readonly count: number;
  /** Sum of values; for proportions the bad events. */
  readonly sum?: number;
  /** Mean of the values, in place of `sum`. */
  readonly mean?: number;
  /** Standard deviation over mean, with `mean`. Default: 0.2. */
  readonly spread?: number;
  /** 99th percentile of a lognormal with `sigma` (default 0.3), for histograms. */
  readonly p99?: number;
  readonly sigma?: number;
};

/** Evidence of a step: metric → arm → totals. */
export type StepEvidence = Readonly<Record<string, Partial<Record<'treatment' | 'control' | 'targeted', ArmEvidence>>>>;

/** Normal quantile by Acklam's rational approximation (relative error below 1.2e-9): enough to lay out a histogram. */
export function normalQuantile(p: number): number {
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
  const poly = (q: number, k: readonly number[]) => k.reduce((sum, one) => sum * q + one, 0);
  if (p > 1 - 0.02425) return -normalQuantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return poly(q, c) / (poly(q, d) * q + 1);
  }
  const r = (p - 0.5) ** 2;
  return (poly(r, a) * (p - 0.5)) / (poly(r, b) * r + 1);
}

/** Bins of `to - from` of `count` evenly spaced quantiles of a lognormal: a sample without chance. */
function lognormalBins(
  arm: ArmEvidence,
  from: number,
  to: number,
  stride: number,
): readonly (readonly [number, number])[] {
  const bins = new Map<number, number>();
  const { p99 = 1, sigma = 0.3, count } = arm;
  for (let index = from; index < to; index += 1) {
    const rank = ((index * stride) % count) + 0.5;
    const bin = binOf(p99 * Math.exp(sigma * (normalQuantile(rank / count) - normalQuantile(0.99))));
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  return [...bins];
}

/** A stride that visits all of 0..count-1 in a scattered order. */
function strideOf(count: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let stride = Math.max(1, Math.floor(count * 0.618));
  while (gcd(stride, count) !== 1) stride += 1;
  return stride;
}

/** Part `index` of `parts` of an integer total, spread as evenly as integers can be. */
function part(total: number, index: number, parts: number): number {
  return Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts);
}

/** Series of one of `parts` equal parts of a step's evidence, in the stratum of the running stage, users unknown. */
export function seriesOf(
  evidence: StepEvidence,
  state: RolloutState,
  index: number,
  parts: number,
): readonly EvidenceSeries[] {
  const series: EvidenceSeries[] = [];
  const segmentWeight = stageOf(state)?.audience === undefined ? 0 : (stageOf(state)?.weight ?? 0);
  const stratum = weightOfEveryone(state.layers) || segmentWeight;
  for (const [metric, arms] of Object.entries(evidence)) {
    for (const [arm, totals] of Object.entries(arms) as [EvidenceSeries['arm'], ArmEvidence][]) {
      const count = part(totals.count, index, parts);
      const total = totals.sum ?? (totals.mean ?? 0) * totals.count;
      const [before, after] = [index, index + 1].map((end) => Math.floor((totals.count * end) / parts));
      // Control's events fall at other moments than treatment's, as they would.
      const shift = arm === 'control' ? 0.37 : 0;
      const due = (done: number) => Math.floor((total * done) / Math.max(1, totals.count) + shift);
      const sum =
        Number.isInteger(total) && totals.mean === undefined
          ? due(after) - due(before)
          : (total * count) / Math.max(1, totals.count);
      if (count === 0 && sum === 0) continue;
      const from = Math.floor((totals.count * index) / parts);
      const isShare = totals.mean === undefined;
      const mean = count === 0 ? 0 : sum / count;
      series.push({
        metric,
        arm,
        epoch: state.epoch,
        stratum: arm === 'targeted' ? 100_000 : stratum,
        bucket: [-1],
        count: [count],
        sum: [sum],
        sumSquares: [isShare ? sum : mean * mean * count * (1 + (totals.spread ?? 0.2) ** 2)],
        ...(totals.p99 !== undefined && { bins: [lognormalBins(totals, from, from + count, strideOf(totals.count))] }),
      });
    }
  }
  return series;
}
