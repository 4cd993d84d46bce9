import { createApiClient, ProblemError } from '@rampart/api';
import { openReplay } from '@rampart/rollout';
import { afterEach, describe, expect, it } from 'vitest';
import { CALM, type FakeHistory, fakeHistory } from './fake-history.test.support.ts';
import { HEALTHY, live, liveUntil, PLAN, type Rig, startRig, startRollout } from './server-rig.test.support.ts';

const rigs: Rig[] = [];
async function rig(history?: FakeHistory): Promise<Rig> {
  const historyOf = (name: string) => (name === 'telemetry' ? history : undefined);
  const one = await startRig(history === undefined ? {} : { historyOf });
  rigs.push(one);
  return one;
}

afterEach(async () => {
  for (const one of rigs.splice(0)) await one.dispose();
});

async function codeOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProblemError) return `${error.code}: ${error.message}`;
  throw error;
}

const stateOf = async (r: Rig, id: string) => (await r.admin.getRollout(id)).state;
const waitsOf = async (r: Rig, id: string) => (await r.admin.getRollout(id)).waitingFor.join('; ');

const DAY_MS = 86_400_000;

describe('a baseline from history', () => {
  it('is taken at once where every metric has one, with its sample sizes and hours of the week', async () => {
    const r = await rig(fakeHistory());
    const id = await startRollout(r, PLAN.replace('window: 12h', 'window: 7d'));
    await r.server.baselines.wakeAll();
    const { baseline, phase } = await stateOf(r, id);
    expect(phase).toBe('exposing');
    expect(baseline).toMatchObject({ version: 1, source: 'history' });
    expect((baseline?.toAt ?? 0) - (baseline?.fromAt ?? 0)).toBe(7 * DAY_MS);
    expect(baseline?.metrics.errorRate).toMatchObject({ value: 0.01, count: 100 * 7 * 1440 });
    expect(baseline?.metrics.errorRate?.week?.n).toHaveLength(168);
    expect(await r.admin.getReport(id)).toContain('history of telemetry, version 1');
  });

  it('comes out the same in a replay', async () => {
    const r = await rig(fakeHistory());
    const id = await startRollout(r);
    await r.server.baselines.wakeAll();
    for (let step = 0; step < 5; step += 1) await live(r);
    const replay = openReplay(await r.admin.listEvents(id));
    for (const batch of (await r.admin.listEvidence(id)).batches) replay.feed(batch);
    const { differences, state } = replay.finish();
    expect(differences).toEqual([]);
    expect(state).toEqual(await stateOf(r, id));
  });

  it('holds and says why while its source cannot answer, and goes on when it can', async () => {
    const history = fakeHistory(() => ({ kind: 'error', message: 'metrics.errorRate: 500 of Prometheus' }));
    const r = await rig(history);
    const id = await startRollout(r);
    await r.server.baselines.wakeAll();
    expect(await waitsOf(r, id)).toBe(
      'the baseline, which waits for telemetry: metrics.errorRate: 500 of Prometheus (asked again in 5 s)',
    );
    const asked = history.asked;
    await r.server.baselines.wakeAll();
    expect(history.asked).toBe(asked);
    // The live window passes: what was read live alone is not the baseline that was asked for.
    for (let step = 0; step < 60; step += 1) await live(r);
    await r.server.baselines.wakeAll();
    expect(await stateOf(r, id)).toMatchObject({ phase: 'baseline' });
    expect(r.logged.filter(({ message }) => message.includes('waits for telemetry'))).toHaveLength(1);
    history.recorded = CALM;
    r.clock.advance(60_000);
    await r.server.baselines.wakeAll();
    expect(await stateOf(r, id)).toMatchObject({ phase: 'exposing', baseline: { source: 'history' } });
  });

  it('is completed from live traffic where a history lacks what checks need, and is never empty', async () => {
    const nothing = { kind: 'no-data' } as const;
    const history = fakeHistory((query, ends) => (query.metric.kind === 'quantile' ? nothing : CALM(query, ends)));
    const r = await rig(history);
    const id = await startRollout(r);
    await r.server.baselines.wakeAll();
    expect(await waitsOf(r, id)).toContain('the baseline: 44 s more');
    for (let step = 0; step < 45; step += 1) await live(r);
    await r.server.baselines.wakeAll();
    const { baseline, phase } = await stateOf(r, id);
    expect(phase).toBe('exposing');
    expect(baseline?.metrics.errorRate?.origin).toMatchObject({ source: 'history' });
    expect(baseline?.metrics.p99Latency?.origin).toMatchObject({ source: 'live' });
    expect(history.asked).toBe(2);
  });

  it('that has nothing at all leaves the baseline to live traffic', async () => {
    const r = await rig(fakeHistory(() => ({ kind: 'no-data' })));
    const id = await startRollout(r);
    for (let step = 0; step < 45; step += 1) await live(r);
    await r.server.baselines.wakeAll();
    const { baseline } = await stateOf(r, id);
    expect(baseline).toMatchObject({ source: 'live', version: 1 });
    expect(Object.keys(baseline?.metrics ?? {})).toContain('errorRate');
  });
});

