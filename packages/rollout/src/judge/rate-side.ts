import { FULL_WEIGHT } from '@rampart/flags';
import {
  bankAtMost,
  bankLogE,
  designEffectIn,
  normalAtMost,
  oneSidedMeanLogE,
  poissonBank,
  weightedAverageLogE,
} from '@rampart/stats';
import type { Check, Metric } from '../plan.ts';
import type { Baseline } from '../verdict.ts';
import { limitOf, lineOf, type Side } from './line.ts';
import { type MetricBatch, UNKNOWN, WIDTH } from './prepared-batch.ts';
import { hoursKey, idleRhythmOf, type Rhythm, rhythmOf } from './rhythm.ts';
import type { FoldContext, Shown, SideJudge, Stream } from './side-judge.ts';
import { addAt, between, type Sums, since } from './tally.ts';

/** Layout: observations of both arms and of treatment by user bucket, totals of both; treatment's designed part of them; seconds; then of the whole, compared with the baseline, events, seconds, and seconds each as busy as its hour. */
const AT = {
  treatment: WIDTH,
  n: 2 * WIDTH,
  x: 2 * WIDTH + 1,
  designed: 2 * WIDTH + 2,
  seconds: 2 * WIDTH + 3,
  whole: 2 * WIDTH + 4,
} as const;
const SIZE = 2 * WIDTH + 7;

/**
 * Whether no events are none: of a kind whose more is harm while others arrive, and of any kind where the source says that
 * nobody came. A low rate is never taken from silence.
 */
function areZero({ isAlive, isIdle }: FoldContext, { harm }: Metric): boolean {
  return isIdle === true || (isAlive && harm === 'higher');
}

/** Events of everyone, where that is what the batch shows: everyone is exposed, or the source knows no arms. */
function wholeOf(batch: MetricBatch, { unattributed, ...context }: FoldContext, metric: Metric): number | undefined {
  if (unattributed !== undefined) return unattributed;
  let [sum, isEveryone] = [0, false];
  for (const { stratum, treatment } of batch.strata) {
    const n = stratum === FULL_WEIGHT ? treatment.totals.n : 0;
    isEveryone ||= n > 0;
    sum += n;
  }
  const areNone = context.isEveryone && areZero(context, metric);
  if (!isEveryone && !areNone) return undefined;
  for (const { sums } of batch.targeted) sum += sums.totals.n;
  return sum;
}

/** What part of the usual is expected in a batch. */
function busyOf({ idle, rhythm }: Hours, { isIdle, at }: FoldContext, { harm }: Metric, whole: number): number {
  return isIdle === true && whole === 0 && harm === 'lower' ? idle(at) : rhythm(at);
}

function streamOf(metric: Metric, needsTime: boolean, hours: Hours): Stream {
  return {
    key: `${metric.name} rate${needsTime ? ' in time' : ''}${hours.key}`,
    size: SIZE,
    add(into, batch, context) {
      const seconds = context.batchMs / 1000;
      let isSplit = false;
      for (const { stratum, treatment, control } of batch.strata) {
        if (stratum <= 0 || stratum >= FULL_WEIGHT || (needsTime && seconds === 0)) continue;
        isSplit = true;
        addAt(into, 0, treatment.n);
        addAt(into, 0, control.n);
        addAt(into, AT.treatment, treatment.n);
        const n = treatment.totals.n + control.totals.n;
        into[AT.n] += n;
        into[AT.x] += treatment.totals.n;
        into[AT.designed] += (n * stratum) / FULL_WEIGHT;
      }
      const areNone = needsTime && !context.isEveryone && areZero(context, metric);
      if (isSplit || areNone) into[AT.seconds] += seconds;
      const whole = wholeOf(batch, context, metric);
      if (whole === undefined || seconds === 0) return;
      into[AT.whole] += whole;
      into[AT.whole + 1] += seconds;
      into[AT.whole + 2] += seconds * busyOf(hours, context, metric, whole);
    },
  };
}

type Split = {
  readonly x: number;
  readonly n: number;
  readonly share: number;
  readonly seconds: number;
  readonly effect: number;
};

function splitOf(sums: Sums, metric: Metric): Split {
  const declared = sums[UNKNOWN] > 0 ? metric.designEffect : 1;
  const effect = Math.max(declared, designEffectIn(sums, 0, AT.treatment, UNKNOWN));
  const n = sums[AT.n];
  return { x: sums[AT.x], n, share: sums[AT.designed] / n, seconds: sums[AT.seconds], effect };
}

/** Least observations, counted by users, that the normal approximation asks for. */
const LEAST_OBSERVATIONS = 50;
/** Smallest difference worth finding, as part of the designed share. */
const LEAST_EFFECT = 0.05;
const BANKS = { above: poissonBank('above'), below: poissonBank('below') };

/** What a rate is held against. */
type RateLine = { readonly check: Check; readonly metric: Metric; readonly side: Side; readonly baseline?: Baseline };

function directionOf({ metric, side }: RateLine): 'above' | 'below' {
  return (metric.harm === 'higher') === (side === 'fail') ? 'above' : 'below';
}

/** A relative limit as a multiple of the reference; an amount beside it needs the baseline to become one. */
function ratioOf({ check, metric, side, baseline }: RateLine): number | undefined {
  const limit = limitOf(check, side);
  if (limit.kind !== 'relative' || limit.offset === 0) return limit.kind === 'relative' ? limit.ratio : undefined;
  const today = baseline?.metrics[metric.name]?.value;
  return today === undefined || today === 0 ? undefined : Math.max(0, limit.ratio + limit.offset / today);
}

