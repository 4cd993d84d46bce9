import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Reply, Seen } from './http-fake.test.support.ts';
import { DIGEST, messageOf } from './notification.test.support.ts';
import type { Notification } from './notification.ts';
import { depsOf, notifierCases, openMemory } from './notifier-rig.test.support.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';
import { SLACK } from './slack-notifier.ts';

const TOKEN = 'xoxb-planted-token-31415';
const never = new AbortController().signal;
const info = (change: Partial<Notification>) =>
  messageOf({ type: 'stage.passed', severity: 'info', data: {}, ...change });
let receiver: Receiver;
/** Errors that the next calls answer with, `ok` for none. */
let answers: (string | Reply)[] = [];
let posted = 0;

/** As Slack answers: 200 also where it failed. */
function slack({ body }: Seen): Reply {
  const next = answers.shift() ?? 'ok';
  if (typeof next !== 'string') return next;
  if (next !== 'ok') return { body: { ok: false, error: next } };
  posted += 1;
  const { ts = `170000000${posted}.000100` } = JSON.parse(body);
  return { body: { ok: true, channel: 'C024BE91L', ts, message: {} } };
}

beforeAll(async () => {
  receiver = await startReceiver({
    accepts: slack,
    begins: '{"ok":true,"channel":"C024BE91L","ts":"1.2","message":"',
  });
});
afterAll(() => receiver.stop());
beforeEach(async () => {
  answers = [];
  posted = 0;
  await receiver.given('accepts');
});

const settings = () => ({ token: { secretRef: 'TOKEN' }, channel: '#releases', apiUrl: receiver.url });
const open = (memory = openMemory(), more = {}) =>
  SLACK.open({ ...settings(), ...more }, depsOf({ TOKEN }, { memory, now: receiver.now }));
const calls = () => receiver.seen.map(({ url, body }) => [url.pathname.slice(1), JSON.parse(body)] as const);
const methods = () =>
  calls().map(([method, { thread_ts: thread, reply_broadcast: loud }]) =>
    [method, ...(thread === undefined ? [] : [thread]), ...(loud ? ['broadcast'] : [])].join(' '),
  );

