import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { live, liveUntil, PLAN, type Rig, startRig, startRollout } from './server-rig.test.support.ts';

/** Sunday 29 March 2026 in Paris, which has 23 hours: its clocks are put forward at 01:00 UTC. */
const BEGINS_AT = Date.parse('2026-03-28T23:00:00Z');
const ENDS_AT = Date.parse('2026-03-29T22:00:00Z');
const FROZEN = `${PLAN.replace('window: 12h', 'window: 4h').replace('duration: 12h', 'duration: 4h').replace('duration: 12h', 'duration: 20h')}calendar: { freeze: [2026-03-29], timeZone: Europe/Paris }\n`;
const CLOSED =
  'the calendar: frozen from 2026-03-29 to 2026-03-29 (Europe/Paris); it opens on Mon 2026-03-30 00:00 Europe/Paris (UTC+02:00)';

let r: Rig;
beforeEach(async () => {
  r = await startRig();
});
afterEach(() => r.dispose());

const viewOf = (id: string) => r.admin.getRollout(id);

/** A rollout whose canary has served its time inside the freeze, and waits for nothing else. */
async function frozen(): Promise<string> {
  r.clock.set(BEGINS_AT - 20_000);
  const id = await startRollout(r, FROZEN);
  await liveUntil(r, id, 'exposing');
  expect(r.clock.now(), 'it was exposed before the freeze').toBeLessThan(BEGINS_AT);
  // Four hours of the plan are 14.4 s.
  for (let count = 0; count < 25; count += 1) await live(r);
  const { state, waitingFor } = await viewOf(id);
  expect([state.stage?.index, waitingFor]).toEqual([0, [CLOSED]]);
  return id;
}

describe('a freeze at the end of a stage, on a day that clocks change', () => {
  it('holds the advance to its last second, and the advance comes when it ends', async () => {
    const id = await frozen();
    await expect(r.admin.command(id, { type: 'Proceed', reason: 'we are in a hurry' })).rejects.toMatchObject({
      code: 'CALENDAR_CLOSED',
      message: expect.stringContaining('it opens on Mon 2026-03-30 00:00 Europe/Paris (UTC+02:00)'),
    });
    // After the jump evidence has to be fresh again first.
    r.clock.set(ENDS_AT - 30_000);
    while (r.clock.now() < ENDS_AT - 1_000) await live(r);
    expect(await viewOf(id)).toMatchObject({ state: { stage: { index: 0 } }, waitingFor: [CLOSED] });
    await live(r);
    expect(r.clock.now()).toBe(ENDS_AT);
    expect((await viewOf(id)).state.stage?.index).toBe(1);
  });

  it('lets an abort through at once', async () => {
    const id = await frozen();
    await r.admin.command(id, { type: 'Abort', reason: 'we saw something' });
    expect((await viewOf(id)).state).toMatchObject({ phase: 'aborted', layers: [] });
  });

  it('lets the evidence abort at once', async () => {
    const id = await frozen();
    const bad = {
      users: 6_400,
      treatment: { errorRate: 0.1, latency: 0.2 },
      control: { errorRate: 0.002, latency: 0.2 },
    };
    for (let count = 0; count < 10 && (await viewOf(id)).state.phase === 'exposing'; count += 1) await live(r, bad);
    expect((await viewOf(id)).state).toMatchObject({ phase: 'aborted', incidents: [{ kind: 'criterion' }] });
    expect(r.clock.now()).toBeLessThan(ENDS_AT);
  });
});
