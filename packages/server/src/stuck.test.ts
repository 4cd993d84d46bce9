import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HEALTHY, live, liveUntil, PLAN, type Rig, startRig, startRollout } from './server-rig.test.support.ts';

let r: Rig;
beforeEach(async () => {
  r = await startRig();
});
afterEach(() => r.dispose());

const eventsOf = async (id: string, type: string) =>
  (await r.admin.listEvents(id)).map(({ event }) => event).filter((event) => event.type === type);
/** A day of the plan: 86.4 s. */
const DAY_MS = 86_400;

describe('a rollout that nobody moves', () => {
  it('is told of in pre-flight, where nothing else happens by itself', async () => {
    const { state } = await r.admin.createRollout({ text: PLAN, timeScale: 0.001 });
    await r.admin.command(state.id, { type: 'Start' });
    await r.pass(DAY_MS - 1_000);
    expect(await eventsOf(state.id, 'RolloutStuck')).toEqual([]);
    await r.pass(1_000);
    await r.pass(DAY_MS);
    expect(await eventsOf(state.id, 'RolloutStuck')).toMatchObject([
      { waitingFor: ['pre-flight item "launch-readiness"'] },
    ]);
  });

  it('is told of at the exit gate, and not before its time is over', async () => {
    const id = await startRollout(r, `${PLAN.replace('window: 12h', 'window: 1h')}stuckAfter: 20h\n`);
    await liveUntil(r, id, 'monitoring', { stepMs: 2_000 });
    for (let count = 0; count < 55; count += 1) await live(r, HEALTHY, 2_000);
    expect(await eventsOf(id, 'RolloutStuck')).toEqual([]);
    for (let count = 0; count < 30; count += 1) await live(r, HEALTHY, 2_000);
    expect(await eventsOf(id, 'RolloutStuck')).toMatchObject([{ waitingFor: ['exit item "docs-updated"'] }]);
  });

  it('is told of when its incident lies, once, also after a restart', async () => {
    const id = await startRollout(r, PLAN.replace('window: 12h', 'window: 1h'));
    await liveUntil(r, id, 'exposing');
    await r.admin.command(id, { type: 'Abort', reason: 'we saw something' });
    await r.pass(59_000);
    expect(await eventsOf(id, 'IncidentUnattended')).toEqual([]);
    await r.pass(2_000);
    r = await r.restart();
    await r.pass(DAY_MS);
    expect(await eventsOf(id, 'IncidentUnattended')).toMatchObject([{ incident: 1 }]);
  });
});
