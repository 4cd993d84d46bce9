import type { Check, Metric } from '../../plan.ts';
import { HOUR_MS, MINUTE_MS } from '../duration.ts';
import { scanChance } from './false-trip.ts';
import { letsThrough } from './pass-forecast.ts';
import { detectableRatio, excessOf, forecastFound, HARM_RATIOS, harmedValue, type Stretch } from './side-forecast.ts';
import { type SideResult, sideModel } from './side-model.ts';
import {
  baselineCount,
  controlsOf,
  effectOf,
  type Prospect,
  perHour,
  type StageTraffic,
  type Traffic,
  todayOf,
} from './traffic.ts';

/** What harm of one size would do until a check finds it, if it is there from the start. */
export type HarmForecast = {
  /** So many times today's value; where lower is worse, today's value divided by it. */
  readonly ratio: number;
  readonly value: number;
  /** The plan allows this much: it is within the limit. */
  readonly isAllowed: boolean;
  /** Chance that it is found before the end. */
  readonly chance: number;
  /** Where it is most likely found, and hours of exposure until then on average; `null`: not in time. */
  readonly foundIn: string | null;
  readonly hours: number | null;
  /**
   * Expected harm until it is found or the end: bad events beyond today's for shares and quantiles, events for counts and
   * rates, else the sum in the metric's unit. The time a batch takes is in it.
   */
  readonly excess: number;
  /** Observations of treatment until then, and the people who meet the excess, where users are known. */
  readonly observations: number;
  readonly people: number | null;
};

/** Smallest harm that is found in a stage with a chance of 80 %, in multiples of today and as a value. */
export type Detectable = { readonly ratio: number | null; readonly value: number };

/** Evidence waits so long for its batch to close, before it is judged. */
const BATCH_MS = MINUTE_MS;

/** Evidence a fail side needs: its share of α, and half of it on harm that starts late. */
export function failThreshold(alphaShare: number): number {
  return Math.log(1 / alphaShare) + Math.LN2;
}

/** The fail side of a check in a stage; `undefined` for a count limit, which has none. */
export function failSide(
  check: Check,
  metric: Metric,
  stage: StageTraffic,
  prospect: Prospect,
): SideResult | undefined {
  if (check.limit.kind === 'count') return undefined;
  const today = todayOf(metric, prospect.traffic);
  const count = baselineCount(metric, prospect);
  return sideModel({
    metric,
    limit: check.limit,
    side: 'fail',
    controls: controlsOf(metric, stage),
    ...(today !== undefined && { today }),
    ...(count !== undefined && { baselineCount: count }),
  });
}

/** The value to harm: today's, or any where only ratios count. `undefined`: not known. */
function baseOf(check: Check, metric: Metric, today: number | undefined): number | undefined {
  const { limit } = check;
  const isScaleFree = metric.kind === 'quantile' || metric.kind === 'rate';
  return today ?? (isScaleFree && limit.kind === 'relative' && limit.offset === 0 ? 1 : undefined);
}

/** What a check can find in one stage. */
export function detectableIn(
  check: Check,
  metric: Metric,
  stage: StageTraffic,
  prospect: Prospect,
  threshold: number,
): Detectable | null {
  const side = failSide(check, metric, stage, prospect);
  if (side === undefined || 'missing' in side) return null;
  const n = (perHour(metric, stage, prospect.traffic) * stage.hours) / effectOf(metric, prospect.traffic);
  const today = todayOf(metric, prospect.traffic);
  const base = baseOf(check, metric, today);
  // Without today's value, from the limit on: only the value can be told.
  const from = base || (check.limit.kind === 'absolute' ? check.limit.value : undefined);
  if (from === undefined) return null;
  const harmed = (ratio: number) => harmedValue(metric, from, ratio);
  const ratio = detectableRatio(side, harmed, n, threshold);
  if (!Number.isFinite(ratio)) return null;
  return { ratio: base ? ratio : null, value: harmed(ratio) };
}

/** Whether today's value breaks the limit already, so that a feature that changes nothing fails it. */
export function breaksToday(check: Check, metric: Metric, traffic: Traffic): boolean {
  const today = todayOf(metric, traffic);
  return today !== undefined && check.limit.kind !== 'count' && !isAllowed(check, metric, today, today);
}

function isAllowed(check: Check, metric: Metric, today: number, value: number): boolean {
  const { limit } = check;
  if (limit.kind === 'count') return false;
  const line = limit.kind === 'absolute' ? limit.value : limit.ratio * today + limit.offset;
  return metric.harm === 'higher' ? value <= line : value >= line;
}

function peopleOf(excess: number, metric: Metric, exposed: number | null): number | null {
  if (exposed === null || exposed <= 0 || metric.unit === 'USD' || metric.unit === 'tokens') return null;
  return exposed * -Math.expm1(-excess / exposed);
}

