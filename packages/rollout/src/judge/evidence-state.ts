import type { Plan } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Histogram } from './arm-sums.ts';
import type { Tally } from './tally.ts';

/** A restart of the late-onset mixture: the tally as it stood then. `index` is j, from 1. */
export type Restart = { readonly index: number; readonly at: number; readonly tally: Tally };

/** Accumulators of one check. The fail side spans the attempt's statistics; the pass side only the running stage. */
export type CheckEvidence = {
  readonly fail: Tally;
  readonly restarts: readonly Restart[];
  readonly pass: Tally;
  /** Tallies of the pass side at the ends of the stage's last two quarters: what came since is the recent evidence. */
  readonly marks: readonly Tally[];
  /** Batches inside the window of a plain rule, and how often running it was broken. */
  readonly window: readonly { readonly at: number; readonly n: number; readonly bad: number }[];
  readonly broken: number;
};

/** Totals of one arm for display. */
export type ArmTotals = { readonly n: number; readonly x: number; readonly xx: number; readonly bins: Histogram };

/** Totals before exposure; `seenMs` is the time in which they were seen. */
export type BaselineTotals = ArmTotals & {
  readonly seenMs: number;
  readonly nByBucket: readonly number[];
  readonly xByBucket: readonly number[];
};

/** One metric in the running stage (both arms) and, before exposure, for the baseline. */
export type MetricEvidence = {
  readonly treatment: ArmTotals;
  readonly control: ArmTotals;
  /** Control's histogram of the attempt, for cuts. */
  readonly controlSoFar: Histogram;
  readonly baseline: BaselineTotals;
  /** Instant of the last observation of an exposed unit in this stage. */
  readonly lastAt?: number;
};

/** All that is kept of a rollout's evidence; checkpointed with the decision it led to. Plain JSON. */
export type EvidenceState = {
  readonly throughSeq: number;
  /** Lineage and epoch the accumulators belong to (see `RolloutState`). */
  readonly statistics: number;
  readonly epoch: number;
  readonly freshAt?: number;
  readonly gap?: { readonly fromAt: number; readonly toAt: number };
  readonly stageSince?: number;
  readonly restartedAt: number;
  readonly restarts: number;
  readonly quarter: number;
  readonly checks: Readonly<Record<string, CheckEvidence>>;
  readonly metrics: Readonly<Record<string, MetricEvidence>>;
  /** Log likelihood ratios of assignment (both sides) and of reports missing from treatment. */
  readonly assignment: readonly number[];
  readonly deficit: readonly number[];
  /** Users assigned in this epoch, by stratum: those who may report. */
  readonly assigned: Readonly<Record<string, { readonly treatment: number; readonly control: number }>>;
  /** Users by arm: in the running epoch, and the most of any epoch (a user is counted once in each). */
  readonly peopleNow: { readonly treatment: number; readonly control: number; readonly targeted: number };
  readonly people: { readonly treatment: number; readonly control: number; readonly targeted: number };
  /** Occurrences of count metrics inside their windows, and when the count broke the limit. */
  readonly occurrences: Readonly<Record<string, readonly { readonly at: number; readonly count: number }[]>>;
  readonly failures: Readonly<Record<string, string>>;
};

/** Before any evidence. */
export const NO_EVIDENCE: EvidenceState = {
  throughSeq: 0,
  statistics: 0,
  epoch: 0,
  restartedAt: 0,
  restarts: 0,
  quarter: 0,
  checks: {},
  metrics: {},
  assignment: [],
  deficit: [],
  assigned: {},
  peopleNow: { treatment: 0, control: 0, targeted: 0 },
  people: { treatment: 0, control: 0, targeted: 0 },
  occurrences: {},
  failures: {},
};

/** Before any evidence of one check. */
export const NO_CHECK_EVIDENCE: CheckEvidence = { fail: [], restarts: [], pass: [], marks: [], window: [], broken: 0 };

const NO_TOTALS: ArmTotals = { n: 0, x: 0, xx: 0, bins: {} };

/** Before any evidence of one metric. */
export const NO_METRIC_EVIDENCE: MetricEvidence = {
  treatment: NO_TOTALS,
  control: NO_TOTALS,
  controlSoFar: {},
  baseline: { ...NO_TOTALS, seenMs: 0, nByBucket: [], xByBucket: [] },
};

/** Every check of a plan once, whatever its tier and stage. Where stages share a check, the running stage's wording wins. */
export function checksOf({
  plan,
  stage,
}: Pick<RolloutState, 'plan' | 'stage'>): ReadonlyMap<string, Plan['abortCriteria'][number]> {
  const all = [
    ...plan.abortCriteria,
    ...plan.stages.flatMap((stage) => stage.gate),
    ...plan.alerts,
    ...(plan.killSwitch?.trips ?? []),
    ...(stage === undefined ? [] : (plan.stages[stage.index]?.gate ?? [])),
  ];
  return new Map(all.map((check) => [check.id, check]));
}
