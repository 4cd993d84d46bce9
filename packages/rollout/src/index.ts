export { type BaselineChange, type BaselineRow, baselineChanges, baselineRows } from './baseline/baseline-rows.ts';
export { type ControlBaseline, openControlBaseline } from './baseline/control-baseline.ts';
export { joinBaselines } from './baseline/join-baselines.ts';
export { readsHistory, watchedLive } from './baseline/recorded.ts';
export type { GoldenScore, PreflightFinding, RefusalCode, RolloutCommand } from './command.ts';
export { blindLimitMs, freshWindowMs, silenceMs } from './decide/cadence.ts';
export { applyAll, decide } from './decide/decide.ts';
export { currentVersion } from './decide/decide-abort.ts';
export { nextReminderAt } from './decide/decide-cleanup.ts';
export { describeDrill, drillSwitch, runningDrill } from './decide/decide-drill.ts';
export { gateRefusal } from './decide/decide-gate.ts';
export { hookPrincipalId } from './decide/decide-preflight.ts';
export { openItems } from './decide/decide-start.ts';
export type { Decision } from './decide/decision.ts';
export { type ExitItem, exitGateOf } from './decide/exit-gate.ts';
export { hasControl, layersOf, stageOf, weightOfEveryone } from './decide/exposure.ts';
export { isGateAsked } from './decide/gate-waits.ts';
export { InvariantError } from './decide/invariants.ts';
export {
  agedItems,
  describeMissing,
  type EvidenceNeed,
  evidenceNeedOf,
  type MissingItem,
  missingPreflight,
} from './decide/preflight-items.ts';
export { servedMs } from './decide/served.ts';
export { needsGatesAnew, waitingFor, waitsOfStart } from './decide/tick-advance.ts';
export { stuckDueAt } from './decide/tick-stuck.ts';
export { describeEvent } from './documents/describe-event.ts';
export {
  type DocumentOptions,
  formatInstant,
  formatMeasured,
  formatShare,
  formatVerdict,
  unitOf,
} from './documents/format.ts';
export { incidentDocument, renderIncident, severityOf } from './documents/incident.ts';
export { escapeMarkdown } from './documents/markdown.ts';
export type {
  Block,
  DocumentChart,
  FigureUnit,
  Line,
  RolloutDocument,
  Section,
  Span,
} from './documents/page.ts';
export { documentMarkdown } from './documents/page-markdown.ts';
export { renderReport, reportDocument } from './documents/report.ts';
export type { EventRecord, RolloutEvent } from './event.ts';
export {
  BINS_PER_OCTAVE,
  binOf,
  type Companion,
  companionOf,
  type EvidenceBatch,
  type EvidenceSeries,
  LOWEST_BIN,
  metricOfSeries,
  noDataFailure,
  type Occurrence,
  USER_BUCKETS,
  type UserCount,
  upperEdgeOf,
} from './evidence.ts';
export { evolve, replay } from './evolve.ts';
export { currentStageName } from './evolve-records.ts';
export { gateEveryMs, gatesNow, withoutGates } from './external-gates.ts';
export { addFact, factsAt, type HoldReason, type RolloutFacts, type WaitReason } from './fleet/rollout-facts.ts';
export {
  type PeopleSpared,
  type RolloutStats,
  rolloutStatsOf,
  type TimeSpread,
  type TimeTally,
} from './fleet/rollout-stats.ts';
export { baselineDue, baselineOf, baselineUnseenMs } from './judge/baseline-of.ts';
export { type EvidenceState, NO_EVIDENCE, peopleIn } from './judge/evidence-state.ts';
export { foldEvidence } from './judge/fold-trusted.ts';
export {
  type ExposedTime,
  type HistoryBaseline,
  openHistoryBaseline,
  type RecordedRange,
} from './judge/history-baseline.ts';
export { judge } from './judge/judge.ts';
export { judgesToCalibrate, withTrustedJudges } from './judge/judge-trust.ts';
export {
  type ArmSums,
  armSums,
  type BinCounts,
  type BinTotals,
  type MetricBatch,
  type PreparedBatch,
  type StratumSums,
  type UserSum,
} from './judge/prepared-batch.ts';
export { describeOverlap, type Overlap, type OverlapParty, overlapOf } from './overlap.ts';
export { ALERTS, type AlertLabels, alertMetricsFor, withoutAlerts } from './plan/alert-criterion.ts';
export { calendarOpen } from './plan/calendar.ts';
export { METRIC_CATALOG } from './plan/catalog.ts';
export { formatDuration, formatElapsed, parseDuration } from './plan/duration.ts';
export { METHOD_RULES, type MethodRule } from './plan/forecast/check-method.ts';
export type { HarmForecast } from './plan/forecast/harm-forecast.ts';
export type { StageChange, StageProposal } from './plan/forecast/stage-changes.ts';
export type { Traffic } from './plan/forecast/traffic.ts';
export { trafficRefusal } from './plan/forecast/traffic-refusal.ts';
export { formatLimit, formatValue } from './plan/format-limit.ts';
export { ACCEPT_RANDOM_INTERNAL, withInternalSegment } from './plan/internal-segment.ts';
export { type PlanOptions, type PlanResult, parsePlan, planFromObject } from './plan/parse-plan.ts';
export { PLAN_ISSUE_CODES, type PlanIssueCode } from './plan/plan-issue-codes.ts';
export { defineRollout, notifyRouteSchema, planJsonSchema, type RolloutConfig } from './plan/plan-schema.ts';
export { placeInPlan } from './plan/plan-source.ts';
export { type PlanPreview, previewPlan } from './plan/preview.ts';
export { type HoursResult, readHours } from './plan/read-hours.ts';
export { type Handover, handoversOf } from './plan/read-next.ts';
export { FLAG_CONFIGURED, ROLLBACK_TESTED } from './plan/read-preflight.ts';
export type {
  Calendar,
  Check,
  ExternalGate,
  GateAsk,
  GateOutcome,
  KillTrip,
  Limit,
  Metric,
  MetricJudge,
  MetricKind,
  MetricUnit,
  NotifyRoute,
  Plan,
  PlanIssue,
  PlanTracker,
  PreflightCheck,
  Stage,
  Tier,
} from './plan.ts';
export { type Principal, RAMPART, type Role } from './principal.ts';
export { mustCloseNow, type Reconciled, reconcile } from './reconcile.ts';
export type { Alarm, CheckHistory } from './replay/alarm-log.ts';
export {
  type Backtest,
  type BacktestResult,
  type JudgedAbort,
  openBacktest,
  type TrialReport,
} from './replay/backtest-rollout.ts';
export {
  type HistoryOptions,
  type HistoryResult,
  type HistoryTrial,
  type KnownIncident,
  openHistoryTrial,
  type RecordedSeries,
  type RecordedStep,
} from './replay/history-trial.ts';
export type { GateTrial, PlanTrial, TrialAbort } from './replay/plan-trial.ts';
export { openRefold, type Refold } from './replay/refold.ts';
export { openReplay, type ReplayDifference, type ReplayResult, type RolloutReplay } from './replay/replay-rollout.ts';
export { openLoop, type RolloutLoop } from './rollout-loop.ts';
export type {
  AbortKind,
  Attempt,
  Attestation,
  Calibration,
  Drill,
  DrillLeg,
  FlagCleanup,
  HandoverRecord,
  Hold,
  Incident,
  IncidentSeverity,
  Issue,
  JudgeRecord,
  Phase,
  Proposal,
  RolloutState,
  StageRecord,
  StageRun,
} from './state.ts';
export {
  type Baseline,
  type BaselineMetric,
  type BaselineOrigin,
  type BaselineSource,
  type Judgement,
  type Measuring,
  type MetricSnapshot,
  type People,
  type Validity,
  type Verdict,
  type VerdictStatus,
  WEEK_SLOTS,
  type WeekProfile,
} from './verdict.ts';
