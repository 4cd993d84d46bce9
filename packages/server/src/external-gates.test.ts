import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HookSetting } from '@rampart/api';
import { createApiClient } from '@rampart/api';
import { checkSignature } from '@rampart/connectors';
import { openReplay } from '@rampart/rollout';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  HEALTHY,
  live,
  liveUntil,
  PLAN,
  type Rig,
  START_AT,
  startRig,
  startRollout,
} from './server-rig.test.support.ts';

const KEY = Buffer.alloc(24, 5).toString('base64');
const SECRET = `whsec_${KEY}`;
const HOOK_SECRET = 'a secret between two systems';
const PATH = '/gates/secret-path-1618';
const BUDGET: HookSetting = {
  name: 'slo',
  verify: { scheme: 'bearer' },
  secret: HOOK_SECRET,
  receives: 'gates',
  gates: {
    gate: '$.slo',
    state: '$.state',
    opens: 'ok',
    closes: ['spent', 'firing'],
    reason: '$.text',
    flag: 'checkout',
    environment: '$.env',
    at: '$.at',
  },
};

/** A system that is asked: it answers with a status, or not at all. */
type Asked = { readonly headers: Record<string, string>; readonly body: string };
let status: number | undefined;
let asked: Asked[] = [];
let other: Server;
let port = 0;
let r: Rig;

beforeEach(async () => {
  status = 200;
  asked = [];
  other = createServer((request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      asked.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(parts).toString() });
      if (status !== undefined) response.writeHead(status).end(`no: ${KEY}`);
    });
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  port = (other.address() as AddressInfo).port;
  r = await startRig({
    settings: { allowedHosts: ['127.0.0.1'] },
    secretOf: (name) => (name === 'GATE_SECRET' ? SECRET : undefined),
  });
});
afterEach(async () => {
  await r.dispose();
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
});

const webhook = (more = '') =>
  `{ webhook: 'http://127.0.0.1:${port}${PATH}', name: release-window, secretRef: GATE_SECRET${more} }`;
const planWith = (...gates: string[]) => `${PLAN.replace('window: 12h', 'window: 1h')}gates: [${gates.join(', ')}]\n`;
const viewOf = (id: string) => r.admin.getRollout(id);
const stageOf = async (id: string) => (await viewOf(id)).state.stage?.index;
const eventsOf = async (id: string, type: string) =>
  (await r.admin.listEvents(id)).map(({ event }) => event).filter((event) => event.type === type);
/** A second of life, and whatever gates are due. */
async function step(): Promise<void> {
  await live(r, HEALTHY);
  await r.server.gates.askAll();
  await r.pass(0);
}
/** Lives until the rollout waits for gates alone, and they have answered. */
async function untilGates(id: string): Promise<readonly string[]> {
  for (let count = 0; count < 200; count += 1) {
    const { waitingFor } = await viewOf(id);
    const isGate = (text: string) => text.startsWith('gate ') && !text.endsWith('not answered yet');
    if (waitingFor.length > 0 && waitingFor.every(isGate)) return waitingFor;
    await step();
  }
  throw new Error(`it waits for ${(await viewOf(id)).waitingFor.join('; ')}`);
}
async function exposed(text: string): Promise<string> {
  const id = await startRollout(r, text);
  await liveUntil(r, id, 'exposing');
  return id;
}

