import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { live, liveUntil, PLAN, type Rig, startRig, startRollout } from './server-rig.test.support.ts';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
/** Two weeks in two minutes, in fewer steps than a life of the rig has. */
const TIME_SCALE = 0.0001;
const HOUR_MS = 3_600_000 * TIME_SCALE;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** People are reminded by their own weeks. */
const REMIND_EVERY_MS = 7 * 86_400_000;

type Received = { readonly id: string; readonly headers: Record<string, string>; readonly body: string };
type Behaviour = (response: ServerResponse) => void;
let received: Received[] = [];
let behaviours: Behaviour[] = [];
let strayed = 0;
const receiver = createServer((request: IncomingMessage, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    if (request.url !== '/feedback-path-3141') strayed += 1;
    const headers = request.headers as Record<string, string>;
    received.push({ id: headers['webhook-id']!, headers, body: Buffer.concat(parts).toString() });
    (behaviours.shift() ?? ((one) => one.writeHead(204).end()))(response);
  });
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/feedback-path-3141`;
});
afterAll(() => {
  receiver.closeAllConnections();
  receiver.close();
});
beforeEach(() => {
  received = [];
  behaviours = [];
});

const rigs: Rig[] = [];
afterEach(async () => {
  for (const one of rigs.splice(0)) await one.dispose();
});
async function rig(options: Parameters<typeof startRig>[0] = {}): Promise<Rig> {
  const one = await startRig({
    webhookPolicy: { allowPrivate: true },
    secretOf: (name) => (name === 'FEEDBACK_SECRET' ? SECRET : undefined),
    ...options,
  });
  rigs.push(one);
  return one;
}

/** The plan of the rig with the whole exit gate, its quiet time, a clean-up after 30 days, and a next step. */
const planWith = (next: string, monitor = '24h') =>
  `${PLAN.replace('monitor: 24h', `monitor: ${monitor}`).replace(/^exit:.*$/m, 'exit: [ ga-stable, no-abort, docs-updated, flag-cleanup-scheduled ]')}
