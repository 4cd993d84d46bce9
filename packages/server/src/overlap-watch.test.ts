import { afterEach, describe, expect, it } from 'vitest';
import { liveUntil, PLAN, type Rig, startRig, startRollout } from './server-rig.test.support.ts';

const rigs: Rig[] = [];
afterEach(async () => {
  for (const one of rigs.splice(0)) await one.dispose();
});

/** A server on which `checkout` exposes people at 10 %, and the plan of another flag over the same metrics. */
async function withCheckout(): Promise<{ readonly rig: Rig; readonly id: string; readonly text: string }> {
  const rig = await startRig();
  rigs.push(rig);
  const id = await startRollout(rig);
  await liveUntil(rig, id, 'exposing');
  const text = PLAN.replace('flag: checkout', 'flag: search').replace('checkout-kill', 'search-kill');
  return { rig, id, text };
}

describe('overlaps', () => {
  it('are warned of before the start, noted while they last, and gone with the other rollout', async () => {
    const { rig, id, text } = await withCheckout();
    const check = await rig.admin.validatePlan({ text });
    expect(check).toMatchObject({
      ok: true,
      warnings: expect.arrayContaining([expect.objectContaining({ code: 'overlap' })]),
    });
    const search = await startRollout(rig, text);
    const { state } = await rig.admin.getRollout(search);
    expect((await rig.admin.listEvents(search))[0]?.event).toMatchObject({
      warnings: expect.arrayContaining([
        expect.objectContaining({
          message: expect.stringContaining(`overlaps with ${id} (in canary): 10 % of both arms`),
        }),
      ]),
    });
    await rig.server.overlaps.wakeAll();
    const noted = (await rig.admin.getRollout(search)).state;
    expect(noted.overlaps).toEqual([
      {
        ...{ rollout: id, flag: 'checkout', stage: 'canary', metrics: ['errorRate', 'p99Latency'] },
        ...{ share: 0.1, controlShare: 0.1, isConfounded: false, advancedAt: expect.any(Number) },
      },
    ]);
    expect(noted.version).toBe(state.version + (state.overlaps === undefined ? 1 : 0));
    // Nobody sees the new search yet: it is no overlap of checkout.
    expect((await rig.admin.getRollout(id)).state).not.toHaveProperty('overlaps');
    await rig.server.overlaps.wakeAll();
    expect((await rig.admin.getRollout(search)).state.version).toBe(noted.version);
    await rig.admin.command(id, { type: 'Abort', reason: 'a test' });
    rig.clock.advance(1_000);
    await rig.server.overlaps.wakeAll();
    expect((await rig.admin.getRollout(search)).state).not.toHaveProperty('overlaps');
  });

  it('by one salt are told as what they are: confounded', async () => {
    const { rig, id, text } = await withCheckout();
    const variants = { on: true, off: false };
    await rig.admin.putFlag({ key: 'search', enabled: true, variants, defaultVariant: 'off', salt: 'checkout' });
    const { warnings } = await rig.admin.validatePlan({ text });
    expect(warnings.map(({ code }) => code)).toContain('overlap-confounded');
    const search = await startRollout(rig, text);
    await rig.server.overlaps.wakeAll();
    expect((await rig.admin.getRollout(search)).state.overlaps).toMatchObject([
      { rollout: id, share: 1, controlShare: 0, isConfounded: true },
    ]);
  });
});
