import { createApiClient, evidenceBatchSchema } from '@rampart/api';
import { type EvidenceBatch, openBacktest, openReplay, parsePlan, type ReplayResult } from '@rampart/rollout';
import { afterEach, describe, expect, it } from 'vitest';
import { HEALTHY, live, liveUntil, PLAN, type Rig, startRig, startRollout } from './server-rig.test.support.ts';

const rigs: Rig[] = [];
async function rig(): Promise<Rig> {
  const one = await startRig();
  rigs.push(one);
  return one;
}

afterEach(async () => {
  for (const one of rigs.splice(0)) await one.dispose();
});

const BAD = { ...HEALTHY, treatment: { errorRate: 0.08, latency: 0.2 } };
/** A hundredth of the requests fail, as many in each user bucket. */
const SOMEWHAT_BAD = { ...HEALTHY, users: 64_000, treatment: { errorRate: 0.01, latency: 0.2 } };

/** Metrics that are not in the order of their names. */
const MANY_METRICS = `${PLAN}alerts: [ { metric: faithfulness, limit: 0.85 } ]\n`;

/** Every batch of a rollout, in pages over HTTP. */
async function evidenceOf({ admin }: Rig, id: string, limit = 50): Promise<readonly EvidenceBatch[]> {
  const batches: EvidenceBatch[] = [];
  for (;;) {
    const page = await admin.listEvidence(id, batches.at(-1)?.seq ?? 0, limit);
    expect(page.batches.length).toBeLessThanOrEqual(limit);
    batches.push(...page.batches);
    if (page.batches.length === 0 || batches.at(-1)!.seq === page.throughSeq) return batches;
  }
}

async function replayOf(r: Rig, id: string): Promise<ReplayResult> {
  const replay = openReplay(await r.admin.listEvents(id));
  for (const batch of await evidenceOf(r, id)) replay.feed(batch);
  return replay.finish();
}

describe('a replay of a rollout that ran on a server', () => {
  it('makes every decision again, from baseline to completion', async () => {
    const r = await rig();
    const id = await startRollout(r, MANY_METRICS);
    await liveUntil(r, id, 'monitoring');
    await r.admin.command(id, { type: 'Approve', item: 'docs-updated' });
    await liveUntil(r, id, 'complete');
    const result = await replayOf(r, id);
    expect(result.differences).toEqual([]);
    expect(result.batches).toBeGreaterThan(50);
    expect(result.reproduced).toBeGreaterThan(8);
    expect(result.state).toEqual((await r.admin.getRollout(id)).state);
  });

  it('makes every decision again through blindness, holds, an abort, a restart of the server and a retry', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await r.admin.command(id, { type: 'Hold', reason: 'lunch' });
    for (let i = 0; i < 3; i += 1) await live(r);
    await r.admin.command(id, { type: 'Resume' });
    await r.pass(5_000);
    await r.pass(5_000);
    for (let i = 0; i < 3; i += 1) await live(r);
    await liveUntil(r, id, 'aborted', { traffic: BAD, steps: 40 });
    await live(r);
    const again = await r.restart();
    rigs.splice(rigs.indexOf(r), 1, again);
    await live(again);
    await again.admin.command(id, { type: 'RecordFix', incident: 1, text: 'gave it more memory' });
    again.clock.advance(3_600_000);
    await again.admin.command(id, { type: 'Retry', version: 'build-2' });
    await liveUntil(again, id, 'exposing');
    for (let i = 0; i < 5; i += 1) await live(again);
    const { state } = await again.admin.getRollout(id);
    const records = await again.admin.listEvents(id);
    const types = records.map(({ event }) => event.type);
    for (const type of ['SightLost', 'SightReturned', 'RolloutAborted', 'AbortTookEffect', 'AttemptStarted']) {
      expect(types).toContain(type);
    }
    const result = await replayOf(again, id);
    expect(result.differences).toEqual([]);
    expect(result.state).toEqual(state);
    const byRampart = records.filter(
      ({ by, event }) => by === 'rampart' && !['ItemAttested', 'AbortTookEffect'].includes(event.type),
    );
    expect(result.reproduced).toBe(byRampart.length);
  });

  it('finds a decision that the evidence does not bear out', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'aborted', { traffic: BAD });
    const batches = await evidenceOf(r, id);
    const records = await r.admin.listEvents(id);
    const milder = (batch: EvidenceBatch): EvidenceBatch => ({
      ...batch,
      series: batch.series.map((one) => (one.metric === 'errorRate' ? { ...one, sum: one.sum.map(() => 0) } : one)),
    });
    const replay = openReplay(records);
    for (const batch of batches) replay.feed(milder(batch));
    const { differences, state } = replay.finish();
    const abort = records.find(({ event }) => event.type === 'RolloutAborted')!;
    expect(differences.some(({ at, recorded }) => at === abort.at && recorded.includes(abort.event))).toBe(true);
    expect(state.phase).toBe('aborted');
  });
});

