import { FULL_WEIGHT } from '@rampart/flags';
import type { Check, Metric, Plan, Stage } from '../plan.ts';
import { formatDuration, formatElapsed, SECOND_MS } from './duration.ts';
import { nextOpening, type StageLength, stageLength } from './forecast/calendar-forecast.ts';
import { anyOf, type FalseAborts, falseAborts } from './forecast/false-aborts.ts';
import { type CheckPreview, forecastCheck } from './forecast/gate-forecast.ts';
import { forecastGuard, type GuardPreview } from './forecast/guard-forecast.ts';
import { LIKELY } from './forecast/side-forecast.ts';
import { type StageProposal, stageProposal } from './forecast/stage-changes.ts';
import { type Prospect, perHour, type StageTraffic, type Traffic, trafficOfStages } from './forecast/traffic.ts';
import { formatValue, pluralOf } from './format-limit.ts';

/** One gate check of a stage, with what is doubtful about it. */
export type GatePreview = CheckPreview & {
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
  /** The same with the time that gates are expected to take; `null`: never, permanent, or a person has to decide before. */
  readonly expectedStartsAt: number | null;
  readonly expectedEndsAt: number | null;
  /** Set where a person has to decide, after so long in the stage. */
  readonly askedAfterMs?: number;
  /** Share of everyone that is exposed, in [0, 1]; `null`: the audience's size is not known. */
  readonly share: number | null;
  readonly requestsPerDay: number | null;
  readonly checks: readonly GatePreview[];
  /** What would let the gate tell in time; absent where it can. */
  readonly proposal?: StageProposal;
  readonly warnings: readonly string[];
};

/** What a plan would do, before anyone starts it. */
export type PlanPreview = {
  readonly flag: string;
  readonly startAt: number;
  /** When everyone has the feature, at best and as expected; `null`: never, or a person has to decide before. */
  readonly gaAt: { readonly best: number | null; readonly expected: number | null };
  readonly stages: readonly StagePreview[];
  /** Abort criteria and kill trips over the whole plan. */
  readonly guards: readonly GuardPreview[];
  readonly falseAborts: FalseAborts;
  /** The warnings of all stages and guards. */
  readonly warnings: readonly string[];
};

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
/** A plain rule that trips a harmless feature more often than this is doubtful. */
const OFTEN = 0.05;

/** Hours of waiting for people: `12 minutes`, `7.7 hours`, `2.6 days`, `41 years`. */
function waitText(hours: number): string {
  if (hours < 1) return `${whole.format(Math.ceil(hours * 60))} minutes`;
  if (hours < 24) return `${tenth.format(hours)} hours`;
  const years = hours / 24 / 365;
  return years < 2 ? `${tenth.format(hours / 24)} days` : `${whole.format(years)} years`;
}

/** A duration as written; one that a time scale made odd, in round words. */
function lengthText(durationMs: number): string {
  return durationMs >= SECOND_MS && durationMs % SECOND_MS !== 0
    ? formatElapsed(durationMs)
    : formatDuration(durationMs);
}

/** The sentence that says a stage is too short: "at 0.5 % you will see 500 requests a day; a pass needs 1,300; 2.6 days". */
function shortfall(stage: Stage, metric: Metric, check: CheckPreview, perDay: number): string | undefined {
  const { hoursLikely, likelyObservations, passChance } = check;
  if (hoursLikely === null || stage.durationMs === null) return undefined;
  if (passChance === null || passChance >= LIKELY) return undefined;
  const days = waitText(hoursLikely);
  const lasts = `but the stage lasts ${lengthText(stage.durationMs)}`;
  if (likelyObservations === null || metric.kind === 'count') {
    return `${stage.name}: ${metric.name} needs ${days} for a likely pass, ${lasts}`;
  }
  const share = formatValue(stage.weight / FULL_WEIGHT, 'ratio');
  const seen = `at ${share} you will see ${whole.format(perDay)} ${pluralOf(metric.per)} a day`;
  return `${stage.name}: ${metric.name}: ${seen}; a likely pass needs ${whole.format(likelyObservations)}; ${days}, ${lasts}`;
}

function warningOf(stage: StageTraffic, metric: Metric, check: CheckPreview, traffic: Traffic): string | undefined {
  const name = `${stage.stage.name}: ${metric.name}`;
  if (check.isBeyond) {
    const today = formatValue(check.expected ?? 0, metric.unit, 3);
    return `${name} is expected at ${today}, beyond its limit ${check.limit}: it cannot pass`;
  }
  // Nobody asks a permanent stage to pass.
  if (stage.stage.durationMs === null) return undefined;
  if (check.isImpossible) return `${name} cannot pass: ${check.why}`;
  return shortfall(stage.stage, metric, check, perHour(metric, stage, traffic) * 24);
}

