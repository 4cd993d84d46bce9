import type { JsonValue } from '@rampart/flags';
import { z } from 'zod';

/** Deepest JSON value taken: deeper ones are an attack on whoever walks them. */
const MAX_JSON_DEPTH = 16;

const MAX_INSTANT = 8_640_000_000_000_000;

/** Epoch milliseconds, a whole number. */
export const instantSchema = z.int().min(0).max(MAX_INSTANT).describe('Epoch milliseconds.');
/** Milliseconds, a whole number. */
export const durationSchema = z.int().min(0).max(MAX_INSTANT).describe('Milliseconds.');
/** Whole number from 0. */
export const countSchema = z.int().min(0);
/** Key of a flag, variant or segment: 1 to 128 letters, digits, `.`, `_`, `-`; begins with a letter or digit. */
export const keySchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'expected 1 to 128 letters, digits, ".", "_" or "-", beginning with a letter or digit',
  );
/** Name of something: 1 to 200 characters. */
export const nameSchema = z.string().min(1).max(200);
/** Free text of a person: up to 4000 characters. */
export const textSchema = z.string().max(4000);

/** Any JSON value at most `MAX_JSON_DEPTH` levels deep. */
export const jsonValueSchema = z.unknown().transform((value, context): JsonValue => {
  if (isJsonValue(value, MAX_JSON_DEPTH)) return value;
  context.addIssue({ code: 'custom', message: `expected a JSON value at most ${MAX_JSON_DEPTH} levels deep` });
  return z.NEVER;
});

function isJsonValue(value: unknown, levels: number): value is JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || levels === 0) return false;
  return Object.values(value).every((child) => isJsonValue(child, levels - 1));
}

const MAX_PLAN_CHARACTERS = 512 * 1024;

/** Text of a plan. */
export const planTextSchema = z.string().max(MAX_PLAN_CHARACTERS).describe('The plan itself: YAML or JSON.');
