import { documentSchema, type TelemetryBatch } from '@rampart/api';
import type { RolloutDocument } from '@rampart/rollout';
import { afterEach, describe, expect, it } from 'vitest';
import {
  HEALTHY,
  live,
  liveUntil,
  PLAN,
  type Rig,
  startRig,
  startRollout,
  trafficOf,
} from './server-rig.test.support.ts';

const rigs: Rig[] = [];
async function rig(): Promise<Rig> {
  const one = await startRig({ webhookPolicy: { allowPrivate: true } });
  rigs.push(one);
  return one;
}

afterEach(async () => {
  for (const one of rigs.splice(0)) await one.dispose();
});

const BAD = { ...HEALTHY, treatment: { errorRate: 0.08, latency: 0.2 } };
const OWNED = `${PLAN}owners: { operator: team-web, analyst: 'agent:triage', stakeholders: [product@example.com] }\n`;

const stateOf = async ({ admin }: Rig, id: string) => (await admin.getRollout(id)).state;
const typesOf = async ({ admin }: Rig, id: string) => (await admin.listEvents(id)).map(({ event }) => event.type);
const countOf = async (r: Rig, id: string, type: string) => (await typesOf(r, id)).filter((one) => one === type).length;

/** Messages of the outbox about a rollout, whatever became of them. */
async function messagesOf({ server }: Rig, id: string) {
  const all = await Promise.all((['pending', 'done', 'dead'] as const).map((state) => server.store.listOutbox(state)));
  return all.flat().filter(({ key }) => key.startsWith(`${id}:`));
}

/** What an SDK process says that evaluates by a ruleset. */
async function telemetryOf(r: Rig, instance: string, by?: TelemetryBatch): Promise<TelemetryBatch> {
  const ruleset = await r.sdk.getRuleset();
  if (ruleset === 'unchanged' || ruleset.flags.checkout === undefined) throw new Error('no ruleset');
  const now = r.clock.now();
  const batch = by ?? trafficOf(ruleset, ruleset.flags.checkout, 'x', now, HEALTHY);
  return { ...batch, batchId: `${instance}-${now}`, instance, fromAt: now, toAt: now };
}

async function aborted(): Promise<{ readonly r: Rig; readonly id: string; readonly stale: TelemetryBatch }> {
  const r = await rig();
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  // Nobody listens there: the messages stay where they can be counted.
  await r.admin.putWebhooks(['ops', 'desk'].map((name) => ({ name, url: 'http://127.0.0.1:9/hook', secret })));
  const id = await startRollout(r, OWNED);
  await liveUntil(r, id, 'exposing');
  const stale = await telemetryOf(r, 'instance-2');
  await r.sdk.sendTelemetry(stale);
  await liveUntil(r, id, 'aborted', { traffic: BAD, steps: 30 });
  return { r, id, stale };
}

/** Ten seconds in which one process has heard of the abort and the other evaluates by what it had before. */
async function flush(r: Rig, stale: TelemetryBatch): Promise<void> {
  await r.sdk.sendTelemetry(await telemetryOf(r, 'instance-1'));
  await r.sdk.sendTelemetry(await telemetryOf(r, 'instance-2', stale));
  await r.pass(10_000);
}

