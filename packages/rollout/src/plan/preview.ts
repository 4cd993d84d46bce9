import { FULL_WEIGHT } from '@rampart/flags';
import type { Check, Metric, Plan, Stage } from '../plan.ts';
import { type CalendarState, calendarOpen } from './calendar.ts';
import { formatDuration, HOUR_MS } from './duration.ts';
import { type EvidenceNeeded, evidenceNeeded } from './evidence-needed.ts';
import { formatLimit, formatValue, pluralOf } from './format-limit.ts';

/** What is known of the traffic before the start. */
export type Traffic = {
  /** Requests (or queries) of everyone per day. */
  readonly requestsPerDay: number;
  /** Today's error rate, in [0, 1]. */
  readonly errorRate?: number;
  /** Today's value of each metric in its own unit; counts are events per day. */
  readonly baselines?: Readonly<Record<string, number>>;
  /** Other observations of everyone per day, by what one is: `user`, `session`. */
  readonly perDay?: Readonly<Record<string, number>>;
  /** Share of everyone that each audience is, in [0, 1]. */
  readonly audiences?: Readonly<Record<string, number>>;
};

/** What one gate check of a stage is expected to need. */
export type CheckPreview = Omit<EvidenceNeeded, 'hours'> & {
  readonly metric: string;
  /** The limit for people: `1 %`, `1.5x control`. */
  readonly limit: string;
  readonly expected?: number;
  /** Hours until a pass at this stage's traffic; `null`: not known, or never. */
  readonly hoursNeeded: number | null;
  /** Said when the stage is too short for a pass, or a pass cannot happen. */
  readonly warning?: string;
};

/** One stage of a preview. */
export type StagePreview = {
  readonly name: string;
  readonly audience?: string;
  /** Earliest instants (epoch ms) with the calendar kept; `null`: never, or permanent. */
  readonly startsAt: number | null;
  readonly endsAt: number | null;
  /** Share of everyone that is exposed, in [0, 1]; `null`: the audience's size is not known. */
  readonly share: number | null;
  readonly requestsPerDay: number | null;
  readonly checks: readonly CheckPreview[];
  readonly warnings: readonly string[];
};

/** What a plan would do at best, before anyone starts it. */
export type PlanPreview = {
  readonly flag: string;
  readonly startAt: number;
  readonly stages: readonly StagePreview[];
  /** The warnings of all stages. */
  readonly warnings: readonly string[];
};

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

function expectedOf(metric: Metric, traffic: Traffic): number | undefined {
  const today = traffic.baselines?.[metric.name];
  return today ?? (metric.name === 'errorRate' ? traffic.errorRate : undefined);
}

/** Observations of everyone per day for a metric. */
function dailyOf(metric: Metric, traffic: Traffic): number | undefined {
  const other = traffic.perDay?.[metric.per];
  const isRequest = metric.per === 'request' || metric.per === 'query';
  return other ?? (isRequest ? traffic.requestsPerDay : undefined);
}

function hoursNeeded(needed: EvidenceNeeded, daily: number | undefined, share: number | null): number | null {
  if (needed.hours !== undefined) return needed.hours;
  if (needed.observations === null || daily === undefined || share === null || daily * share <= 0) return null;
  return (needed.observations / (daily * share)) * 24;
}

/** The sentence that says a stage is too short: "at 0.5 % you will see 500 requests a day; a pass needs 1,300; 2.6 days". */
function shortfall(stage: Stage, metric: Metric, needed: EvidenceNeeded, hours: number, perDay: number): string {
  const days = `${tenth.format(hours / 24)} days`;
  const lasts = stage.durationMs === null ? '' : `, but the stage lasts ${formatDuration(stage.durationMs)}`;
  if (needed.observations === null) return `${stage.name}: ${metric.name} needs ${days} for a pass${lasts}`;
  const share = formatValue(stage.weight / FULL_WEIGHT, 'ratio');
  const unit = pluralOf(metric.per);
  const seen = `at ${share} you will see ${whole.format(perDay)} ${unit} a day`;
  return `${stage.name}: ${metric.name}: ${seen}; a pass needs ${whole.format(needed.observations)}; ${days}${lasts}`;
}

function previewCheck(
  check: Check,
  stage: Stage,
  share: number | null,
  plan: Plan,
  traffic: Traffic,
): CheckPreview | undefined {
  const metric = plan.metrics[check.metric];
  if (!metric) return undefined;
  const expected = expectedOf(metric, traffic);
  const today = expected === undefined ? {} : { expected };
  const { hours: least, ...needed } = evidenceNeeded(check, metric, { ...today, share: share || 1, beta: plan.beta });
  const daily = dailyOf(metric, traffic);
  const hours = hoursNeeded(least === undefined ? needed : { ...needed, hours: least }, daily, share);
  const limit = formatLimit(check.limit, metric);
  const isShort = hours !== null && stage.durationMs !== null && hours * HOUR_MS > stage.durationMs;
  const beyond = `${stage.name}: ${metric.name} is expected at ${formatValue(expected ?? 0, metric.unit, 3)}, beyond its limit ${limit}: it cannot pass`;
  const short = isShort ? shortfall(stage, metric, needed, hours, (daily ?? 0) * (share ?? 0)) : undefined;
  const warning = needed.isBeyond ? beyond : short;
  return { metric: check.metric, limit, ...today, ...needed, hoursNeeded: hours, ...(warning ? { warning } : {}) };
}

/** Share of everyone exposed in a stage; earlier stages stay in. */
function shareOf(stage: Stage, before: number, traffic: Traffic): number | null {
  const fraction = stage.weight / FULL_WEIGHT;
  if (stage.audience === undefined) return fraction;
  const size = traffic.audiences?.[stage.audience];
  return size === undefined ? null : before + size * Math.max(0, fraction - before);
}

/**
 * What `plan` would do at best when started at `startAt` (epoch ms): earliest dates with its calendar kept, requests in
 * treatment, and the evidence each gate needs for a pass if treatment behaves as today.
 */
export function previewPlan(plan: Plan, traffic: Traffic, startAt: number): PlanPreview {
  const stages: StagePreview[] = [];
  let next: number | null = startAt;
  let everyone = 0;
  for (const stage of plan.stages) {
    const calendar: CalendarState | undefined = next === null ? undefined : calendarOpen(plan.calendar, next);
    const startsAt: number | null = calendar?.open ? next : (calendar?.reopensAt ?? null);
    const endsAt: number | null = startsAt === null || stage.durationMs === null ? null : startsAt + stage.durationMs;
    const share = shareOf(stage, everyone, traffic);
    if (stage.audience === undefined) everyone = stage.weight / FULL_WEIGHT;
    const checks = stage.gate.flatMap((check) => previewCheck(check, stage, share, plan, traffic) ?? []);
    stages.push({
      name: stage.name,
      ...(stage.audience === undefined ? {} : { audience: stage.audience }),
      startsAt,
      endsAt,
      share,
      requestsPerDay: share === null ? null : traffic.requestsPerDay * share,
      checks,
      warnings: checks.flatMap(({ warning }) => warning ?? []),
    });
    next = endsAt;
  }
  return { flag: plan.flag, startAt, stages, warnings: stages.flatMap(({ warnings }) => warnings) };
}
