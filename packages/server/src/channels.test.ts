import type { Notification, NotifierDeps, NotifierKind } from '@rampart/connectors';
import { afterEach, describe, expect, it } from 'vitest';
import { openChannels } from './channels.ts';
import { PLAN, type Rig, startRig } from './server-rig.test.support.ts';
import { readSettings } from './server-settings.ts';

let r: Rig | undefined;
afterEach(async () => {
  await r?.dispose();
  r = undefined;
});

const SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
const secretOf = (name: string) => (name === 'HOOK_SECRET' ? SECRET : undefined);
const pager = { kind: 'webhook', url: 'https://pager.example.com/in', secret: { secretRef: 'HOOK_SECRET' } };

/** Opens channels without a server; nothing is connected to. */
async function open(notify: unknown, kinds?: Readonly<Record<string, NotifierKind>>) {
  r ??= await startRig();
  const { store } = r.server;
  return openChannels(notify, { store, secretOf, policy: {}, now: r.clock.now }, kinds);
}

describe('the channels of the settings', () => {
  it('are opened by their kind, with a pace and a memory of their own', async () => {
    const opened: { settings: unknown; deps: NotifierDeps }[] = [];
    const kind: NotifierKind = {
      open(settings, deps) {
        opened.push({ settings, deps });
        return { name: deps.name, deliver: async (_: Notification) => ({ kind: 'delivered' }) };
      },
    };
    const channels = await open(
      {
        channels: { team: { kind: 'slack', channel: 'C1' }, mail: { kind: 'other', perMinute: 30, joins: true } },
        routes: [{ channel: 'team', audience: 'stakeholders', environment: 'production', digest: '15m' }],
      },
      { slack: kind, other: kind },
    );
    expect(opened.map(({ settings }) => settings)).toEqual([{ channel: 'C1' }, {}]);
    expect(channels.all.map(({ pace }) => pace)).toEqual([
      { perSecond: 1, burst: 1, joins: true },
      { perSecond: 0.25, burst: 15, joins: true },
    ]);
    expect(channels.routes).toEqual([
      { channel: 'team', audience: ['stakeholders'], environments: ['production'], digestMs: 900_000 },
    ]);
    const [team, mail] = opened.map(({ deps }) => deps.memory);
    await team!.put('r1', { ts: '1.2' });
    expect([await team!.get('r1'), await mail!.get('r1')]).toEqual([{ ts: '1.2' }, undefined]);
  });

  it('of pagers keep open what they were told, and join nothing', async () => {
    const kind: NotifierKind = { open: (_, { name }) => ({ name, deliver: async () => ({ kind: 'delivered' }) }) };
    const names = ['alertmanager', 'jsm', 'pagerduty', 'teams'];
    const given = Object.fromEntries(names.map((name) => [name, { kind: name }]));
    const { all } = await open({ channels: given }, Object.fromEntries(names.map((name) => [name, kind])));
    expect(all.filter(({ keepsOpen }) => keepsOpen).map(({ name }) => name)).toEqual(names.slice(0, 3));
    expect(all.filter(({ pace }) => pace.joins === true).map(({ name }) => name)).toEqual(['teams']);
  });

  it.each([
    [{ channels: { a: { kind: 'pigeon' } } }, 'notify.channels.a.kind: received "pigeon"; write one of: '],
    [
      { channels: { a: { ...pager, url: 'http://127.0.0.1/x' } } },
      'notify.channels.a.url: its address is not on the public internet',
    ],
    [{ channels: { a: { ...pager, colour: 'red' } } }, 'notify.channels.a: Unrecognized key: "colour"'],
    [{ channels: { 'a b': pager } }, 'notify: channels.a b'],
    [{ channels: { a: { ...pager, perMinute: 0 } } }, 'notify: channels.a.perMinute'],
    [{ channels: { a: pager }, routes: [{ channel: 'b' }] }, 'received "b"; this server has these channels: a'],
    [{ channels: { a: pager }, routes: [{ channel: 'a', events: ['Rollout'] }] }, 'expected a type such as'],
    [{ channels: { a: pager }, routes: [{ channel: 'a', severity: 'urgent' }] }, 'notify: routes.0.severity'],
    [{ channels: { a: pager }, routes: [{ channel: 'a', digest: 'soon' }] }, 'write a duration such as 30s or 5m'],
    [{ channels: { a: pager }, routes: [{ channel: 'a', digest: '5m' }] }, 'a is sent each message by itself'],
    [{ stakeholderHours: 'at night' }, 'notify: stakeholderHours: received "at night"; write days, hours'],
    [{ slack: { users: {} } }, 'notify: slack.signingSecret'],
    [{ slack: { signingSecret: { secretRef: 'S' }, users: { ana: {} } } }, 'notify: slack.users.ana'],
    [{ webhooks: [] }, 'notify: Unrecognized key: "webhooks"'],
  ])('are refused where they cannot work: %j', async (notify, said) => {
    const failure = await open(notify).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SETTINGS_INVALID', message: expect.stringContaining(said) });
    expect(String(failure)).not.toContain(SECRET);
  });

  it('must be a mapping', () => {
    expect(() => readSettings({ notify: [] })).toThrow('notify is not a mapping');
  });
});

describe('a plan', () => {
  it('is refused when it names a channel this server does not have, or gathers for a system', async () => {
    r = await startRig({ settings: { notify: { channels: { pager } } }, secretOf });
    const check = (notify: string) => r!.admin.validatePlan({ text: `${PLAN}notify: ${notify}\n`, file: 'plan.yaml' });
    expect(await check('[pager]')).toMatchObject({ ok: true });
    const wrong = await check('[pager, { channel: ops }, { channel: pager, digest: 5m }]');
    expect(wrong.issues).toMatchObject([
      { path: 'notify[1].channel', line: 13, message: expect.stringContaining('received "ops"') },
      { path: 'notify[2].digest', message: expect.stringContaining('sent each message by itself') },
    ]);
  });
});
