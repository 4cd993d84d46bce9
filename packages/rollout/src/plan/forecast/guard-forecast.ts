import type { Check, KillTrip, Metric, Tier } from '../../plan.ts';
import type { Validity } from '../../verdict.ts';
import { alphaShareOf } from '../alpha-share.ts';
import { HOUR_MS, MINUTE_MS } from '../duration.ts';
import { formatLimit } from '../format-limit.ts';
import { methodRule, validityOf } from './check-method.ts';
import { normalRuleChance, scanChance, shareRuleChance } from './false-trip.ts';
import {
  breaksToday,
  type Detectable,
  detectableIn,
  failThreshold,
  type HarmForecast,
  harmForecasts,
} from './harm-forecast.ts';
import { type Prospect, perHour, type StageTraffic, todayOf } from './traffic.ts';
import { assumedVariance, shareBeyond } from './values-of-metric.ts';

/** An abort criterion or a kill trip over the whole plan. */
export type GuardPreview = {
  readonly check: string;
  readonly tier: Tier;
  readonly metric: string;
  readonly limit: string;
  readonly expected?: number;
  /** Today's value is beyond the limit: a harmless feature is stopped as soon as there is evidence enough. */
  readonly isBeyond: boolean;
  readonly method: string;
  readonly validity: Validity;
  /** At most this chance that its comparison fails a harmless feature; 0 for a plain rule alone. */
  readonly alpha: number;
  /** Chance that its plain rule trips a harmless feature, by stage; `null`: today's value or the traffic is not known. */
  readonly plainRule: readonly { readonly stage: string; readonly chance: number }[] | null;
  /** What it can find in each stage. */
  readonly detectable: readonly { readonly stage: string; readonly found: Detectable | null }[];
  /** Harm that is there from the first stage. */
  readonly harms: readonly HarmForecast[];
};

const BATCH_MS = MINUTE_MS;

function isTrip(check: Check): check is KillTrip {
  return 'minSample' in check;
}

/** The line of a plain rule; a baseline's bound is not known yet, so that it stands for its value. */
function lineOf({ limit }: Check, today: number): number | undefined {
  if (limit.kind === 'absolute') return limit.value;
  return limit.kind === 'relative' && limit.reference === 'baseline' ? limit.ratio * today + limit.offset : undefined;
}

function tripChance(trip: KillTrip, metric: Metric, today: number, hourly: number, stage: StageTraffic): number {
  const line = lineOf(trip, today);
  // The rule has nothing to say on rates, counts and comparisons with control.
  if (line === undefined || metric.kind === 'rate' || metric.kind === 'count') return 0;
  const windowHours = trip.windowMs / HOUR_MS;
  const perWindow = hourly * windowHours;
  const windows = stage.hours / windowHours;
  const looks = Math.max(1, Math.round(trip.windowMs / BATCH_MS));
  const rule = { perWindow, minSample: trip.minSample, looks, windows };
  if (metric.kind === 'quantile') {
    const quantile = metric.quantile ?? 0.99;
    return shareRuleChance({ ...rule, share: shareBeyond(line, today, quantile), limit: 1 - quantile });
  }
  if (metric.kind === 'proportion' && metric.harm === 'higher')
    return shareRuleChance({ ...rule, share: today, limit: line });
  if (perWindow < trip.minSample) return 0;
  const variance = metric.kind === 'proportion' ? today * (1 - today) : assumedVariance(metric, today);
  return normalRuleChance(Math.abs(line - today) / Math.sqrt(variance / perWindow), windows);
}

/** Chance that a check's plain rule trips a harmless feature within a stage. */
function plainChance(check: Check, metric: Metric, today: number, stage: StageTraffic, prospect: Prospect): number {
  const hourly = perHour(metric, stage, prospect.traffic);
  const { limit } = check;
  if (limit.kind === 'count') {
    const windowHours = limit.windowMs / HOUR_MS;
    return scanChance(limit.count + 1, hourly * windowHours, stage.hours / windowHours);
  }
  return isTrip(check) ? tripChance(check, metric, today, hourly, stage) : 0;
}

function plainRuleOf(check: Check, metric: Metric, stages: readonly StageTraffic[], prospect: Prospect) {
  if (check.limit.kind !== 'count' && !isTrip(check)) return [];
  const today = todayOf(metric, prospect.traffic);
  const isKnown = today !== undefined && stages.some((stage) => perHour(metric, stage, prospect.traffic) > 0);
  if (!isKnown) return null;
  return stages.map((stage) => ({
    stage: stage.stage.name,
    chance: plainChance(check, metric, today, stage, prospect),
  }));
}

/** The forecast of one abort criterion or kill trip over all stages. */
export function forecastGuard(
  check: Check,
  metric: Metric,
  stages: readonly StageTraffic[],
  prospect: Prospect,
): GuardPreview {
  const alpha = alphaShareOf(check, prospect.plan);
  const threshold = failThreshold(alpha);
  const today = todayOf(metric, prospect.traffic);
  return {
    check: check.id,
    tier: check.tier,
    metric: check.metric,
    limit: formatLimit(check.limit, metric),
    ...(today !== undefined && { expected: today }),
    isBeyond: breaksToday(check, metric, prospect.traffic),
    method: methodRule(check.limit, metric).method,
    validity: validityOf(check.limit, metric),
    alpha: check.limit.kind === 'count' ? 0 : alpha,
    plainRule: plainRuleOf(check, metric, stages, prospect),
    detectable: stages.map((stage) => ({
      stage: stage.stage.name,
      found: detectableIn(check, metric, stage, prospect, threshold),
    })),
    harms: harmForecasts(check, metric, stages, prospect, threshold),
  };
}
