import { afterEach, describe, expect, it } from 'vitest';
import { type Checkpoint, loadRun, ROLLOUT_KIND } from './rollout-run.ts';
import { HEALTHY, live, liveUntil, type Rig, startRig, startRollout } from './server-rig.test.support.ts';
import type { Store } from './store/store.ts';

const BAD = { ...HEALTHY, treatment: { errorRate: 0.08, latency: 0.2 } };

let r: Rig;
afterEach(() => r.dispose());

/** A rollout through an abort and into its second attempt, with the checkpoint of its evidence. */
async function started() {
  r = await startRig();
  const id = await startRollout(r);
  await liveUntil(r, id, 'exposing');
  await liveUntil(r, id, 'aborted', { traffic: BAD, steps: 40 });
  await live(r);
  await r.admin.command(id, { type: 'RecordFix', incident: 1, text: 'gave it more memory' });
  r.clock.advance(3_600_000);
  await r.admin.command(id, { type: 'Retry', version: 'build-2' });
  await liveUntil(r, id, 'exposing');
  for (let i = 0; i < 5; i += 1) await live(r);
  const { store } = r.server;
  const saved = (await store.getCheckpoint(id))!;
  const document = (await store.getDocument(ROLLOUT_KIND, id))!;
  const { layout: _layout, ...first } = saved.value as Checkpoint;
  // Sums as another version might have kept them.
  const old = { ...first, evidence: { ...first.evidence, streams: {}, metrics: {}, people: undefined } };
  const withOld = (more: Partial<Store> = {}): Store => ({
    ...store,
    ...more,
    getCheckpoint: async () => ({ version: saved.version, value: old }),
  });
  return { store, document, evidence: first.evidence, withOld };
}

describe('evidence checkpointed in a layout of before', () => {
  it('is folded again from the batches, to the same as it would be now', async () => {
    const { document, evidence, withOld } = await started();
    const run = await loadRun(withOld(), document);
    expect(evidence.throughSeq).toBeGreaterThan(10);
    expect(JSON.parse(JSON.stringify(run.evidence))).toEqual(evidence);
  });

  it('whose batches are gone is not judged by', async () => {
    const { document, withOld } = await started();
    const empty = withOld({ evidenceAfter: async () => [] });
    await expect(loadRun(empty, document)).rejects.toMatchObject({ code: 'REPLAY_MISMATCH' });
  });

  it('of a rollout that has ended is left as it is', async () => {
    const { store, document, withOld } = await started();
    const id = document.key;
    await r.admin.command(id, { type: 'Cancel', reason: 'no longer wanted' });
    const ended = (await store.getDocument(ROLLOUT_KIND, id))!;
    const run = await loadRun(withOld({ evidenceAfter: async () => [] }), ended);
    expect(run.state.phase).toBe('cancelled');
    expect(run.evidence.streams).toEqual({});
  });
});
