import { bonferroniThreshold } from '@rampart/stats';
import { alphaShare } from '../plan/alpha-share.ts';
import type { Check, Metric, Plan } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Baseline } from '../verdict.ts';
import { checksOf, type EvidenceState, type StreamEvidence } from './evidence-state.ts';
import type { SideJudge, Stream } from './side-judge.ts';
import { sideOf } from './side-of.ts';

/**
 * Finds the sums of a stream in the evidence. It remembers where they were: a look comes with every batch, most of them at the
 * same ledger.
 */
export type StreamFinder<T> = (streams: Readonly<Record<string, T>>) => T | undefined;

function finderOf<T>(stream: Stream | undefined): StreamFinder<T> {
  let last: Readonly<Record<string, T>> | undefined;
  let own: T | undefined;
  return (streams) => {
    if (stream !== undefined && (streams !== last || own === undefined)) {
      last = streams;
      own = streams[stream.key];
    }
    return own;
  };
}

/** A check with its metric and both sides, laid out for the plan and baseline in force. */
export type PlanCheck = {
  readonly check: Check;
  readonly metric: Metric;
  /** Log e-values that either side must reach: the fail side by its share of α, the pass side by β. */
  readonly failAt: number;
  readonly passAt: number;
  readonly failSums: StreamFinder<EvidenceState['streams'][string]>;
  readonly passSums: StreamFinder<EvidenceState['streams'][string]>;
  /** Absent for a count limit, which is a plain rule. */
  readonly fail?: SideJudge;
  readonly pass?: SideJudge;
};

/** Sums with what they are needed over: the attempt for a fail side, the stage for a pass side. */
export type PlanStream = {
  readonly stream: Stream;
  readonly find: StreamFinder<StreamEvidence>;
  readonly attempt: boolean;
  readonly stage: boolean;
};

/** A metric with the sums that its checks need. */
export type PlanMetric = {
  readonly metric: Metric;
  readonly streams: readonly PlanStream[];
  /** Whether any of them cuts at control's quantile. */
  readonly hasCuts: boolean;
  /** Longest window that a count limit looks back. */
  readonly windowMs: number;
  /** Its kill trips, which keep a plain rule. */
  readonly trips: readonly Check[];
};

/** Everything a fold and a look need of a plan, worked out once. */
export type PlanChecks = {
  readonly all: readonly PlanCheck[];
  /** Checks that count in the running stage: abort criteria, alerts, kill trips, and its own gate. */
  readonly active: readonly PlanCheck[];
  readonly metrics: readonly PlanMetric[];
};

type Situation = Pick<RolloutState, 'plan' | 'stage' | 'baseline'>;

function planCheck(check: Check, metric: Metric, all: readonly Check[], { plan, baseline }: Situation): PlanCheck {
  const isCount = check.limit.kind === 'count';
  const fail = isCount ? undefined : sideOf(check, metric, 'fail', baseline);
  const pass = isCount ? undefined : sideOf(check, metric, 'pass', baseline);
  return {
    check,
    metric,
    failAt: bonferroniThreshold(alphaShare(check, all), plan.alpha),
    passAt: Math.log(1 / plan.beta),
    failSums: finderOf(fail?.stream),
    passSums: finderOf(pass?.stream),
    ...(fail && { fail }),
    ...(pass && { pass }),
  };
}

function planMetric(metric: Metric, checks: readonly PlanCheck[]): PlanMetric {
  const own = checks.filter((one) => one.metric === metric);
  const streams = new Map<string, PlanStream>();
  const need = (stream: Stream | undefined, over: 'attempt' | 'stage') => {
    if (stream === undefined) return;
    const known = streams.get(stream.key) ?? { stream, find: finderOf(stream), attempt: false, stage: false };
    streams.set(stream.key, { ...known, [over]: true });
  };
  for (const { fail, pass } of own) {
    need(fail?.stream, 'attempt');
    need(pass?.stream, 'stage');
  }
  const trips = own.filter(({ check }) => check.tier === 'kill' && check.limit.kind !== 'count');
  const windows = own.map(({ check: { limit } }) => (limit.kind === 'count' ? limit.windowMs : 0));
  return {
    metric,
    streams: [...streams.values()],
    hasCuts: [...streams.values()].some(({ stream }) => stream.hasCuts === true),
    windowMs: Math.max(0, ...windows),
    trips: trips.map(({ check }) => check),
  };
}

function laidOut(situation: Situation): PlanChecks {
  const { plan, stage } = situation;
  const checks = [...checksOf({ plan, ...(stage && { stage }) }).values()];
  const all = checks.flatMap((check) => {
    const metric = plan.metrics[check.metric];
    return metric === undefined ? [] : [planCheck(check, metric, checks, situation)];
  });
  const gate = new Set((stage === undefined ? [] : (plan.stages[stage.index]?.gate ?? [])).map(({ id }) => id));
  return {
    all,
    active: all.filter(({ check }) => check.tier !== 'gate' || gate.has(check.id)),
    metrics: Object.values(plan.metrics).map((metric) => planMetric(metric, all)),
  };
}

type Kept = { readonly stage: number | undefined; readonly baseline: Baseline | undefined; readonly laid: PlanChecks };

/** The last layout of each plan: a pure function's memory, by identity of its arguments. */
const kept = new WeakMap<Plan, Kept>();

/** The checks of a rollout as it stands. */
export function planChecksOf(situation: Situation): PlanChecks {
  const { plan, stage, baseline } = situation;
  const last = kept.get(plan);
  if (last !== undefined && last.stage === stage?.index && last.baseline === baseline) return last.laid;
  const laid = laidOut(situation);
  kept.set(plan, { stage: stage?.index, baseline, laid });
  return laid;
}
