export { type AlertDelivery, type FiringAlert, readAlertDelivery } from './alert-delivery.ts';
export { ConnectorError, type ConnectorErrorCode } from './connector-error.ts';
export type { ContractCase } from './contract.ts';
export { logBinsOf } from './histogram-bins.ts';
export { HistoryError, type HistoryPart, type HistoryRange, historySteps } from './history-steps.ts';
export {
  checkSignature,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
  type SignatureSettings,
} from './inbound-signature.ts';
export { type MetricSourceHarness, metricSourceContract } from './metric-source.contract.ts';
export {
  type Audience,
  type Notification,
  notificationsOf,
  notificationsOfDecision,
  type Severity,
  type Told,
} from './notification.ts';
export { type NotifierHarness, notifierContract, type ReceiverBehaviour } from './notifier.contract.ts';
export { NOTIFIER_KINDS, type NotifierDeps, type NotifierKind, type NotifierMemory } from './notifier-kinds.ts';
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
export type { SourceDeps } from './source-deps.ts';
export { type BindingTraits, SOURCE_KINDS, type SourceKind } from './source-kinds.ts';
export { type EvidenceReader, type StoredEvidence, telemetrySource } from './telemetry-source.ts';
export { type AddressLookup, guardedLookup, isPrivateAddress, type UrlPolicy, urlProblem } from './url-guard.ts';
export { type WebhookOptions, webhookNotifier } from './webhook-notifier.ts';
