import type { ExposureLayer } from '@rampart/flags';
import type { Overlap } from './overlap.ts';
import type { Plan, PlanIssue } from './plan.ts';
import type { AbortKind, Calibration, DrillLeg, IncidentSeverity, Issue, Proposal } from './state.ts';
import type { Baseline, MetricSnapshot, People, Verdict } from './verdict.ts';

/** What happened, in the past tense. State, ruleset, report and incident documents come from these alone. */
export type RolloutEvent =
  | {
      readonly type: 'RolloutCreated';
      readonly id: string;
      readonly plan: Plan;
      readonly warnings: readonly PlanIssue[];
    }
  | {
      readonly type: 'PreflightStarted';
      readonly items: readonly string[];
      /** Metrics whose baseline is read from a recorded past, with the name of the source. */
      readonly recorded?: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'ItemAttested';
      readonly list: 'preflight' | 'exit' | 'confirmation';
      readonly item: string;
      readonly evidence?: string;
      readonly note?: string;
      /** Given without the evidence it asks for. */
      readonly waived?: true;
    }
  /** A look found that an item does not hold; one that was given is open again. */
  | { readonly type: 'PreflightItemFailed'; readonly item: string; readonly why: string }
  /** The flag of the drill is on from here. `connected`: SDKs that have to follow. */
  | { readonly type: 'DrillStarted'; readonly number: number; readonly connected: number }
  | { readonly type: 'DrillSwitchedOff'; readonly number: number; readonly on: DrillLeg }
  | {
      readonly type: 'DrillFinished';
      readonly number: number;
      readonly passed: boolean;
      readonly off?: DrillLeg;
      readonly why?: string;
    }
  /** All that overlap now; empty: none any more. */
  | { readonly type: 'OverlapsFound'; readonly overlaps: readonly Overlap[] }
  | { readonly type: 'BaselineStarted' }
  /** `reason`: why a baseline is taken anew; of version 2 and later. */
  | { readonly type: 'BaselineCaptured'; readonly baseline: Baseline; readonly reason?: string }
  | {
      readonly type: 'StageEntered';
      readonly index: number;
      readonly name: string;
      readonly layers: readonly ExposureLayer[];
      readonly epoch: number;
      readonly durationMs: number;
      readonly why: string;
    }
  | {
      readonly type: 'StagePassed';
      readonly index: number;
      readonly name: string;
      readonly metrics: readonly MetricSnapshot[];
      readonly verdicts: readonly Verdict[];
      /** A person moved on although the gate had not opened by itself. */
      readonly overridden?: true;
    }
  | {
      readonly type: 'ChecksJudged';
      readonly verdicts: readonly Verdict[];
      readonly metrics: readonly MetricSnapshot[];
    }
  | { readonly type: 'AlertRaised'; readonly check: string; readonly verdict: Verdict }
  | { readonly type: 'AlertCleared'; readonly check: string }
  | { readonly type: 'DataFoundInvalid'; readonly why: string }
  | { readonly type: 'DataFoundValid' }
  | ({
      readonly type: 'JudgeCalibrated';
      readonly metric: string;
      /** What the calibration cost, in USD. */
      readonly cost?: number;
    } & Omit<Calibration, 'at' | 'by'>)
  | { readonly type: 'JudgeBudgetSpent'; readonly metric: string; readonly cost: number; readonly budget: number }
  /** `byPerson`: only a person may resume it. */
  | { readonly type: 'RolloutHeld'; readonly reason: string; readonly byPerson?: true }
  | { readonly type: 'RolloutResumed'; readonly reason?: string }
  | { readonly type: 'StageExtended'; readonly byMs: number; readonly reason: string }
  | { readonly type: 'SightLost'; readonly since: number; readonly why: string }
  /** `inAllMs`: evidence comes and goes; how long it was missing in all since it last came for long enough to advance. */
  | { readonly type: 'BlindLimitReached'; readonly since: number; readonly why?: string; readonly inAllMs?: number }
  /** Rampart was started again while a rollout was blind: its sources may have been there meanwhile. */
  | { readonly type: 'WatchResumed' }
  | { readonly type: 'SightReturned' }
  /** What an external gate says now, where it said something else before. `why`: of a closed one, what is wrong. */
  | { readonly type: 'GateAnswered'; readonly gate: string; readonly open: boolean; readonly why: string }
  /** It could go on by time since an instant, and waits. */
  | { readonly type: 'RolloutStuck'; readonly since: number; readonly waitingFor: readonly string[] }
  | { readonly type: 'PrincipalAsked'; readonly question: string; readonly undecided: readonly string[] }
  | {
      readonly type: 'ProposalMade';
      readonly number: number;
      readonly action: Proposal['action'];
      readonly reason: string;
      /** Of a proposed retry: what to retry with, and for whom. Default: as `Retry` has it. */
      readonly version?: string;
      readonly people?: 'same' | 'fresh';
    }
  | { readonly type: 'ProposalDecided'; readonly number: number; readonly approved: boolean; readonly reason?: string }
  | { readonly type: 'OverrideRecorded'; readonly what: string; readonly reason: string }
  | { readonly type: 'KillSwitchTripped'; readonly reason: string; readonly check?: string }
  | { readonly type: 'KillSwitchRearmed'; readonly reason: string }
  | {
      readonly type: 'RolloutAborted';
      readonly kind: AbortKind;
      readonly reason: string;
      readonly incident: number;
      readonly stage: string;
      readonly epoch: number;
      readonly verdict?: Verdict;
      readonly people: People;
      readonly metrics: readonly MetricSnapshot[];
      readonly assignee?: string;
      /** Checks that stood at `fail`. */
      readonly failed: readonly string[];
      /** Title of the issue opened with it, for a gate whose `onFail` is `fix`. */
      readonly issue?: string;
    }
  | {
      readonly type: 'AbortTookEffect';
      readonly incident: number;
      readonly acknowledged: number;
      readonly connected: number;
    }
  /** Telemetry that was gathered after the abort took: `reports` deliveries, and nobody treated in them. */
  | { readonly type: 'ExposureFell'; readonly incident: number; readonly reports: number }
  /**
   * The abort has not taken within the time it may need: SDKs that evaluate by it, of those connected, and how many observations of the
   * feature were made since the abort, in how many SDK processes.
   */
  | {
      readonly type: 'AbortUnconfirmed';
      readonly incident: number;
      readonly acknowledged: number;
      readonly connected: number;
      readonly treated: number;
      readonly treating: number;
    }
  /** Nobody has taken it on since it was opened. */
  | { readonly type: 'IncidentUnattended'; readonly incident: number; readonly since: number }
  | { readonly type: 'IncidentAssigned'; readonly incident: number; readonly assignee: string }
  | { readonly type: 'IncidentAcknowledged'; readonly incident: number }
  | {
      readonly type: 'IncidentRated';
      readonly incident: number;
      readonly severity: IncidentSeverity;
      readonly reason: string;
    }
  | { readonly type: 'IncidentNoted'; readonly incident: number; readonly text: string }
  | { readonly type: 'IncidentLinked'; readonly incident: number; readonly title: string; readonly url: string }
  | {
      readonly type: 'ActionAdded';
      readonly incident: number;
      readonly action: number;
      readonly text: string;
      readonly owner?: string;
      readonly link?: string;
    }
  | { readonly type: 'ActionDone'; readonly incident: number; readonly action: number }
  | { readonly type: 'RootCauseRecorded'; readonly incident: number; readonly text: string }
  | { readonly type: 'FixRecorded'; readonly incident: number; readonly text: string; readonly reference?: string }
  /** `reason`: why it is resolved without a root cause or a fix. */
  | { readonly type: 'IncidentResolved'; readonly incident: number; readonly reason?: string }
  | {
      readonly type: 'AttemptStarted';
      readonly attempt: number;
      readonly version: string;
      readonly statistics: number;
      readonly salt?: string;
    }
  | {
      readonly type: 'IssueAdded';
      readonly number: number;
      readonly title: string;
      readonly severity: Issue['severity'];
      readonly link?: string;
    }
  | { readonly type: 'IssueChanged'; readonly number: number; readonly status: Issue['status'] }
  | { readonly type: 'MonitoringStarted'; readonly untilAt: number }
  | {
      readonly type: 'RolloutCompleted';
      readonly metrics: readonly MetricSnapshot[];
      readonly verdicts: readonly Verdict[];
    }
  /** The flag is to be removed by `dueAt`, epoch ms. `link`: the task. */
  | {
      readonly type: 'FlagCleanupScheduled';
      readonly dueAt: number;
      readonly owner?: string;
      readonly link?: string;
    }
  /** People are reminded, for the `reminder`th time, of a flag that should be gone. */
  | { readonly type: 'FlagCleanupDue'; readonly dueAt: number; readonly reminder: number }
  | { readonly type: 'FlagRemoved'; readonly flag: string }
  /** A step of the plan's `next` was told that the rollout is complete, or could not be for good. */
  | { readonly type: 'HandoverTold'; readonly name: string; readonly isDelivered: boolean; readonly why?: string }
  | { readonly type: 'RolloutCancelled'; readonly reason: string };

/** An event with its place in the stream: version 1, 2, … without gaps; `by` is a principal's id. */
export type EventRecord = {
  readonly version: number;
  readonly at: number;
  readonly by: string;
  readonly event: RolloutEvent;
};