describe('a gate that is asked by webhook', () => {
  it('holds the advance while it says no, with why, and lets it go once it says yes', async () => {
    status = 503;
    const id = await exposed(planWith(webhook()));
    await step();
    expect(asked, 'not before the time is served').toEqual([]);
    expect(await untilGates(id)).toEqual(['gate release-window, which is closed: it answered 503']);
    for (let count = 0; count < 20; count += 1) await step();
    expect(asked.length, 'it is asked regularly').toBeGreaterThan(5);
    expect(await eventsOf(id, 'GateAnswered'), 'and put on record once').toEqual([
      { type: 'GateAnswered', gate: 'release-window', open: false, why: 'it answered 503' },
    ]);
    status = 204;
    for (let count = 0; count < 3; count += 1) await step();
    expect(await stageOf(id)).toBe(1);
    const replay = openReplay(await r.admin.listEvents(id));
    for (const batch of (await r.admin.listEvidence(id)).batches) replay.feed(batch);
    expect(replay.finish().differences, 'a replay asks nobody').toEqual([]);
  });

  it('is asked with a signed question that says what it is about', async () => {
    status = 503;
    const id = await exposed(planWith(webhook()));
    await untilGates(id);
    const [{ headers, body }] = asked as [Asked];
    const delivery = { header: (name: string) => headers[name], body: Buffer.from(body) };
    expect(checkSignature(delivery, { scheme: 'standard-webhooks' }, SECRET, r.clock.now())).toMatchObject({
      ok: true,
    });
    expect(JSON.parse(body)).toMatchObject({
      type: 'gate.asked',
      data: { gate: 'release-window', asks: 'advance', rollout: id, flag: 'checkout', stage: 'canary', attempt: 1 },
    });
  });

  it('that does not answer holds too, and an abort comes at once all the same', async () => {
    status = undefined;
    const id = await exposed(planWith(webhook(', timeout: 50ms')));
    expect(await untilGates(id)).toEqual(['gate release-window, which is closed: it did not answer within 50 ms']);
    await r.admin.command(id, { type: 'Abort', reason: 'we saw something' });
    expect((await viewOf(id)).state).toMatchObject({ phase: 'aborted', layers: [] });
  });

  it('is asked again after a restart: what it said before is too old by then', async () => {
    const id = await exposed(planWith(webhook(), '{ signal: error-budget }'));
    const waits = await untilGates(id);
    expect(waits).toEqual(['gate error-budget, which is closed: nobody has said anything of error-budget yet']);
    expect((await viewOf(id)).state.gates).toMatchObject({ 'release-window': { open: true } });
    status = 503;
    r = await r.restart();
    r.clock.advance(60_000);
    await r.admin.setGate('error-budget', { open: true, reason: 'checked by hand' });
    for (let count = 0; count < 15; count += 1) await step();
    expect(await stageOf(id), 'yes of yesterday is no yes').toBe(0);
    status = 200;
    for (let count = 0; count < 100 && (await stageOf(id)) === 0; count += 1) await step();
    expect(await stageOf(id)).toBe(1);
  });

  it('before the start keeps everyone from the feature', async () => {
    status = 404;
    const id = await startRollout(r, planWith(webhook(', when: start')));
    for (let count = 0; count < 60; count += 1) await step();
    const { state, waitingFor } = await viewOf(id);
    expect([state.phase, state.layers, waitingFor]).toEqual([
      'baseline',
      [],
      ['gate release-window, which is closed: it answered 404'],
    ]);
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ data: { asks: 'start', stage: 'start' } });
    status = 200;
    for (let count = 0; count < 3; count += 1) await step();
    expect((await viewOf(id)).state.phase).toBe('exposing');
  });

  it('during a stage stops its clock, and starts it again', async () => {
    const id = await exposed(planWith(webhook(', when: during')));
    await step();
    await step();
    expect((await viewOf(id)).state.stage?.countingSince).toBeDefined();
    status = 500;
    for (let count = 0; count < 3; count += 1) await step();
    expect((await viewOf(id)).state.stage?.countingSince).toBeUndefined();
    status = 200;
    for (let count = 0; count < 3; count += 1) await step();
    expect((await viewOf(id)).state.stage?.countingSince).toBeDefined();
  });

  it('of rollback aborts when it answers 2xx, and not when it is silent or says no', async () => {
    status = 503;
    const id = await exposed(planWith(webhook(', when: rollback')));
    for (let count = 0; count < 3; count += 1) await step();
    expect(asked.length).toBeGreaterThan(1);
    expect((await viewOf(id)).state.phase).toBe('exposing');
    status = 200;
    await step();
    await step();
    const { state } = await viewOf(id);
    expect(state).toMatchObject({
      phase: 'aborted',
      layers: [],
      incidents: [{ kind: 'external-gate', reason: 'gate release-window asks to roll back: it answered 200' }],
    });
    expect(state.incidents[0]?.people.treatment).toBeGreaterThan(0);
  });

  it('leaves no trace of its address and secret in events, documents and log', async () => {
    status = 503;
    const id = await exposed(planWith(webhook()));
    await untilGates(id);
    await r.admin.command(id, { type: 'Abort', reason: 'x' });
    const events = (await r.admin.listEvents(id)).filter(({ event }) => event.type !== 'RolloutCreated');
    const documents = [await r.admin.getReport(id), await r.admin.getIncident(id, 1)];
    const all = JSON.stringify([events, documents, r.logged, await r.admin.listGates()]);
    for (const secret of [KEY, PATH, `:${port}`]) expect(all).not.toContain(secret);
  });

  it.each([
    ['an address that is not allowed', "{ webhook: 'http://10.0.0.1/x' }", /not on the public internet/],
    ['a secret that is not set', "{ webhook: 'https://gates.example.com', secretRef: NONE }", /NONE is not set/],
  ])('is refused with the plan for %s', async (_, gate, why) => {
    const { ok, issues } = await r.admin.validatePlan({ text: planWith(gate) });
    expect([ok, issues[0]?.code, issues[0]?.path]).toEqual([false, 'invalid-gate', 'gates[0]']);
    expect(issues[0]?.message).toMatch(why);
  });
});

