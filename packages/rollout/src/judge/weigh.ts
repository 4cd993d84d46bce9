import { bonferroniThreshold, liveOnsetLogE, weightedAverageLogE } from '@rampart/stats';
import type { VerdictStatus } from '../verdict.ts';
import type { EvidenceState } from './evidence-state.ts';
import type { Distrust } from './judge-trust.ts';
import { BROKEN_TO_TRIP } from './plain-rule.ts';
import type { PlanCheck } from './plan-checks.ts';
import type { SideJudge, Stream } from './side-judge.ts';
import { emptyTally, type Sums } from './tally.ts';

/** What a check is judged from, beside the evidence of its own. */
export type Weighing = {
  readonly evidence: EvidenceState;
  readonly alpha: number;
  readonly beta: number;
  /** Whether the source gives nothing now, or could not answer. */
  readonly isSilent: boolean;
  readonly isError: boolean;
  /** Set while the metric's judge cannot be trusted. */
  readonly distrust?: Distrust;
};

/** Rounding of sums may not turn a bound into a refusal to look. */
const SLACK = 1e-9;
const PACES = ['slow', 'quick'] as const;
const NOTHING = new Map<number, Sums>();

function zeros(size: number): Sums {
  const known = NOTHING.get(size);
  if (known !== undefined) return known;
  const fresh = emptyTally(size);
  NOTHING.set(size, fresh);
  return fresh;
}

/** Sums of a stream over the attempt or the stage; zeros before its first batch. */
export function sumsOf(evidence: EvidenceState, stream: Stream | undefined, over: 'attempt' | 'stage'): Sums {
  if (stream === undefined) return [];
  return evidence.streams[stream.key]?.[over] ?? zeros(stream.size);
}

/**
 * Log e-value of harm at any time of the attempt (d4): half on the process from the start, a quarter on each of the two series
 * of restarts. An average of mixtures over one start and either series.
 */
export function failLogE(side: SideJudge, evidence: EvidenceState): number {
  const stream = side.stream && evidence.streams[side.stream.key];
  if (stream === undefined) return 0;
  const start = side.logE(stream.attempt);
  const mixed = PACES.map((pace) => {
    const live = stream.restarts[pace].map(({ index, sums }) => ({ index, logE: side.logE(stream.attempt, sums) }));
    return liveOnsetLogE(start, live, evidence.restarts[pace]);
  });
  return weightedAverageLogE([0.5, 0.5], mixed);
}

/** Whether a side's evidence of harm reaches a threshold; most looks are settled by the bound. */
function failReaches(side: SideJudge, evidence: EvidenceState, threshold: number): boolean {
  const stream = side.stream && evidence.streams[side.stream.key];
  if (stream === undefined) return false;
  let most = side.atMost(stream.attempt);
  for (const pace of PACES) {
    for (const { sums } of stream.restarts[pace]) most = Math.max(most, side.atMost(stream.attempt, sums));
  }
  return most >= threshold - SLACK && failLogE(side, evidence) >= threshold;
}

function passReaches(side: SideJudge, evidence: EvidenceState, threshold: number): boolean {
  if (side.stream === undefined) return false;
  const sums = sumsOf(evidence, side.stream, 'stage');
  return side.atMost(sums) >= threshold - SLACK && side.logE(sums) >= threshold;
}

/** Whether the stage's last quarter contradicts a pass: its own evidence points to harm (late onset). */
export function recentContradicts({ fail, pass }: PlanCheck, evidence: EvidenceState): boolean {
  if (!fail?.stream || !pass?.stream) return false;
  const passed = evidence.streams[pass.stream.key]?.marks[0];
  const failed = evidence.streams[fail.stream.key]?.marks[0];
  if (passed === undefined || failed === undefined) return false;
  const attempt = sumsOf(evidence, fail.stream, 'attempt');
  if (fail.atMost(attempt, failed.attempt) <= 0) return false;
  const ofFail = fail.logE(attempt, failed.attempt);
  if (ofFail <= 0) return false;
  const ofPass = pass.logE(sumsOf(evidence, pass.stream, 'stage'), passed.stage);
  return ofPass < 0 && ofFail > ofPass;
}

/** Evidence a check's fail side needs: its share of α. */
export function failAtOf({ share }: PlanCheck, { alpha }: Pick<Weighing, 'alpha'>): number {
  return bonferroniThreshold(share, alpha);
}

/** Whether the plain rule of a kill trip is broken often enough running. */
export function tripsByRule({ check }: PlanCheck, evidence: EvidenceState): boolean {
  return check.tier === 'kill' && (evidence.trips[check.id]?.broken ?? 0) >= BROKEN_TO_TRIP;
}

/** Where a check stands: the one rule for every look, whether it ends in a verdict or in nothing new. */
export function statusOf(one: PlanCheck, weighing: Weighing): VerdictStatus {
  const { fail, pass } = one;
  const { evidence, beta } = weighing;
  // Before anything else: scores of a judge that drifted say nothing, for harm or against it.
  if (weighing.distrust !== undefined) return 'inconclusive';
  if (fail === undefined || pass === undefined) return 'insufficient';
  if (tripsByRule(one, evidence) || failReaches(fail, evidence, failAtOf(one, weighing))) return 'fail';
  if (weighing.isError) return 'error';
  if (weighing.isSilent) return 'no-data';
  if (passReaches(pass, evidence, Math.log(1 / beta)) && !recentContradicts(one, evidence)) return 'pass';
  const sums = sumsOf(evidence, pass.stream, 'stage');
  const isEmpty = pass.stream === undefined || pass.count(sums) === 0;
  return isEmpty || pass.lacks(sums) !== undefined ? 'insufficient' : 'inconclusive';
}
