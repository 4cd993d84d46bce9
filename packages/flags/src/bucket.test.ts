import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf, USER_BUCKETS, userBucketOf } from './bucket.ts';
import { murmur3 } from './murmur3.ts';

type Vector = { flagKey: string; targetingKey: string; murmur3_x86_32_seed0_utf8: number; bucket_100000: number };
const vectorFile = new URL('../../../../shared/conformance/bucket-vectors.json', import.meta.url);

// The public vectors lie beside the repository and are absent from a plain clone.
describe.skipIf(!existsSync(vectorFile))('the public bucketing vectors', () => {
  it('are all met, in hash and in bucket', () => {
    const { vectors } = JSON.parse(readFileSync(vectorFile, 'utf8')) as { vectors: Vector[] };
    expect(vectors.length).toBeGreaterThan(10);
    for (const vector of vectors) {
      expect(murmur3(vector.flagKey + vector.targetingKey)).toBe(vector.murmur3_x86_32_seed0_utf8);
      expect(bucketOf(vector.flagKey, vector.targetingKey)).toBe(vector.bucket_100000);
    }
  });
});

describe('bucketOf', () => {
  it('is an integer in [0, 100000)', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (salt, unit) => {
        const bucket = bucketOf(salt, unit);
        expect(Number.isInteger(bucket) && bucket >= 0 && bucket < 100_000).toBe(true);
      }),
    );
  });

  it('fills the line evenly', () => {
    const tenths = new Array<number>(10).fill(0);
    for (let user = 0; user < 50_000; user++) tenths[Math.floor(bucketOf('even', `user-${user}`) / 10_000)]! += 1;
    // Each tenth has 5000 expected; 6 standard deviations are 402.
    for (const count of tenths) expect(Math.abs(count - 5000)).toBeLessThan(402);
  });

  it('places users independently in different flags: the lift over 190 pairs of flags is 1', () => {
    const users = Array.from({ length: 20_000 }, (_, user) => `user-${user}`);
    const taken = Array.from({ length: 20 }, (_, flag) => users.map((user) => bucketOf(`flag-${flag}`, user) < 10_000));
    const zScores: number[] = [];
    for (const [index, left] of taken.entries()) {
      for (const right of taken.slice(index + 1)) {
        const both = left.filter((on, user) => on && right[user]).length;
        const expected = (left.filter(Boolean).length * right.filter(Boolean).length) / users.length;
        zScores.push((both - expected) / Math.sqrt(expected * 0.81));
      }
    }
    expect(zScores).toHaveLength(190);
    expect(Math.max(...zScores.map(Math.abs))).toBeLessThan(4.5);
    expect(Math.abs(zScores.reduce((sum, z) => sum + z, 0) / 190)).toBeLessThan(0.4);
  });
});

describe('userBucketOf', () => {
  it('fills all 64 buckets evenly and independently of an assignment', () => {
    const counts = new Array<number>(USER_BUCKETS).fill(0);
    let exposedInLowHalf = 0;
    for (let user = 0; user < 64_000; user++) {
      const bucket = userBucketOf(`user-${user}`);
      counts[bucket]! += 1;
      if (bucket < 32 && bucketOf('flag', `user-${user}`) < 50_000) exposedInLowHalf += 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(190);
    expect(Math.abs(exposedInLowHalf - 16_000)).toBeLessThan(600);
  });

  it('stays what it is, because stored evidence carries it', () => {
    expect(['user-1', 'user-2', 'ünïcödé', ''].map(userBucketOf)).toEqual(
      ['user-1', 'user-2', 'ünïcödé', ''].map((unit) => murmur3(`rampart:user-bucket:${unit}`) >>> 26),
    );
  });
});