owners: { operator: team-web }
cleanup: { after: 30d }
next: ${next}
`;
const toWebhook = (monitor?: string) =>
  planWith(`{ name: feedback, webhook: '${url}', secretRef: FEEDBACK_SECRET }`, monitor);

const stateOf = async ({ admin }: Rig, id: string) => (await admin.getRollout(id)).state;
/** Hours pass, and the outbox looks at each whether something is due, until the end of the hand-over is on record. */
async function toldOf(r: Rig, id: string, isDelivered: boolean): Promise<void> {
  for (;;) {
    const { handovers } = await stateOf(r, id);
    if (handovers?.some((one) => one.isDelivered === isDelivered)) return;
    r.clock.advance(3_600_000);
    await new Promise((resolve) => setImmediate(resolve));
    await r.server.store.putDocuments({
      documents: [],
      outbox: [{ key: `nudge-${Math.random()}`, destination: 'nobody', kind: 'nudge', body: {}, dueAt: 0 }],
    });
  }
}

async function complete(r: Rig, text: string): Promise<string> {
  const id = await startRollout(r, text, TIME_SCALE);
  await liveUntil(r, id, 'monitoring');
  expect(received, 'nothing is told before the end').toEqual([]);
  await r.admin.command(id, { type: 'Approve', item: 'docs-updated', evidence: 'https://docs.example.com/checkout' });
  await liveUntil(r, id, 'complete', { steps: 1_500 });
  return id;
}

describe('two quiet weeks after GA', () => {
  it('end in a complete rollout, whose next step is told once, signed, with the report', async () => {
    const r = await rig();
    const id = await complete(r, toWebhook('2w'));
    const { monitoringSince = 0, attempts, cleanup } = await stateOf(r, id);
    expect((attempts[0]?.endedAt ?? 0) - monitoringSince).toBeGreaterThanOrEqual(2 * WEEK_MS);
    expect(cleanup).toMatchObject({
      by: 'rampart',
      owner: 'team-web',
      dueAt: monitoringSince + 2 * WEEK_MS + 30 * DAY_MS,
    });
    await toldOf(r, id, true);
    expect(received).toHaveLength(1);
    const [{ body, headers, id: messageId }] = received as [Received];
    const signed = `${messageId}.${headers['webhook-timestamp']}.${body}`;
    const signature = createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64'))
      .update(signed)
      .digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signature}`);
    expect(messageId).toMatch(new RegExp(`^${id}:\\d+/next:feedback$`));
    expect(JSON.parse(body)).toMatchObject({
      type: 'rollout.completed',
      data: {
        rollout: id,
        summary: {
          version: 'build-1',
          stages: [{ name: 'canary', result: 'passed' }, { name: 'beta' }, { name: 'ga' }],
        },
        report: { mediaType: 'text/markdown', text: expect.stringContaining('# Rollout Report: checkout') },
      },
    });
    const events = await r.admin.listEvents(id);
    expect(events.filter(({ event }) => event.type === 'HandoverTold')).toHaveLength(1);
  });

  it.each([
    ['500', [(one: ServerResponse) => one.writeHead(500).end('broken')], true],
    ['429 with seconds', [(one: ServerResponse) => one.writeHead(429, { 'retry-after': '7' }).end()], true],
    [
      '429 with a date',
      [(one: ServerResponse) => one.writeHead(429, { 'retry-after': new Date(0).toUTCString() }).end()],
      true,
    ],
    ['a cut connection', [(one: ServerResponse) => one.destroy()], true],
    ['404', [(one: ServerResponse) => one.writeHead(404).end()], false],
    ['a redirect', [(one: ServerResponse) => one.writeHead(307, { location: '/elsewhere' }).end()], false],
  ])(
    'are handed over although the next step first answers %s, or it is told that they are not',
    async (_, first, isDelivered) => {
      const r = await rig();
      behaviours = [...first];
      const id = await complete(r, toWebhook());
      await toldOf(r, id, isDelivered);
      expect(received).toHaveLength(isDelivered ? 2 : 1);
      expect(new Set(received.map((one) => one.id)).size).toBe(1);
      if (isDelivered) expect(received[1]?.body).toBe(received[0]?.body);
      expect(strayed).toBe(0);
      const told = JSON.stringify([await r.admin.listEvents(id), await r.admin.listDeadLetters(), r.logged]);
      const text = `${await r.admin.getReport(id)}${await r.admin.metrics()}`;
      for (const secret of [SECRET, SECRET.slice(6)]) expect(told + text).not.toContain(secret);
      if (isDelivered) return;
      const letters = await r.admin.listDeadLetters();
      const letter = letters.find(({ destination }) => destination === 'next:feedback');
      await r.admin.retryDeadLetter(letter!.id);
      await toldOf(r, id, true);
    },
  );

  it('run a command of the settings, and refuse a plan that names another', async () => {
    const commands = { feedback: [process.execPath, '-e', 'process.stdin.pipe(process.stdout)'] };
    const r = await rig({ settings: { next: { commands } } });
    const wrong = await r.admin.validatePlan({ text: planWith('{ command: other }') });
    expect(wrong.issues).toEqual([
      expect.objectContaining({ path: 'next[0]', message: expect.stringContaining('feedback') }),
    ]);
    const unset = `{ webhook: '${url}', secretRef: UNSET }`;
    expect((await r.admin.validatePlan({ text: planWith(unset) })).issues[0]?.message).toMatch(/UNSET is not set/);
    const id = await complete(r, planWith('{ command: feedback }'));
    await toldOf(r, id, true);
    const ended = r.logged.find(({ message }) => message === 'the command feedback has ended');
    expect(ended?.fields).toMatchObject({ stdout: expect.stringContaining('"type":"rollout.completed"'), exitCode: 0 });
  });

  it('need settings that can work', async () => {
    await expect(rig({ settings: { next: { run: 'x' } } })).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    await expect(rig({ settings: { next: { commands: { x: 'rm' } } } })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
    });
  });
});

