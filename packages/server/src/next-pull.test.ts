import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExposureSpan } from './exposure-timeline.ts';
import { LONGEST_PULL_MS, nextPull } from './next-pull.ts';

const span = (fromAt: number, toAt?: number): ExposureSpan => ({
  fromAt,
  ...(toAt !== undefined && { toAt }),
  ...{ epoch: fromAt, stratum: 5_000, isUniform: false, isAudience: false },
});

/** Every interval that is asked for, one after the other. */
function pullsOf(spans: readonly ExposureSpan[], ends: readonly number[], everyMs: number) {
  const pulls: { fromAt: number; toAt: number; epoch: number }[] = [];
  let position: number | undefined;
  for (const endAt of ends) {
    for (;;) {
      const pull = nextPull({ spans, ...(position !== undefined && { position }), endAt, everyMs });
      if (pull === undefined) break;
      pulls.push({ fromAt: pull.fromAt, toAt: pull.toAt, epoch: pull.span.epoch });
      position = pull.toAt;
    }
  }
  return pulls;
}

/** An instant and those that follow it with these gaps. */
const instantsAfter = (first: number, gaps: readonly number[]) => {
  const all = [first];
  for (const gap of gaps) all.push((all.at(-1) ?? 0) + gap);
  return all;
};

describe('the next interval to ask for', () => {
  it('begins with the exposure, ends on the grid, and is cut where the exposure changes', () => {
    expect(pullsOf([span(1_003, 5_500), span(5_500)], [1_900, 3_100, 9_999], 1_000)).toEqual([
      { fromAt: 1_003, toAt: 3_000, epoch: 1_003 },
      { fromAt: 3_000, toAt: 5_500, epoch: 1_003 },
      { fromAt: 5_500, toAt: 9_000, epoch: 5_500 },
    ]);
  });

  it('leaves out the time between two exposures, and asks for nothing before the first', () => {
    expect(pullsOf([], [9_000], 1_000)).toEqual([]);
    expect(pullsOf([span(1_000, 2_000), span(7_000)], [8_000], 1_000)).toEqual([
      { fromAt: 1_000, toAt: 2_000, epoch: 1_000 },
      { fromAt: 7_000, toAt: 8_000, epoch: 7_000 },
    ]);
  });

  it('never takes a long time in one gulp', () => {
    const pull = nextPull({ spans: [span(0)], position: 0, endAt: 3 * 86_400_000, everyMs: 15_000 });
    expect(pull).toMatchObject({ fromAt: 0, toAt: LONGEST_PULL_MS, isPast: true });
  });

  it('covers every exposure once, without overlap, however the looks fall', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 3 * LONGEST_PULL_MS }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(gaps, gaps, fc.integer({ min: 200, max: 60_000 }), (cuts, looks, everyMs) => {
        const edges = instantsAfter(1_000, cuts);
        const spans = edges.map((edge, i) => span(edge, edges[i + 1]));
        const ends = instantsAfter(0, looks);
        const pulls = pullsOf(spans, ends, everyMs);
        for (const [i, { fromAt, toAt, epoch }] of pulls.entries()) {
          expect(fromAt).toBe(pulls[i - 1]?.toAt ?? 1_000);
          expect(toAt).toBeGreaterThan(fromAt);
          expect(toAt - fromAt).toBeLessThanOrEqual(LONGEST_PULL_MS);
          const own = spans.find((one) => one.epoch === epoch)!;
          expect(fromAt >= own.fromAt && toAt <= (own.toAt ?? Number.POSITIVE_INFINITY)).toBe(true);
        }
        const last = ends.at(-1) ?? 0;
        const missing = last - Math.max(pulls.at(-1)?.toAt ?? 1_000, 1_000);
        expect(missing).toBeLessThan(everyMs);
      }),
    );
  });
});