describe('the evidence of a rollout', () => {
  it('can be read by a viewer, not by an app, and names the look of each batch', async () => {
    const r = await rig();
    const id = await startRollout(r);
    for (let i = 0; i < 3; i += 1) await live(r);
    const { token } = await r.admin.createToken({ kind: 'viewer', name: 'vera' });
    const { batches, throughSeq } = await createApiClient({ url: r.server.url, token }).listEvidence(id);
    expect(throughSeq).toBe(batches.length);
    for (const batch of batches) {
      expect(evidenceBatchSchema.parse(batch)).toEqual(batch);
      expect(batch.look).toEqual({ at: batch.toAt, version: expect.any(Number) });
    }
    const app = createApiClient({ url: r.server.url, token: r.tokens.sdk });
    await expect(app.listEvidence(id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('a backtest of an edited plan', () => {
  const edited = (from: string, to: string) => {
    const result = parsePlan(PLAN.replace(from, to), { timeScale: 0.001 });
    if (!result.ok) throw new Error('the edited plan has errors');
    return result.plan;
  };

  it('says when a stricter plan would have aborted a rollout that went well', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await liveUntil(r, id, 'monitoring', { traffic: SOMEWHAT_BAD });
    const backtest = openBacktest(await r.admin.listEvents(id), edited('limit: 2%', 'limit: 0.5%'));
    for (const batch of await evidenceOf(r, id)) backtest.feed(batch);
    const { replay, original, edited: other, exposedMs } = backtest.finish();
    expect(replay.differences).toEqual([]);
    expect(exposedMs).toBeGreaterThan(60_000);
    expect([original.aborts, original.missed]).toEqual([[], []]);
    expect(other?.aborts).toMatchObject([
      { attempt: 1, stage: 'canary', kind: 'criterion', metric: 'errorRate', isFalse: true },
    ]);
    expect(other?.alarms.map(({ metric, limit }) => [metric, limit])).toContainEqual(['errorRate', '0.5%']);
    const found = other?.checks.find(({ limit }) => limit === '0.5%');
    expect(found).toMatchObject({ alarms: 1, firstFailAt: other?.aborts[0]?.at });
  });

  it('gives the abort that happened at the instant it happened, and what a laxer plan would have missed', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await liveUntil(r, id, 'aborted', { traffic: BAD, steps: 40 });
    const lax = edited('limit: 2%', 'limit: 90%');
    const backtest = openBacktest(await r.admin.listEvents(id), lax);
    for (const batch of await evidenceOf(r, id)) backtest.feed(batch);
    const { original, edited: other } = backtest.finish();
    const real = (await r.admin.getRollout(id)).state.incidents[0]!;
    expect(original.aborts).toMatchObject([
      { at: real.openedAt, realAbortAt: real.openedAt, reason: real.reason, isFalse: false },
    ]);
    expect(other?.aborts).toEqual([]);
    expect(other?.missed).toEqual([{ attempt: 1, at: real.openedAt, reason: real.reason }]);
  });

  it('names stages that the edited plan does not have', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    for (let i = 0; i < 5; i += 1) await live(r);
    const backtest = openBacktest(await r.admin.listEvents(id), edited('name: canary', 'name: first'));
    for (const batch of await evidenceOf(r, id)) backtest.feed(batch);
    expect(backtest.finish().edited?.unknownStages).toEqual(['canary']);
  });
});
