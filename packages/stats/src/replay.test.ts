import { describe, expect, it } from 'vitest';
import { EQUAL_WEIGHTS, mixtureLogE, RATIO_GRID, updateRateRatio } from './rate-ratio.ts';
import {
  emptyReplay,
  frozenBaseline,
  isReplayOver,
  type ReplayBatch,
  type ReplayPlan,
  updateReplay,
  WEEK_MINUTES,
} from './replay.ts';

const PERIOD = 10;
/** Minute k of the period had k events in 100 + k exposures. */
const slots = Array.from({ length: PERIOD }, (_, minute) => ({ minute, x: minute, n: 100 + minute }));
const planFor = (changes: Partial<ReplayPlan> = {}): ReplayPlan => ({
  baseline: frozenBaseline(slots, PERIOD),
  startMinute: 0,
  nullRatio: 1,
  ratios: RATIO_GRID,
  ...changes,
});
const run = (plan: ReplayPlan, batches: readonly ReplayBatch[]) =>
  batches.reduce((state, batch) => updateReplay(state, batch, plan), emptyReplay(plan));
const against = (...pairs: readonly (readonly [number, number, number, number])[]) =>
  pairs.reduce<readonly number[]>(
    (llr, [xT, nT, xC, nC]) => updateRateRatio(llr, { xT, nT, xC, nC }, 1, RATIO_GRID),
    [],
  );

describe('the replay of a frozen baseline', () => {
  it('compares each minute with the same minute of the baseline', () => {
    const state = run(planFor({ startMinute: 23 }), [
      { x: 5, n: 50, toMinute: 24 },
      { x: 6, n: 60, toMinute: 25 },
    ]);
    expect(state.llr).toEqual(against([5, 50, 3, 103], [6, 60, 4, 104]));
  });

  it('compares a batch over several minutes with all of them', () => {
    const state = run(planFor(), [{ x: 5, n: 50, toMinute: 3 }]);
    expect(state.llr).toEqual(against([5, 50, 0 + 1 + 2, 100 + 101 + 102]));
  });

  it('lets batches within a minute wait for its end', () => {
    const started = run(planFor(), [
      { x: 1, n: 10, toMinute: 0.25 },
      { x: 2, n: 10, toMinute: 0.75 },
    ]);
    expect(started.llr).toEqual([]);
    const ended = updateReplay(started, { x: 3, n: 10, toMinute: 1.25 }, planFor());
    expect(ended.llr).toEqual(against([6, 30, 0, 100]));
  });

  it('plays each minute once: after the period the evidence stays as it is', () => {
    const plan = planFor();
    const full = run(plan, [{ x: 40, n: 1000, toMinute: PERIOD }]);
    expect(isReplayOver(full, plan)).toBe(true);
    expect(updateReplay(full, { x: 90, n: 100, toMinute: 2 * PERIOD }, plan)).toBe(full);
    const overshoot = run(plan, [{ x: 40, n: 1000, toMinute: 3 * PERIOD }]);
    expect(overshoot.llr).toEqual(full.llr);
  });

  it('spreads its minutes over several passes when told the rollout lasts longer', () => {
    const plan = planFor({ passes: 2, startMinute: 5 });
    const batches = Array.from({ length: 2 * PERIOD }, (_, k) => ({ x: 1, n: 10, toMinute: 6 + k }));
    const states = batches.map((_, k) => run(plan, batches.slice(0, k + 1)));
    expect(isReplayOver(states.at(-1)!, plan)).toBe(true);
    expect(isReplayOver(states.at(-2)!, plan)).toBe(false);
    // Minutes 5..14 play the even minutes of the period, 15..24 the odd ones; treatment waits for them.
    const even = [6, 8, 0, 2, 4];
    const odd = [5, 7, 9, 1, 3];
    const pairs = [...even, ...odd].map((x): readonly [number, number, number, number] => [2, 20, x, 100 + x]);
    pairs[5] = [1, 10, 5, 105];
    const expected = against(...pairs);
    for (const [g, value] of states.at(-1)!.llr.entries()) expect(value).toBeCloseTo(expected[g]!, 12);
  });

  it('lets minutes go by that have no baseline or no treatment', () => {
    const gaps = planFor({ baseline: frozenBaseline(slots.slice(0, 2), PERIOD) });
    const state = run(gaps, [
      { x: 1, n: 10, toMinute: 1 },
      { x: 0, n: 0, toMinute: 2 },
      { x: 7, n: 10, toMinute: 3 },
    ]);
    expect(state).toEqual({ llr: against([1, 10, 0, 100]), nextMinute: 3, x: 0, n: 0 });
  });

  it('ignores a clock that stands still or goes back', () => {
    const state = run(planFor(), [
      { x: 1, n: 10, toMinute: 4 },
      { x: 2, n: 10, toMinute: 3 },
    ]);
    expect(state).toMatchObject({ nextMinute: 4, x: 2, n: 10 });
  });

  it('adds up several weeks of the same minute', () => {
    const { period, slots: laid } = frozenBaseline([
      { minute: 3, x: 1, n: 10 },
      { minute: WEEK_MINUTES + 3, x: 2, n: 20 },
    ]);
    expect(period).toBe(WEEK_MINUTES);
    expect(laid[3]).toEqual({ x: 3, n: 30 });
    expect(laid[4]).toEqual({ x: 0, n: 0 });
  });

  it('finds a rise over the baseline', () => {
    const state = run(planFor({ nullRatio: 1.2 }), [{ x: 300, n: 1000, toMinute: PERIOD }]);
    expect(mixtureLogE(state.llr, EQUAL_WEIGHTS)).toBeGreaterThan(Math.log(20));
  });
});
