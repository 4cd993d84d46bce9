import type { AbortFact, HoldReason, RolloutFacts, WaitReason } from './rollout-facts.ts';

/** Times over `n` cases, ms; absent without any. The 90th percentile is the nearest rank. */
export type TimeSpread = { readonly n: number; readonly medianMs?: number; readonly p90Ms?: number };
/** How often something was, in how many rollouts, and for how long in all, ms. What goes on counts up to now. */
export type TimeTally = { readonly n: number; readonly rollouts: number; readonly totalMs: number };

/** How rollouts go. Every figure says over how many cases it is. */
export type RolloutStats = {
  readonly now: number;
  /** Rollouts created before it are left out. */
  readonly sinceAt?: number;
  readonly rollouts: number;
  readonly outcomes: { readonly running: number; readonly complete: number; readonly cancelled: number };
  /** From the start to everyone exposed, over rollouts that came that far. */
  readonly timeToGa: TimeSpread;
  /** Time in stages that have ended, whatever their end. */
  readonly stages: readonly ({ readonly stage: string } & TimeSpread)[];
  readonly aborts: {
    readonly n: number;
    readonly rollouts: number;
    readonly byCause: Readonly<Record<string, number>>;
    readonly byStage: Readonly<Record<string, number>>;
  };
  /** From the decision that found the breach to the confirmation by every connected SDK. `unconfirmed`: aborts without one. */
  readonly breachToOff: TimeSpread & { readonly unconfirmed: number };
  /** Rollouts that needed a second attempt, of those that were started. */
  readonly retries: { readonly n: number; readonly needed: number };
  /** People who had seen a feature that was aborted, over aborts. */
  readonly exposedToAborted: { readonly n: number; readonly people: number };
  readonly spared: PeopleSpared;
  readonly holds: Readonly<Partial<Record<HoldReason, TimeTally>>>;
  readonly overrides: { readonly n: number; readonly rollouts: number };
  readonly waits: Readonly<Partial<Record<WaitReason, TimeTally>>>;
};

/**
 * People who would have seen an aborted feature at 100 % and did not: those whom SDKs reported without it until the abort.
 * `low` to `high` is what the share of the random split and the number of those exposed say of it (95 %, normal approximation).
 */
export type PeopleSpared = {
  /** Aborts it is over, and those it says nothing of: they exposed an audience only. */
  readonly n: number;
  readonly unknown: number;
  readonly people: number;
  readonly low: number;
  readonly high: number;
};

function spreadOf(times: readonly number[]): TimeSpread {
  const sorted = times.toSorted((one, other) => one - other);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  const p90Ms = sorted[Math.ceil(0.9 * sorted.length) - 1];
  if (low === undefined || high === undefined || p90Ms === undefined) return { n: 0 };
  return { n: sorted.length, medianMs: (low + high) / 2, p90Ms };
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Readonly<Record<string, number>> {
  const groups = Map.groupBy(items, keyOf);
  return Object.fromEntries([...groups].map(([key, members]) => [key, members.length]));
}

function talliesOf<Reason extends string>(
  all: readonly RolloutFacts[],
  spansOf: (facts: RolloutFacts) => readonly { readonly reason: Reason; readonly at: number; readonly ms?: number }[],
  now: number,
): Partial<Record<Reason, TimeTally>> {
  const tallies: Partial<Record<Reason, TimeTally>> = {};
  for (const facts of all) {
    const spans = Map.groupBy(spansOf(facts), ({ reason }) => reason);
    for (const [reason, own] of spans) {
      const { n = 0, rollouts = 0, totalMs = 0 } = tallies[reason] ?? {};
      const ownMs = own.reduce((sum, { at, ms }) => sum + (ms ?? Math.max(0, now - at)), 0);
      tallies[reason] = { n: n + own.length, rollouts: rollouts + 1, totalMs: totalMs + ownMs };
    }
  }
  return tallies;
}

/** Two-sided 95 % of the normal distribution. */
const Z_95 = 1.96;

/** Those not exposed, as a random split of this share says from those it exposed: mean and variance of T(1 - p)/p. */
function unexposedBy({ treated, share }: NonNullable<AbortFact['split']>) {
  return { mean: (treated * (1 - share)) / share, variance: (treated * (1 - share)) / share ** 2 };
}

function sparedBy(aborts: readonly AbortFact[]): PeopleSpared {
  const known = aborts.flatMap(({ split, control }) => (split === undefined ? [] : [{ split, control }]));
  const implied = known.map(({ split }) => unexposedBy(split));
  const mean = implied.reduce((sum, one) => sum + one.mean, 0);
  const margin = Z_95 * Math.sqrt(implied.reduce((sum, one) => sum + one.variance, 0));
  return {
    n: known.length,
    unknown: aborts.length - known.length,
    people: known.reduce((sum, { control }) => sum + control, 0),
    low: Math.max(0, Math.round(mean - margin)),
    high: Math.round(mean + margin),
  };
}

function stagesOf(all: readonly RolloutFacts[]): RolloutStats['stages'] {
  const ended = all.flatMap(({ stages }) =>
    stages.flatMap(({ reason, ms }) => (ms === undefined ? [] : [{ reason, ms }])),
  );
  const byName = Map.groupBy(ended, ({ reason }) => reason);
  return [...byName].map(([stage, own]) => ({ stage, ...spreadOf(own.map(({ ms }) => ms)) }));
}

/** How the rollouts created since an instant went. Pure: facts come from events alone. */
export function rolloutStatsOf(everything: readonly RolloutFacts[], now: number, sinceAt?: number): RolloutStats {
  const all = everything.filter(({ createdAt }) => sinceAt === undefined || createdAt >= sinceAt);
  const aborts = all.flatMap((facts) => facts.aborts);
  const outcome = (which: RolloutFacts['outcome']) => all.filter((facts) => facts.outcome === which).length;
  const started = all.filter(({ attempts }) => attempts > 0);
  const toGa = all.flatMap(({ gaAt, startedAt }) =>
    gaAt === undefined || startedAt === undefined ? [] : [gaAt - startedAt],
  );
  const off = aborts.flatMap(({ offMs }) => offMs ?? []);
  return {
    now,
    ...(sinceAt !== undefined && { sinceAt }),
    rollouts: all.length,
    outcomes: { running: outcome('running'), complete: outcome('complete'), cancelled: outcome('cancelled') },
    timeToGa: spreadOf(toGa),
    stages: stagesOf(all),
    aborts: {
      n: aborts.length,
      rollouts: all.filter((facts) => facts.aborts.length > 0).length,
      byCause: countBy(aborts, ({ cause }) => cause),
      byStage: countBy(aborts, ({ stage }) => stage),
    },
    breachToOff: { ...spreadOf(off), unconfirmed: aborts.length - off.length },
    retries: { n: started.length, needed: started.filter(({ attempts }) => attempts > 1).length },
    exposedToAborted: { n: aborts.length, people: aborts.reduce((sum, { exposed }) => sum + exposed, 0) },
    spared: sparedBy(aborts),
    holds: talliesOf(all, ({ holds }) => holds, now),
    overrides: {
      n: all.reduce((sum, { overrides }) => sum + overrides, 0),
      rollouts: all.filter(({ overrides }) => overrides > 0).length,
    },
    waits: talliesOf(all, ({ waits }) => waits, now),
  };
}
