import type { z } from 'zod';
import { type FieldError, ProblemError } from './problem.ts';
import type { ProblemCode } from './problem-table.ts';

const MAX_ERRORS = 20;
const SECRET_FIELD = /secret|token|password/i;

/**
 * The value as the schema reads it: defaults filled in.
 * Throws `ProblemError` with `code` and at most 20 field errors, each with path, expectation and what was received.
 */
export function checkBody<S extends z.ZodType>(
  schema: S,
  value: unknown,
  code: ProblemCode = 'BODY_INVALID',
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = fieldErrorsOf(result.error, value);
  const detail = errors
    .map((error) => (error.path === '' ? error.message : `${error.path}: ${error.message}`))
    .join('; ');
  throw new ProblemError(code, detail, { errors });
}

/** What zod found, as field errors. Values of fields whose name speaks of a secret are never repeated. */
export function fieldErrorsOf(error: z.ZodError, value: unknown): readonly FieldError[] {
  return error.issues.slice(0, MAX_ERRORS).map((issue) => ({
    path: pathText(issue.path),
    message: issue.message + receivedText(issue, value),
  }));
}

function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return parts.join('').replace(/^\./, '');
}

function receivedText(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'unrecognized_keys' || issue.message.includes('received')) return '';
  if (issue.path.some((part) => SECRET_FIELD.test(String(part)))) return '';
  const received = issue.path.reduce<unknown>((at, part) => childOf(at, part), value);
  if (received === undefined) return ', received nothing';
  if (Array.isArray(received)) return `, received ${received.length} entries`;
  if (typeof received === 'object' && received !== null) return '';
  return `, received ${JSON.stringify(received).slice(0, 80)}`;
}

function childOf(parent: unknown, key: PropertyKey): unknown {
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) return undefined;
  return Reflect.get(parent, key);
}
