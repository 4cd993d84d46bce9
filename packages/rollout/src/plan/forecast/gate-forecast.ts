import type { Check, Metric } from '../../plan.ts';
import type { Validity } from '../../verdict.ts';
import { alphaShareOf } from '../alpha-share.ts';
import { HOUR_MS } from '../duration.ts';
import { formatLimit } from '../format-limit.ts';
import { methodRule, validityOf } from './check-method.ts';
import { scanChance } from './false-trip.ts';
import { type Detectable, detectableIn, failThreshold, type HarmForecast, harmForecasts } from './harm-forecast.ts';
import { hourlyOf, passingOf } from './pass-forecast.ts';
import { passChance, passObservations } from './side-forecast.ts';
import { type Prospect, perHour, type StageTraffic, todayOf } from './traffic.ts';

/** What one gate check of a stage is expected to need, and what it would find. */
export type CheckPreview = {
  readonly check: string;
  readonly metric: string;
  /** The limit for people: `1 %`, `1.5x control`. */
  readonly limit: string;
  /** Today's value. */
  readonly expected?: number;
  readonly method: string;
  readonly validity: Validity;
  /** Observations in treatment until a pass, on average; `null`: not counted in observations, not known, or never. */
  readonly observations: number | null;
  /** Observations after which four of five have passed. */
  readonly likelyObservations: number | null;
  /** Hours until a pass at this stage's traffic, on average and for four of five; `null`: not known, or never. */
  readonly hoursNeeded: number | null;
  readonly hoursLikely: number | null;
  /** Chance to have passed when the stage's time is served; `null`: not known. */
  readonly passChance: number | null;
  /** It cannot pass, however long the stage: the expected value is too near the limit or beyond, or it has nothing to compare with. */
  readonly isImpossible: boolean;
  /** The expected value lies beyond the limit. */
  readonly isBeyond: boolean;
  /** What the numbers assume, or why there are none. */
  readonly why?: string;
  /** At most this chance to fail a harmless feature. */
  readonly alpha: number;
  readonly detectable: Detectable | null;
  /** Harm that begins with the stage, until this check finds it or the stage ends. */
  readonly harms: readonly HarmForecast[];
};

type PassPart = Pick<
  CheckPreview,
  'observations' | 'likelyObservations' | 'hoursNeeded' | 'hoursLikely' | 'passChance' | 'isImpossible' | 'why'
>;

const UNKNOWN: PassPart = {
  observations: null,
  likelyObservations: null,
  hoursNeeded: null,
  hoursLikely: null,
  passChance: null,
  isImpossible: false,
};
const TOO_CLOSE = 'too close to the limit to pass in any time';

function countPass(check: Check, metric: Metric, stage: StageTraffic, { traffic }: Prospect): PassPart {
  const { limit } = check;
  if (limit.kind !== 'count') return UNKNOWN;
  const hours = limit.windowMs / HOUR_MS;
  const hoursNeeded = hours + metric.lagMs / HOUR_MS;
  const mean = perHour(metric, stage, traffic) * hours;
  const quiet = 1 - scanChance(limit.count + 1, mean, stage.hours / hours);
  const why = 'a whole window at or below the limit';
  const passChance = stage.hours < hoursNeeded ? 0 : mean > 0 ? quiet : null;
  return { ...UNKNOWN, hoursNeeded, hoursLikely: hoursNeeded, passChance, why };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** What has to be told beside the requests before times can be known. */
function unknownTraffic(metric: Metric, { stage, share }: StageTraffic, { traffic }: Prospect): string | undefined {
  if (share === null) return `give the share of everyone that ${stage.audience} is (--audience) to know its times`;
  const isUnknown = metric.per === 'user' && (traffic.perDay?.user ?? traffic.users) === undefined;
  return isUnknown ? 'give the users per day (--users) to know its times' : undefined;
}

function both<One extends string | undefined>(one: One, other: string | undefined): One | string {
  if (other === undefined) return one;
  return one === undefined ? other : `${one}; ${other}`;
}

function statisticalPass(check: Check, metric: Metric, stage: StageTraffic, prospect: Prospect): PassPart {
  const passing = passingOf(check, metric, stage, prospect);
  const unknown = unknownTraffic(metric, stage, prospect);
  if ('missing' in passing) {
    // What is optional and cannot be measured is left out; all else is waited for.
    const isImpossible = passing.isHopeless && !check.optional;
    return { ...UNKNOWN, isImpossible, why: isImpossible ? passing.missing : both(passing.missing, unknown) };
  }
  const { mean, likely } = passObservations(passing);
  const hourly = hourlyOf(metric, stage, prospect);
  const why = Number.isFinite(mean) ? both(passing.why, unknown) : TOO_CLOSE;
  return {
    observations: finite(Math.ceil(mean)),
    likelyObservations: finite(Math.ceil(likely)),
    hoursNeeded: hourly === undefined ? null : finite(mean / hourly),
    hoursLikely: hourly === undefined ? null : finite(likely / hourly),
    passChance: hourly === undefined ? null : passChance(passing, hourly * stage.hours),
    isImpossible: !Number.isFinite(likely),
    ...(why !== undefined && { why }),
  };
}

function isBeyond(check: Check, metric: Metric, today: number | undefined): boolean {
  const limit = check.passLimit ?? check.limit;
  if (today === undefined || limit.kind === 'count') return false;
  // Nothing is no multiple of nothing: there is no side of the limit to be on.
  if (today === 0 && limit.kind === 'relative' && limit.offset === 0) return false;
  const line = limit.kind === 'absolute' ? limit.value : limit.ratio * today + limit.offset;
  return metric.harm === 'higher' ? today >= line : today <= line;
}

/** The forecast of one gate check in a stage. */
export function forecastCheck(check: Check, metric: Metric, stage: StageTraffic, prospect: Prospect): CheckPreview {
  const today = todayOf(metric, prospect.traffic);
  const alpha = alphaShareOf(check, prospect.plan);
  const beyond = isBeyond(check, metric, today);
  const threshold = failThreshold(alpha);
  const passOf = check.limit.kind === 'count' ? countPass : statisticalPass;
  const pass = beyond
    ? { ...UNKNOWN, isImpossible: true, why: 'the expected value is beyond the limit already' }
    : passOf(check, metric, stage, prospect);
  return {
    check: check.id,
    metric: check.metric,
    limit: formatLimit(check.limit, metric),
    ...(today !== undefined && { expected: today }),
    method: methodRule(check.limit, metric).method,
    validity: validityOf(check.limit, metric),
    ...pass,
    isBeyond: beyond,
    alpha: check.limit.kind === 'count' ? 0 : alpha,
    detectable: detectableIn(check, metric, stage, prospect, threshold),
    harms: harmForecasts(check, metric, [stage], prospect, threshold),
  };
}
