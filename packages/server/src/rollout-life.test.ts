import { isDeepStrictEqual } from 'node:util';
import { createApiClient } from '@rampart/api';
import { replay, servedMs } from '@rampart/rollout';
import { afterEach, describe, expect, it } from 'vitest';
import { HEALTHY, live, liveUntil, type Rig, startRig, startRollout, trafficOf } from './server-rig.test.support.ts';
import { openSse } from './sse-reader.test.support.ts';
import { startServer } from './start-server.ts';

const rigs: Rig[] = [];
async function rig(...args: Parameters<typeof startRig>): Promise<Rig> {
  const one = await startRig(...args);
  rigs.push(one);
  return one;
}

afterEach(async () => {
  for (const one of rigs.splice(0)) await one.dispose();
});

const stateOf = async ({ admin }: Rig, id: string) => (await admin.getRollout(id)).state;

describe('the life of a rollout over HTTP', () => {
  it('goes from the plan through every stage to GA and completion', async () => {
    const r = await rig();
    const id = await startRollout(r);
    expect((await stateOf(r, id)).phase).toBe('baseline');
    await liveUntil(r, id, 'exposing');
    expect((await stateOf(r, id)).baseline?.metrics.errorRate?.value).toBeCloseTo(0.002, 3);
    await liveUntil(r, id, 'monitoring');
    await r.admin.command(id, { type: 'Approve', item: 'docs-updated' });
    await liveUntil(r, id, 'complete');
    const { state } = await r.admin.getRollout(id);
    expect(state.history.map(({ name, result }) => [name, result])).toEqual([
      ['canary', 'passed'],
      ['beta', 'passed'],
      ['ga', 'passed'],
    ]);
    const ruleset = await r.sdk.getRuleset();
    expect(ruleset).toMatchObject({ flags: { checkout: { exposure: { layers: [{ weight: 100_000 }] } } } });
    expect(await r.admin.getReport(id)).toContain('# Rollout Report: checkout');
    const records = await r.admin.listEvents(id);
    expect(isDeepStrictEqual(JSON.parse(JSON.stringify(replay(records))), state)).toBe(true);
    expect(await r.server.store.verifyChain()).toMatchObject({ ok: true });
  });
});

const BAD = { ...HEALTHY, treatment: { errorRate: 0.08, latency: 0.2 } };

describe('an abort', () => {
  it('sets exposure to 0 in the transaction that records it, and is confirmed once the SDKs evaluate by it', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    const before = (await r.admin.status()).revision;
    await liveUntil(r, id, 'aborted', { traffic: BAD, steps: 30 });
    const aborted = await stateOf(r, id);
    expect(aborted).toMatchObject({ layers: [], incidents: [{ number: 1, kind: 'criterion' }] });
    expect(aborted.incidents[0]?.tookEffectAt).toBeUndefined();
    const { revision } = await r.admin.status();
    expect(revision).toBeGreaterThan(before);
    // The next flush of the SDK names the new revision, and its control is measured on.
    await live(r);
    expect((await stateOf(r, id)).incidents[0]?.tookEffectAt).toBeDefined();
    expect(await r.admin.getIncident(id, 1)).toContain('# Incident 1');
  });

  it('that nobody is connected to hear of is confirmed at once', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await r.pass(120_000);
    await r.admin.command(id, { type: 'Abort', reason: 'seen enough' });
    await r.pass(0);
    const { events } = await lastEvents(r, id);
    expect(events.at(-1)).toMatchObject({
      by: 'rampart',
      event: { type: 'AbortTookEffect', acknowledged: 0, connected: 0 },
    });
  });

  it('needs no whole batch: a plain breach closes it at once', async () => {
    const r = await rig();
    const id = await startRollout(r, undefined, 1);
    await liveUntil(r, id, 'exposing', { steps: 2_000, stepMs: 240_000 });
    const ruleset = await r.sdk.getRuleset();
    if (ruleset === 'unchanged') throw new Error('no ruleset');
    const now = r.clock.now();
    await r.pass(1_000);
    const closedBefore = (await r.server.store.evidenceAfter(id, 0)).length;
    await r.sdk.sendTelemetry(trafficOf(ruleset, ruleset.flags.checkout!, 'breach', now, BAD));
    await r.pass(0);
    expect((await stateOf(r, id)).phase).toBe('aborted');
    expect((await r.server.store.evidenceAfter(id, 0)).length).toBe(closedBefore + 1);
  });
});