describe('a new version of the baseline', () => {
  const observerOf = async (r: Rig) => {
    const { token } = await r.admin.createToken({ kind: 'observer', name: 'agent:o11y', principal: 'agent' });
    return createApiClient({ url: r.server.url, token });
  };

  it('is taken from control of the running stage, and exposes nobody', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    const before = await stateOf(r, id);
    const control = { errorRate: 0.005, latency: 0.2 };
    for (let step = 0; step < 12; step += 1) await live(r, { ...HEALTHY, control });
    const observer = await observerOf(r);
    const answer = await observer.captureBaseline(id, 'Monday is not Sunday');
    const { state } = answer.rollout;
    expect(answer.events.map(({ event }) => event.type)).toEqual(['BaselineCaptured']);
    expect(state.layers).toEqual(before.layers);
    expect(state.baseline).toMatchObject({ version: 2, source: 'live' });
    expect(state.baseline?.metrics.errorRate?.value).toBeCloseTo(0.005, 3);
    expect(before.baseline?.metrics.errorRate?.value).toBeCloseTo(0.002, 3);
    const { versions } = await observer.listBaselines(id);
    expect(versions.map(({ baseline, reason }) => [baseline.version, reason])).toEqual([
      [1, undefined],
      [2, 'Monday is not Sunday'],
    ]);
    expect(await r.admin.getReport(id)).toContain('re-captured the baseline (version 2)');
  });

  it('comes out the same in a replay, and after a restart', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    for (let step = 0; step < 12; step += 1) await live(r);
    await r.admin.captureBaseline(id, 'once more');
    for (let step = 0; step < 5; step += 1) await live(r);
    const again = await r.restart();
    rigs.splice(rigs.indexOf(r), 1, again);
    const replay = openReplay(await again.admin.listEvents(id));
    for (const batch of (await again.admin.listEvidence(id)).batches) replay.feed(batch);
    const { differences, state } = replay.finish();
    expect(differences).toEqual([]);
    expect(state).toEqual(await stateOf(again, id));
  });

  it('may be looked at before it is taken', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    for (let step = 0; step < 3; step += 1) await live(r, { ...HEALTHY, control: { errorRate: 0.005, latency: 0.2 } });
    const { current, versions } = await r.admin.listBaselines(id, true);
    expect(current?.metrics.errorRate?.value).toBeCloseTo(0.005, 3);
    expect(versions).toHaveLength(1);
  });

  it('is given once for one idempotency key', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    for (let step = 0; step < 12; step += 1) await live(r);
    const first = await r.admin.captureBaseline(id, 'twice', { idempotencyKey: 'k' });
    await live(r);
    const second = await r.admin.captureBaseline(id, 'twice', { idempotencyKey: 'k' });
    expect(second.events).toEqual(first.events);
    expect((await r.admin.listBaselines(id)).versions).toHaveLength(2);
  });

  it('is refused without a reason, to who may not, before the first, and where nobody is in control', async () => {
    const r = await rig();
    const stages = /stages:[\s\S]*monitor: 24h \}\n/;
    const atOnce = PLAN.replace(
      stages,
      'stages: [ { name: ga, percentage: 100, duration: permanent, monitor: 24h } ]\n',
    );
    const { state } = await r.admin.createRollout({ text: atOnce, timeScale: 0.001, override: 'a test' });
    expect(await codeOf(r.admin.captureBaseline(state.id, 'early'))).toContain('WRONG_PHASE: Rollout checkout-1');
    await r.admin.command(state.id, { type: 'Start' });
    await r.admin.command(state.id, {
      type: 'Approve',
      item: 'launch-readiness',
      evidence: 'https://wiki.example.com/launch',
    });
    await liveUntil(r, state.id, 'monitoring');
    expect(await codeOf(r.admin.captureBaseline(state.id, ' '))).toContain('REASON_REQUIRED');
    const { token } = await r.admin.createToken({ kind: 'analyst', name: 'an' });
    const analyst = createApiClient({ url: r.server.url, token });
    expect(await codeOf(analyst.captureBaseline(state.id, 'why not'))).toContain('FORBIDDEN');
    expect(await codeOf(r.admin.captureBaseline(state.id, 'now'))).toContain(
      'BASELINE_UNAVAILABLE: Nobody is in control in stage ga, and no source has a history',
    );
    expect((await stateOf(r, state.id)).baseline?.version).toBe(1);
  });

  it('is refused, and nothing changed, while its history cannot be read', async () => {
    const history = fakeHistory();
    const r = await rig(history);
    const id = await startRollout(r);
    await r.server.baselines.wakeAll();
    // The first look of the stage records what its checks say.
    await r.server.reconciler.wakeAll();
    const before = await stateOf(r, id);
    history.recorded = () => ({ kind: 'error', message: 'nothing answers' });
    expect(await codeOf(r.admin.captureBaseline(id, 'now'))).toContain('telemetry: nothing answers');
    expect(await stateOf(r, id)).toEqual(before);
    history.recorded = CALM;
    const { rollout } = await r.admin.captureBaseline(id, 'now');
    expect(rollout.state.baseline).toMatchObject({ version: 2, source: 'history' });
  });
});
