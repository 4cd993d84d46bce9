import { ProblemError } from '@rampart/api';
import type { EvidenceBatch, RolloutState } from '@rampart/rollout';
import type { Store } from './store/store.ts';

/** How long the evidence of a rollout that has ended is kept unless the operator says otherwise: 400 days. */
export const DEFAULT_RETENTION_MS = 400 * 24 * 3_600_000;
/** Rows removed in one transaction: few, for telemetry that arrives waits for it. */
const ROWS_AT_ONCE = 250;

/** Rollouts that ended longer ago than the retention, whose evidence goes. What ended them cannot be undone, so none of them is judged again. */
export function pastRetention(states: readonly RolloutState[], now: number, retentionMs: number): readonly string[] {
  return states
    .filter(({ phase }) => phase === 'complete' || phase === 'cancelled')
    .filter((state) => now - endedAt(state) > retentionMs)
    .map(({ id }) => id);
}

function endedAt({ attempts, createdAt }: RolloutState): number {
  return attempts.at(-1)?.endedAt ?? createdAt;
}

/** Removes from a store what is no longer needed, in small steps between which other writes go. */
export async function pruneAll(store: Store, now: number, evidenceOf: readonly string[]): Promise<void> {
  const prune = { now, limit: ROWS_AT_ONCE, evidenceOf };
  while ((await store.prune(prune)).more);
}

/**
 * Batches of a rollout after a seq, up to the last one folded. @throws ProblemError `EVIDENCE_PRUNED` where the next one is gone
 */
export async function evidenceOf(
  store: Store,
  rollout: string,
  range: { readonly after: number; readonly limit: number; readonly throughSeq: number },
): Promise<readonly EvidenceBatch[]> {
  const { after, limit, throughSeq } = range;
  const stored = await store.evidenceAfter(rollout, after, limit);
  const next = stored[0]?.seq;
  if (after < throughSeq && next !== after + 1) {
    const kept = next === undefined ? 'none is kept' : `the first one kept is ${next}`;
    throw new ProblemError(
      'EVIDENCE_PRUNED',
      `Batch ${after + 1} of the ${throughSeq} that rollout ${rollout} was judged by is gone: ${kept}.`,
    );
  }
  // JSON edge: written by the reconciler only.
  return stored.filter(({ seq }) => seq <= throughSeq).map(({ value }) => value as EvidenceBatch);
}