describe('a kill', () => {
  it('latches the kill-switch flag for every SDK until a person re-arms it with a reason', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await r.admin.command(id, { type: 'Kill', reason: 'prompt injection' });
    expect(await r.sdk.getRuleset()).toMatchObject({
      flags: {
        'checkout-kill': { defaultVariant: 'killed' },
        checkout: { killSwitch: 'checkout-kill', exposure: { layers: [] } },
      },
    });
    await expect(r.admin.command(id, { type: 'Rearm', reason: '' })).rejects.toMatchObject({ code: 'REASON_REQUIRED' });
    await r.admin.command(id, { type: 'Rearm', reason: 'filter deployed' });
    expect(await r.sdk.getRuleset()).toMatchObject({
      flags: { 'checkout-kill': { defaultVariant: 'armed' }, checkout: { exposure: { layers: [] } } },
    });
  });

  it('reaches an open stream as a patch', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    const { revision } = await r.admin.status();
    const stream = await openSse(`${r.server.url}/v1/stream?revision=${revision}`, {
      authorization: `Bearer ${r.tokens.sdk}`,
    });
    await r.admin.command(id, { type: 'Kill', reason: 'now' });
    expect(await stream.next()).toMatchObject({
      event: 'patch',
      id: String(revision + 1),
      data: {
        fromRevision: revision,
        revision: revision + 1,
        flags: { 'checkout-kill': { defaultVariant: 'killed' } },
      },
    });
    await stream.cancel();
  });
});

describe('time', () => {
  it('without evidence is blindness: the rollout holds, and neither aborts nor proceeds', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await r.pass(600_000);
    await r.pass(600_000);
    const state = await stateOf(r, id);
    expect(state).toMatchObject({ phase: 'exposing', stage: { index: 0 } });
    expect(state.blindSince).toBeDefined();
  });

  it('is given time to be seen again where the server is started while a rollout is blind', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await r.pass(10_000);
    expect((await stateOf(r, id)).blindNoticedAt).toBe(r.clock.now());
    r.clock.advance(72 * 3_600_000);
    const again = await r.restart();
    rigs.push(again);
    await again.pass(0);
    expect(await stateOf(again, id)).toMatchObject({ phase: 'exposing', blindNoticedAt: again.clock.now() });
    const types = (await again.admin.listEvents(id)).map(({ event }) => event.type);
    expect(types.filter((type) => type === 'WatchResumed' || type === 'BlindLimitReached')).toEqual(['WatchResumed']);
    await again.pass(3_000);
    await again.pass(3_000);
    expect((await stateOf(again, id)).blindAlertedAt).toBeDefined();
  });

  it('that the server slept through counts as blind: after three days one stage at most follows, on a fresh window', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    const hourMs = 3_600_000 * 0.001;
    const left = 2 * hourMs;
    for (;;) {
      const { state } = await r.admin.getRollout(id);
      if (servedMs(state, r.clock.now()) >= state.stage!.durationMs - left) break;
      await live(r);
    }
    const { version } = await stateOf(r, id);
    const sleptFrom = r.clock.now();
    r.clock.advance(72 * hourMs);
    const woken = await r.restart();
    rigs.push(woken);
    const servedBefore = servedMs(await stateOf(woken, id), sleptFrom);
    await live(woken);
    const awake = await stateOf(woken, id);
    expect(awake).toMatchObject({ phase: 'exposing', stage: { index: 0 } });
    expect(servedMs(awake, woken.clock.now()) - servedBefore, 'sleep is not served').toBeLessThan(2 * hourMs);
    while ((await stateOf(woken, id)).stage?.index === 0) await live(woken);
    const enteredAt = woken.clock.now();
    // The longest of an hour and a tenth of the stage.
    expect(enteredAt - (sleptFrom + 72 * hourMs)).toBeGreaterThanOrEqual(1.2 * hourMs);
    await live(woken);
    const happened = (await woken.admin.listEvents(id, version)).map(({ event }) => event.type);
    const steps = ['SightLost', 'SightReturned', 'StagePassed', 'StageEntered', 'RolloutAborted'];
    expect(happened.filter((type) => steps.includes(type))).toEqual(steps.slice(0, 4));
    while ((await stateOf(woken, id)).phase === 'exposing') await live(woken);
    expect(woken.clock.now() - enteredAt, 'the next stage serves its whole time').toBeGreaterThanOrEqual(12 * hourMs);
  });

  it('that goes back stands still, is logged once, and does not stop an abort', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    const at = r.clock.now();
    r.clock.set(at - 3_600_000);
    await r.pass(1_000);
    await r.pass(1_000);
    expect((await r.admin.status()).now).toBe(at);
    expect(r.logged.filter(({ fields }) => 'code' in fields && fields.code === 'CLOCK_WENT_BACK')).toHaveLength(1);
    await r.admin.command(id, { type: 'Abort', reason: 'clock or not' });
    expect((await stateOf(r, id)).phase).toBe('aborted');
  });
});

