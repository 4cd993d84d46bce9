import type { ExposureLayer } from '@rampart/flags';
import type { Plan } from './plan.ts';
import type { Baseline, MetricSnapshot, People, Verdict } from './verdict.ts';

/**
 * Life of a rollout (design §5): `draft → preflight → baseline → exposing → monitoring → complete`, and from any of
 * them `aborted` (then the next attempt begins at `baseline` or stage 1) or `cancelled`. Holding is not a phase: it lies over one.
 */
export type Phase =
  | 'draft'
  | 'preflight'
  | 'baseline'
  | 'exposing'
  | 'monitoring'
  | 'complete'
  | 'aborted'
  | 'cancelled';

/** Who gave an item, when and on what evidence. */
export type Attestation = {
  readonly by: string;
  readonly at: number;
  readonly evidence?: string;
  readonly note?: string;
};

/** The stage being served. Served time counts only while neither held nor blind. */
export type StageRun = {
  readonly index: number;
  readonly enteredAt: number;
  /** Time served up to `countingSince`, or in all when not counting. */
  readonly servedMs: number;
  readonly countingSince?: number;
  /** Duration to serve, extensions included. */
  readonly durationMs: number;
  /** Set once an undecided stage has asked a principal. */
  readonly askedAt?: number;
};

/** Why advances are stopped. */
export type Hold = { readonly by: string; readonly reason: string; readonly at: number };

/** A finished or running stage of any attempt, for the report. */
export type StageRecord = {
  readonly attempt: number;
  readonly index: number;
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly result: 'in-progress' | 'passed' | 'overridden' | 'rolled-back';
  /** Who moved past it by an override. */
  readonly overriddenBy?: string;
  readonly metrics: readonly MetricSnapshot[];
};

/** One run of the plan from stage 1. */
export type Attempt = {
  readonly number: number;
  readonly version: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly outcome?: 'completed' | 'aborted' | 'cancelled';
};

/** What ended an attempt early. */
export type AbortKind = 'criterion' | 'gate' | 'kill' | 'person' | 'telemetry-missing' | 'blind';

/** How bad an abort was for people. */
export type IncidentSeverity = 'critical' | 'major' | 'minor';

/** Something to do after an abort so that it does not happen again. */
export type ActionItem = {
  readonly number: number;
  readonly text: string;
  readonly owner?: string;
  readonly link?: string;
  readonly addedAt: number;
  readonly addedBy: string;
  readonly done?: { readonly at: number; readonly by: string };
};

/** The record of an abort. Dates are epoch ms; absent means not done yet. */
export type Incident = {
  readonly number: number;
  readonly attempt: number;
  readonly kind: AbortKind;
  readonly reason: string;
  readonly openedAt: number;
  readonly openedBy: string;
  readonly stage: string;
  readonly verdict?: Verdict;
  readonly people: People;
  /** When the connected SDKs had confirmed exposure 0. */
  readonly tookEffectAt?: number;
  /** When telemetry had shown that nobody is treated any more. */
  readonly exposureFellAt?: number;
  /** When on-call was told that the abort had not taken in time. */
  readonly unconfirmedAt?: number;
  readonly assignee?: string;
  /** When somebody began the triage. */
  readonly acknowledged?: { readonly at: number; readonly by: string };
  /** As rated by somebody; see `severityOf` for what holds without. */
  readonly severity?: IncidentSeverity;
  readonly notes?: readonly { readonly at: number; readonly by: string; readonly text: string }[];
  readonly links?: readonly { readonly title: string; readonly url: string }[];
  readonly actions?: readonly ActionItem[];
  readonly rootCause?: string;
  readonly fix?: { readonly text: string; readonly reference?: string; readonly at: number; readonly by: string };
  readonly resolvedAt?: number;
  /** Why it was resolved without a root cause or a fix. */
  readonly resolvedBecause?: string;
};

/** Something found on the way (semantics §5). */
export type Issue = {
  readonly number: number;
  readonly title: string;
  readonly severity: 'critical' | 'major' | 'minor';
  readonly stageFound: string;
  readonly stageFixed?: string;
  readonly status: 'open' | 'fixed' | 'monitoring' | 'closed';
  readonly link?: string;
};

