import type { ExposureLayer } from '@rampart/flags';
import type { Overlap } from './overlap.ts';
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
  /** A person gave it without the evidence it asks for; `note` says why. */
  readonly waived?: true;
};

/** What a look found of a pre-flight item that is not given. */
export type PreflightFailure = { readonly at: number; readonly why: string };

/** How SDKs followed one step of a drill. Times in milliseconds of real time, from the decision to the confirmation of an SDK. */
export type DrillLeg = {
  readonly confirmed: number;
  /** How many of them said what they evaluate; the others said which revision they use. */
  readonly evaluated: number;
  /** SDKs that ended meanwhile, and have nothing to follow any more. Default: none. */
  readonly left?: number;
  /** Of the SDK that was last. Absent where none confirmed. */
  readonly worstMs?: number;
  /** The slowest, slowest first; a few. */
  readonly slowest: readonly { readonly instance: string; readonly ms: number }[];
};

/** A rollback drill: a flag that no code reads was switched on and off, and the SDKs that followed. */
export type Drill = {
  readonly number: number;
  readonly by: string;
  readonly startedAt: number;
  /** SDKs that were connected when it began: those that have to follow. */
  readonly connected: number;
  readonly on?: DrillLeg;
  readonly offAt?: number;
  readonly off?: DrillLeg;
  readonly finishedAt?: number;
  readonly passed?: boolean;
  /** Why it did not pass. */
  readonly why?: string;
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

/** Why advances are stopped, and since when. `byPerson`: a person holds it, or has taken the hold over; only a person may resume it. */
export type Hold = {
  readonly by: string;
  readonly reason: string;
  readonly at: number;
  readonly byPerson?: true;
};

/** What an external gate said last, and when that was put on record; of one that is closed, since when, in whatever words. */
export type GateAnswer = { readonly open: boolean; readonly why: string; readonly at: number };

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
export type AbortKind = 'criterion' | 'gate' | 'kill' | 'person' | 'telemetry-missing' | 'blind' | 'external-gate';

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
  /** Overlapping rollouts that had advanced shortly before: it may be their doing. */
  readonly overlapping?: readonly Overlap[];
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
  /** When people were told that nobody has taken it on. */
  readonly unattendedAt?: number;
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

/** When the flag of a rollout is to be removed, and by whom. */
export type FlagCleanup = {
  readonly dueAt: number;
  readonly owner?: string;
  /** The task. */
  readonly link?: string;
  readonly by: string;
  readonly at: number;
  /** When people were last reminded, and how often since it was scheduled. */
  readonly remindedAt?: number;
  readonly reminders?: number;
};

/** How the hand-over to a step of `next` ended. */
export type HandoverRecord = {
  readonly name: string;
  readonly at: number;
  readonly isDelivered: boolean;
  readonly why?: string;
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
  /** Since when Rampart has been there to see that evidence is missing. */
  readonly blindNoticedAt?: number;
  /** How long evidence was missing, gaps that are over, since it last came for a whole fresh window or people were told. */
  readonly blindMs?: number;
  /** What external gates said in this stage, or before the first one, by their name. Absent while none has. */
  readonly gates?: Readonly<Record<string, GateAnswer>>;
  /** When people were told that it waits too long, in this stage or phase. */
  readonly stuckAt?: number;
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
  /** Why pre-flight items that were looked at are open. Absent before the first. */
  readonly preflightFailures?: Readonly<Record<string, PreflightFailure>>;
  /** Rollback drills, oldest first; the last one runs while it has no end. Absent before the first. */
  readonly drills?: readonly Drill[];
  /** Other rollouts that share people and metrics with this one, as last found. Absent while there are none. */
  readonly overlaps?: readonly Overlap[];
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
  /** Absent while nobody has said when the flag goes. */
  readonly cleanup?: FlagCleanup;
  readonly flagRemoved?: { readonly by: string; readonly at: number };
  /** Steps of `next` that were told, the newest of each name. Absent while there are none. */
  readonly handovers?: readonly HandoverRecord[];
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
