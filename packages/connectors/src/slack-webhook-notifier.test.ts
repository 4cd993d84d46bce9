import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIGEST, messageOf } from './notification.test.support.ts';
import { depsOf, notifierCases } from './notifier-rig.test.support.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';
import { SLACK_WEBHOOK } from './slack-webhook-notifier.ts';

const PATH = '/services/T0SECRET/B0SECRET/x7planted';
const never = new AbortController().signal;
const text = (status: number, body: string) => ({ status, body, headers: { 'content-type': 'text/plain' } });
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({
    accepts: text(200, 'ok'),
    'status-400': text(400, 'invalid_blocks'),
    'status-403': text(403, 'action_prohibited'),
    'status-404': text(404, 'no_service'),
    'status-410': text(410, 'channel_is_archived'),
  });
});
afterAll(() => receiver.stop());
const secrets = () => ({ URL: receiver.url + PATH });
const open = () => SLACK_WEBHOOK.open({ url: { secretRef: 'URL' } }, depsOf(secrets(), { now: receiver.now }));

describe('an incoming webhook of Slack keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: SLACK_WEBHOOK,
    receiver: () => receiver,
    settings: () => ({ url: { secretRef: 'URL' } }),
    secrets,
    received: () => receiver.seen.map(({ body }) => body),
    hidden: () => [PATH, 'x7planted', '127.0.0.1'],
    expected: { floods: { kind: 'retry' }, breaks: { kind: 'retry' }, malformed: { kind: 'retry' } },
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('an incoming webhook of Slack', () => {
  it.each([
    ['status-400', 'it answered 400 (invalid_blocks)'],
    ['status-403', 'it answered 403 (action_prohibited)'],
    ['status-404', 'it answered 404 (no_service)'],
    ['status-410', 'it answered 410: it wants no more messages (channel_is_archived)'],
  ] as const)('repeats the word that Slack answered with: %s', async (behaviour, why) => {
    await receiver.given(behaviour);
    expect(await open().deliver(messageOf(), never)).toMatchObject({ kind: 'refused', why });
  });

  it.each([messageOf(), DIGEST])('always sends a text beside the blocks, and no buttons', async (message) => {
    await receiver.given('accepts');
    await open().deliver(message, never);
    const { text: fallback, blocks } = JSON.parse(receiver.seen[0]!.body);
    expect(fallback).toContain(message.text.split('\n')[0]);
    expect(blocks.map(({ type }: { type: string }) => type)).not.toContain('actions');
  });

  it('says where its settings are wrong, without repeating the URL', () => {
    const planted = 'https://hooks.slack.com/services/T/B/x7planted';
    const openWith =
      (settings: unknown, values: Record<string, string> = {}) =>
      () =>
        SLACK_WEBHOOK.open(settings, depsOf(values));
    for (const attempt of [
      openWith({ url: planted }),
      openWith({ url: { secretRef: 'URL' } }),
      openWith({ url: { secretRef: 'URL' } }, { URL: 'x7planted' }),
      openWith({ url: { secretRef: 'URL' } }, { URL: 'http://10.0.0.1/x7planted' }),
    ]) {
      expect(attempt).toThrow(/notify\.channels\.ops.*url/);
      expect(attempt).not.toThrow(/x7planted/);
    }
  });
});
