import type { EvaluationContext } from '@openfeature/server-sdk';
import type { EvaluationContext as FlagContext, JsonValue as FlagValue } from '@rampart/flags';

/** Deepest nesting kept: a context that contains itself must not hang an evaluation. */
const MAX_DEPTH = 8;

/** A context as Rampart takes it: dates as ISO 8601 text, without functions, symbols and what else JSON cannot hold. */
export function toFlagContext(context: EvaluationContext): FlagContext {
  const converted: Record<string, FlagValue> = {};
  for (const [key, value] of Object.entries(context)) {
    const json = toJson(value, MAX_DEPTH);
    if (json !== undefined) converted[key] = json;
  }
  const { targetingKey, ...attributes } = converted;
  return typeof targetingKey === 'string' ? { ...attributes, targetingKey } : attributes;
}

function toJson(value: unknown, levels: number): FlagValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (typeof value !== 'object' || levels === 0) return undefined;
  if (Array.isArray(value)) return value.map((item) => toJson(item, levels - 1) ?? null);
  const pairs = Object.entries(value).map(([key, item]) => [key, toJson(item, levels - 1)] as const);
  return Object.fromEntries(pairs.filter((pair): pair is readonly [string, FlagValue] => pair[1] !== undefined));
}
