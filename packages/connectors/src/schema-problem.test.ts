import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { schemaProblem } from './schema-problem.ts';

describe('what a schema found wrong', () => {
  it('is one line that names each place', () => {
    const schema = z.strictObject({ flag: z.string(), columns: z.strictObject({ value: z.string() }) });
    const { error } = schema.safeParse({ columns: { value: 'v', valu: 'x' }, at: 1 });
    expect(error && schemaProblem(error)).toBe(
      'flag: is missing; columns: Unrecognized key: "valu"; Unrecognized key: "at"',
    );
  });
});
