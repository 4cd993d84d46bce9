import type { Metric, Plan, Stage } from '../plan.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Shortest silence that counts as blindness, whatever the time scale: SDKs flush every few seconds of real time. */
const SHORTEST_SILENCE_MS = 2_000;

/** How long the evidence of a rollout may be silent before it counts as blind. Five minutes, scaled. */
export function silenceMs(plan: Plan): number {
  return Math.max(SHORTEST_SILENCE_MS, 5 * MINUTE * plan.timeScale);
}

/** How long a rollout may be blind before people are told (semantics §1), never shorter than one silence. */
export function blindLimitMs(plan: Plan): number {
  return Math.max(plan.blindLimitMs, silenceMs(plan));
}

const lags = new WeakMap<Plan, number>();

/** Lag of the slowest metric; worked out once per plan, as every look asks. */
function longestLagMs(plan: Plan): number {
  const known = lags.get(plan);
  if (known !== undefined) return known;
  const longest = Math.max(0, ...Object.values(plan.metrics).map((metric) => metric.lagMs));
  lags.set(plan, longest);
  return longest;
}

function leastWindowMs(plan: Plan, stage: Stage): number {
  return Math.max(HOUR * plan.timeScale, (stage.durationMs ?? plan.monitorMs) / 10);
}

/**
 * Fresh evidence a proceed needs after a gap: `max(1 h, the slowest metric's lag, 10 % of the stage)`, all scaled
 * (semantics §4).
 */
export function freshWindowMs(plan: Plan, stage: Stage): number {
  return Math.max(leastWindowMs(plan, stage), longestLagMs(plan));
}

/**
 * How long one metric may stay silent while its source is alive: `max(1 h, 10 % of the stage)`, scaled, and its own lag. The
 * lag of another metric excuses nothing: complaints that come days later must not hide errors that stopped coming.
 */
export function quietWindowMs(plan: Plan, stage: Stage, metric: Metric): number {
  return Math.max(leastWindowMs(plan, stage), silenceMs(plan)) + metric.lagMs;
}

/** Intervals of the two series of restarts of the late-onset mixture: 6 h (statistics d4) and 10 min, scaled. */
export function restartEveryMs(plan: Plan): { readonly slow: number; readonly quick: number } {
  return { slow: 6 * HOUR * plan.timeScale, quick: 10 * MINUTE * plan.timeScale };
}
