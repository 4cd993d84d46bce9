import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ASSIGNED, REPORTED, SeenUsers } from './seen-users.ts';

describe('users seen', () => {
  it('are news once per mark and track', () => {
    const seen = new SeenUsers();
    expect(seen.isFirst('a', 'anna', ASSIGNED)).toBe(true);
    expect(seen.isFirst('a', 'anna', ASSIGNED)).toBe(false);
    expect(seen.isFirst('a', 'anna', REPORTED)).toBe(true);
    expect(seen.isFirst('a', 'anna', REPORTED)).toBe(false);
    expect(seen.isFirst('b', 'anna', ASSIGNED)).toBe(true);
  });

  it('keep both marks when they move from the old generation to the young one', () => {
    const seen = new SeenUsers(4);
    seen.isFirst('a', 'anna', ASSIGNED);
    seen.isFirst('a', 'ben', ASSIGNED);
    expect(seen.isFirst('a', 'anna', REPORTED)).toBe(true);
    expect(seen.isFirst('a', 'cleo', ASSIGNED)).toBe(true);
    expect(seen.isFirst('a', 'anna', ASSIGNED)).toBe(false);
    expect(seen.isFirst('a', 'anna', REPORTED)).toBe(false);
  });

  it('never take more than the capacity, and forget nobody below half of it', () => {
    const visits = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(30)), { maxLength: 300 });
    fc.assert(
      fc.property(visits, fc.integer({ min: 2, max: 40 }), (all, capacity) => {
        const seen = new SeenUsers(capacity);
        const known = new Set<string>();
        for (const [track, user] of all) {
          const isNews = !known.has(`${track}${user}`);
          known.add(`${track}${user}`);
          const isFirst = seen.isFirst(track, `${user}`, ASSIGNED);
          expect(seen.size).toBeLessThanOrEqual(capacity);
          if (isNews || known.size < capacity / 2) expect(isFirst).toBe(isNews);
        }
      }),
    );
  });
});