describe('a gate that others open and close', () => {
  const bearer = { authorization: `Bearer ${HOOK_SECRET}` };
  const say = (state: string, more = {}) =>
    r.admin.receiveHook('slo', { slo: 'error-budget', state, text: `budget ${state}`, ...more }, bearer);
  beforeEach(() => r.admin.putHooks([BUDGET]));

  it('holds by a signed delivery, for the flag it names, and lets go by another', async () => {
    expect(await say('ok')).toEqual({ status: 'accepted' });
    const id = await exposed(planWith('{ signal: error-budget, when: during }'));
    await step();
    expect((await viewOf(id)).state.gates).toMatchObject({ 'error-budget': { open: true } });
    expect(await say('spent')).toEqual({ status: 'accepted' });
    expect((await viewOf(id)).state.gates, 'it is heard before it is answered').toMatchObject({
      'error-budget': { open: false, why: 'budget spent (hook slo)' },
    });
    await say('ok', { n: 2 });
    expect((await viewOf(id)).state.stage?.countingSince).toBeDefined();
  });

  it('puts one event on record for a sender that repeats itself with other figures', async () => {
    const id = await exposed(planWith('{ signal: error-budget, when: during }'));
    for (let left = 3; left > 0; left -= 1) await say('spent', { text: `${left} % overspent` });
    const said = (await eventsOf(id, 'GateAnswered')).filter((event) => JSON.stringify(event).includes('overspent'));
    expect(said).toMatchObject([{ open: false, why: '3 % overspent (hook slo)' }]);
  });

  it('counts a delivery once, and leaves out what is older, of another environment, or unsigned', async () => {
    const now = START_AT;
    await say('spent', { at: now - 1000 });
    expect(await say('spent', { at: now - 1000 })).toEqual({ status: 'duplicate' });
    expect(await say('ok', { at: now - 2000 })).toMatchObject({ status: 'ignored' });
    expect(await say('ok', { env: 'staging' })).toMatchObject({ status: 'ignored' });
    await expect(say('odd')).rejects.toMatchObject({ code: 'TELEMETRY_INVALID' });
    await expect(
      r.admin.receiveHook('slo', { slo: 'error-budget', state: 'ok' }, { authorization: 'Bearer forged' }),
    ).rejects.toMatchObject({ code: 'HOOK_SIGNATURE_INVALID' });
    expect((await r.admin.listGates()).gates).toMatchObject([
      { gate: 'error-budget', flag: 'checkout', open: false, by: 'hook slo', byHand: false },
    ]);
  });

  it('closes when nothing was said for too long', async () => {
    await say('ok');
    const id = await exposed(planWith('{ signal: error-budget, maxAge: 1h }'));
    expect(await untilGates(id)).toEqual([
      'gate error-budget, which is closed: nothing was said of error-budget for 3 s',
    ]);
  });

  it('is open before anyone says anything where the plan says so', async () => {
    const id = await exposed(planWith('{ signal: open-incident, default: open }'));
    for (let count = 0; count < 100 && (await stageOf(id)) === 0; count += 1) await step();
    expect(await stageOf(id)).toBe(1);
  });

  it('is closed by whoever may hold, opened by a person who may raise, and stays closed by hand until then', async () => {
    await say('ok');
    const id = await exposed(planWith('{ signal: error-budget }'));
    const token = async (kind: 'observer' | 'operator', isAgent: boolean) => {
      const principal = isAgent ? 'agent' : 'person';
      const { token: secret } = await r.admin.createToken({ kind, name: `${kind}-${principal}`, principal });
      return createApiClient({ url: r.server.url, token: secret });
    };
    const observer = await token('observer', false);
    const agent = await token('operator', true);
    await observer.setGate('error-budget', { open: false, reason: 'an incident' });
    await say('ok', { n: 2 });
    expect(await untilGates(id)).toEqual(['gate error-budget, which is closed: an incident (observer-person)']);
    await expect(observer.setGate('error-budget', { open: true, reason: 'x' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(agent.setGate('error-budget', { open: true, reason: 'x' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(r.admin.setGate('error-budget', { open: true, reason: '' })).rejects.toMatchObject({
      code: 'REASON_REQUIRED',
    });
    await r.admin.setGate('error-budget', { open: true, reason: 'the incident is over' });
    for (let count = 0; count < 3; count += 1) await step();
    expect(await stageOf(id)).toBe(1);
    expect(await r.admin.getReport(id)).toContain('the incident is over');
    expect((await viewOf(id)).state.overrides).toMatchObject([{ what: expect.stringContaining('an incident') }]);
  });

  it('survives a restart', async () => {
    await say('spent');
    r = await r.restart();
    expect((await r.admin.listGates()).gates).toMatchObject([{ gate: 'error-budget', open: false }]);
  });

  it('is refused as a hook that could never work', async () => {
    const odd = { ...BUDGET, gates: { ...BUDGET.gates, state: 'status' } };
    await expect(r.admin.putHooks([odd])).rejects.toMatchObject({ code: 'BODY_INVALID' });
    const { gates: _none, ...without } = BUDGET;
    await expect(r.admin.putHooks([without])).rejects.toMatchObject({ code: 'BODY_INVALID' });
  });
});
