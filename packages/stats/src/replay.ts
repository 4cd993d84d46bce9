import { updateRateRatio } from './rate-ratio.ts';

/** Minutes of a week, after which traffic is taken to repeat. */
export const WEEK_MINUTES = 7 * 24 * 60;

/** Events (x) and exposures (n) before the rollout, in one minute of the period (0 = its first minute). */
export type BaselineSlot = { readonly minute: number; readonly x: number; readonly n: number };

/** A baseline laid out by minute of its period: entry `i` is the minute `i`; minutes without data are empty. */
export type FrozenBaseline = {
  readonly period: number;
  readonly slots: readonly { readonly x: number; readonly n: number }[];
};

/**
 * How a baseline is played: fixed before the first batch. `startMinute` is the whole minute the rollout began at, on a
 * clock whose 0 begins a period; `passes` (1 by default) the number of periods it is to last for. `nullRatio` and `ratios`
 * are those of `updateRateRatio`; with no control to guard against drift, 1.2 is a sensible least null ratio.
 */
export type ReplayPlan = {
  readonly baseline: FrozenBaseline;
  readonly startMinute: number;
  readonly passes?: number;
  readonly nullRatio: number;
  readonly ratios: readonly number[];
};

/**
 * What is kept between batches: a log likelihood ratio per bet, the first minute not yet played, and treatment's events
 * and exposures that wait for their minute to be played.
 */
export type Replay = {
  readonly llr: readonly number[];
  readonly nextMinute: number;
  readonly x: number;
  readonly n: number;
};

/** Treatment's events and exposures since the batch before, up to `toMinute` (need not be whole) on the plan's clock. */
export type ReplayBatch = { readonly x: number; readonly n: number; readonly toMinute: number };

/** A baseline from its slots, in any order; slots of the same minute (several weeks) are added up. */
export function frozenBaseline(slots: readonly BaselineSlot[], period = WEEK_MINUTES): FrozenBaseline {
  const byMinute = Array.from({ length: period }, () => ({ x: 0, n: 0 }));
  for (const { minute, x, n } of slots) {
    const index = minute % period;
    byMinute[index] = { x: byMinute[index].x + x, n: byMinute[index].n + n };
  }
  return { period, slots: byMinute };
}

/** The replay before the first batch. */
export function emptyReplay(plan: ReplayPlan): Replay {
  return { llr: [], nextMinute: plan.startMinute, x: 0, n: 0 };
}

/**
 * The comparison with a frozen baseline after one more batch: the baseline's minutes are played in step with the clock, as
 * if they were a control that reports just now, and judged by `updateRateRatio`. Unlike a comparison with the baseline's
 * average this is exact: the order of play is fixed, and each minute is revealed once. A batch within one minute waits for
 * its end; one over several minutes is compared with all of them. What no test can see from inside is drift since then.
 *
 * A minute once played is no fresh control. For a rollout longer than the period say so beforehand: with `passes` = k each
 * pass plays every k-th minute, and treatment waits at most k minutes for the next. After the last pass the evidence stays
 * as it is, still valid, and grows no more: see `isReplayOver`, and `baselineShareLogE` for what can go on.
 */
export function updateReplay(state: Replay, batch: ReplayBatch, plan: ReplayPlan): Replay {
  const { startMinute, passes = 1, baseline } = plan;
  if (isReplayOver(state, plan)) return state;
  const end = Math.min(Math.floor(batch.toMinute), startMinute + passes * baseline.period);
  const [x, n] = [state.x + batch.x, state.n + batch.n];
  const control = { x: 0, n: 0, due: 0 };
  for (let minute = state.nextMinute; minute < end; minute += 1) {
    const slot = minute % baseline.period;
    if (slot % passes !== Math.floor((minute - startMinute) / baseline.period)) continue;
    control.x += baseline.slots[slot].x;
    control.n += baseline.slots[slot].n;
    control.due += 1;
  }
  const nextMinute = Math.max(state.nextMinute, end);
  if (control.due === 0) return { llr: state.llr, nextMinute, x, n };
  const pair = { xT: x, nT: n, xC: control.x, nC: control.n };
  return { llr: updateRateRatio(state.llr, pair, plan.nullRatio, plan.ratios), nextMinute, x: 0, n: 0 };
}

/** Whether every minute of the baseline has been played, so that no more evidence can come from it. */
export function isReplayOver(state: Replay, plan: ReplayPlan): boolean {
  return state.nextMinute >= plan.startMinute + (plan.passes ?? 1) * plan.baseline.period;
}
