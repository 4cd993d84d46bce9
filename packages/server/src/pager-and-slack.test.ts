import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Receiver, startReceiver } from './receivers.test.support.ts';
import { HEALTHY, live, liveUntil, PLAN, type Rig, startRig, startRollout } from './server-rig.test.support.ts';

const SECRETS: Readonly<Record<string, string>> = {
  SLACK_TOKEN: 'xoxb-planted',
  SLACK_SIGNING: 'slack-signing-secret-0123456789',
  PAGER_KEY: 'R0UT1NGKEY0planted0123456789abcd',
};
let pager: Receiver;
let slack: Receiver;
let r: Rig;

beforeEach(async () => {
  pager = await startReceiver(({ body }) => ({ status: 202, body: { status: 'success', dedup_key: body.dedup_key } }));
  let posted = 0;
  slack = await startReceiver(() => {
    posted += 1;
    return { status: 200, body: { ok: true, channel: 'C1', ts: `1767603600.00${posted}` } };
  });
  r = await startRig({
    secretOf: (name) => SECRETS[name],
    settings: {
      allowedHosts: ['127.0.0.1'],
      publicUrl: 'https://rampart.example',
      notify: {
        channels: {
          pager: { kind: 'pagerduty', routingKey: { secretRef: 'PAGER_KEY' }, url: pager.url },
          team: { kind: 'slack', token: { secretRef: 'SLACK_TOKEN' }, channel: 'C1', apiUrl: `${slack.url}/api` },
        },
        routes: [{ channel: 'pager', severity: 'page', audience: 'on-call' }, { channel: 'team' }],
        slack: {
          signingSecret: { secretRef: 'SLACK_SIGNING' },
          users: { U0ANA: { principal: 'ana@example.com', roles: ['operator'] } },
          apiUrl: `${slack.url}/api`,
        },
      },
    },
  });
});
afterEach(async () => {
  await r.dispose();
  await Promise.all([pager.stop(), slack.stop()]);
});

/** Lets every channel take what waits for it, at its pace. */
async function delivered(): Promise<void> {
  for (;;) {
    await r.server.dispatcher.drain();
    if ((await r.server.store.countOutbox()).every(({ pending }) => pending === 0)) return;
    r.clock.advance(1_000);
  }
}

/** What the pager was told so far: changes, and what it opened and closed. */
const told = () =>
  pager.received.map(({ path, body }) =>
    [path === '/v2/change/enqueue' ? 'change' : body.event_action, body.dedup_key].filter(Boolean).join(' '),
  );
const alerts = () => told().filter((one) => one !== 'change');
const posts = () => slack.received.filter(({ path }) => path === '/api/chat.postMessage').map(({ body }) => body);

type Button = { readonly action_id: string; readonly value: string };
type Block = { readonly type: string; readonly elements?: readonly Button[] };

/** Buttons that Slack was sent so far. */
function buttons(verb: string): readonly Button[] {
  const rows = posts().flatMap(({ blocks }) => blocks as readonly Block[]);
  const all = rows.filter(({ type }) => type === 'actions').flatMap(({ elements = [] }) => elements);
  return all.filter((button) => button.action_id === `rampart_${verb}`);
}

/** Clicks a button as it was sent; gives what Slack is answered. */
async function click(button: Button | undefined): Promise<unknown> {
  const payload = {
    type: 'block_actions',
    user: { id: 'U0ANA' },
    trigger_id: `${slack.received.length}.1.1`,
    response_url: `${slack.url}/actions/T1/2/3`,
    actions: [{ ...button, block_id: 'b', action_ts: String(slack.received.length) }],
  };
  const form = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const timestamp = String(Math.floor(r.clock.now() / 1000));
  const key = SECRETS.SLACK_SIGNING ?? '';
  const signature = createHmac('sha256', key).update(`v0:${timestamp}:${form}`).digest('hex');
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${signature}`,
  };
  const response = await fetch(`${r.server.url}/v1/slack/interactions`, { method: 'POST', headers, body: form });
  expect(response.status).toBe(200);
  for (;;) {
    const answer = slack.received.find(({ path }) => path.startsWith('/actions/'));
    if (answer !== undefined) return slack.received.splice(slack.received.indexOf(answer), 1)[0]?.body.text;
    await slack.until(slack.received.length + 1);
  }
}

async function exposed(): Promise<string> {
  const id = await startRollout(r, PLAN.replace('window: 12h', 'window: 1h'));
  await liveUntil(r, id, 'exposing', { stepMs: 2_000 });
  await delivered();
  return id;
}

const FAILING = { ...HEALTHY, treatment: { errorRate: 0.06, latency: 0.2 } };

describe('a pager and a team in Slack', () => {
  it('hear of an abort by a criterion once, in one thread with buttons that act, and the pager when it is over', async () => {
    const id = await exposed();
    expect(alerts()).toEqual([]);
    expect(told()).toContain('change');
    expect(await click(buttons('hold').at(-1))).toBe(`ana@example.com: hold of ${id}, from Slack.`);
    expect((await r.admin.listEvents(id)).findLast(({ event }) => event.type === 'RolloutHeld')?.by).toBe(
      'ana@example.com',
    );
    await r.admin.command(id, { type: 'Resume' });

    await liveUntil(r, id, 'aborted', { traffic: FAILING });
    await delivered();
    expect(alerts()).toEqual([`trigger rollout/${id}/1`]);
    const [trigger] = pager.received.filter(({ body }) => body.event_action === 'trigger');
    expect(trigger?.body).toMatchObject({
      payload: { class: 'rollout.aborted', severity: 'critical' },
      client_url: `https://rampart.example/rollouts/${id}/incidents/1`,
    });
    const [head, ...replies] = posts();
    expect(head).not.toHaveProperty('thread_ts');
    expect(replies.filter(({ thread_ts: ts }) => ts !== '1767603600.001')).toEqual([]);
    const aborts = replies.filter(({ text }) => String(text).includes('was aborted in stage canary'));
    expect(aborts).toMatchObject([{ reply_broadcast: true }]);

    await r.admin.command(id, { type: 'ResolveIncident', incident: 1, reason: 'a mistake in the test data' });
    await delivered();
    const after = alerts().slice(1);
    expect(after).toContain(`resolve rollout/${id}/1`);
    expect(after.filter((one) => one.startsWith('trigger'))).toEqual([]);
    expect(await r.admin.listDeadLetters()).toEqual([]);
  });

  it('hear that sight was lost, and that it is back; the button of that message aborts', async () => {
    const id = await exposed();
    const types = async () => (await r.admin.listEvents(id)).map(({ event }) => event.type);
    while (!(await types()).includes('BlindLimitReached')) await r.pass(2_000);
    await delivered();
    expect(alerts()).toEqual([`trigger rollout/${id}/1/sight-lost`]);
    while (!(await types()).includes('SightReturned')) await live(r);
    await delivered();
    expect(alerts().slice(1)).toEqual([`resolve rollout/${id}/1/sight-lost`]);
    const texts = posts().map(({ text }) => String(text));
    expect(texts.filter((text) => text.includes('has evidence again'))).toHaveLength(1);

    expect(await click(buttons('abort').at(-1))).toBe(`ana@example.com: abort of ${id}, from Slack.`);
    expect((await r.admin.getRollout(id)).state).toMatchObject({ phase: 'aborted', layers: [] });
    await delivered();
    expect(alerts().slice(2)).toEqual([`trigger rollout/${id}/1`]);
  });
});
