export { checkBody, fieldErrorsOf } from './check-body.ts';
export { type ApiClient, createApiClient, type DocumentFormat, type DocumentIn, type WriteOptions } from './client.ts';
export { type OpenApiDocument, openApiDocument } from './openapi.ts';
export {
  type FieldError,
  PROBLEM_MEDIA_TYPE,
  type Problem,
  ProblemError,
  type ProblemExtra,
  problem,
} from './problem.ts';
export {
  isProblemCode,
  PROBLEM_CODES,
  PROBLEMS,
  type ProblemCode,
  type ProblemEntry,
  type ProblemPlace,
} from './problem-table.ts';
export { problemsOf, type Route, type RouteAnswer } from './route.ts';
export { type OperationId, ROUTES } from './routes.ts';
export {
  rolloutStatsSchema,
  STALE_REASONS,
  type StaleFlag,
  type StaleReason,
  staleFlagSchema,
} from './schema/after-schema.ts';
export {
  type BaselineRequest,
  type BaselinesView,
  type BaselineVersion,
  baselineRequestSchema,
  baselinesViewSchema,
} from './schema/baseline-schema.ts';
export { CLIENT_COMMANDS, type ClientCommand, clientCommandSchema } from './schema/command-schema.ts';
export {
  type DeadLetter,
  deadLetterSchema,
  type WebhookSetting,
  webhookSchema,
  webhooksSchema,
} from './schema/delivery-schema.ts';
export { documentSchema } from './schema/document-schema.ts';
export { eventRecordSchema, rolloutEventSchema } from './schema/event-schema.ts';
export { type EvidencePage, evidenceBatchSchema, evidencePageSchema } from './schema/evidence-schema.ts';
export { conditionSchema, flagSchema, rulesetSchema, segmentSchema, servedFlagSchema } from './schema/flag-schema.ts';
export { type GateChange, type GatesView, gateChangeSchema, gatesViewSchema } from './schema/gate-schema.ts';
export { HOOK_SCHEMES, type HookReceipt, type HookSetting, hookSchema } from './schema/hook-schema.ts';
export {
  type NotifyTest,
  type NotifyTestResult,
  type NotifyView,
  notifyTestSchema,
} from './schema/notify-schema.ts';
export { planIssueSchema, planSchema } from './schema/plan-schema.ts';
export {
  type CommandAnswer,
  commandAnswerSchema,
  eventFilterSchema,
  evidenceFilterSchema,
  MAX_EVIDENCE_PAGE,
  type NewRollout,
  newRolloutSchema,
  type PlanCheck,
  type PlanInput,
  planCheckSchema,
  planInputSchema,
  type RolloutView,
  rolloutFilterSchema,
  rolloutViewSchema,
} from './schema/rollout-schema.ts';
export {
  type MetricTest,
  type MetricTestResult,
  metricTestResultSchema,
  metricTestSchema,
  SOURCE_STATUSES,
  type SourceSight,
  type SourceStatus,
} from './schema/source-schema.ts';
export { rolloutStateSchema } from './schema/state-schema.ts';
export { type ServerStatus, statusSchema } from './schema/status-schema.ts';
export {
  MAX_BINS,
  MAX_SCORES,
  MAX_SERIES,
  scoreBatchSchema,
  signalBatchSchema,
  telemetryBatchSchema,
  telemetryReceiptSchema,
} from './schema/telemetry-schema.ts';
export {
  type CreatedToken,
  createdTokenSchema,
  type Identity,
  identitySchema,
  type NewToken,
  newTokenSchema,
  type Token,
  tokenSchema,
} from './schema/token-schema.ts';
export type { TrackerStatus } from './schema/tracker-schema.ts';
export { encodeFrame, HEARTBEAT, retryLine } from './sse.ts';
export {
  formatToken,
  isTokenKind,
  parseToken,
  rolesOf,
  TOKEN_KINDS,
  type TokenKind,
  type TokenParts,
} from './token-format.ts';
export type { Connection } from './transport.ts';
export {
  DRILL_FLAG_PREFIX,
  DRILL_UNIT,
  HEARTBEAT_MS,
  INSTANCE_HEADER,
  REVISION_HEADER,
  RULESET_PATH,
  SCORES_PATH,
  type Score,
  type ScoreBatch,
  type ScoreReceipt,
  SIGNALS_PATH,
  type SignalBatch,
  STREAM_PATH,
  type StreamFrame,
  TELEMETRY_PATH,
  type TelemetryBatch,
  type TelemetryReceipt,
  type TelemetrySeries,
} from './wire.ts';
