import { type CompiledRuleset, compiledFlag } from './compile.ts';
import type { ErrorCode, Evaluation, EvaluationContext } from './evaluation.ts';
import type { JsonValue } from './flag.ts';

/** Type of the value an evaluation gives for a fallback of type `T`: `false` asks for any boolean, `null` for anything. */
export type ValueFor<T extends JsonValue> = T extends boolean
  ? boolean
  : T extends number
    ? number
    : T extends string
      ? string
      : T extends null
        ? JsonValue
        : T;

/**
 * What a flag serves to a context. Never throws, reads no clock, and gives shared frozen results; only errors and
 * switched-off flags, which carry the caller's fallback, make an object.
 *
 * In this order: unknown flag → FLAG_NOT_FOUND; malformed → PARSE_ERROR; `enabled: false` → the fallback, DISABLED; type
 * of its values not that of `fallback` → TYPE_MISMATCH; killed → default variant, DISABLED; a prerequisite unmet →
 * default variant, DEFAULT; the first rule that matches; the exposure; the default variant. A context that throws when
 * it is read gives INVALID_CONTEXT. For an object the shape of the value is not checked against the fallback's.
 */
export function evaluate<T extends JsonValue>(
  compiled: CompiledRuleset,
  flagKey: string,
  fallback: T,
  context: EvaluationContext,
): Evaluation<ValueFor<T>> {
  // The kinds are compared before a flag's value is given, which is what makes the narrower type true.
  return evaluateJson(compiled, flagKey, fallback, context) as Evaluation<ValueFor<T>>;
}

function evaluateJson(
  compiled: CompiledRuleset,
  flagKey: string,
  fallback: JsonValue,
  context: EvaluationContext,
): Evaluation {
  try {
    const flag = compiledFlag(compiled, flagKey);
    if (flag === undefined) return failed(fallback, 'FLAG_NOT_FOUND', notFoundMessage(compiled, flagKey));
    if (flag.state === 'off') return Object.freeze({ value: fallback, reason: 'DISABLED' });
    if (flag.state === 'malformed') return failed(fallback, 'PARSE_ERROR', flag.message);
    if (fallback !== null && flag.kind !== typeof fallback) {
      return failed(fallback, 'TYPE_MISMATCH', mismatchMessage(flagKey, flag.kind, fallback));
    }
    return flag.decide(context);
  } catch (error) {
    return failed(fallback, 'INVALID_CONTEXT', `pass a plain JSON object as the context; received ${String(error)}`);
  }
}

function failed(value: JsonValue, errorCode: ErrorCode, errorMessage: string): Evaluation {
  return Object.freeze({ value, reason: 'ERROR', errorCode, errorMessage });
}

function notFoundMessage({ ruleset }: CompiledRuleset, flagKey: string): string {
  return `create flag '${flagKey}' or correct its key; received revision ${ruleset.revision} of '${ruleset.environment}' without it`;
}

function mismatchMessage(flagKey: string, kind: string, fallback: JsonValue): string {
  return `pass a fallback of type ${kind} for flag '${flagKey}'; received one of type ${typeof fallback}`;
}
