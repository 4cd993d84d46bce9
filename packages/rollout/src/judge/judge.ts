import { deficitLogE, sampleRatioLogE } from '@rampart/stats';
import { noDataReason } from '../evidence.ts';
import { overlapNote } from '../overlap.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict, VerdictStatus } from '../verdict.ts';
import { countStatus, countVerdict } from './count-verdict.ts';
import { type Seen, seenOf, snapshotOf } from './display.ts';
import { type EvidenceState, peopleIn } from './evidence-state.ts';
import { distrustOf } from './judge-trust.ts';
import { usesControl } from './line.ts';
import { measuringOf } from './measuring.ts';
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

/** What the source of a metric fails in now: it cannot answer, or answers that it has nothing. */
function failureOf({ metric }: PlanCheck, { failures }: EvidenceState) {
  const message = failures[metric.name];
  const noData = message === undefined ? undefined : noDataReason(message);
  return { noData, error: noData === undefined ? message : undefined };
}

function weighingOf(one: PlanCheck, evidence: EvidenceState, state: RolloutState, now: number): Weighing {
  const { metric } = one;
  const failure = failureOf(one, evidence);
  const distrust = distrustOf(state, metric.name);
  return {
    evidence,
    ...(distrust && { distrust }),
    isSilent: failure.noData !== undefined || isSilent(metric, evidence, state, now),
    isError: failure.error !== undefined,
  };
}

function verdictFor(one: PlanCheck, seen: Seen, evidence: EvidenceState, state: RolloutState, now: number): Verdict {
  const failure = failureOf(one, evidence);
  const silent = failure.noData ?? silenceOf(one.metric, evidence, state, now);
  const sourceError = failure.error;
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

/** A verdict that says which other rollouts may move its numbers. */
function withOverlaps(verdict: Verdict, { check }: PlanCheck, { overlaps = [] }: RolloutState): Verdict {
  const shared = overlaps.filter(({ metrics }) => metrics.includes(verdict.metric));
  if (shared.length === 0) return verdict;
  const notes = shared.map((overlap) => overlapNote(overlap, usesControl(check)));
  return { ...verdict, note: [...(verdict.note ? [verdict.note] : []), ...notes].join('; ') };
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

/** When each metric was last observed in an exposed unit of the running stage. */
function seenAtOf({ metrics }: EvidenceState): Judgement['seenAt'] {
  const seen = Object.entries(metrics).map(([name, { lastAt }]) => [name, lastAt] as const);
  return Object.fromEntries(seen.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** What the evidence says at an instant. Pure: a function of the folded evidence, the rollout and the time. */
export function judge(evidence: EvidenceState, state: RolloutState, now: number): Judgement {
  const current = currentOf(evidence, state);
  const metrics = Object.values(state.plan.metrics).map((metric) => ({ metric, seen: seenOf(metric, current) }));
  const seen = new Map(metrics.map((one) => [one.metric.name, one.seen]));
  const verdicts = planChecksOf(state).active.map((one) =>
    withOverlaps(verdictFor(one, seen.get(one.metric.name) ?? { count: 0 }, current, state, now), one, state),
  );
  return {
    at: now,
    throughSeq: evidence.throughSeq,
    seenAt: seenAtOf(current),
    verdicts,
    people: peopleIn(evidence),
    metrics: metrics.map((one) => ({
      ...snapshotOf(one.metric, one.seen, state.baseline, verdicts),
      ...measuringOf(one.metric, current, state),
    })),
    ...sampleRatio(current),
    ...(evidence.freshAt !== undefined && { freshAt: evidence.freshAt }),
    ...(evidence.gap && { gap: evidence.gap }),
  };
}
