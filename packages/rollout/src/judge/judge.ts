import { deficitLogE, sampleRatioLogE } from '@rampart/stats';
import { freshWindowMs, silenceMs } from '../decide/cadence.ts';
import { stageOf } from '../decide/exposure.ts';
import { formatElapsed } from '../plan/duration.ts';
import { pluralOf } from '../plan/format-limit.ts';
import type { Check, Metric } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict } from '../verdict.ts';
import { countVerdict } from './count-verdict.ts';
import { type Seen, seenOf, snapshotOf } from './display.ts';
import { checksOf, type EvidenceState, NO_CHECK_EVIDENCE } from './evidence-state.ts';
import { type VerdictContext, verdictOf } from './verdict-of.ts';

/** Level of the sample-ratio tests, outside the family of checks (statistics e). */
const SAMPLE_RATIO_ALPHA = 0.001;

/** Checks that count now: abort criteria, alerts, kill trips, and the gates of the running stage. */
function activeChecks(state: RolloutState, all: readonly Check[]): readonly Check[] {
  const gate = new Set(stageOf(state)?.gate.map((check) => check.id));
  return all.filter((check) => check.tier !== 'gate' || gate.has(check.id));
}

/**
 * Share of α of a check's fail side: abort criteria and gates of all stages are one weighted Bonferroni family; alerts
 * and kill trips have families of their own.
 */
function shareOf(check: Check, all: readonly Check[]): number {
  const isFamily = (one: Check) =>
    check.tier === 'abort' || check.tier === 'gate'
      ? one.tier === 'abort' || one.tier === 'gate'
      : one.tier === check.tier;
  return check.weight / all.reduce((sum, one) => (isFamily(one) ? sum + one.weight : sum), 0);
}

/** Why a metric cannot be seen now: nothing arrives at all, or this metric has been silent while its source is alive. */
function silenceOf(metric: Metric, evidence: EvidenceState, state: RolloutState, now: number): string | undefined {
  const stage = stageOf(state);
  const enteredAt = state.stage?.enteredAt ?? now;
  const quiet = now - Math.max(evidence.freshAt ?? 0, enteredAt);
  if (quiet > silenceMs(state.plan)) return `no evidence for ${formatElapsed(quiet)}`;
  if (stage === undefined || metric.kind === 'count') return undefined;
  const since = Math.max(evidence.metrics[metric.name]?.lastAt ?? 0, enteredAt, state.sightSince ?? 0);
  const silent = now - since;
  if (silent <= Math.max(freshWindowMs(state.plan, stage), silenceMs(state.plan)) + metric.lagMs) return undefined;
  return `no ${metric.name} from exposed ${pluralOf(metric.per)} for ${formatElapsed(silent)}`;
}

/** What all checks are judged against. */
type Look = { readonly evidence: EvidenceState; readonly state: RolloutState; readonly now: number };

function contextOf(check: Check, metric: Metric, seen: Seen, share: number, look: Look): VerdictContext {
  const { evidence, state, now } = look;
  const silent = silenceOf(metric, evidence, state, now);
  const sourceError = evidence.failures[metric.name];
  return {
    check,
    metric,
    evidence,
    seen,
    controlBefore: evidence.metrics[metric.name]?.controlSoFar ?? {},
    batchMs: 0,
    share,
    alpha: state.plan.alpha,
    beta: state.plan.beta,
    ...(state.baseline && { baseline: state.baseline }),
    ...(silent !== undefined && { silent }),
    ...(sourceError !== undefined && { sourceError }),
  };
}

function judgeCheck(check: Check, context: VerdictContext, { evidence, state, now }: Look): Verdict {
  if (check.limit.kind === 'count') return countVerdict(check.limit, context, state, now);
  return verdictOf(evidence.checks[check.id] ?? NO_CHECK_EVIDENCE, context);
}

function sampleRatio(evidence: EvidenceState): Pick<Judgement, 'dataInvalid' | 'telemetryMissing'> {
  const threshold = Math.log(1 / SAMPLE_RATIO_ALPHA);
  if (sampleRatioLogE(evidence.assignment) >= threshold) {
    return { dataInvalid: 'users are not split as designed (sample ratio mismatch of assignment)' };
  }
  if (deficitLogE(evidence.deficit) >= threshold) {
    return { telemetryMissing: 'telemetry missing from treatment: fewer of its users report than were assigned' };
  }
  return {};
}

/** What the evidence says at an instant. Pure: a function of the folded evidence, the rollout and the time. */
export function judge(evidence: EvidenceState, state: RolloutState, now: number): Judgement {
  const isCurrent = evidence.epoch === state.epoch && evidence.statistics === state.statistics;
  const current: EvidenceState = isCurrent
    ? evidence
    : { ...evidence, checks: {}, metrics: {}, assignment: [], deficit: [], failures: {} };
  const look = { evidence: current, state, now };
  const all = [...checksOf(state).values()];
  const metrics = Object.values(state.plan.metrics).map((metric) => ({ metric, seen: seenOf(metric, current) }));
  const verdicts = activeChecks(state, all).flatMap((check) => {
    const one = metrics.find(({ metric }) => metric.name === check.metric);
    if (one === undefined) return [];
    return [judgeCheck(check, contextOf(check, one.metric, one.seen, shareOf(check, all), look), look)];
  });
  return {
    at: now,
    throughSeq: evidence.throughSeq,
    verdicts,
    people: evidence.people,
    metrics: metrics.map(({ metric, seen }) => snapshotOf(metric, seen, state.baseline, verdicts)),
    ...sampleRatio(current),
    ...(evidence.freshAt !== undefined && { freshAt: evidence.freshAt }),
    ...(evidence.gap && { gap: evidence.gap }),
  };
}
