import {
  ErrorCode,
  type EvaluationContext,
  type FlagMetadata,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  ProviderFatalError,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/server-sdk';
import type { Evaluation } from '@rampart/flags';
import type { ClientStatus, RampartClient } from './client-options.ts';
import { toFlagContext } from './flag-context.ts';

/**
 * OpenFeature provider (specification 0.9) over a Rampart client. The provider owns the client: closing the provider,
 * as `OpenFeature.close()` does, delivers telemetry and closes the client.
 */
export class RampartProvider implements Provider {
  readonly metadata = { name: 'rampart' } as const;
  readonly runsOn = 'server';
  readonly events = new OpenFeatureEventEmitter();
  readonly #client: RampartClient;
  readonly #stopListening: readonly (() => void)[];
  #isInitialized = false;

  constructor(client: RampartClient) {
    this.#client = client;
    this.#stopListening = [
      client.on('live', () => this.#emitAfterStart(ProviderEvents.Ready)),
      client.on('stale', ({ message }) => this.#emitAfterStart(ProviderEvents.Stale, message)),
      client.on('change', ({ flagsChanged }) => {
        if (this.#isInitialized)
          this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...flagsChanged] });
      }),
      client.on('error', ({ message, fatal }) => {
        if (fatal && this.#isInitialized) {
          this.events.emit(ProviderEvents.Error, { message, errorCode: ErrorCode.PROVIDER_FATAL });
        }
      }),
    ];
  }

  /** Waits for the first ruleset, at most the client's `initTimeoutMs`. Rejects only when the token is refused. */
  async initialize(): Promise<void> {
    await this.#client.ready();
    const { fatal } = this.#client.status();
    if (fatal !== undefined) throw new ProviderFatalError(fatal);
    this.#isInitialized = true;
  }

  async onClose(): Promise<void> {
    for (const stop of this.#stopListening) stop();
    await this.#client.close();
  }

  async resolveBooleanEvaluation(
    key: string,
    fallback: boolean,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<boolean>> {
    return this.#resolve(key, fallback, context, (value) => typeof value === 'boolean');
  }

  async resolveStringEvaluation(
    key: string,
    fallback: string,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<string>> {
    return this.#resolve(key, fallback, context, (value) => typeof value === 'string');
  }

  async resolveNumberEvaluation(
    key: string,
    fallback: number,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<number>> {
    return this.#resolve(key, fallback, context, (value) => typeof value === 'number');
  }

  async resolveObjectEvaluation<T extends JsonValue>(
    key: string,
    fallback: T,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<T>> {
    return this.#resolve(key, fallback, context, (value): value is T => typeof value === 'object' && value !== null);
  }

  /** Records `details.value`, 1 by default, for every rollout that judges the metric of this name. */
  track(name: string, context: EvaluationContext, details: TrackingEventDetails): void {
    this.#client.track(name, details?.value ?? 1, toFlagContext(context));
  }

  #resolve<T extends JsonValue>(
    key: string,
    fallback: T,
    context: EvaluationContext,
    isOfType: (value: unknown) => value is T,
  ): ResolutionDetails<T> {
    // No value of ours is null, so null asks for any object, as OpenFeature's own suite does.
    const evaluation = this.#client.details(key, fallback ?? {}, toFlagContext(context));
    if (evaluation.errorCode !== undefined) return failureOf(evaluation, fallback);
    if (isOfType(evaluation.value)) return detailsOf(evaluation, evaluation.value, this.#client.status());
    const errorMessage = `Flag "${key}" holds a value of another type than the one asked for.`;
    return { value: fallback, reason: 'ERROR', errorCode: ErrorCode.TYPE_MISMATCH, errorMessage };
  }

  #emitAfterStart(event: ProviderEvents.Ready | ProviderEvents.Stale, message?: string): void {
    // Before, the SDK itself announces what came of the start.
    if (this.#isInitialized) this.events.emit(event, message === undefined ? {} : { message });
  }
}

function failureOf<T extends JsonValue>(evaluation: Evaluation, fallback: T): ResolutionDetails<T> {
  const errorCode = ErrorCode[evaluation.errorCode ?? 'GENERAL'];
  const failure = { value: fallback, reason: evaluation.reason, errorCode };
  return evaluation.errorMessage === undefined ? failure : { ...failure, errorMessage: evaluation.errorMessage };
}

function detailsOf<T extends JsonValue>(evaluation: Evaluation, value: T, status: ClientStatus): ResolutionDetails<T> {
  const details = { value, reason: evaluation.reason, flagMetadata: metadataOf(evaluation, status) };
  return evaluation.variant === undefined ? details : { ...details, variant: evaluation.variant };
}

/** Where the evaluation stands in a rollout; `flagSetId` and `version` are the names OpenTelemetry hooks look for. */
function metadataOf(evaluation: Evaluation, status: ClientStatus): FlagMetadata {
  const metadata: FlagMetadata = {};
  if (status.revision !== undefined) {
    metadata.revision = status.revision;
    metadata.version = String(status.revision);
  }
  if (status.environment !== undefined) metadata.flagSetId = status.environment;
  if (evaluation.place === undefined) return metadata;
  const { rollout, attempt, epoch, arm, stratum } = evaluation.place;
  return Object.assign(metadata, { rollout, attempt, epoch, arm, stratum });
}
