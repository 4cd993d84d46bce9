import type { Limit, Metric } from '../../plan.ts';
import {
  POISSON_TRIALS,
  poissonEventBank,
  rateRatioFailBank,
  rateRatioPassBank,
  thresholdEventBank,
} from './event-bank.ts';
import type { SideModel } from './evidence-model.ts';
import { scoreModel } from './score-model.ts';
import {
  ASSUMED_TAIL,
  assumedSpread,
  assumedVariance,
  baselineBounds,
  insideUnit,
  shareBeyond,
} from './values-of-metric.ts';

/** One side of a check before the start, with what is known of the traffic. */
export type SideSetting = {
  readonly metric: Metric;
  /** The limit of this side. */
  readonly limit: Exclude<Limit, { kind: 'count' }>;
  readonly side: 'fail' | 'pass';
  /** Today's value in the metric's unit. */
  readonly today?: number;
  /** Control observations for each one in treatment; 0: nobody is in control. */
  readonly controls: number;
  /** Observations the baseline is expected to rest on; absent: not known. */
  readonly baselineCount?: number;
};

/** Why a side has no model: something is not known yet, or there never will be any evidence. */
export type MissingModel = { readonly missing: string; readonly isHopeless: boolean };

/** A side's model, or why there is none. */
export type SideResult = SideModel | MissingModel;

const NO_CONTROL: MissingModel = {
  missing: 'nobody is in control at this percentage, and the limit compares with control',
  isHopeless: true,
};
const NOTHING_TO_COMPARE: MissingModel = {
  missing: 'at 0 today there are no events to compare; use a number or an amount, as "control + 0.5 %"',
  isHopeless: true,
};
const OUTSIDE: MissingModel = { missing: 'the limit is outside 0 to 100 % for this reference', isHopeless: true };
const FEW_EVENTS: MissingModel = { missing: 'its baseline will hold too few events to compare with', isHopeless: true };
/** Burn-in of means (statistics b1). */
const LEAST_OBSERVATIONS = 50;

/** Said where a forecast needs today's value. */
export function unknownValue(metric: Metric): MissingModel {
  return { missing: `give today's ${metric.name} to know how much evidence it needs`, isHopeless: false };
}

/** Whether this side looks for values above its line. */
function looksUp({ metric, side }: SideSetting): boolean {
  return (metric.harm === 'higher') === (side === 'fail');
}

/** Today's value; of a metric that is compared by ratio alone, any value serves. */
function todayOf({ metric, limit, today }: SideSetting): number | undefined {
  const isScaleFree = metric.kind === 'quantile' || metric.kind === 'rate' || metric.kind === 'count';
  return today ?? (isScaleFree && limit.kind === 'relative' && limit.offset === 0 ? 1 : undefined);
}

/** The line of a limit that needs no control, each side with the bound of the baseline that makes its claim harder. */
function lineOf(setting: SideSetting): number | undefined {
  const { limit, metric, baselineCount } = setting;
  if (limit.kind === 'absolute') return limit.value;
  const today = todayOf(setting);
  if (today === undefined) return undefined;
  const { low, high } = baselineBounds(metric, today, baselineCount);
  return limit.ratio * (looksUp(setting) ? high : low) + limit.offset;
}

function lineModel(setting: SideSetting): SideResult {
  const { metric } = setting;
  const line = lineOf(setting);
  if (line === undefined) return unknownValue(metric);
  const direction = looksUp(setting) ? 'above' : 'below';
  if (metric.kind === 'quantile') {
    const quantile = metric.quantile ?? 0.99;
    const bank = thresholdEventBank(1 - quantile, direction);
    const share = (value: number) => shareBeyond(line, value, quantile);
    return { models: [{ kind: 'events', bank, trials: () => 1, share }], parts: 1, why: ASSUMED_TAIL };
  }
  if (metric.kind === 'proportion') {
    if (line <= 0 || line >= 1) return OUTSIDE;
    const bank = thresholdEventBank(line, direction);
    return { models: [{ kind: 'events', bank, trials: () => 1, share: insideUnit }], parts: 1 };
  }
  const sign = looksUp(setting) ? 1 : -1;
  const gap = (value: number) => sign * (value - line);
  const deviation = (value: number) => Math.sqrt(Math.max(assumedVariance(metric, value), (0.05 * line) ** 2));
  const mean = { kind: 'normal', gap, deviation, tau: 0.2 * Math.abs(line), burnIn: () => LEAST_OBSERVATIONS } as const;
  return { models: [mean], parts: 1, why: assumedSpread(metric) };
}

