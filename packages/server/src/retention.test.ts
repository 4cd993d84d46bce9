import { createApiClient, ProblemError } from '@rampart/api';
import { openReplay } from '@rampart/rollout';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { pastRetention, pruneAll } from './retention.ts';
import { HEALTHY, live, liveUntil, PLAN, type Rig, startRig, startRollout } from './server-rig.test.support.ts';

const rigs: Rig[] = [];

afterEach(async () => {
  for (const one of rigs.splice(0)) await one.dispose();
});

const DAY_MS = 24 * 3_600_000;

/** A rollout that was judged for a while and then cancelled. */
async function ended(): Promise<{ readonly rig: Rig; readonly id: string }> {
  const rig = await startRig();
  rigs.push(rig);
  const id = await startRollout(rig);
  await liveUntil(rig, id, 'exposing');
  for (let i = 0; i < 3; i += 1) await live(rig);
  await rig.admin.command(id, { type: 'Cancel', reason: 'not needed' });
  return { rig, id };
}

describe('evidence of a rollout that ends', () => {
  it('is closed into a batch to its last telemetry, without a restart', async () => {
    const rig = await startRig();
    rigs.push(rig);
    const id = await startRollout(rig);
    await liveUntil(rig, id, 'exposing');
    // Without a step in time its batch stays open.
    await live(rig, HEALTHY, 0);
    await rig.admin.command(id, { type: 'Cancel', reason: 'not needed' });
    await rig.server.reconciler.wake(id);
    rig.clock.advance(DAY_MS);
    const { store } = rig.server;
    // What is folded can be pruned: nothing may be left that waits for a batch.
    await vi.waitFor(async () => {
      await store.prune({ now: rig.clock.now() });
      expect(await store.telemetryAfter(id, 0, 500)).toEqual([]);
    }, 20_000);
  });
});

describe('retention', () => {
  it('names rollouts that ended before it, and none that may still be judged', async () => {
    const { rig, id } = await ended();
    const running = await startRollout(rig, PLAN.replaceAll('checkout', 'search'));
    const states = (await rig.admin.listRollouts('all')).map(({ state }) => state);
    const now = rig.clock.now();
    expect(states.map((state) => state.id).sort()).toEqual([id, running].sort());
    expect(pastRetention(states, now + 10 * DAY_MS, 10 * DAY_MS)).toEqual([]);
    expect(pastRetention(states, now + 10 * DAY_MS + 1, 10 * DAY_MS)).toEqual([id]);
  });

  it('removes evidence alone: events, report and incidents stay, and whoever asks for evidence is told', async () => {
    const { rig, id } = await ended();
    const { batches, throughSeq } = await rig.admin.listEvidence(id, 0);
    expect(batches).toHaveLength(throughSeq);
    const [events, report] = [await rig.admin.listEvents(id), await rig.admin.getReport(id)];
    await rig.server.store.prune({ now: rig.clock.now(), limit: 1, evidenceOf: [id] });
    await expect(rig.admin.listEvidence(id, 0)).rejects.toThrow(
      `Batch 1 of the ${throughSeq} that rollout ${id} was judged by is gone: the first one kept is 2.`,
    );
    await pruneAll(rig.server.store, rig.clock.now(), [id]);
    const refused = await rig.admin.listEvidence(id, 0).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ProblemError);
    expect(refused).toMatchObject({ problem: { code: 'EVIDENCE_PRUNED', status: 410 } });
    expect(await rig.admin.listEvidence(id, throughSeq)).toEqual({ batches: [], throughSeq });
    expect(await rig.admin.listEvents(id)).toEqual(events);
    expect(await rig.admin.getReport(id)).toBe(report);
    expect(() => openReplay(events).finish()).not.toThrow();
    const again = await rig.restart();
    const admin = createApiClient({ url: again.server.url, token: again.tokens.admin });
    expect((await admin.getRollout(id)).state.phase).toBe('cancelled');
  });
});
