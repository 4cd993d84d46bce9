import type { Overlap } from './overlap.ts';
import type { Plan, PlanIssue } from './plan.ts';
import type { DrillLeg, IncidentSeverity, Issue } from './state.ts';
import type { Baseline, Judgement, Verdict } from './verdict.ts';

/** What someone, or the reconciler, asks of a rollout. */
export type RolloutCommand =
  | { readonly type: 'Create'; readonly id: string; readonly plan: Plan; readonly warnings: readonly PlanIssue[] }
  /** `recorded`: metrics whose past can be read, with the name of the source. */
  | { readonly type: 'Start'; readonly recorded?: Readonly<Record<string, string>> }
  /** Gives a pre-flight item, a confirmation of the current stage, an exit item, or (`item` = `proposal N`) an approval. */
  | {
      readonly type: 'Approve';
      readonly item: string;
      readonly evidence?: string;
      readonly note?: string;
      /** Of a pre-flight item: without the evidence it asks for, for the reason in `note`. Only a person may. */
      readonly waive?: true;
    }
  /** What Rampart found of pre-flight items it can look at itself. */
  | { readonly type: 'CheckPreflight'; readonly findings: readonly PreflightFinding[] }
  /** Begins a rollback drill. `connected`: SDKs that are there, which the server adds. */
  | { readonly type: 'Drill'; readonly connected?: number }
  | { readonly type: 'SwitchDrillOff'; readonly drill: number; readonly on: DrillLeg }
  /** `why`: what was not as it should be; absent where the drill passed. */
  | { readonly type: 'FinishDrill'; readonly drill: number; readonly off?: DrillLeg; readonly why?: string }
  /** Other rollouts that share people and metrics with this one now. */
  | { readonly type: 'RecordOverlaps'; readonly overlaps: readonly Overlap[] }
  | { readonly type: 'Decline'; readonly proposal: number; readonly reason: string }
  /** The first baseline, or a new version of it, which needs a reason. `verdicts`: what checks say now. Default: as recorded last. */
  | {
      readonly type: 'CaptureBaseline';
      readonly baseline: Baseline;
      readonly reason?: string;
      readonly verdicts?: readonly Verdict[];
    }
  /** The reconciler's look at the world; `judgement` is absent before there is any evidence. */
  | { readonly type: 'Tick'; readonly judgement?: Judgement }
  /** Rampart looks again after it was down. */
  | { readonly type: 'ResumeWatch' }
  /** What an external gate says: told by the server, or by a person who opens or closes it by hand. */
  | {
      readonly type: 'AnswerGate';
      readonly gate: string;
      readonly open: boolean;
      readonly why: string;
      readonly people?: Judgement['people'];
    }
  | { readonly type: 'Hold'; readonly reason: string }
  | { readonly type: 'Resume'; readonly reason?: string }
  | { readonly type: 'Extend'; readonly reason: string; readonly byMs?: number }
  | { readonly type: 'Proceed'; readonly reason: string }
  | { readonly type: 'Abort'; readonly reason: string; readonly people?: Judgement['people'] }
  | { readonly type: 'Kill'; readonly reason: string; readonly people?: Judgement['people'] }
  | { readonly type: 'Rearm'; readonly reason: string }
  /** Without a recorded fix, `reason` says why the same version may be shown again. */
  | { readonly type: 'Retry'; readonly version?: string; readonly people?: 'same' | 'fresh'; readonly reason?: string }
  | {
      readonly type: 'ConfirmEffect';
      readonly incident: number;
      readonly acknowledged: number;
      readonly connected: number;
    }
  | { readonly type: 'ConfirmExposureFell'; readonly incident: number; readonly reports: number }
  | {
      readonly type: 'ReportUnconfirmed';
      readonly incident: number;
      readonly acknowledged: number;
      readonly connected: number;
      readonly treated: number;
      readonly treating: number;
    }
  | { readonly type: 'AssignIncident'; readonly incident: number; readonly assignee: string }
  /** The triage has begun. */
  | { readonly type: 'AcknowledgeIncident'; readonly incident: number }
  | {
      readonly type: 'RateIncident';
      readonly incident: number;
      readonly severity: IncidentSeverity;
      readonly reason: string;
    }
  | { readonly type: 'NoteIncident'; readonly incident: number; readonly text: string }
  /** A dashboard, log or tracker that belongs to it. */
  | { readonly type: 'LinkIncident'; readonly incident: number; readonly title: string; readonly url: string }
  | {
      readonly type: 'AddAction';
      readonly incident: number;
      readonly text: string;
      readonly owner?: string;
      readonly link?: string;
    }
  | { readonly type: 'CompleteAction'; readonly incident: number; readonly action: number }
  | { readonly type: 'RecordRootCause'; readonly incident: number; readonly text: string }
  | { readonly type: 'RecordFix'; readonly incident: number; readonly text: string; readonly reference?: string }
  /** Without a root cause and a fix, `reason` says why it is resolved all the same. */
  | { readonly type: 'ResolveIncident'; readonly incident: number; readonly reason?: string }
  | { readonly type: 'AddIssue'; readonly title: string; readonly severity: Issue['severity']; readonly link?: string }
  | { readonly type: 'ChangeIssue'; readonly number: number; readonly status: Issue['status'] }
  /** The scores that the judge of a metric gave the items of its golden set. */
  | {
      readonly type: 'CalibrateJudge';
      readonly metric: string;
      readonly goldenSet: string;
      readonly scores: readonly GoldenScore[];
      readonly judge?: string;
      /** What scoring cost, in USD. */
      readonly cost?: number;
    }
  /** When the flag goes once the rollout has ended; `dueAt` epoch ms. Default: `cleanup` of the plan, else 30 days after the quiet time. */
  | { readonly type: 'ScheduleCleanup'; readonly dueAt?: number; readonly owner?: string; readonly link?: string }
  /** Rampart's look at a flag that should be gone. */
  | { readonly type: 'RemindCleanup' }
  | { readonly type: 'RecordFlagRemoval' }
  /** How the hand-over to a step of `next` ended. */
  | { readonly type: 'RecordHandover'; readonly name: string; readonly isDelivered: boolean; readonly why?: string }
  | { readonly type: 'Cancel'; readonly reason: string };

