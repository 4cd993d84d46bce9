import { readsHistory } from './baseline/recorded.ts';
import { decide } from './decide/decide.ts';
import { failedChecks } from './decide/decide-abort.ts';
import { isQuiet } from './decide/quiet.ts';
import type { RolloutEvent } from './event.ts';
import type { EvidenceBatch } from './evidence.ts';
import { baselineDue, baselineOf } from './judge/baseline-of.ts';
import type { EvidenceState } from './judge/evidence-state.ts';
import { foldEvidence } from './judge/fold-trusted.ts';
import { judge, standingsOf } from './judge/judge.ts';
import { usesControl } from './judge/line.ts';
import type { Check, Metric } from './plan.ts';
import { RAMPART } from './principal.ts';
import type { RolloutState } from './state.ts';
import type { Judgement } from './verdict.ts';

/** What one look at the world leads to; evidence and events belong in one transaction. */
export type Reconciled = {
  readonly evidence: EvidenceState;
  /** What was judged; worked out when it is asked for where nothing followed from it. */
  readonly judgement: Judgement;
  readonly events: readonly RolloutEvent[];
};

/** The events that follow from the evidence at an instant; none, and hardly any work, while all is quiet. */
export function look(state: RolloutState, evidence: EvidenceState, now: number): readonly RolloutEvent[] {
  if (isQuiet(state, evidence, now)) return [];
  const command =
    baselineDue(evidence, state, now) && !readsHistory(state)
      ? ({ type: 'CaptureBaseline', baseline: baselineOf(evidence, state, now) } as const)
      : ({ type: 'Tick', judgement: judge(evidence, state, now) } as const);
  const decision = decide(state, command, RAMPART, now);
  return decision.ok ? decision.events : [];
}

/**
 * One turn of the loop evidence → verdicts → decision: folds a closed batch (if any), judges, and decides. Level-triggered
 * and idempotent: called again with the same evidence it leads to nothing new.
 */
export function reconcile(
  state: RolloutState,
  before: EvidenceState,
  batch: EvidenceBatch | undefined,
  now: number,
): Reconciled {
  const evidence = batch === undefined ? before : foldEvidence(before, batch, state);
  return {
    evidence,
    get judgement() {
      return judge(evidence, state, now);
    },
    events: look(state, evidence, now),
  };
}

/** Whether a check rests on sums alone, not on the time in which they came: SDKs that have not reported yet make a rate too low. */
function isOfSums({ limit }: Check, { kind }: Metric): boolean {
  return limit.kind === 'count' || (kind !== 'rate' && kind !== 'count');
}

/**
 * Whether a batch that is still open would already trip the kill switch or an abort criterion with an absolute or
 * baseline limit. Those depend only on sums, so looking before the batch closes costs no validity; comparisons with
 * control wait for the batch, whose arms must be compared whole.
 */
export function mustCloseNow(state: RolloutState, before: EvidenceState, open: EvidenceBatch, now: number): boolean {
  if (state.phase !== 'exposing' && state.phase !== 'monitoring') return false;
  const known = new Set(failedChecks(state.verdicts));
  return standingsOf(foldEvidence(before, open, state), state, now).some(({ one: { check, metric }, status }) => {
    const isNew = status === 'fail' && !known.has(check.id) && isOfSums(check, metric);
    return isNew && (check.tier === 'kill' || check.tier === 'abort') && !usesControl(check);
  });
}
