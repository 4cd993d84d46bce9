import { liveOnsetLogE, weightedAverageLogE } from '@rampart/stats';
import type { VerdictStatus } from '../verdict.ts';
import type { EvidenceState } from './evidence-state.ts';
import type { Distrust } from './judge-trust.ts';
import { BROKEN_TO_TRIP } from './plain-rule.ts';
import type { PlanCheck } from './plan-checks.ts';
import type { AddedRatios, SideJudge, Stream } from './side-judge.ts';
import { emptyTally, type Sums } from './tally.ts';

/** What a check is judged from, beside the evidence of its own. */
export type Weighing = {
  readonly evidence: EvidenceState;
  /** Whether the source gives nothing now, or could not answer. */
  readonly isSilent: boolean;
  readonly isError: boolean;
  /** Set while the metric's judge cannot be trusted. */
  readonly distrust?: Distrust;
};

/** Rounding of sums may not turn a bound into a refusal to look, nor into a claim. */
const SLACK = 1e-6;
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

type StreamSums = EvidenceState['streams'][string];

/** The least that each ratio of a side stood at when a process of the mixture began, for the restarts there are. */
type Origins = { readonly restarts: StreamSums['restarts']; readonly least: Sums };

/** The last origins of each side: they change at a restart, and a look comes with every batch. */
const origins = new WeakMap<AddedRatios, Origins>();

function originsOf(ratios: AddedRatios, restarts: StreamSums['restarts']): Sums {
  const last = origins.get(ratios);
  if (last?.restarts === restarts) return last.least;
  // The process from the start began at 0.
  const least = emptyTally(ratios.size);
  for (const pace of PACES) {
    for (const { sums } of restarts[pace]) {
      const at = ratios.of(sums);
      for (let g = 0; g < least.length; g += 1) least[g] = Math.min(least[g], at[g]);
    }
  }
  origins.set(ratios, { restarts, least });
  return least;
}

/** A bound of every process of the late-onset mixture, whose ratios differ by what they began at. */
function ratiosAtMost(ratios: AddedRatios, { attempt, restarts }: StreamSums): number {
  const least = originsOf(ratios, restarts);
  const now = ratios.of(attempt);
  let most = 0;
  for (let g = 0; g < now.length; g += 1) most = Math.max(most, now[g] - least[g]);
  return most * ratios.power(attempt);
}

function failAtMost(side: SideJudge, stream: StreamSums): number {
  if (side.ratios !== undefined) return ratiosAtMost(side.ratios, stream);
  const { attempt, restarts } = stream;
  let most = side.atMost(attempt);
  for (const pace of PACES) {
    for (const { sums } of restarts[pace]) most = Math.max(most, side.atMost(attempt, sums));
  }
  return most;
}

/** Whether evidence of harm reaches the threshold; most looks are settled by the bound. */
function failReaches({ fail, failAt, failSums }: PlanCheck, evidence: EvidenceState): boolean {
  const stream = failSums(evidence.streams);
  if (fail === undefined || stream === undefined) return false;
  return failAtMost(fail, stream) >= failAt - SLACK && failLogE(fail, evidence) >= failAt;
}

/** The same for evidence of safety; most looks are settled by one bound or the other. */
function passReaches({ pass, passAt, passSums }: PlanCheck, evidence: EvidenceState): boolean {
  const stage = passSums(evidence.streams)?.stage;
  if (pass === undefined || stage === undefined) return false;
  if (pass.atLeast !== undefined && pass.atLeast(stage) >= passAt + SLACK) return true;
  return pass.atMost(stage) >= passAt - SLACK && pass.logE(stage) >= passAt;
}

/** Whether the stage's last quarter contradicts a pass: its own evidence points to harm (late onset). */
export function recentContradicts(one: PlanCheck, evidence: EvidenceState): boolean {
  const { fail, pass } = one;
  const ofPassing = one.passSums(evidence.streams);
  const ofFailing = one.failSums(evidence.streams);
  const passed = ofPassing?.marks[0];
  const failed = ofFailing?.marks[0];
  if (!fail || !pass || !ofPassing || !ofFailing || passed === undefined || failed === undefined) return false;
  const { attempt } = ofFailing;
  if (fail.atMost(attempt, failed.attempt) <= 0) return false;
  const ofFail = fail.logE(attempt, failed.attempt);
  if (ofFail <= 0) return false;
  const ofPass = pass.logE(ofPassing.stage, passed.stage);
  return ofPass < 0 && ofFail > ofPass;
}

/** Whether the plain rule of a kill trip is broken often enough running. */
export function tripsByRule({ check }: PlanCheck, evidence: EvidenceState): boolean {
  return check.tier === 'kill' && (evidence.trips[check.id]?.broken ?? 0) >= BROKEN_TO_TRIP;
}

/** Where a check stands: the one rule for every look, whether it ends in a verdict or in nothing new. */
export function statusOf(one: PlanCheck, weighing: Weighing): VerdictStatus {
  const { fail, pass } = one;
  const { evidence } = weighing;
  // Before anything else: scores of a judge that drifted say nothing, for harm or against it.
  if (weighing.distrust !== undefined) return 'inconclusive';
  if (fail === undefined || pass === undefined) return 'insufficient';
  if (tripsByRule(one, evidence) || failReaches(one, evidence)) return 'fail';
  if (weighing.isError) return 'error';
  if (weighing.isSilent) return 'no-data';
  if (passReaches(one, evidence) && !recentContradicts(one, evidence)) return 'pass';
  const sums = sumsOf(evidence, pass.stream, 'stage');
  const isEmpty = pass.stream === undefined || pass.count(sums) === 0;
  return isEmpty || pass.lacks(sums) !== undefined ? 'insufficient' : 'inconclusive';
}
