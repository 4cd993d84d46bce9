export { type AlertDelivery, type FiringAlert, readAlertDelivery } from './alert-delivery.ts';
export { readAttestationMapping } from './attestation-mapping.ts';
export { type CommandDeps, commandNotifier } from './command-notifier.ts';
export { ConnectorError, type ConnectorErrorCode } from './connector-error.ts';
export type { ContractCase } from './contract.ts';
export { type GateQuestion, gateCall } from './gate-call.ts';
export { type MappedGate, readGateMapping } from './gate-mapping.ts';
export { logBinsOf } from './histogram-bins.ts';
export { HistoryError, type HistoryPart, type HistoryRange, historySteps } from './history-steps.ts';
export {
  checkSignature,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
  type SignatureSettings,
} from './inbound-signature.ts';
export { isOwedToPagers } from './matter.ts';
export { type MetricSourceHarness, metricSourceContract } from './metric-source.contract.ts';
export {
  type Audience,
  type Notification,
  notificationsOf,
  notificationsOfDecision,
  type Severity,
  type Told,
} from './notification.ts';
export { type NotifierHarness, notifierContract } from './notifier.contract.ts';
export { NOTIFIER_KINDS, type NotifierDeps, type NotifierKind, type NotifierMemory } from './notifier-kinds.ts';
export {
  type ChannelSettings,
  type NotifySettings,
  readNotifySettings,
  type ServerRoute,
  type SlackSettings,
  type SlackUser,
  unknownChannel,
} from './notify-settings.ts';
export {
  type OutboundHarness,
  type OutboundOutcome,
  outboundContract,
  type PeerBehaviour,
} from './outbound.contract.ts';
export { type PlaneOptions, type PlaneTracker, planeTracker } from './plane-tracker.ts';
export type {
  DeliveryResult,
  HistoryAnswer,
  HistoryPoint,
  HistoryQuery,
  HistorySource,
  MetricQuery,
  MetricSource,
  Notifier,
  SourceAnswer,
  SourceErrorReason,
  SourceExchange,
} from './ports.ts';
export type { PrometheusConnection } from './prometheus-api.ts';
export { PROMETHEUS, prometheusHistory } from './prometheus-history.ts';
export { prometheusSource } from './prometheus-source.ts';
export { MAX_RETRY_AFTER_MS, retryAfterMs } from './retry-after.ts';
export { type MappedOccurrence, readSignalMapping, type SignalMapping } from './signal-mapping.ts';
export {
  readSlackClick,
  replyInSlack,
  type SlackClick,
  type SlackClickReading,
  type SlackReply,
  type SlackReplyDeps,
} from './slack-click.ts';
export type { SourceDeps } from './source-deps.ts';
export { type BindingTraits, SOURCE_KINDS, type SourceKind } from './source-kinds.ts';
export { type EvidenceReader, type StoredEvidence, telemetrySource } from './telemetry-source.ts';
export { type TokenBucket, tokenBucket } from './token-bucket.ts';
export { type TrackerBehaviour, type TrackerHarness, trackerContract } from './tracker.contract.ts';
export type { IssueDraft, TrackedIssue, Tracker, TrackerPriority, TrackerResult } from './tracker.ts';
export { TRACKER_KINDS, type TrackerKind } from './tracker-kinds.ts';
export { type TrackerLinks, type TrackerOp, trackerOf, trackerOpsOf } from './tracker-rules.ts';
export { type AddressLookup, guardedLookup, isPrivateAddress, type UrlPolicy, urlProblem } from './url-guard.ts';
export { probeUrl } from './url-probe.ts';
export { type WebhookOptions, webhookNotifier } from './webhook-notifier.ts';
