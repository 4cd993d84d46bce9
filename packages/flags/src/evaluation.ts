import type { JsonValue } from './flag.ts';

/** OpenFeature evaluation context: flat or nested JSON attributes about the unit being evaluated. */
export type EvaluationContext = { readonly targetingKey?: string; readonly [attribute: string]: JsonValue | undefined };

/** OpenFeature reasons, verbatim. */
export type Reason =
  | 'STATIC'
  | 'DEFAULT'
  | 'TARGETING_MATCH'
  | 'SPLIT'
  | 'CACHED'
  | 'DISABLED'
  | 'UNKNOWN'
  | 'STALE'
  | 'ERROR';

/** OpenFeature error codes, verbatim. */
export type ErrorCode =
  | 'PROVIDER_NOT_READY'
  | 'FLAG_NOT_FOUND'
  | 'PARSE_ERROR'
  | 'TYPE_MISMATCH'
  | 'TARGETING_KEY_MISSING'
  | 'INVALID_CONTEXT'
  | 'PROVIDER_FATAL'
  | 'GENERAL';

/**
 * Who sees what, for comparison. `treatment` and `control` are placed by random split and comparable within a stratum;
 * `targeted` units see the feature because of their audience and are in neither arm.
 */
export type Arm = 'treatment' | 'control' | 'targeted';

/** Where an evaluation stands in a rollout. `stratum` is the split weight that applied to the unit: shares differ between strata. */
export type ExposurePlace = {
  readonly rollout: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly arm: Arm;
  readonly stratum: number;
};

/** Result of one evaluation (OpenFeature `EvaluationDetails`). Instances are shared and frozen: never mutate one. */
export type Evaluation<T extends JsonValue = JsonValue> = {
  readonly value: T;
  readonly reason: Reason;
  readonly variant?: string;
  readonly errorCode?: ErrorCode;
  readonly errorMessage?: string;
  /** Present when the flag is in a rollout and the unit takes part in it. */
  readonly place?: ExposurePlace;
};
