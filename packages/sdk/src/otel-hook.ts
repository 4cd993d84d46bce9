import type { EvaluationDetails, FlagValue, Hook, HookContext } from '@openfeature/server-sdk';
import * as otel from '@opentelemetry/api';
import { ATTRIBUTE } from './otel-names.ts';

/** The part of an OpenTelemetry logger that events need. */
export type EventLogger = {
  emit(event: {
    readonly eventName: string;
    readonly severityNumber: number;
    readonly attributes: Record<string, string | number | boolean>;
  }): void;
};

/** What the hook tells of evaluations. */
export type EvaluationHookOptions = {
  /**
   * Where events go. Default: the global logger provider of `@opentelemetry/api` 1.10 and later; before that there is none
   * there, so give a logger of `@opentelemetry/api-logs`.
   */
  readonly logger?: EventLogger;
  /** `rollouts`: only flags in rollout are told of. Default: `all`. */
  readonly flags?: 'all' | 'rollouts';
  /** Tells the targeting key as `feature_flag.context.id`. It may say who the user is. Default: false. */
  readonly contextId?: boolean;
};

/** Severity INFO of the OpenTelemetry data model. */
const INFO = 9;
const NAME = '@rampart/sdk';

/**
 * OpenFeature hook that emits the event `feature_flag.evaluation` of the OpenTelemetry semantic conventions 1.44 (release
 * candidate) for each evaluation, and stamps the flag and variant of a flag in rollout on the active span. For any provider.
 */
export class EvaluationHook implements Hook {
  readonly #options: EvaluationHookOptions;

  constructor(options: EvaluationHookOptions = {}) {
    this.#options = options;
  }

  finally(context: Readonly<HookContext>, details: EvaluationDetails<FlagValue>): void {
    // An event that cannot be told must not fail the evaluation.
    try {
      const isInRollout = details.flagMetadata?.rollout !== undefined;
      if (isInRollout) stampSpan(details);
      if (!isInRollout && this.#options.flags === 'rollouts') return;
      const logger = this.#options.logger ?? globalLogger();
      const attributes = attributesOf(context, details, this.#options.contextId ?? false);
      logger?.emit({ eventName: 'feature_flag.evaluation', severityNumber: INFO, attributes });
    } catch (error) {
      otel.diag.error(`${NAME}: an evaluation of ${details.flagKey} could not be told`, error);
    }
  }
}

function stampSpan({ flagKey, variant }: EvaluationDetails<FlagValue>): void {
  if (variant === undefined) return;
  otel.trace.getActiveSpan()?.setAttributes({ [ATTRIBUTE.key]: flagKey, [ATTRIBUTE.variant]: variant });
}

function globalLogger(): EventLogger | undefined {
  const logs: unknown = Reflect.get(otel, 'logs');
  if (typeof logs !== 'object' || logs === null || !('getLogger' in logs)) return undefined;
  const { getLogger } = logs;
  return typeof getLogger === 'function' ? getLogger.call(logs, NAME) : undefined;
}

/** Attributes by the semantic conventions; a value is told only where there is no variant to tell. */
function attributesOf(
  { context, providerMetadata }: Readonly<HookContext>,
  { flagKey, variant, value, reason, errorCode, errorMessage, flagMetadata }: EvaluationDetails<FlagValue>,
  tellsContext: boolean,
): Record<string, string | number | boolean> {
  const { flagSetId, version, contextId = tellsContext ? context.targetingKey : undefined } = flagMetadata ?? {};
  const plainValue = typeof value === 'object' ? JSON.stringify(value) : value;
  const all = {
    [ATTRIBUTE.key]: flagKey,
    [ATTRIBUTE.variant]: variant,
    'feature_flag.result.value': variant === undefined ? plainValue : undefined,
    'feature_flag.result.reason': (reason ?? 'UNKNOWN').toLowerCase(),
    'feature_flag.provider.name': providerMetadata.name,
    'feature_flag.set.id': flagSetId,
    'feature_flag.version': version,
    'feature_flag.context.id': contextId,
    'error.type': errorCode?.toLowerCase(),
    'feature_flag.error.message': errorCode === undefined ? undefined : errorMessage,
  };
  const known = Object.entries(all).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
  );
  return Object.fromEntries(known);
}