describe('a bot of Slack keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: SLACK,
    receiver: () => receiver,
    settings,
    secrets: () => ({ TOKEN }),
    received: () => receiver.seen.map(({ body }) => body),
    hidden: () => ['127.0.0.1'],
    // What it says in the body counts, and there it says nothing that can be read.
    expected: { floods: { kind: 'retry' }, breaks: { kind: 'retry' }, malformed: { kind: 'retry' } },
    afterRepetition: 'once',
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('a bot of Slack', () => {
  it('has one thread for an attempt, whose head shows how it stands now', async () => {
    const slackBot = open();
    await slackBot.deliver(info({ id: 'r1:3', version: 3 }), never);
    await slackBot.deliver(messageOf(), never);
    expect(methods()).toEqual([
      'chat.postMessage',
      'chat.postMessage 1700000001.000100',
      'chat.postMessage 1700000001.000100 broadcast',
      'chat.update',
    ]);
    expect(calls()[3]![1]).toMatchObject({
      ...{ channel: 'C024BE91L', ts: '1700000001.000100', text: expect.stringContaining('Rollout aborted') },
    });
    expect(receiver.seen[0]!.headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  it('begins one thread also when two messages come at once', async () => {
    const slackBot = open();
    await Promise.all(['r1:3', 'r1:4'].map((id) => slackBot.deliver(info({ id }), never)));
    expect(methods().filter((method) => method === 'chat.postMessage')).toHaveLength(1);
  });

  it('begins another thread for another attempt', async () => {
    const slackBot = open();
    await slackBot.deliver(info({}), never);
    await slackBot.deliver(info({ id: 'r1:20', group: 'rollout/r1/3' }), never);
    expect(methods().filter((method) => method === 'chat.postMessage')).toHaveLength(2);
  });

  it('does not let a late message change what the head shows', async () => {
    const slackBot = open();
    await slackBot.deliver(messageOf({ version: 12 }), never);
    await slackBot.deliver(info({ id: 'r1:9', version: 9 }), never);
    expect(methods()).not.toContain('chat.update');
  });

  it('posts no second head when the reply after it fails, and then what was left', async () => {
    const memory = openMemory();
    answers = ['ok', 'internal_error'];
    expect(await open(memory).deliver(info({}), never)).toMatchObject({ kind: 'retry' });
    expect(await open(memory).deliver(info({}), never)).toEqual({ kind: 'delivered' });
    expect(methods()).toEqual([
      'chat.postMessage',
      'chat.postMessage 1700000001.000100',
      'chat.postMessage 1700000001.000100',
    ]);
  });

  it.each([
    ['forgets everything', { get: async () => undefined, put: async (): Promise<void> => undefined }],
    [
      'fails',
      {
        get: () => Promise.reject(new Error('disk')),
        put: () => Promise.reject(new Error('disk')),
      },
    ],
    ['has something else in it', { get: async () => ({ ts: 5 }), put: async (): Promise<void> => undefined }],
  ])('begins a new thread when its memory %s', async (_, memory) => {
    const slackBot = SLACK.open(settings(), depsOf({ TOKEN }, { memory, now: receiver.now }));
    expect(await slackBot.deliver(info({}), never)).toEqual({ kind: 'delivered' });
    expect(await slackBot.deliver(info({ id: 'r1:13' }), never)).toEqual({ kind: 'delivered' });
    expect(methods().filter((method) => method === 'chat.postMessage')).toHaveLength(2);
  });

  it('begins a new thread when someone deleted the old one', async () => {
    const slackBot = open();
    await slackBot.deliver(info({}), never);
    answers = ['thread_not_found'];
    expect(await slackBot.deliver(info({ id: 'r1:13', version: 13 }), never)).toEqual({ kind: 'delivered' });
    expect(methods().slice(2)).toEqual([
      'chat.postMessage 1700000001.000100',
      'chat.postMessage',
      'chat.postMessage 1700000003.000100',
    ]);
  });

  it('delivers though the head cannot be changed', async () => {
    const slackBot = open();
    await slackBot.deliver(info({}), never);
    answers = ['ok', 'cant_update_message'];
    expect(await slackBot.deliver(info({ id: 'r1:13', version: 13 }), never)).toEqual({ kind: 'delivered' });
  });

  it.each([
    ['invalid_auth', { kind: 'refused', why: 'Slack answered invalid_auth: check the token' }],
    ['is_archived', { kind: 'refused', disable: true, why: 'Slack answered is_archived: the channel is archived' }],
    ['invalid_blocks', { kind: 'refused', why: 'Slack answered invalid_blocks' }],
    ['service_unavailable', { kind: 'retry', why: 'Slack answered service_unavailable' }],
    [
      { headers: { 'retry-after': '30' }, body: { ok: false, error: 'ratelimited' } },
      { kind: 'retry', afterMs: 30_000 },
    ],
    [{ body: { ok: false, error: 'Bearer xoxb' } }, { kind: 'retry' }],
  ])('reads what Slack answers with status 200: %o', async (answer, result) => {
    answers = [answer];
    expect(await open().deliver(info({}), never)).toMatchObject(result);
  });

  it('carries buttons where a decision is called for, unless it is set up without', async () => {
    const asks = info({ type: 'approval.needed', severity: 'warn', data: { proposal: 1 } });
    const types = () => calls()[1]![1].blocks.map(({ type }: { type: string }) => type);
    await open().deliver(asks, never);
    expect([types().includes('actions'), methods()[1]]).toEqual([true, 'chat.postMessage 1700000001.000100 broadcast']);
    await receiver.given('accepts');
    await open(openMemory(), { buttons: false }).deliver(asks, never);
    expect(types()).not.toContain('actions');
  });

  it('posts what is about no single rollout without a thread', async () => {
    await open().deliver(DIGEST, never);
    expect(methods()).toEqual(['chat.postMessage']);
  });

  it('remembers no more than it needs', async () => {
    const memory = openMemory();
    const slackBot = open(memory);
    for (let i = 0; i < 60; i += 1) await slackBot.deliver(info({ id: `r1:${i}`, version: i }), never);
    expect([...memory.content.keys()]).toEqual(['rollout/r1/2']);
    expect((memory.content.get('rollout/r1/2') as { sent: string[] }).sent).toHaveLength(50);
  });
});
