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

/** Shortest wait that people are told of, whatever the time scale. */
const SHORTEST_STUCK_MS = MINUTE;

/** How long a rollout that could go on by time may wait before people are told: what the plan says, else 24 h, scaled. */
export function stuckAfterMs(plan: Plan): number {
  return Math.max(SHORTEST_STUCK_MS, plan.stuckAfterMs ?? 24 * HOUR * plan.timeScale);
}

/** How long an incident may lie before people are told that nobody has taken it on: 4 h, scaled. */
export function unattendedAfterMs(plan: Plan): number {
  return Math.max(SHORTEST_STUCK_MS, 4 * HOUR * plan.timeScale);
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

function windowMs(plan: Plan, stage: Stage, lagMs: number): number {
  return Math.max(HOUR * plan.timeScale, lagMs, (stage.durationMs ?? plan.monitorMs) / 10);
}

/** Fresh evidence a proceed needs after a gap: `max(1 h, the slowest metric's lag, 10 % of the stage)`, all scaled (semantics §4). */
export function freshWindowMs(plan: Plan, stage: Stage): number {
  return windowMs(plan, stage, longestLagMs(plan));
}

/**
 * How long one metric may stay silent while its source is alive: the window of fresh evidence with its own lag, and that lag
 * again, as what comes late may come in lumps.
 */
export function metricSilenceMs(plan: Plan, stage: Stage, { lagMs }: Pick<Metric, 'lagMs'>): number {
  return Math.max(windowMs(plan, stage, lagMs), silenceMs(plan)) + lagMs;
}

/** Intervals of the two series of restarts of the late-onset mixture: 6 h (statistics d4) and 10 min, scaled. */
export function restartEveryMs(plan: Plan): { readonly slow: number; readonly quick: number } {
  return { slow: 6 * HOUR * plan.timeScale, quick: 10 * MINUTE * plan.timeScale };
}
