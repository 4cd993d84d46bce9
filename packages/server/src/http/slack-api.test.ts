import { createHmac } from 'node:crypto';
import { createApiClient } from '@rampart/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../receivers.test.support.ts';
import { liveUntil, PLAN, type Rig, startRig, startRollout } from '../server-rig.test.support.ts';

const SECRET = 'slack-signing-secret-0123456789';
let slack: Receiver;
let r: Rig;

beforeEach(async () => {
  slack = await startReceiver();
  const users = {
    U0ANA: { principal: 'ana@example.com', roles: ['approver', 'operator'] },
    U0EVE: { principal: 'eve@example.com', roles: ['analyst'] },
  };
  const notify = { slack: { signingSecret: { secretRef: 'SLACK_SIGNING' }, users, apiUrl: `${slack.url}/api` } };
  const secretOf = (name: string) => (name === 'SLACK_SIGNING' ? SECRET : undefined);
  r = await startRig({ settings: { allowedHosts: ['127.0.0.1'], notify }, secretOf });
});
afterEach(async () => {
  await r.dispose();
  await slack.stop();
});

type Click = {
  readonly verb?: 'approve' | 'hold' | 'abort';
  readonly user?: string;
  readonly value: object;
  readonly ts?: string;
  readonly responseUrl?: string;
};

function formOf({ verb = 'hold', user = 'U0ANA', value, ts = '1767603600.000100', responseUrl }: Click): string {
  const payload = {
    type: 'block_actions',
    user: { id: user },
    trigger_id: '13345224609.738474920.8088930838d88f008e0',
    response_url: responseUrl ?? `${slack.url}/actions/T1/2/3`,
    actions: [
      { action_id: `rampart_${verb}`, block_id: 'b', value: JSON.stringify({ stage: '', ...value }), action_ts: ts },
    ],
  };
  return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
}

function post(form: string, { secret = SECRET, lateMs = 0 } = {}): Promise<Response> {
  const timestamp = String(Math.floor((r.clock.now() - lateMs) / 1000));
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${form}`).digest('hex');
  return fetch(`${r.server.url}/v1/slack/interactions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
    },
    body: form,
  });
}

/** Clicks, and what Slack is answered. */
async function click(one: Click): Promise<{ readonly text: string; readonly response_type: string }> {
  const count = slack.received.length + 1;
  const response = await post(formOf(one));
  expect([response.status, await response.text()]).toEqual([200, '']);
  await slack.until(count);
  return slack.received.at(-1)?.body as { text: string; response_type: string };
}

/** The last thing that a person did; Rampart itself goes on meanwhile. */
const lastOf = async (id: string) => (await r.admin.listEvents(id)).findLast(({ by }) => by !== 'rampart');

/** An item that a click is enough for. */
const ITEM = 'design-review';

async function inPreflight(): Promise<string> {
  const { state } = await r.admin.createRollout({ text: PLAN.replace('launch-readiness', ITEM) });
  await r.admin.command(state.id, { type: 'Start' });
  return state.id;
}

