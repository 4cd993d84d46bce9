import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkBody } from './check-body.ts';
import { ProblemError } from './problem.ts';

const schema = z.strictObject({
  name: z.string().max(3),
  list: z.array(z.strictObject({ n: z.int().max(5) })).max(2),
  secret: z
    .string()
    .regex(/^whsec_/)
    .optional(),
  why: z.string().default('none'),
});

function refused(value: unknown): ProblemError {
  try {
    checkBody(schema, value);
  } catch (error) {
    if (error instanceof ProblemError) return error;
  }
  throw new Error('it was accepted');
}

describe('checkBody', () => {
  it('gives the value with defaults filled in', () => {
    expect(checkBody(schema, { name: 'ab', list: [] })).toEqual({ name: 'ab', list: [], why: 'none' });
  });

  it('names the path, what was expected and what was received', () => {
    const { problem } = refused({ name: 'long name', list: [{ n: 1 }, { n: 7 }] });
    expect(problem.code).toBe('BODY_INVALID');
    expect(problem.errors).toEqual([
      { path: 'name', message: 'Too big: expected string to have <=3 characters, received "long name"' },
      { path: 'list[1].n', message: 'Too big: expected number to be <=5, received 7' },
    ]);
    expect(problem.detail).toContain('list[1].n: Too big');
  });

  it('counts entries instead of repeating them, and says when nothing was received', () => {
    const { problem } = refused({ list: [{ n: 1 }, { n: 2 }, { n: 3 }] });
    expect(problem.errors?.map((error) => error.message)).toEqual([
      'Invalid input: expected string, received undefined',
      'Too big: expected array to have <=2 items, received 3 entries',
    ]);
  });

  it('names an unknown key', () => {
    expect(refused({ name: 'a', list: [], tpyo: 1 }).problem.detail).toContain('Unrecognized key: "tpyo"');
  });

  it('never repeats a secret', () => {
    expect(JSON.stringify(refused({ name: 'a', list: [], secret: 'hunter2' }).problem)).not.toContain('hunter2');
  });

  it('lists at most 20 errors', () => {
    const wide = z.object(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, z.string()])));
    expect(() => checkBody(wide, {}, 'TELEMETRY_INVALID')).toThrow(ProblemError);
    try {
      checkBody(wide, {}, 'TELEMETRY_INVALID');
    } catch (error) {
      expect((error as ProblemError).problem.errors).toHaveLength(20);
      expect((error as ProblemError).code).toBe('TELEMETRY_INVALID');
    }
  });
});
