import { hasControl } from '../decide/exposure.ts';
import type { EvidenceBatch } from '../evidence.ts';
import { baselineOf } from '../judge/baseline-of.ts';
import { type EvidenceState, NO_EVIDENCE } from '../judge/evidence-state.ts';
import { foldEvidence } from '../judge/fold-trusted.ts';
import type { RolloutState } from '../state.ts';
import type { Baseline } from '../verdict.ts';

/** A baseline that is being made of those who see the old variant now. */
export type ControlBaseline = {
  /** Adds a closed batch of the rollout; of other exposures than the running one it adds nothing. */
  readonly feed: (batch: EvidenceBatch) => void;
  /** Without metrics where nobody is in control. */
  readonly finish: () => Baseline;
};

/**
 * Takes a baseline from control of the running stage (before exposure: from everyone), by the same sums and bounds as the first
 * one. Treatment never counts. Numbers of events in a time are left out while some are exposed: control's are not everyone's.
 */
export function openControlBaseline(state: RolloutState, now: number): ControlBaseline {
  const isExposed = state.layers.length > 0;
  const watched = isExposed && !hasControl(state.layers) ? undefined : asBaseline(state);
  let evidence: EvidenceState = NO_EVIDENCE;
  let seq = 0;
  let fromAt: number | undefined;
  let toAt: number | undefined;
  return {
    feed(batch) {
      const series = batch.series.filter(({ arm, epoch }) => arm === 'control' && epoch === state.epoch);
      if (watched === undefined || series.length === 0) return;
      seq += 1;
      fromAt ??= batch.fromAt;
      toAt = batch.toAt;
      const { occurrences, ...rest } = batch;
      const own = { ...rest, seq, series, ...(!isExposed && occurrences && { occurrences }) };
      evidence = foldEvidence(evidence, own, watched);
    },
    finish() {
      const [from, to] = [fromAt ?? now, toAt ?? now];
      const { metrics } = baselineOf(evidence, { ...state, baselineSince: from }, to);
      const kept = Object.entries(metrics).filter(([name]) => !(isExposed && isOfTime(state, name)));
      return { fromAt: from, toAt: to, source: 'live', metrics: Object.fromEntries(kept) };
    },
  };
}

function isOfTime({ plan }: RolloutState, metric: string): boolean {
  const kind = plan.metrics[metric]?.kind;
  return kind === 'rate' || kind === 'count';
}

/** The rollout as it would stand if it were before exposure, so that a fold counts for the baseline. */
function asBaseline({ baseline: _baseline, stage: _stage, ...state }: RolloutState): RolloutState {
  return { ...state, phase: 'baseline', layers: [] };
}