/** Shares and quantiles against a ratio of control: the rate-ratio grid on bad events, or on those beyond matched cuts. */
function ratioModel(setting: SideSetting, ratio: number, today: number): SideResult {
  const { metric, controls, side } = setting;
  const quantile = metric.quantile ?? 0.99;
  const isQuantile = metric.kind === 'quantile';
  const bad = (value: number) => (isQuantile ? shareBeyond(ratio * today, value, quantile) : insideUnit(value));
  const ofControl = isQuantile ? 1 - quantile : insideUnit(today);
  const direction = looksUp(setting) ? 'higher' : 'lower';
  const isUp = metric.harm === 'higher';
  const margin = isUp ? Math.max(ratio, 1 / ratio) : Math.min(ratio, 1 / ratio);
  const bank =
    side === 'fail' || isQuantile
      ? rateRatioFailBank(isQuantile ? 1 : ratio, controls, direction)
      : rateRatioPassBank(ratio, controls, margin);
  const both = (value: number) => bad(value) + controls * ofControl;
  // Events that are not rare vary less than Poisson's, and the core's design effect takes that back.
  const rare = (value: number) => 1 - both(value) / (1 + controls);
  const trials = (value: number) => both(value) / rare(value);
  const share = (value: number) => insideUnit(bad(value) / both(value));
  return {
    models: [{ kind: 'events', bank, trials, share }],
    parts: 1,
    ...(isQuantile && { why: ASSUMED_TAIL }),
  };
}

/** Rates: treatment's share of all observations, against its designed share times the limit's ratio. */
function rateModel(setting: SideSetting): SideResult {
  const { limit, metric, controls } = setting;
  const today = todayOf(setting);
  if (today === 0 && limit.kind === 'relative' && limit.offset === 0) return NOTHING_TO_COMPARE;
  if (!today) return unknownValue(metric);
  const direction = looksUp(setting) ? 'above' : 'below';
  if (limit.kind === 'absolute' || controls === 0) {
    const line = lineOf(setting) ?? 0;
    if (line <= 0) return FEW_EVENTS;
    const trials = () => (line / today) * POISSON_TRIALS;
    const share = (value: number) => insideUnit(value / line / POISSON_TRIALS);
    return { models: [{ kind: 'events', bank: poissonEventBank(direction), trials, share }], parts: 2 };
  }
  const designed = 1 / (1 + controls);
  const line = limit.ratio / (limit.ratio + controls);
  const sign = looksUp(setting) ? 1 : -1;
  const rise = (value: number) => value / today;
  const gap = (value: number) => sign * (rise(value) / (rise(value) + controls) - line);
  const deviation = (value: number) => Math.sqrt((line * (1 - line)) / (rise(value) + controls));
  const tau = Math.max(Math.abs(designed - line), 0.05 * designed);
  return { models: [{ kind: 'normal', gap, deviation, tau, burnIn: () => LEAST_OBSERVATIONS * designed }], parts: 2 };
}

/**
 * Mean of `max(1, estimate)` of a design effect of 1 over 64 buckets, and of the larger of two such estimates, which a
 * comparison takes for its pass side. The fail side does not react to what chance explains.
 */
const CAUTION = { alone: 1.07, compared: 1.12 } as const;

/** How the evidence of one side of a check will grow, by the method that the core judges it with. */
export function sideModel(setting: SideSetting): SideResult {
  const { limit, metric, side } = setting;
  const model = modelOf(setting);
  if (side === 'fail' || metric.source !== 'telemetry' || 'missing' in model) return model;
  const isCompared = limit.kind === 'relative' && limit.reference === 'control';
  return { ...model, caution: isCompared ? CAUTION.compared : CAUTION.alone };
}

function modelOf(setting: SideSetting): SideResult {
  const { limit, metric, controls } = setting;
  if (metric.kind === 'rate' || metric.kind === 'count') return rateModel(setting);
  if (limit.kind !== 'relative' || limit.reference !== 'control') return lineModel(setting);
  if (controls === 0) return NO_CONTROL;
  const today = todayOf(setting);
  if (today === undefined) return unknownValue(metric);
  if (metric.kind === 'proportion' && today === 0 && limit.offset === 0) return NOTHING_TO_COMPARE;
  const isShare = metric.kind === 'proportion' || metric.kind === 'quantile';
  if (isShare && limit.offset === 0 && limit.ratio > 0 && today > 0) return ratioModel(setting, limit.ratio, today);
  return scoreModel({ ...setting, today, ratio: limit.ratio, offset: limit.offset, isUp: looksUp(setting) });
}
