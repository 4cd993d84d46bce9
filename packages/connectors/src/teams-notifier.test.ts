import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { noticeOf } from './notice.ts';
import { DIGEST, messageOf } from './notification.test.support.ts';
import { depsOf, notifierCases } from './notifier-rig.test.support.ts';
import { type Receiver, startReceiver } from './receiver.test.support.ts';
import { TEAMS, teamsMessage } from './teams-notifier.ts';

const PATH = '/workflows/0planted/triggers/manual/paths/invoke?api-version=1&sig=planted-signature';
const never = new AbortController().signal;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({ accepts: { status: 202 } });
});
afterAll(() => receiver.stop());
beforeEach(() => receiver.given('accepts'));
const secrets = () => ({ URL: receiver.url + PATH });

describe('a workflow of Teams keeps the contract of notifiers', () => {
  const cases = notifierCases({
    kind: TEAMS,
    receiver: () => receiver,
    settings: () => ({ url: { secretRef: 'URL' } }),
    secrets,
    received: () => receiver.seen.map(({ body }) => body),
    hidden: () => ['planted', '127.0.0.1'],
    expected: { malformed: { kind: 'retry' } },
  });
  it.each(cases)('$name', ({ run }) => run());
});

describe('a workflow of Teams', () => {
  it('gets a card with links, at the whole URL', async () => {
    const teams = TEAMS.open({ url: { secretRef: 'URL' } }, depsOf(secrets(), { now: receiver.now }));
    expect(await teams.deliver(messageOf(), never)).toEqual({ kind: 'delivered' });
    const [{ url, body }] = receiver.seen as [(typeof receiver.seen)[number]];
    expect(url.pathname + url.search).toBe(PATH);
    const { type, attachments } = JSON.parse(body);
    expect([type, attachments[0].contentType, attachments[0].content.type]).toEqual([
      'message',
      'application/vnd.microsoft.card.adaptive',
      'AdaptiveCard',
    ]);
    expect(attachments[0].content.actions).toEqual([
      { type: 'Action.OpenUrl', title: 'Incident 1', url: 'https://rampart.example/rollouts/r1/incidents/1' },
      { type: 'Action.OpenUrl', title: 'Rollout', url: 'https://rampart.example/rollouts/r1' },
    ]);
  });

  it('is given words of people as text that knows no Markdown', () => {
    const evil = '[click](https://evil.example) **bold** <at>all</at>';
    const card = JSON.stringify(teamsMessage(noticeOf(messageOf({ text: evil, data: { note: evil } }))));
    expect(card).toContain(JSON.stringify({ type: 'TextRun', text: evil }));
    expect(card).not.toMatch(/"TextBlock"|"FactSet"/);
  });

  it.each([
    ['a long text', messageOf({ text: '€'.repeat(100_000) })],
    ['many lines', messageOf({ text: '€\n'.repeat(50_000) })],
    ['long facts', messageOf({ data: Object.fromEntries([...'abcdefghij'].map((key) => [key, '€'.repeat(9000)])) })],
    ['a digest', DIGEST],
  ])('is never sent more than it takes: %s', (_, message) => {
    const bytes = Buffer.byteLength(JSON.stringify(teamsMessage(noticeOf(message, 'https://rampart.example'))));
    expect(bytes).toBeLessThan(28 * 1024);
  });
});
