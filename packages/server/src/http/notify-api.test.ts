import { createApiClient } from '@rampart/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Receiver, type Reply, startReceiver } from '../receivers.test.support.ts';
import { PLAN, type Rig, startRig } from '../server-rig.test.support.ts';

const SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
let answer: Reply;
let pager: Receiver;
let r: Rig;

beforeEach(async () => {
  answer = { status: 204 };
  pager = await startReceiver(() => answer);
  const notify = {
    channels: { pager: { kind: 'webhook', url: `${pager.url}/secret-path`, secret: { secretRef: 'HOOK' } } },
    routes: [{ channel: 'pager', severity: 'page' }],
  };
  r = await startRig({ settings: { allowedHosts: ['127.0.0.1'], notify }, secretOf: () => SECRET });
});
afterEach(async () => {
  await r.dispose();
  await pager.stop();
});

describe('channels over HTTP', () => {
  it('are sent a test message that says it is one, and tell what the receiver answered, without secrets', async () => {
    const { results } = await r.admin.testNotify({ channel: 'pager', severity: 'page' });
    expect(results).toEqual([{ channel: 'pager', delivered: true, answer: 'it took the message' }]);
    expect(pager.received[0]?.body).toMatchObject({
      type: 'test',
      data: { severity: 'page', text: expect.stringContaining('Nothing has happened.') },
    });
    answer = { status: 403 };
    const refused = await r.admin.testNotify({});
    expect(refused.results).toEqual([{ channel: 'pager', delivered: false, answer: 'it answered 403' }]);
    const told = JSON.stringify([refused, await r.admin.getNotify(), r.logged]);
    for (const secret of [SECRET, 'secret-path']) expect(told).not.toContain(secret);
    await expect(r.admin.testNotify({ channel: 'other' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are listed with their routes, those of a plan where asked, and how deliveries go', async () => {
    answer = { status: 503, headers: { 'retry-after': '60' } };
    const { state } = await r.admin.createRollout({ text: `${PLAN}notify: [{ channel: pager, events: stage.* }]\n` });
    await r.admin.command(state.id, { type: 'Start' });
    await r.admin.command(state.id, { type: 'Abort', reason: 'test' });
    await pager.until(1);
    const failed = async () => (await r.admin.getNotify(state.id)).channels[0]?.lastFailure;
    while ((await failed()) === undefined);
    expect(await r.admin.getNotify(state.id)).toEqual({
      channels: [
        {
          ...{ name: 'pager', kind: 'webhook', pending: 1, dead: 0, failures: 0, oldestDueAt: expect.any(Number) },
          ...{ lastFailure: { at: r.clock.now(), why: 'it answered 503' }, waitsUntil: r.clock.now() + 60_000 },
        },
      ],
      routes: [
        { channel: 'pager', of: 'server', severity: ['page'] },
        { channel: 'pager', of: 'plan', events: ['stage.*'] },
      ],
      toldOfAbort: ['pager'],
    });
    await expect(r.admin.getNotify('other-1')).rejects.toMatchObject({ code: 'ROLLOUT_UNKNOWN' });
    const { token } = await r.admin.createToken({ kind: 'viewer', name: 'looks', principal: 'person' });
    const viewer = createApiClient({ url: r.server.url, token });
    expect((await viewer.getNotify()).toldOfAbort).toEqual(['pager']);
    await expect(viewer.testNotify({})).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('are none without settings: nobody is told of an abort, and nothing can be tested', async () => {
    r = await r.restart({ settings: {} });
    expect(await r.admin.getNotify()).toEqual({ channels: [], routes: [], toldOfAbort: [] });
    await expect(r.admin.testNotify({})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