describe('the flag of a complete rollout', () => {
  const reminders = async (r: Rig, id: string) =>
    (await r.admin.listEvents(id)).filter(({ event }) => event.type === 'FlagCleanupDue').length;

  it('is reminded of when it should be gone, weekly, once after a downtime, and not after it is deleted', async () => {
    const r = await rig();
    const id = await complete(r, planWith('[]'));
    const { dueAt } = (await stateOf(r, id)).cleanup!;
    r.clock.set(dueAt);
    await Promise.all([r.server.cleanups.wakeAll(), r.server.cleanups.wakeAll()]);
    expect(await reminders(r, id)).toBe(1);
    r.clock.set(dueAt + 6.5 * REMIND_EVERY_MS);
    const woken = await r.restart();
    rigs.splice(rigs.indexOf(r), 1, woken);
    await woken.server.cleanups.wakeAll();
    await woken.server.cleanups.wakeAll();
    expect(await reminders(woken, id)).toBe(2);
    woken.clock.advance(25 * 3_600_000);
    await woken.admin.deleteFlag('checkout');
    woken.clock.advance(4 * REMIND_EVERY_MS);
    await woken.server.cleanups.wakeAll();
    const events = await woken.admin.listEvents(id);
    expect(events.at(-1)).toMatchObject({ event: { type: 'FlagRemoved' } });
    expect(events.at(-1)?.by).not.toBe('rampart');
    const ruleset = await woken.sdk.getRuleset();
    expect(ruleset !== 'unchanged' && Object.keys(ruleset.flags), 'its kill switch goes with it').toEqual([]);
  });

  it('is not deleted while SDKs evaluate it, unless somebody insists', async () => {
    const r = await rig();
    const id = await complete(r, planWith('[]'));
    await live(r);
    await expect(r.admin.deleteFlag('checkout')).rejects.toMatchObject({ code: 'FLAG_IN_USE' });
    await r.admin.deleteFlag('checkout', true);
    expect((await stateOf(r, id)).flagRemoved).toBeDefined();
    const again = { key: 'checkout', enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' };
    expect((await r.admin.putFlag(again)).exposure, 'made anew, it is another flag').toBeUndefined();
  });

  it('is stale once it has stood still, with why, since when and whose it is', async () => {
    const r = await rig();
    await r.admin.putFlag({ key: 'old', enabled: true, variants: { on: true, off: false }, defaultVariant: 'on' });
    const id = await complete(r, planWith('[]'));
    expect((await r.admin.listStaleFlags()).map(({ flag }) => flag)).toEqual(['old']);
    r.clock.advance(31 * 86_400_000);
    const stale = await r.admin.listStaleFlags();
    expect(stale.map(({ flag, findings }) => [flag, ...findings.map(({ reason }) => reason)])).toEqual([
      ['checkout', 'full', 'overdue', 'unused'],
      ['checkout-kill', 'kill-switch'],
      ['old', 'fixed'],
    ]);
    expect(stale[0]).toMatchObject({ rollout: id, owner: 'team-web', lastSeenAt: expect.any(Number) });
    expect((await r.admin.listStaleFlags(60)).map(({ flag }) => flag)).toEqual(['checkout', 'old']);
  });
});

describe('statistics about rollouts', () => {
  it('are told by the API and as metrics, and survive a restart', async () => {
    const r = await rig();
    const id = await startRollout(r);
    await liveUntil(r, id, 'exposing');
    await live(r);
    await r.admin.command(id, { type: 'Abort', reason: 'seen enough' });
    await live(r);
    const stats = await r.admin.getStats();
    expect(stats).toMatchObject({
      rollouts: 1,
      aborts: { n: 1, byCause: { person: 1 }, byStage: { canary: 1 } },
      breachToOff: { n: 1, unconfirmed: 0 },
      retries: { n: 1, needed: 0 },
      waits: { fix: { n: 1 } },
    });
    expect(stats.spared.people).toBeGreaterThan(stats.exposedToAborted.people);
    expect(stats.spared.people).toBeGreaterThanOrEqual(stats.spared.low);
    const metrics = await r.admin.metrics();
    expect(metrics).toContain('rampart_rollout_aborts_total{cause="person"} 1');
    expect(metrics).toContain(`rampart_rollout_people_spared_total ${stats.spared.people}`);
    expect(await r.admin.getStats(r.clock.now() + 1)).toMatchObject({ rollouts: 0 });
    const woken = await r.restart();
    rigs.splice(rigs.indexOf(r), 1, woken);
    expect(await woken.admin.getStats()).toEqual({ ...stats, now: expect.any(Number), waits: expect.anything() });
  });
});