describe('a button in Slack', () => {
  it('approves, holds and aborts for the person who is linked, and the events name that person', async () => {
    const id = await inPreflight();
    const item = ITEM;
    expect(await click({ verb: 'approve', value: { rollout: id, version: 3, attempt: 1, item } })).toMatchObject({
      response_type: 'in_channel',
      text: `ana@example.com: approve of ${id} ("design-review"), from Slack.`,
    });
    const approved = (await r.admin.listEvents(id)).find(({ by }) => by === 'ana@example.com');
    expect(approved).toMatchObject({ event: { type: 'ItemAttested', item } });
    await click({ verb: 'hold', value: { rollout: id, version: 3, attempt: 1 }, ts: '2' });
    expect(await lastOf(id)).toMatchObject({ by: 'ana@example.com', event: { type: 'RolloutHeld' } });
    await click({ verb: 'abort', value: { rollout: id, version: 3, attempt: 1 }, ts: '3' });
    const { state } = await r.admin.getRollout(id);
    expect(state.phase).toBe('aborted');
    expect((await r.admin.listEvents(id)).find(({ event }) => event.type === 'RolloutAborted')?.by).toBe(
      'ana@example.com',
    );
  });

  it('is acknowledged once it is carried out: a crash loses none that was acknowledged', async () => {
    const id = await inPreflight();
    const form = formOf({ verb: 'abort', value: { rollout: id, version: 3, attempt: 1 } });
    expect((await post(form)).status).toBe(200);
    expect(r.server.controlPlane.getRollout(id).state.phase).toBe('aborted');
  });

  it('does nothing when its signature is forged, missing or old', async () => {
    const id = await inPreflight();
    const form = formOf({ verb: 'abort', value: { rollout: id, version: 1, attempt: 1 } });
    const bare = await fetch(`${r.server.url}/v1/slack/interactions`, { method: 'POST', body: form });
    const answers = [await post(form, { secret: 'someone-else' }), await post(form, { lateMs: 301_000 }), bare];
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ code: 'HOOK_SIGNATURE_INVALID' });
    }
    expect((await r.admin.getRollout(id)).state.phase).toBe('preflight');
    expect(slack.received).toEqual([]);
  });

  it('counts once: a repetition is refused, also by the next server of the store', async () => {
    const id = await inPreflight();
    const one = { verb: 'hold', value: { rollout: id, version: 1, attempt: 1 } } as const;
    await click(one);
    await r.admin.command(id, { type: 'Resume' });
    const { version } = (await r.admin.getRollout(id)).state;
    expect((await post(formOf(one))).status).toBe(401);
    r = await r.restart();
    const again = await post(formOf(one));
    expect(again.status).toBe(401);
    expect(await again.json()).toMatchObject({ detail: 'The click was refused: it was taken before.' });
    expect((await r.admin.getRollout(id)).state.version).toBe(version);
  });

  it('is refused when the rollout is in another stage or attempt, in words to the person', async () => {
    const id = await startRollout(r, PLAN.replace('window: 12h', 'window: 1h'));
    const value = { rollout: id, version: 4, attempt: 1, stage: 'canary' };
    expect(await click({ value })).toEqual({
      response_type: 'ephemeral',
      replace_original: false,
      text: `Refused: hold of ${id}. This button is of stage canary; the rollout is in no stage now.`,
    });
    await liveUntil(r, id, 'exposing', { stepMs: 2_000 });
    expect((await click({ value: { ...value, stage: 'beta' }, ts: '2' })).text).toContain(
      'This button is of stage beta; the rollout is in stage canary now.',
    );
    const { version } = (await r.admin.getRollout(id)).state;
    await click({ value: { ...value, version: version - 1 }, ts: '3' });
    const held = (await r.admin.listEvents(id)).find(({ event }) => event.type === 'RolloutHeld');
    expect(held?.by).toBe('ana@example.com');
    expect((await click({ verb: 'abort', value: { ...value, attempt: 2 }, ts: '4' })).text).toContain(
      'This button is of attempt 2; the rollout is in attempt 1.',
    );
    expect((await r.admin.getRollout(id)).state.phase).toBe('exposing');
  });

  it('aborts the attempt it was made for whatever happened since', async () => {
    const id = await startRollout(r, PLAN.replace('window: 12h', 'window: 1h'));
    await liveUntil(r, id, 'exposing', { stepMs: 2_000 });
    await click({ verb: 'abort', value: { rollout: id, version: 1, attempt: 1, stage: 'beta' } });
    expect((await r.admin.getRollout(id)).state).toMatchObject({ phase: 'aborted', layers: [] });
  });

  it('is refused for an item that is no longer open, an unknown rollout, an unknown person, one without the role', async () => {
    const id = await inPreflight();
    const value = { rollout: id, version: 1, attempt: 1 };
    const approve = { verb: 'approve', value: { ...value, item: ITEM } } as const;
    await r.admin.command(id, { type: 'Hold', reason: 'later' });
    const { version } = (await r.admin.getRollout(id)).state;
    expect((await click({ ...approve, user: 'U0EVE', ts: '1' })).text).toMatch(
      /^Refused: approve of .*eve@example\.com/,
    );
    expect((await click({ ...approve, user: 'U0NOBODY', ts: '2' })).text).toContain('U0NOBODY is nobody here');
    expect((await click({ value: { ...value, rollout: 'other-1' }, ts: '3' })).text).toContain('no such rollout');
    expect((await post(formOf({ verb: 'approve', value, ts: '4' }))).status).toBe(400);
    expect((await r.admin.getRollout(id)).state.version).toBe(version);
    await click({ ...approve, ts: '5' });
    expect((await click({ ...approve, ts: '6' })).response_type).toBe('ephemeral');
  });

  it('answers only to Slack or the address that was set up, and shows no words as markup', async () => {
    const id = await inPreflight();
    const other = await startReceiver();
    const value = { rollout: id, version: 1, attempt: 1 };
    expect((await post(formOf({ value, responseUrl: `${other.url}/steal` }))).status).toBe(200);
    const answer = await click({ value: { ...value, rollout: '<!channel>' }, ts: '2' });
    expect(answer.text).toContain('&lt;!channel&gt;');
    await r.server.close();
    expect(other.received).toEqual([]);
    expect(r.logged).toContainEqual({
      level: 'warn',
      fields: { user: 'U0ANA' },
      message: expect.stringContaining('its address for answers is not one of https://hooks.slack.com'),
    });
    expect(JSON.stringify(r.logged)).not.toContain(SECRET);
    await other.stop();
  });

  it('is for nobody when it is not one of ours, cannot be read without its value, and is unknown without an app', async () => {
    const link = new URLSearchParams({
      payload: JSON.stringify({ type: 'block_actions', user: { id: 'U1' }, actions: [{ action_id: 'open' }] }),
    }).toString();
    expect((await post(link)).status).toBe(200);
    expect((await post(formOf({ value: { rollout: 'x' } }))).status).toBe(400);
    expect((await post('payload=nothing')).status).toBe(400);
    r = await r.restart({ settings: {} });
    expect((await post(link)).status).toBe(404);
    const admin = createApiClient({ url: r.server.url, token: r.tokens.admin });
    expect(await admin.getNotify()).toEqual({ channels: [], routes: [], toldOfAbort: [] });
  });
});