/** One item of a golden set as a judge scored it; `score` is `null` where the judge failed. `label`: what people say it is. */
export type GoldenScore = { readonly item: string; readonly score: number | null; readonly label?: number };

/** What a look at a pre-flight item found: what proves it, or why it does not hold. */
export type PreflightFinding = {
  readonly item: string;
  readonly evidence?: string;
  readonly why?: string;
};

/** Why a command was refused; listed in docs/errors.md. */
export type RefusalCode =
  | 'ROLLOUT_EXISTS'
  | 'ROLLOUT_UNKNOWN'
  | 'WRONG_PHASE'
  | 'FORBIDDEN'
  | 'REASON_REQUIRED'
  | 'ITEM_UNKNOWN'
  | 'ITEM_ALREADY_GIVEN'
  | 'ITEM_NOT_BY_HAND'
  | 'EVIDENCE_REQUIRED'
  | 'PREFLIGHT_INCOMPLETE'
  | 'NO_SDK_CONNECTED'
  | 'DRILL_RUNNING'
  | 'ANOTHER_PRINCIPAL_REQUIRED'
  | 'CRITICAL_ISSUE_OPEN'
  | 'ALREADY_HELD'
  | 'NOT_HELD'
  | 'KILL_SWITCH_LATCHED'
  | 'NOT_KILLED'
  | 'COOLDOWN'
  | 'RETRY_LIMIT'
  | 'STATISTICS_STILL_FAIL'
  | 'FIX_REQUIRED'
  | 'INCIDENT_UNKNOWN'
  | 'ACTION_UNKNOWN'
  | 'ISSUE_UNKNOWN'
  | 'PROPOSAL_UNKNOWN'
  | 'GATE_NOT_REACHED'
  | 'JUDGE_UNKNOWN'
  | 'CALIBRATION_INVALID'
  | 'CALENDAR_CLOSED'
  | 'BASELINE_UNAVAILABLE'
  | 'EVIDENCE_OF_HARM';
