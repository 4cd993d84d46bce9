import { deficitLogE, sampleRatioLogE } from '@rampart/stats';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict, VerdictStatus } from '../verdict.ts';
import { countStatus, countVerdict } from './count-verdict.ts';
import { type Seen, seenOf, snapshotOf } from './display.ts';
import type { EvidenceState } from './evidence-state.ts';
import { type PlanCheck, planChecksOf } from './plan-checks.ts';
import { isSilent, silenceOf } from './silence.ts';
import { type VerdictContext, verdictOf } from './verdict-of.ts';
import { statusOf, type Weighing } from './weigh.ts';

/** Level of the sample-ratio tests, outside the family of checks (statistics e). */
const SAMPLE_RATIO_ALPHA = 0.001;

/** The evidence as far as it is about the rollout as it stands. */
function currentOf(evidence: EvidenceState, state: RolloutState): EvidenceState {
  if (evidence.epoch === state.epoch && evidence.statistics === state.statistics) return evidence;
  return { ...evidence, streams: {}, trips: {}, metrics: {}, assignment: [], deficit: [], failures: {} };
}

function weighingOf({ metric }: PlanCheck, evidence: EvidenceState, state: RolloutState, now: number): Weighing {
  return {
    evidence,
    isSilent: isSilent(metric, evidence, state, now),
    isError: evidence.failures[metric.name] !== undefined,
  };
}

function verdictFor(one: PlanCheck, seen: Seen, evidence: EvidenceState, state: RolloutState, now: number): Verdict {
  const silent = silenceOf(one.metric, evidence, state, now);
  const sourceError = evidence.failures[one.metric.name];
  const context: VerdictContext = {
    ...weighingOf(one, evidence, state, now),
    seen,
    ...(state.baseline && { baseline: state.baseline }),
    ...(silent !== undefined && { silent }),
    ...(sourceError !== undefined && { sourceError }),
  };
  const { limit } = one.check;
  return limit.kind === 'count' ? countVerdict(one, limit, context, state, now) : verdictOf(one, context);
}

/** Whether users are split as designed, and whether those of treatment report. */
export function sampleRatio(evidence: EvidenceState): Pick<Judgement, 'dataInvalid' | 'telemetryMissing'> {
  const threshold = Math.log(1 / SAMPLE_RATIO_ALPHA);
  // A mixture is at most its largest part, and few looks need more than that.
  const mayReach = (ratios: readonly number[]) => ratios.some((ratio) => ratio >= threshold);
  if (mayReach(evidence.assignment) && sampleRatioLogE(evidence.assignment) >= threshold) {
    return { dataInvalid: 'users are not split as designed (sample ratio mismatch of assignment)' };
  }
  if (mayReach(evidence.deficit) && deficitLogE(evidence.deficit) >= threshold) {
    return { telemetryMissing: 'telemetry missing from treatment: fewer of its users report than were assigned' };
  }
  return {};
}

/** Where one check stands, without the words and numbers of a verdict: a hundredth of the work. */
export type Standing = { readonly one: PlanCheck; readonly status: VerdictStatus };

/** Where a check of the running stage stands by the evidence of the running epoch. The status is the one that `judge` gives. */
export function standingOf(one: PlanCheck, evidence: EvidenceState, state: RolloutState, now: number): VerdictStatus {
  const weighing = weighingOf(one, evidence, state, now);
  const { limit } = one.check;
  return limit.kind === 'count' ? countStatus(one, limit, weighing, state, now) : statusOf(one, weighing);
}

/** Where every check that counts now stands. */
export function standingsOf(evidence: EvidenceState, state: RolloutState, now: number): readonly Standing[] {
  const current = currentOf(evidence, state);
  return planChecksOf(state).active.map((one) => ({ one, status: standingOf(one, current, state, now) }));
}

/** What the evidence says at an instant. Pure: a function of the folded evidence, the rollout and the time. */
export function judge(evidence: EvidenceState, state: RolloutState, now: number): Judgement {
  const current = currentOf(evidence, state);
  const metrics = Object.values(state.plan.metrics).map((metric) => ({ metric, seen: seenOf(metric, current) }));
  const seen = new Map(metrics.map((one) => [one.metric.name, one.seen]));
  const verdicts = planChecksOf(state).active.map((one) =>
    verdictFor(one, seen.get(one.metric.name) ?? { count: 0 }, current, state, now),
  );
  return {
    at: now,
    throughSeq: evidence.throughSeq,
    verdicts,
    people: { ...evidence.people },
    metrics: metrics.map((one) => snapshotOf(one.metric, one.seen, state.baseline, verdicts)),
    ...sampleRatio(current),
    ...(evidence.freshAt !== undefined && { freshAt: evidence.freshAt }),
    ...(evidence.gap && { gap: evidence.gap }),
  };
}