/** Harm of each size over stages that follow each other; nothing where today's value is not known. */
export function harmForecasts(
  check: Check,
  metric: Metric,
  stages: readonly StageTraffic[],
  prospect: Prospect,
  threshold: number,
): readonly HarmForecast[] {
  const today = baseOf(check, metric, todayOf(metric, prospect.traffic));
  if (!today || stages.every((stage) => perHour(metric, stage, prospect.traffic) === 0)) return [];
  return HARM_RATIOS.map((ratio) => {
    const value = harmedValue(metric, today, ratio);
    const reached = stagesReached(metric, stages, prospect, value);
    const hourly = reached.map((stage) => perHour(metric, stage, prospect.traffic));
    const found =
      check.limit.kind === 'count'
        ? countFound(check.limit, hourly, reached, ratio)
        : statisticallyFound(check, metric, reached, prospect, value, threshold);
    const allowed = isAllowed(check, metric, today, value);
    return harmOf(ratio, value, allowed, found, { metric, today, hourly, stages: reached, prospect });
  });
}

/** Parts of a stage's duration by which it is taken to last longer. */
const PARTS = 4;

/** A stage for as long as its gate holds a feature with this value back, at the longest until a person is asked. */
function stageHeld(metric: Metric, stage: StageTraffic, prospect: Prospect, value: number) {
  const own = stage.stage.gate.filter((check) => check.metric === metric.name);
  const longest = Math.max(stage.hours, (stage.stage.maxDurationMs ?? 0) / HOUR_MS);
  for (let hours = stage.hours; hours <= longest; hours += stage.hours / PARTS) {
    const longer = { ...stage, hours };
    if (own.every((check) => letsThrough(check, metric, longer, prospect, value))) {
      return { stage: longer, isLast: false };
    }
  }
  return { stage: { ...stage, hours: longest }, isLast: true };
}

/** The stages that a feature with this value goes through: it goes no further than a gate that never lets it through. */
function stagesReached(
  metric: Metric,
  stages: readonly StageTraffic[],
  prospect: Prospect,
  value: number,
): readonly StageTraffic[] {
  const reached: StageTraffic[] = [];
  for (const stage of stages) {
    // The last stage is asked for no pass, and a gate that is looked at by itself is judged as it stands.
    if (stage === stages.at(-1)) return [...reached, stage];
    const held = stageHeld(metric, stage, prospect, value);
    reached.push(held.stage);
    if (held.isLast) break;
  }
  return reached;
}

type Found = { readonly chances: readonly number[]; readonly perStretch: readonly number[] };

function statisticallyFound(
  check: Check,
  metric: Metric,
  stages: readonly StageTraffic[],
  prospect: Prospect,
  value: number,
  threshold: number,
): Found {
  const effect = effectOf(metric, prospect.traffic);
  const stretches = stages.map((stage): Stretch => {
    const side = failSide(check, metric, stage, prospect);
    const observations = (perHour(metric, stage, prospect.traffic) * stage.hours) / effect;
    return { side: side === undefined || 'missing' in side ? undefined : side, observations };
  });
  const found = forecastFound(stretches, value, threshold);
  return { ...found, perStretch: found.perStretch.map((n) => n * effect) };
}

/** A count limit fires at one more than it allows, within any window. */
function countFound(
  limit: { readonly count: number; readonly windowMs: number },
  hourly: readonly number[],
  stages: readonly StageTraffic[],
  ratio: number,
): Found {
  const windowHours = limit.windowMs / HOUR_MS;
  let alive = 1;
  const chances: number[] = [];
  const perStretch = stages.map(({ hours }, index) => {
    const events = (hourly[index] ?? 0) * ratio;
    const chance = scanChance(limit.count + 1, events * windowHours, hours / windowHours);
    const until = events > 0 ? Math.min(hours, Math.max(windowHours, (limit.count + 1) / events)) : hours;
    const sooner = events * windowHours > limit.count ? Math.min(hours, (limit.count + 1) / events) : until;
    const spent = alive * (chance * sooner + (1 - chance) * hours) * (hourly[index] ?? 0);
    alive *= 1 - chance;
    chances.push(1 - alive);
    return spent;
  });
  return { chances, perStretch };
}

type HarmSetting = {
  readonly metric: Metric;
  readonly today: number;
  readonly hourly: readonly number[];
  readonly stages: readonly StageTraffic[];
  readonly prospect: Prospect;
};

function harmOf(ratio: number, value: number, allowed: boolean, found: Found, setting: HarmSetting): HarmForecast {
  const { metric, today, hourly, stages, prospect } = setting;
  const { traffic, plan } = prospect;
  const chance = found.chances.at(-1) ?? 0;
  const at = found.chances.findIndex((one) => one >= chance / 2);
  const isFound = chance >= 0.5;
  const share = stages[isFound ? at : stages.length - 1]?.share ?? null;
  const lagMs = BATCH_MS * plan.timeScale + metric.lagMs;
  const late = (chance * lagMs * (hourly[at] ?? 0)) / HOUR_MS;
  const observations = found.perStretch.reduce((sum, one) => sum + one, 0) + late;
  const excess = observations * (metric.kind === 'count' ? ratio - 1 : excessOf(metric, today, value));
  const hours = found.perStretch.reduce((sum, one, index) => sum + (hourly[index] ? one / hourly[index] : 0), 0);
  return {
    ratio,
    value,
    isAllowed: allowed,
    chance,
    foundIn: isFound ? (stages[at]?.stage.name ?? null) : null,
    hours: isFound ? hours + lagMs / HOUR_MS : null,
    excess,
    observations,
    people: peopleOf(excess, metric, traffic.users === undefined || share === null ? null : traffic.users * share),
  };
}