/** A raise that an agent may only propose; another principal decides. It lapses (declined by Rampart) with its stage or attempt. */
export type Proposal = {
  readonly number: number;
  readonly action: 'proceed' | 'kill' | 'retry';
  readonly by: string;
  readonly at: number;
  readonly reason: string;
  /** Of a proposed retry. */
  readonly version?: string;
  readonly people?: 'same' | 'fresh';
  readonly decided?: { readonly by: string; readonly at: number; readonly approved: boolean };
};

/** A golden set as the judge of a metric scored it: whether its scores can be trusted in the stage after. */
export type Calibration = {
  readonly at: number;
  readonly by: string;
  readonly goldenSet: string;
  /** Items scored, and items the judge could not score. */
  readonly items: number;
  readonly failed: number;
  /** Mean of the scores. */
  readonly mean: number;
  /** Distance from what was expected, in the metric's unit, and what was allowed. */
  readonly deviation: number;
  readonly tolerance: number;
  /** Whether the deviation was beyond the tolerance. */
  readonly drifted: boolean;
  /** Which judge scored: the model and prompt, as reported. */
  readonly judge?: string;
};

/** What is known of the judge of a metric. */
export type JudgeRecord = {
  readonly last: Calibration;
  /** When it was last found to have drifted: its scores before that do not count. */
  readonly driftedAt?: number;
  /** What its calibrations cost so far, in USD. */
  readonly cost: number;
};

/** A rollout, as its events make it. */
export type RolloutState = {
  readonly id: string;
  readonly plan: Plan;
  readonly createdAt: number;
  readonly createdBy: string;
  /** Who asked for the start; approvals by another principal are measured against this. */
  readonly startedBy?: string;
  /** Number of events so far. */
  readonly version: number;
  readonly phase: Phase;
  readonly attempt: number;
  readonly attempts: readonly Attempt[];
  readonly stage?: StageRun;
  readonly history: readonly StageRecord[];
  readonly hold?: Hold;
  /** Since when evidence is missing. */
  readonly blindSince?: number;
  readonly blindAlertedAt?: number;
  /** Since when evidence has been fresh without a gap: a proceed needs a fresh window after it. */
  readonly sightSince?: number;
  readonly epoch: number;
  readonly layers: readonly ExposureLayer[];
  /** Bucketing salt of the current people; absent: the flag's own. */
  readonly salt?: string;
  /** Lineage of statistics and the first epoch that belongs to it; evidence of an earlier epoch does not count. */
  readonly statistics: number;
  readonly statisticsFromEpoch: number;
  readonly preflight: Readonly<Record<string, Attestation | null>>;
  readonly exit: Readonly<Record<string, Attestation | null>>;
  /** Confirmations given, keyed `stage name: text`. */
  readonly confirmations: Readonly<Record<string, Attestation>>;
  /** Metrics whose baseline is read from a recorded past, with the name of the source. */
  readonly recorded?: Readonly<Record<string, string>>;
  readonly baselineSince?: number;
  readonly baseline?: Baseline;
  readonly killed: boolean;
  readonly monitoringSince?: number;
  readonly verdicts: readonly Verdict[];
  /** Checks that have failed in this lineage: a retry on the same statistics is refused while there are any. */
  readonly failedChecks: readonly string[];
  /** Alert checks that fail now; advances hold while there are any. */
  readonly alerting: readonly string[];
  readonly dataInvalid?: string;
  /** Judges that were calibrated, by the metric they score. Absent before the first calibration. */
  readonly judges?: Readonly<Record<string, JudgeRecord>>;
  /** Metrics whose judge has spent its budget. Absent while there are none. */
  readonly spentJudges?: readonly string[];
  readonly incidents: readonly Incident[];
  readonly issues: readonly Issue[];
  readonly proposals: readonly Proposal[];
  readonly overrides: readonly {
    readonly by: string;
    readonly at: number;
    readonly what: string;
    readonly reason: string;
  }[];
};
