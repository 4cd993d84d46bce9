import type { Plan } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { People } from '../verdict.ts';
import { copyHistogram, emptyHistogram, type Histogram } from './histogram.ts';
import type { Sums, Tally } from './tally.ts';

/** A restart of the late-onset mixture: the sums as they stood then. `index` is j, from 1. */
export type Restart = { readonly index: number; readonly at: number; readonly sums: Sums };

/**
 * The two series of restarts: slow ones, whose few hours of evidence show small harm, and quick ones, which are hardly diluted
 * by the quiet before large harm.
 */
export type Pace = 'slow' | 'quick';

/** Sums that checks are judged by (see `Stream`): over the attempt's statistics, and over the running stage. */
export type StreamEvidence = {
  readonly attempt: Tally;
  stage: Tally;
  restarts: Readonly<Record<Pace, readonly Restart[]>>;
  /** Both sums at the ends of the stage's last two quarters: what came since is the recent evidence. */
  marks: readonly { readonly attempt: Sums; readonly stage: Sums }[];
};

/** What the plain rule of a kill trip keeps: batches inside its window, and how often running it was broken. */
export type TripEvidence = {
  readonly window: readonly { readonly at: number; readonly n: number; readonly bad: number }[];
  readonly broken: number;
};

/** Totals of one arm for display. */
export type ArmTotals = { n: number; x: number; xx: number; readonly bins: Histogram };

/** Totals before exposure; `seenMs` is the time in which they were seen. Vectors are empty before the first batch. */
export type BaselineTotals = ArmTotals & {
  seenMs: number;
  readonly nByBucket: Tally;
  readonly xByBucket: Tally;
  /** The same by hour of the week (see `WeekProfile`). */
  readonly week: { readonly n: Tally; readonly x: Tally; readonly seenMs: Tally };
};

/** One metric in the running stage (both arms) and, before exposure, for the baseline. */
export type MetricEvidence = {
  readonly treatment: ArmTotals;
  readonly control: ArmTotals;
  /** Control's histogram of the attempt, for cuts. */
  readonly controlSoFar: Histogram;
  readonly baseline: BaselineTotals;
  /** Instant of the last observation of an exposed unit in this stage. */
  lastAt?: number;
  /** Since when it counts as silent: `lastAt`, moved on by the time in which its source said that nobody came. */
  quietFrom?: number;
};

/** How a metric was measured: what failed, sampling rates of scores (their number and sum), and what judging cost (USD). */
export type MeasuringTotals = {
  readonly unmeasured: number;
  readonly sampled: number;
  readonly rates: number;
  readonly cost: number;
};

type Users = { treatment: number; control: number };
type UserCounts = Users & { targeted: number };

/**
 * Evidence that its one owner folds batches into, in place: `foldEvidence` works on a copy, a loop on its own. Plain JSON.
 */
export type Ledger = {
  throughSeq: number;
  /** Lineage and epoch the accumulators belong to (see `RolloutState`). */
  statistics: number;
  epoch: number;
  freshAt?: number;
  gap?: { readonly fromAt: number; readonly toAt: number };
  stageSince?: number;
  /** When each series was restarted last, and how often so far. */
  restartedAt: Readonly<Record<Pace, number>>;
  restarts: Readonly<Record<Pace, number>>;
  quarter: number;
  streams: Record<string, StreamEvidence>;
  trips: Record<string, TripEvidence>;
  metrics: Record<string, MetricEvidence>;
  /** Log likelihood ratios of assignment (both sides) and of reports missing from treatment. */
  assignment: readonly number[];
  deficit: readonly number[];
  /** Users assigned in this epoch, by stratum: those who may report. */
  assigned: Record<string, Users>;
  /** Users by arm: in the running epoch, and the most of any epoch (a user is counted once in each). */
  peopleNow: UserCounts;
  people: UserCounts;
  /** Bounds on the different people exposed in the lineage (see `People`); absent before anyone was. */
  exposed?: { readonly atLeast: number; readonly atMost: number };
  /** Occurrences of count metrics inside their windows. */
  occurrences: Record<string, readonly { readonly at: number; readonly count: number }[]>;
  failures: Readonly<Record<string, string>>;
  /** Of metrics whose sources say how they measure; absent before they do. */
  measuring?: Readonly<Record<string, MeasuringTotals>>;
  /** Price books that costs were reported by, the newest last. */
  priceBooks?: readonly string[];
};