describe('a restart', () => {
  it('replays the events to the same state, ruleset and evidence', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await live(r);
    const [state, ruleset, checkpoint] = [
      await stateOf(r, id),
      await r.sdk.getRuleset(),
      await r.server.store.getCheckpoint(id),
    ];
    const woken = await r.restart();
    rigs.push(woken);
    expect(await stateOf(woken, id)).toEqual(state);
    expect(await woken.sdk.getRuleset()).toEqual(ruleset);
    expect(await woken.server.store.getCheckpoint(id)).toEqual(checkpoint);
  });

  it('is refused when the events do not make the stored state', async () => {
    const r = await rig();
    const id = await startRollout(r);
    const document = await r.server.store.getDocument('rollout', id);
    const forged = { ...(document?.value as object), phase: 'complete' };
    await r.server.store.putDocuments({ documents: [{ kind: 'rollout', key: id, value: forged }] });
    await expect(r.restart()).rejects.toMatchObject({
      code: 'REPLAY_MISMATCH',
      message: expect.stringContaining('phase differs'),
    });
  });
});

describe('two servers on one store', () => {
  it('see what the other decides, and never both decide the same', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    const other = await startServer({ file: r.file, port: 0, clock: r.clock, log: r.log });
    const twin = createApiClient({ url: other.url, token: r.tokens.admin });
    await Promise.all([
      r.admin.command(id, { type: 'AddIssue', title: 'one', severity: 'minor' }),
      twin.command(id, { type: 'AddIssue', title: 'other', severity: 'minor' }),
    ]);
    const stream = await openSse(`${other.url}/v1/stream`, { authorization: `Bearer ${r.tokens.sdk}` });
    await stream.next();
    await r.admin.command(id, { type: 'Abort', reason: 'the other must hear' });
    expect(await stream.next()).toMatchObject({
      event: 'patch',
      data: { flags: { checkout: { exposure: { layers: [] } } } },
    });
    expect((await twin.getRollout(id)).state).toEqual((await r.admin.getRollout(id)).state);
    expect((await twin.getRollout(id)).state.issues.map(({ number }) => number)).toEqual([1, 2]);
    await stream.cancel();
    await other.close();
  });
});

describe('a full disk', () => {
  it('answers 507, promotes nothing, and loses nothing that was acknowledged', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    const state = await stateOf(r, id);
    const { storeBytes } = await r.admin.status();
    const full = await r.restart({ maxPages: Math.ceil(storeBytes / 4096) });
    rigs.push(full);
    const batch = async (n: number) => full.sdk.sendTelemetry(await trafficNow(full, `full-${n}`));
    let refused: unknown;
    for (let n = 0; n < 500 && refused === undefined; n += 1)
      refused = await batch(n).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(refused).toMatchObject({ code: 'STORAGE_FULL', problem: { status: 507 } });
    await full.pass(100_000);
    const later = await stateOf(full, id);
    expect(later.stage?.index).toBe(state.stage?.index);
    expect(later.layers).toEqual(state.layers);
    const ready = await fetch(`${full.server.url}/healthz`);
    expect(ready.status).toBe(200);
    const freed = await full.restart({ maxPages: 1_000_000 });
    rigs.push(freed);
    expect(await freed.server.store.verifyChain()).toMatchObject({ ok: true });
    await liveUntil(freed, id, 'monitoring');
  });
});

async function lastEvents(r: Rig, id: string) {
  return { events: await r.admin.listEvents(id) };
}

async function trafficNow(r: Rig, batchId: string) {
  const ruleset = await r.sdk.getRuleset();
  if (ruleset === 'unchanged') throw new Error('no ruleset');
  return trafficOf(ruleset, ruleset.flags.checkout!, batchId, r.clock.now(), HEALTHY);
}
