import type { Check, Metric } from '../../plan.ts';
import { HOUR_MS } from '../duration.ts';
import { LIKELY, type Passing, passChance } from './side-forecast.ts';
import { type MissingModel, type SideResult, sideModel, unknownValue } from './side-model.ts';
import { baselineCount, controlsOf, effectOf, type Prospect, perHour, type StageTraffic, todayOf } from './traffic.ts';

/** The pass side of a check in a stage; `undefined` for a count limit, which has none. */
function passSide(check: Check, metric: Metric, stage: StageTraffic, prospect: Prospect): SideResult | undefined {
  const limit = check.passLimit ?? check.limit;
  if (limit.kind === 'count') return undefined;
  const today = todayOf(metric, prospect.traffic);
  const count = baselineCount(metric, prospect);
  return sideModel({
    metric,
    limit,
    side: 'pass',
    controls: controlsOf(metric, stage),
    ...(today !== undefined && { today }),
    ...(count !== undefined && { baselineCount: count }),
  });
}

/** The value to expect in treatment: today's; if it is not known the best there is, or any where only ratios count. */
function expectedOf(check: Check, metric: Metric, today: number | undefined): Expected | undefined {
  if (today !== undefined) return { value: today };
  const { passLimit = check.limit } = check;
  if (passLimit.kind === 'relative' && passLimit.offset === 0) return { value: 1 };
  if (metric.kind === 'quantile') return { value: LEAST_VALUE, why: 'at best, with nothing beyond the limit' };
  if (metric.kind !== 'proportion') return undefined;
  return { value: metric.harm === 'higher' ? 0 : 1, why: 'at best, with no bad event at all' };
}

type Expected = { readonly value: number; readonly why?: string };

const LEAST_VALUE = 1e-9;

/** What a pass is forecast from, or what is missing. */
export function passingOf(
  check: Check,
  metric: Metric,
  stage: StageTraffic,
  prospect: Prospect,
): (Passing & Why) | MissingModel {
  const side = passSide(check, metric, stage, prospect);
  if (side === undefined || 'missing' in side) return side ?? unknownValue(metric);
  const expected = expectedOf(check, metric, todayOf(metric, prospect.traffic));
  if (expected === undefined) return unknownValue(metric);
  const why = expected.why ?? side.why;
  return {
    side,
    value: expected.value,
    effect: effectOf(metric, prospect.traffic),
    threshold: Math.log(1 / prospect.plan.beta),
    ...(why !== undefined && { why }),
  };
}

type Why = { readonly why?: string };

/** Observations of treatment per hour, where they are known. */
export function hourlyOf(metric: Metric, stage: StageTraffic, { traffic }: Prospect): number | undefined {
  return stage.share === null ? undefined : perHour(metric, stage, traffic) || undefined;
}

/** Chance that a check has passed after so many hours of a stage; 1 where its time is not known. */
export function chanceAfter(
  check: Check,
  metric: Metric,
  stage: StageTraffic,
  prospect: Prospect,
  hours: number,
): number {
  if (check.limit.kind === 'count') return hours >= (check.limit.windowMs + metric.lagMs) / HOUR_MS ? 1 : 0;
  const passing = passingOf(check, metric, stage, prospect);
  if ('missing' in passing) return passing.isHopeless && !check.optional ? 0 : 1;
  const hourly = hourlyOf(metric, stage, prospect);
  return hourly === undefined ? 1 : passChance(passing, hourly * hours);
}

/** Whether a check is likely to pass in a stage as it stands; also where that is not known. */
export function passesInTime(check: Check, metric: Metric, stage: StageTraffic, prospect: Prospect): boolean {
  return chanceAfter(check, metric, stage, prospect, stage.hours) >= LIKELY;
}

/** Whether a check lets a feature with this value through when the stage's time is served, more likely than not. */
export function letsThrough(
  check: Check,
  metric: Metric,
  stage: StageTraffic,
  prospect: Prospect,
  value: number,
): boolean {
  if (check.limit.kind === 'count') return true;
  const passing = passingOf(check, metric, stage, prospect);
  const hourly = hourlyOf(metric, stage, prospect);
  if ('missing' in passing || hourly === undefined) return true;
  return passChance({ ...passing, value }, hourly * stage.hours) >= 0.5;
}
