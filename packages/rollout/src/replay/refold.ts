import type { EventRecord } from '../event.ts';
import type { EvidenceBatch } from '../evidence.ts';
import { evolve } from '../evolve.ts';
import { type EvidenceState, NO_EVIDENCE } from '../judge/evidence-state.ts';
import { foldEvidence } from '../judge/fold-trusted.ts';
import type { RolloutState } from '../state.ts';
import { lookOf } from './replay-rollout.ts';

/** Evidence that is made anew of the batches it was folded from. */
export type Refold = {
  /** Takes the next closed batch, in the order of `seq`. */
  readonly feed: (batch: EvidenceBatch) => void;
  readonly evidence: () => EvidenceState;
};

/** Folds the batches of a rollout again, each on the state it was folded on. `records` are all its events, oldest first. */
export function openRefold(records: readonly EventRecord[]): Refold {
  let state: RolloutState | undefined;
  let evidence = NO_EVIDENCE;
  let next = 0;
  return {
    feed(batch) {
      const { version } = lookOf(batch, records);
      while (next < records.length && records[next].version <= version) {
        state = evolve(state, records[next]);
        next += 1;
      }
      if (state !== undefined) evidence = foldEvidence(evidence, batch, state);
    },
    evidence: () => evidence,
  };
}