function previewCheck(check: Check, stage: StageTraffic, prospect: Prospect): readonly GatePreview[] {
  const metric = prospect.plan.metrics[check.metric];
  if (!metric) return [];
  const forecast = forecastCheck(check, metric, stage, prospect);
  const warning = warningOf(stage, metric, forecast, prospect.traffic);
  return [{ ...forecast, ...(warning !== undefined && { warning }) }];
}

/** When a stage begins and ends: earliest, and as expected. */
type Dates = Pick<StagePreview, 'startsAt' | 'endsAt' | 'expectedStartsAt' | 'expectedEndsAt'>;

function datesOf({ durationMs }: Stage, length: StageLength, before: Dates, { calendar }: Plan): Dates {
  const startsAt = nextOpening(calendar, before.endsAt);
  const expectedStartsAt = nextOpening(calendar, before.expectedEndsAt);
  const isExpected = expectedStartsAt !== null && durationMs !== null && length.expectedMs !== null;
  return {
    startsAt,
    endsAt: startsAt === null || durationMs === null ? null : startsAt + durationMs,
    expectedStartsAt,
    expectedEndsAt: isExpected ? expectedStartsAt + (length.expectedMs ?? 0) : null,
  };
}

function previewStage(traffic: StageTraffic, index: number, before: Dates, prospect: Prospect): StagePreview {
  const { stage, share } = traffic;
  const checks = stage.gate.flatMap((check) => previewCheck(check, traffic, prospect));
  const length = stage.durationMs === null ? { expectedMs: null } : stageLength(traffic, stage.durationMs, prospect);
  const proposal = stage.durationMs === null ? undefined : stageProposal(stage, index, prospect);
  return {
    name: stage.name,
    ...(stage.audience === undefined ? {} : { audience: stage.audience }),
    ...datesOf(stage, length, before, prospect.plan),
    ...(length.askedAfterMs !== undefined && { askedAfterMs: length.askedAfterMs }),
    share,
    requestsPerDay: share === null ? null : prospect.traffic.requestsPerDay * share,
    checks,
    ...(proposal && { proposal }),
    warnings: checks.flatMap(({ warning }) => warning ?? []),
  };
}

function guardWarning(
  { metric, limit, tier, expected, isBeyond, plainRule }: GuardPreview,
  plan: Plan,
): readonly string[] {
  const unit = plan.metrics[metric]?.unit ?? 'value';
  if (isBeyond && expected !== undefined) {
    const what = tier === 'kill' ? 'the kill switch will be tripped' : 'the rollout will be aborted';
    return [`${metric}: ${what}: today's ${formatValue(expected, unit, 3)} is beyond ${limit}`];
  }
  const chance = anyOf((plainRule ?? []).map((one) => one.chance));
  if (chance < OFTEN) return [];
  const what = tier === 'kill' ? 'the plain rule of the kill trip' : 'the count limit';
  const remedy = tier === 'kill' ? 'raise its limit, window or minSample' : 'raise its limit';
  return [`${metric}: ${what} stops a harmless feature with a chance of ${formatValue(chance, 'ratio', 2)}: ${remedy}`];
}

/**
 * What `plan` would do when started at `startAt` (epoch ms) if treatment behaves as today: dates at best and as expected, what
 * each gate needs for a pass and would find, what harm would cost until it is found, how likely a false abort is, and
 * what to change where a gate cannot tell in time.
 */
export function previewPlan(plan: Plan, traffic: Traffic, startAt: number): PlanPreview {
  const prospect: Prospect = { plan, traffic };
  const all = trafficOfStages(prospect);
  const stages: StagePreview[] = [];
  const start = { startsAt: null, endsAt: startAt, expectedStartsAt: null, expectedEndsAt: startAt };
  for (const [index, stage] of all.entries()) stages.push(previewStage(stage, index, stages.at(-1) ?? start, prospect));
  const guards = [...plan.abortCriteria, ...(plan.killSwitch?.trips ?? [])].flatMap((check) => {
    const metric = plan.metrics[check.metric];
    return metric === undefined ? [] : [forecastGuard(check, metric, all, prospect)];
  });
  const last = stages.at(-1);
  return {
    flag: plan.flag,
    startAt,
    gaAt: { best: last?.startsAt ?? null, expected: last?.expectedStartsAt ?? null },
    stages,
    guards,
    falseAborts: falseAborts(prospect, guards),
    warnings: [...stages.flatMap(({ warnings }) => warnings), ...guards.flatMap((guard) => guardWarning(guard, plan))],
  };
}