describe('the abort protocol', () => {
  it('is one message per destination, with incident, triage, breach and blast radius in it', async () => {
    const { r, id } = await aborted();
    const { version } = (await r.admin.listEvents(id)).find(({ event }) => event.type === 'RolloutAborted') ?? {};
    const told = (await messagesOf(r, id)).filter(({ key }) => key.startsWith(`${id}:${version}/`));
    expect(told.map(({ destination }) => destination).toSorted()).toEqual(['webhook:desk', 'webhook:ops']);
    expect(told[0]?.body).toMatchObject({
      type: 'rollout.aborted',
      severity: 'page',
      data: { incident: 1, assignee: 'agent:triage', metric: 'errorRate', people: { atLeast: expect.any(Number) } },
    });
    const text = await r.admin.getIncident(id, 1);
    expect(text).toMatch(/webhook:desk: (waits|given up), webhook:ops: (waits|given up)/);
  });

  it('is one message for a kill too', async () => {
    const r = await rig();
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    await r.admin.putWebhooks([{ name: 'ops', url: 'http://127.0.0.1:9/hook', secret }]);
    const id = await startRollout(r, OWNED);
    await liveUntil(r, id, 'exposing');
    const before = (await messagesOf(r, id)).length;
    await r.admin.command(id, { type: 'Kill', reason: 'prompt injection' });
    const messages = (await messagesOf(r, id)).slice(before);
    expect((await messagesOf(r, id)).length - before).toBe(1);
    expect((await messagesOf(r, id)).map(({ kind }) => kind)).not.toContain('kill-switch.tripped');
    expect(messages).toHaveLength(1);
  });

  it('pages once when an SDK still serves it after a minute, and is confirmed by acknowledgement and by exposure', async () => {
    const { r, id, stale } = await aborted();
    for (let i = 0; i < 9; i += 1) await flush(r, stale);
    expect(await countOf(r, id, 'AbortUnconfirmed')).toBe(1);
    const doubt = (await r.admin.listEvents(id)).find(({ event }) => event.type === 'AbortUnconfirmed')?.event;
    expect(doubt).toMatchObject({ incident: 1, acknowledged: 1, connected: 2, treating: 1 });
    expect((await messagesOf(r, id)).filter(({ kind }) => kind === 'abort.unconfirmed')).toHaveLength(2);
    expect(await countOf(r, id, 'AbortTookEffect')).toBe(0);
    // The second process hears of it at last.
    for (let i = 0; i < 6; i += 1) {
      await r.sdk.sendTelemetry(await telemetryOf(r, 'instance-1'));
      await r.sdk.sendTelemetry(await telemetryOf(r, 'instance-2'));
      await r.pass(10_000);
    }
    const types = await typesOf(r, id);
    const order = ['RolloutAborted', 'AbortUnconfirmed', 'AbortTookEffect', 'ExposureFell'];
    expect(types.filter((type) => order.includes(type))).toEqual(order);
    const text = await r.admin.getIncident(id, 1);
    expect(text).toMatch(/\| SDKs confirmed \| 2026.* \| 2 of 2 connected SDKs evaluate by exposure 0 \|/);
    expect(text).toMatch(
      /\| Exposure fell \| 2026.* reports since, nobody treated in them; before that [\d,]+ observations/,
    );
  });

  it('pages when every SDK says that it took and people still see the feature, but not of a request that ended late', async () => {
    const { r, id, stale } = await aborted();
    const both = async (second: TelemetryBatch | undefined) => {
      await r.sdk.sendTelemetry(await telemetryOf(r, 'instance-1'));
      const { revision } = await telemetryOf(r, 'instance-2');
      await r.sdk.sendTelemetry({ ...(await telemetryOf(r, 'instance-2', second)), revision });
      await r.pass(10_000);
    };
    // The server looks by itself as well: it may confirm before the clock goes on, or after.
    for (let i = 0; i < 2; i += 1) await both(undefined);
    expect(await countOf(r, id, 'AbortTookEffect')).toBe(1);
    expect(await countOf(r, id, 'ExposureFell')).toBe(0);
    await both(stale);
    await both(undefined);
    expect(await countOf(r, id, 'AbortUnconfirmed')).toBe(0);
    for (let i = 0; i < 5; i += 1) await both(stale);
    expect(await countOf(r, id, 'AbortUnconfirmed')).toBe(1);
    const doubt = (await r.admin.listEvents(id)).find(({ event }) => event.type === 'AbortUnconfirmed')?.event;
    expect(doubt).toMatchObject({ acknowledged: 2, connected: 2, treating: 1 });
  });

  it('says nothing of exposure without telemetry, and stops watching after a while', async () => {
    const { r, id } = await aborted();
    await live(r);
    await r.pass(70_000);
    await r.pass(600_000);
    await r.pass(600_000);
    expect(await countOf(r, id, 'AbortTookEffect')).toBe(1);
    expect(await countOf(r, id, 'AbortUnconfirmed')).toBe(0);
    expect(await r.admin.getIncident(id, 1)).toContain(
      '| Exposure fell | – | – | – | no telemetry that shows it yet |',
    );
  });

  it('goes from triage to the next attempt, and every step stands in the document with its time and who took it', async () => {
    const { r, id } = await aborted();
    const give = (command: Parameters<Rig['admin']['command']>[1]) => r.admin.command(id, command);
    await live(r);
    await give({ type: 'AcknowledgeIncident', incident: 1 });
    await give({ type: 'NoteIncident', incident: 1, text: 'pool is full' });
    await give({ type: 'LinkIncident', incident: 1, title: 'Errors', url: 'https://grafana.example/d/1' });
    await expect(
      give({ type: 'LinkIncident', incident: 1, title: 'x', url: 'javascript:alert(1)' }),
    ).rejects.toMatchObject({
      code: 'BODY_INVALID',
    });
    await expect(give({ type: 'ResolveIncident', incident: 1 })).rejects.toMatchObject({ code: 'REASON_REQUIRED' });
    await give({ type: 'RecordRootCause', incident: 1, text: 'pool of 5 connections' });
    await give({ type: 'AddAction', incident: 1, text: 'alert on the pool', owner: 'team-db' });
    await expect(give({ type: 'CompleteAction', incident: 1, action: 2 })).rejects.toMatchObject({
      code: 'ACTION_UNKNOWN',
    });
    await give({ type: 'CompleteAction', incident: 1, action: 1 });
    await expect(give({ type: 'Retry', version: 'build-2' })).rejects.toMatchObject({
      code: expect.stringMatching(/COOLDOWN|FIX_REQUIRED/),
    });
    await give({ type: 'RecordFix', incident: 1, text: 'pool of 50', reference: 'https://git.example/7' });
    await give({ type: 'ResolveIncident', incident: 1 });
    await r.pass(3_600_000);
    await give({ type: 'Retry', version: 'build-2' });
    expect(await stateOf(r, id)).toMatchObject({ attempt: 2, phase: 'exposing', stage: { index: 0 } });
    const document: RolloutDocument = await r.admin.getIncident(id, 1, 'json');
    expect(documentSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(JSON.parse(JSON.stringify(document)));
    const protocol = document.sections.find((section) => section.id === 'protocol')?.blocks[0];
    if (protocol?.kind !== 'table') throw new Error('the protocol is a table');
    const texts = protocol.rows.map((row) =>
      ['step', 'by', 'detail'].map((key) => row[key]?.map(({ text }) => text).join('')),
    );
    expect(texts.map(([step, by]) => [step, by])).toEqual([
      ['Breach seen', '–'],
      ['Flag to 0 %', 'Rampart'],
      ['SDKs confirmed', 'Rampart'],
      ['Exposure fell', '–'],
      ['Notified', 'Rampart'],
      ['Triage assigned', 'Rampart'],
      ['Triage begun', 'admin'],
      ['Incident document', 'Rampart'],
      ['Root cause recorded', 'admin'],
      ['Fix recorded', 'admin'],
      ['Action items', 'admin'],
      ['Resolved', 'admin'],
      ['Retry from stage 1', 'admin'],
    ]);
    // Every figure names an event that is there.
    const versions = new Set((await r.admin.listEvents(id)).map(({ version }) => version));
    const figures = JSON.stringify(document).match(/"from":\[[\d,]*\]/g) ?? [];
    expect(figures.length).toBeGreaterThan(100);
    for (const figure of figures)
      for (const version of figure.match(/\d+/g) ?? []) expect(versions).toContain(Number(version));
  });
});
