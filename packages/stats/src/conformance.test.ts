import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bets } from './conformance-bets.contract.ts';
import { families } from './conformance-families.contract.ts';
import { means } from './conformance-means.contract.ts';
import { published } from './conformance-published.contract.ts';
import { rates } from './conformance-rates.contract.ts';
import { numbers, shares } from './conformance-shares.contract.ts';

type Vector = {
  readonly name: string;
  readonly inputs: unknown;
  readonly expected: unknown;
  readonly expected_full_precision?: unknown;
  readonly tol: number;
};

/** The vectors are public test data beside the repository; they are not copied into it. */
const file = new URL('../../../../shared/conformance/stat-vectors.json', import.meta.url);
const present = existsSync(file);
const vectors = present
  ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly vectors: readonly Vector[] }).vectors
  : [];
const VECTORS = 111;

const CHECKS = [...rates, ...bets, ...published, ...shares, ...means, ...families, ...numbers];

/** Equal within a tolerance: absolute below 1, relative above. */
function expectClose(actual: unknown, expected: unknown, tol: number, path: string) {
  if (typeof expected === 'number') {
    expect(typeof actual, path).toBe('number');
    const error = Math.abs((actual as number) - expected) / Math.max(1, Math.abs(expected));
    expect(error, `${path}: ${actual} for ${expected}`).toBeLessThanOrEqual(tol);
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(actual as object), path).toEqual(expect.arrayContaining(Object.keys(expected)));
    for (const [key, value] of Object.entries(expected)) {
      expectClose((actual as Record<string, unknown>)[key], value, tol, `${path}.${key}`);
    }
  } else {
    expect(actual, path).toBe(expected);
  }
}

describe.skipIf(!present)('the public statistics vectors (skipped where ../shared/conformance is absent)', () => {
  it('are all here', () => {
    expect(vectors).toHaveLength(VECTORS);
  });

  it.each(vectors)('gives $name', ({ name, inputs, expected, expected_full_precision, tol }) => {
    const checks = CHECKS.filter(({ names }) => names.test(name));
    expect(checks, `exactly one computation for ${name}`).toHaveLength(1);
    const actual = checks[0]!.compute(inputs);
    expectClose(actual, expected, tol, name);
    // Some full values drop the list around a single number.
    if (expected_full_precision !== undefined) {
      expectClose([actual].flat(), [expected_full_precision].flat(), tol, name);
    }
  });

  it('uses every computation', () => {
    const unused = CHECKS.filter(({ names }) => !vectors.some(({ name }) => names.test(name)));
    expect(unused.map(({ names }) => String(names))).toEqual([]);
  });
});
