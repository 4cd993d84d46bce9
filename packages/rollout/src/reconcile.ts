import { decide } from './decide/decide.ts';
import { failedChecks } from './decide/decide-abort.ts';
import type { RolloutEvent } from './event.ts';
import type { EvidenceBatch } from './evidence.ts';
import { baselineDue, baselineOf } from './judge/baseline-of.ts';
import { checksOf, type EvidenceState } from './judge/evidence-state.ts';
import { foldEvidence } from './judge/fold-evidence.ts';
import { judge } from './judge/judge.ts';
import { usesControl } from './judge/line.ts';
import { RAMPART } from './principal.ts';
import type { RolloutState } from './state.ts';
import type { Judgement } from './verdict.ts';

/** What one look at the world leads to; evidence, judgement and events belong in one transaction. */
export type Reconciled = {
  readonly evidence: EvidenceState;
  readonly judgement: Judgement;
  readonly events: readonly RolloutEvent[];
};

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
  const judgement = judge(evidence, state, now);
  const command = baselineDue(evidence, state, now)
    ? ({ type: 'CaptureBaseline', baseline: baselineOf(evidence, state, now) } as const)
    : ({ type: 'Tick', judgement } as const);
  const decision = decide(state, command, RAMPART, now);
  return { evidence, judgement, events: decision.ok ? decision.events : [] };
}

/**
 * Whether a batch that is still open would already trip the kill switch or an abort criterion with an absolute or
 * baseline limit. Those depend only on sums, so looking before the batch closes costs no validity; comparisons with
 * control wait for the batch, whose arms must be compared whole.
 */
export function mustCloseNow(state: RolloutState, before: EvidenceState, open: EvidenceBatch, now: number): boolean {
  if (state.phase !== 'exposing' && state.phase !== 'monitoring') return false;
  const checks = checksOf(state);
  const known = new Set(failedChecks(state.verdicts));
  const { verdicts } = judge(foldEvidence(before, open, state), state, now);
  return verdicts.some((one) => {
    const check = checks.get(one.check);
    const isNew = one.status === 'fail' && !known.has(one.check);
    return isNew && (one.tier === 'kill' || one.tier === 'abort') && check !== undefined && !usesControl(check);
  });
}