/** Share of the split's observations that are treatment's, against the designed share times the limit's ratio: diurnal traffic cancels. */
function splitLogE(split: Split, of: RateLine): number {
  const { x, n, share, seconds, effect } = split;
  const limit = limitOf(of.check, of.side);
  if (limit.kind === 'absolute') return rateLogE(x, limit.value * seconds * share, effect, of);
  const ratio = ratioOf(of);
  if (ratio === undefined || n / effect < LEAST_OBSERVATIONS) return 0;
  const odds = (ratio * share) / (1 - share);
  const line = odds / (1 + odds);
  const se = Math.sqrt((line * (1 - line) * effect) / n);
  const tau = Math.max(Math.abs(share - line), LEAST_EFFECT * share);
  return oneSidedMeanLogE({ delta: x / n, se, tau, nullDelta: line, direction: directionOf(of) });
}

/** A bound of `splitLogE` for any design effect: more of it only means less evidence. */
function splitAtMost(sums: Sums, earlier: Sums | undefined, of: RateLine): number {
  const n = since(sums, AT.n, earlier);
  const share = since(sums, AT.designed, earlier) / n;
  if (!(n > 0 && share > 0)) return 0;
  const x = since(sums, AT.x, earlier);
  const limit = limitOf(of.check, of.side);
  if (limit.kind === 'absolute') {
    return bankAtMost(BANKS[directionOf(of)], x, limit.value * since(sums, AT.seconds, earlier) * share);
  }
  const ratio = ratioOf(of);
  if (ratio === undefined) return 0;
  const odds = (ratio * share) / (1 - share);
  const line = odds / (1 + odds);
  return normalAtMost(((directionOf(of) === 'above' ? 1 : -1) * (x - line * n)) / Math.sqrt(line * (1 - line) * n));
}

function rateLogE(x: number, expected: number, effect: number, of: RateLine): number {
  return bankLogE(BANKS[directionOf(of)], x / effect, expected / effect);
}

/** The line for the whole: where there is no control to compare with, the baseline stands in for it (semantics §2). */
function wholeLine({ check, metric, side, baseline }: RateLine): number | undefined {
  const limit = limitOf(check, side);
  const against = limit.kind === 'relative' ? ({ ...limit, reference: 'baseline' } as const) : limit;
  return lineOf({ ...check, limit: against, passLimit: against }, metric, side, baseline);
}

/** The rhythm of the baseline that the whole is held against, and what tells its sums from those of another. */
type Hours = { readonly rhythm: Rhythm; readonly idle: Rhythm; readonly key: string };

const EVEN: Hours = { rhythm: () => 1, idle: () => 1, key: '' };

function hoursOf({ check, metric, side, baseline }: RateLine): Hours {
  if (baseline === undefined || limitOf(check, side).kind !== 'relative') return EVEN;
  const own = baseline.metrics[metric.name];
  const rhythm = rhythmOf(metric, own);
  if (own === undefined || rhythm === undefined) return EVEN;
  return { rhythm, idle: idleRhythmOf(own), key: hoursKey(metric, baseline) };
}

/** Which parts the sums hold: a split of known shares, and a whole with a line to hold it against. */
function partsOf(sums: Sums, line: number | undefined) {
  const isSplit = sums[AT.designed] > 0 && sums[AT.n] > 0;
  return { isSplit, isWhole: sums[AT.whole + 1] > 0 && line !== undefined };
}

function shown(sums: Sums, of: RateLine): Shown {
  const split = splitOf(sums, of.metric);
  const [whole, wholeSeconds] = sums.slice(AT.whole);
  const { isSplit } = partsOf(sums, undefined);
  const value = wholeSeconds > 0 ? whole / wholeSeconds : split.x / (split.seconds * split.share);
  return {
    treatmentCount: split.x + whole,
    controlCount: split.n - split.x,
    validity: isSplit && sums[UNKNOWN] === 0 ? 'asymptotic' : 'assumes independent requests',
    ...(Number.isFinite(value) && { value }),
  };
}

/**
 * Observations per second, as if everyone were exposed. While there is a split, treatment's share of all observations (b1);
 * where everyone is exposed or the source knows no arms, the whole against its line (d1). The two e-processes are averaged.
 */
export function rateSide(of: RateLine): SideJudge {
  const line = wholeLine(of);
  const logE = (sums: Sums, earlier?: Sums): number => {
    const recent = between(sums, earlier);
    const { isSplit, isWhole } = partsOf(recent, line);
    if (!isSplit && !isWhole) return 0;
    const [whole, , busySeconds] = recent.slice(AT.whole);
    const { designEffect: declared } = of.metric;
    return weightedAverageLogE(
      [0.5, 0.5],
      [
        isSplit ? splitLogE(splitOf(recent, of.metric), of) : 0,
        isWhole && line !== undefined ? rateLogE(whole, line * busySeconds, declared, of) : 0,
      ],
    );
  };
  return {
    method: 'share of traffic (b1) with design effect of users; Poisson rate (d1) of the whole',
    stream: streamOf(of.metric, limitOf(of.check, of.side).kind !== 'relative', hoursOf(of)),
    lacks(sums) {
      const { isSplit, isWhole } = partsOf(sums, line);
      if (isSplit || isWhole) return undefined;
      return sums[AT.whole + 1] > 0 ? 'a baseline of this metric' : 'a random split, or everyone exposed';
    },
    logE,
    atMost(sums, earlier) {
      const ofSplit = splitAtMost(sums, earlier, of);
      const seconds = since(sums, AT.whole + 2, earlier);
      if (!(seconds > 0) || line === undefined) return ofSplit;
      return Math.max(ofSplit, bankAtMost(BANKS[directionOf(of)], since(sums, AT.whole, earlier), line * seconds));
    },
    count: (sums) => sums[AT.x] + sums[AT.whole],
    show: (sums) => shown(sums, of),
  };
}
