import type { JsonValue } from '@rampart/flags';
import type { MetricQuery } from './ports.ts';

/** Variables of a request: texts in `{{ }}`. Those of `from` begin the interval, those of `to` end it, those of `last` are 1 ms before its end. */
export const REQUEST_VARIABLES = [
  ...['from', 'to', 'fromMs', 'toMs', 'lastMs', 'fromS', 'toS', 'lastS'],
  ...['flag', 'treatment', 'control', 'variant', 'rollout', 'epoch'],
] as const;

/** Values of the variables: instants in ISO 8601, epochs as numbers. */
export type Variables = Readonly<Record<string, string | number>>;

const VARIABLE = /\{\{\s*([A-Za-z]\w*)\s*\}\}/g;
const WHOLE = /^\{\{\s*([A-Za-z]\w*)\s*\}\}$/;

/** Values for one question; `variant` is the variant it is about. */
export function variablesOf(query: MetricQuery, variant: string): Variables {
  const { fromAt, toAt, flag, treatment, control, rollout, epoch } = query;
  return {
    from: new Date(fromAt).toISOString(),
    to: new Date(toAt).toISOString(),
    fromMs: fromAt,
    toMs: toAt,
    lastMs: toAt - 1,
    fromS: Math.floor(fromAt / 1000),
    toS: Math.floor(toAt / 1000),
    lastS: Math.floor((toAt - 1) / 1000),
    ...{ flag, treatment, control, variant, rollout, epoch },
  };
}

/** Names of the variables anywhere in a value, each once. */
export function variableNames(value: unknown): readonly string[] {
  const text = JSON.stringify(value) ?? '';
  return [...new Set([...text.matchAll(VARIABLE)].map(([, name = '']) => name))];
}

/** A text with its variables filled in, each encoded as its place needs. */
export function fillText(text: string, variables: Variables, encode: (value: string) => string = String): string {
  return text.replaceAll(VARIABLE, (_, name: string) => encode(String(variables[name] ?? '')));
}

/** A JSON value with the variables of its texts filled in; a text that is one variable becomes its value, number or text. */
export function fillJson(value: JsonValue, variables: Variables): JsonValue {
  if (typeof value === 'string') {
    const whole = WHOLE.exec(value)?.[1];
    return whole === undefined ? fillText(value, variables) : (variables[whole] ?? '');
  }
  if (Array.isArray(value)) return value.map((one) => fillJson(one, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fillJson(one, variables)]));
}
