import { FULL_WEIGHT } from '@rampart/flags';
import { designEffect, oneSidedMeanLogE, poissonLogE, poissonPassLogE, weightedAverageLogE } from '@rampart/stats';
import { type MetricBatch, UNKNOWN } from './arm-sums.ts';
import { limitOf, lineOf, type Side } from './line.ts';
import type { Method, MethodContext, SideEvidence } from './method.ts';
import { type Tally, total } from './tally.ts';

const WIDTH = UNKNOWN + 1;
/** Layout: observations of both arms and of treatment by user bucket; treatment's designed part of them; seconds; then events and seconds of the whole, compared with the baseline. */
const AT = { treatment: WIDTH, designed: 2 * WIDTH, seconds: 2 * WIDTH + 1, whole: 2 * WIDTH + 2 } as const;
const SIZE = 2 * WIDTH + 4;

/** Events of everyone, where that is what the batch shows: everyone is exposed, or the source knows no arms. */
function wholeOf(batch: MetricBatch): number | undefined {
  if (batch.unattributed !== undefined) return batch.unattributed;
  const everyone = batch.strata.filter((one) => one.stratum === FULL_WEIGHT && total(one.treatment.n) > 0);
  if (everyone.length === 0) return undefined;
  return total(
    [...everyone.map((one) => one.treatment), ...batch.targeted.map((one) => one.sums)].map((arm) => total(arm.n)),
  );
}

function increment(batch: MetricBatch, context: MethodContext): Tally {
  const sum = new Array<number>(SIZE).fill(0);
  const seconds = context.batchMs / 1000;
  const needsTime = context.check.limit.kind !== 'relative';
  for (const { stratum, treatment, control } of batch.strata) {
    if (stratum <= 0 || stratum >= FULL_WEIGHT || (needsTime && seconds === 0)) continue;
    for (let b = 0; b < WIDTH; b += 1) {
      sum[b] += treatment.n[b] + control.n[b];
      sum[AT.treatment + b] += treatment.n[b];
      sum[AT.designed] += ((treatment.n[b] + control.n[b]) * stratum) / FULL_WEIGHT;
    }
    sum[AT.seconds] = seconds;
  }
  const whole = wholeOf(batch);
  if (whole === undefined || seconds === 0) return sum;
  sum[AT.whole] += whole;
  sum[AT.whole + 1] += seconds;
  return sum;
}

type Split = {
  readonly x: number;
  readonly n: number;
  readonly share: number;
  readonly seconds: number;
  readonly effect: number;
};

function splitOf(tally: Tally, context: MethodContext): Split {
  const [both, ofTreatment] = [tally.slice(0, WIDTH), tally.slice(AT.treatment, AT.designed)];
  const n = total(both);
  const effect =
    both[UNKNOWN] > 0
      ? context.metric.designEffect
      : designEffect(both.slice(0, UNKNOWN), ofTreatment.slice(0, UNKNOWN));
  return { x: total(ofTreatment), n, share: tally[AT.designed] / n, seconds: tally[AT.seconds], effect };
}

/** Least observations, counted by users, that the normal approximation asks for. */
const LEAST_OBSERVATIONS = 50;
/** Smallest difference worth finding, as part of the designed share. */
const LEAST_EFFECT = 0.05;

/** Share of the split's observations that are treatment's, against the designed share times the limit's ratio: diurnal traffic cancels. */
function splitLogE(split: Split, side: Side, context: MethodContext): number {
  const { x, n, share, seconds, effect } = split;
  const limit = limitOf(context.check, side);
  if (limit.kind === 'absolute') return rateLogE(x, limit.value * seconds * share, effect, side, context);
  if (limit.kind !== 'relative' || n / effect < LEAST_OBSERVATIONS) return 0;
  const odds = (limit.ratio * share) / (1 - share);
  const line = odds / (1 + odds);
  const se = Math.sqrt((line * (1 - line) * effect) / n);
  const tau = Math.max(Math.abs(share - line), LEAST_EFFECT * share);
  const direction = (context.metric.harm === 'higher') === (side === 'fail') ? 'above' : 'below';
  return oneSidedMeanLogE({ delta: x / n, se, tau, nullDelta: line, direction });
}

function rateLogE(x: number, expected: number, effect: number, side: Side, context: MethodContext): number {
  return (side === 'fail' ? poissonLogE : poissonPassLogE)(x / effect, expected / effect, context.metric.harm);
}

/** The line for the whole: where there is no control to compare with, the baseline stands in for it (semantics §2). */
function wholeLine(side: Side, context: MethodContext): number | undefined {
  const { check, metric, baseline } = context;
  const limit = limitOf(check, side);
  const against = limit.kind === 'relative' ? ({ ...limit, reference: 'baseline' } as const) : limit;
  return lineOf({ ...check, limit: against, passLimit: against }, metric, side, baseline);
}

function evidence(tally: Tally, side: Side, context: MethodContext): SideEvidence {
  const split = splitOf(tally, context);
  const [whole, wholeSeconds] = tally.slice(AT.whole);
  const isSplit = split.share > 0 && split.n > 0;
  const counts = { treatmentCount: split.x + whole, controlCount: split.n - split.x };
  const validity = isSplit && tally[UNKNOWN] === 0 ? 'asymptotic' : 'assumes independent requests';
  const line = wholeLine(side, context);
  const isWhole = wholeSeconds > 0 && line !== undefined;
  if (!isSplit && !isWhole) {
    const insufficient = wholeSeconds > 0 ? 'a baseline of this metric' : 'a random split, or everyone exposed';
    return { ...counts, logE: 0, validity, insufficient };
  }
  const logE = weightedAverageLogE(
    [0.5, 0.5],
    [
      isSplit ? splitLogE(split, side, context) : 0,
      isWhole ? rateLogE(whole, line * wholeSeconds, context.metric.designEffect, side, context) : 0,
    ],
  );
  const value = wholeSeconds > 0 ? whole / wholeSeconds : split.x / (split.seconds * split.share);
  return { ...counts, logE, validity, ...(Number.isFinite(value) && { value }) };
}

/**
 * Observations per second, as if everyone were exposed. While there is a split, treatment's share of all observations (b1);
 * where everyone is exposed or the source knows no arms, the whole against its line (d1). The two e-processes are averaged.
 */
export const RATE_METHOD: Method = {
  name: 'share of traffic (b1) with design effect of users; Poisson rate (d1) of the whole',
  increment: (batch, _side, context) => increment(batch, context),
  evidence: (tally, side, context) =>
    evidence(tally.length === 0 ? new Array<number>(SIZE).fill(0) : tally, side, context),
};