type Frozen<T> = T extends readonly (infer E)[]
  ? readonly Frozen<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Frozen<T[K]> }
    : T;

/** All that is kept of a rollout's evidence; checkpointed with the decision it led to. Plain JSON. */
export type EvidenceState = Frozen<Ledger>;

/** A ledger before any evidence. */
export function emptyLedger(): Ledger {
  return {
    throughSeq: 0,
    statistics: 0,
    epoch: 0,
    ...noRestarts(),
    quarter: 0,
    streams: {},
    trips: {},
    metrics: {},
    assignment: [],
    deficit: [],
    assigned: {},
    peopleNow: noPeople(),
    people: noPeople(),
    occurrences: {},
    failures: {},
  };
}

/** Before any restart. */
export function noRestarts(): Pick<Ledger, 'restartedAt' | 'restarts'> {
  return { restartedAt: { slow: 0, quick: 0 }, restarts: { slow: 0, quick: 0 } };
}

/** Nobody. */
export function noPeople(): UserCounts {
  return { treatment: 0, control: 0, targeted: 0 };
}

/** Who saw which variant, as far as telemetry says. */
export function peopleIn({ people, exposed }: EvidenceState): People {
  return { ...people, ...(exposed && { exposed }) };
}

/** Before any evidence. */
export const NO_EVIDENCE: EvidenceState = emptyLedger();

function emptyTotals(): ArmTotals {
  return { n: 0, x: 0, xx: 0, bins: emptyHistogram() };
}

/** Before any evidence of one metric. */
export function emptyMetricEvidence(): MetricEvidence {
  return {
    treatment: emptyTotals(),
    control: emptyTotals(),
    controlSoFar: emptyHistogram(),
    baseline: { ...emptyTotals(), seenMs: 0, nByBucket: [], xByBucket: [], week: { n: [], x: [], seenMs: [] } },
  };
}

function mapped<V, W>(record: Readonly<Record<string, V>>, copy: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, copy(value)]));
}

type Totals = Frozen<ArmTotals>;
const totalsOf = (of: Totals): ArmTotals => ({ ...of, bins: copyHistogram(of.bins) });

function metricCopy({ lastAt, quietFrom, ...of }: EvidenceState['metrics'][string]): MetricEvidence {
  return {
    treatment: totalsOf(of.treatment),
    control: totalsOf(of.control),
    controlSoFar: copyHistogram(of.controlSoFar),
    baseline: {
      ...totalsOf(of.baseline),
      seenMs: of.baseline.seenMs,
      nByBucket: [...of.baseline.nByBucket],
      xByBucket: [...of.baseline.xByBucket],
      week: { n: [...of.baseline.week.n], x: [...of.baseline.week.x], seenMs: [...of.baseline.week.seenMs] },
    },
    ...(lastAt !== undefined && { lastAt }),
    ...(quietFrom !== undefined && { quietFrom }),
  };
}

/** A ledger of one's own with the same evidence. What a fold replaces as a whole is shared. */
export function ledgerOf(evidence: EvidenceState): Ledger {
  return {
    ...evidence,
    streams: mapped(evidence.streams, (of) => ({ ...of, attempt: [...of.attempt], stage: [...of.stage] })),
    trips: { ...evidence.trips },
    metrics: mapped(evidence.metrics, metricCopy),
    assigned: mapped(evidence.assigned, (users) => ({ ...users })),
    peopleNow: { ...evidence.peopleNow },
    people: { ...evidence.people },
    occurrences: { ...evidence.occurrences },
  };
}

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
