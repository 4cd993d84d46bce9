import { createHmac } from 'node:crypto';
import type { HookSetting } from '@rampart/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SKIP_ALERTMANAGER, startAlertmanager } from '../alertmanager.test.support.ts';
import { HEALTHY, live, liveUntil, PLAN, type Rig, startRig, startRollout } from '../server-rig.test.support.ts';

const SECRET = 'a secret between two';
const bearer = { authorization: `Bearer ${SECRET}` };
const ALERTS: HookSetting = { name: 'alertmanager', verify: { scheme: 'bearer' }, secret: SECRET, receives: 'alerts' };
const COMPLAINTS: HookSetting = {
  name: 'support',
  verify: { scheme: 'hmac-sha256' },
  secretRef: 'SUPPORT_SECRET',
  receives: 'signals',
  signals: { metric: 'userComplaints', flag: '$.flag', at: '$.at', id: '$.id', when: { '$.type': 'complaint' } },
};
const criteria = '{ metric: errorRate, limit: 2% }, { metric: p99Latency, limit: 2x baseline }';
const planWith = (more: string) =>
  PLAN.replace('window: 12h', 'window: 1h').replace(`[ ${criteria} ]`, `[ ${criteria}, ${more} ]`);

let r: Rig;
beforeEach(async () => {
  r = await startRig({ secretOf: (name) => (name === 'SUPPORT_SECRET' ? SECRET : undefined) });
  await r.admin.putHooks([ALERTS, COMPLAINTS]);
});
afterEach(() => r.dispose());

const stateOf = async (id: string) => (await r.admin.getRollout(id)).state;

/** As Alertmanager writes them (webhook version 4). */
type Alert = { status?: string; labels: object; startsAt: number };
const alerts = (...all: readonly Alert[]) => ({
  version: '4',
  groupKey: '{}:{}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'rampart',
  alerts: all.map(({ status = 'firing', labels, startsAt }) => ({
    status,
    labels,
    annotations: { summary: 'too many errors' },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.example/graph',
    fingerprint: JSON.stringify(labels),
  })),
});
const HIGH = { alertname: 'HighErrorRate', service: 'chat' };
const deliver = (...all: readonly Alert[]) => r.admin.receiveHook('alertmanager', alerts(...all), bearer);

async function exposed(): Promise<string> {
  const id = await startRollout(r, planWith('{ alert: HighErrorRate }'));
  await liveUntil(r, id, 'exposing');
  return id;
}

describe('an alert as an abort criterion', () => {
  it('aborts when it fires, with itself as the reason', async () => {
    const id = await exposed();
    expect(await deliver({ labels: HIGH, startsAt: r.clock.now() })).toEqual({ status: 'accepted' });
    await r.pass(0);
    const state = await stateOf(id);
    expect(state).toMatchObject({ phase: 'aborted', layers: [], incidents: [{ kind: 'criterion' }] });
    expect(state.incidents[0]?.reason).toBe('alert HighErrorRate fires');
    expect(await r.admin.getIncident(id, 1)).toContain('alert HighErrorRate fires');
  });

  it.each<readonly [string, (now: number) => Alert]>([
    ['it is resolved', (startsAt) => ({ status: 'resolved', labels: HIGH, startsAt })],
    ['it fired before anyone saw the feature', (now) => ({ labels: HIGH, startsAt: now - 3_600_000 })],
    ['Rampart caused it', (startsAt) => ({ labels: { ...HIGH, rampart: 'checkout-1' }, startsAt })],
    ['it is about another flag', (startsAt) => ({ labels: { ...HIGH, flag: 'search' }, startsAt })],
    ['it is another alert', (startsAt) => ({ labels: { alertname: 'DatasourceNoData' }, startsAt })],
  ])('does nothing when %s', async (_, alert) => {
    const id = await exposed();
    await deliver(alert(r.clock.now()));
    await live(r);
    expect((await stateOf(id)).phase).toBe('exposing');
  });

  it('lets the rollout go on when it never fires, and says that it has not', async () => {
    const id = await exposed();
    await live(r);
    const { verdicts = [] } = (await r.admin.getRollout(id)).judgement ?? {};
    expect(verdicts.find(({ metric }) => metric === 'alert:HighErrorRate')).toMatchObject({ status: 'no-data' });
    await liveUntil(r, id, 'monitoring');
    expect((await stateOf(id)).phase).toBe('monitoring');
  });

  it('counts a repetition of the same firing once, also after a restart', async () => {
    await exposed();
    const startsAt = r.clock.now();
    await deliver({ labels: HIGH, startsAt });
    r = await r.restart();
    expect(await deliver({ labels: HIGH, startsAt })).toEqual({ status: 'duplicate' });
  });

  it('is refused where no hook receives alerts', async () => {
    await r.admin.putHooks([COMPLAINTS]);
    const check = await r.admin.validatePlan({ text: planWith('{ alert: HighErrorRate }') });
    expect(check.issues).toMatchObject([
      { path: 'abortCriteria[2].alert', message: expect.stringContaining('rampart hook set') },
    ]);
  });

  it('is refused where the only hook for alerts cannot check who sends them', async () => {
    const { secret: _, ...open } = ALERTS;
    await r.admin.putHooks([{ ...open, secretRef: 'ABSENT' }]);
    const check = await r.admin.validatePlan({ text: planWith('{ alert: HighErrorRate }') });
    expect(check).toMatchObject({
      ok: false,
      issues: [{ message: expect.stringContaining('--secret-ref is not set') }],
    });
  });

  it('is told of alerts that its sender left out', async () => {
    await r.admin.receiveHook('alertmanager', { ...alerts({ labels: HIGH, startsAt: 0 }), truncatedAlerts: 3 }, bearer);
    expect(r.logged.map(({ message }) => message).join()).toContain('3 alerts too few');
  });
});

describe.skipIf(SKIP_ALERTMANAGER)('a real Alertmanager', () => {
  it('aborts the rollout whose plan names its alert', async () => {
    const id = await exposed();
    const manager = await startAlertmanager(`${r.server.url}/v1/hooks/alertmanager`, SECRET);
    try {
      const until = (isSo: () => Promise<boolean>) =>
        new Promise<void>((resolve, reject) => {
          const look = () =>
            isSo().then((is) => {
              if (is) resolve(stop());
            }, reject);
          const stop = r.server.store.onChange(() => void look());
          void look();
        });
      await manager.alert({ ...HIGH, severity: 'page' }, Date.now());
      await until(async () => {
        await r.server.reconciler.wakeAll();
        return (await stateOf(id)).phase === 'aborted';
      });
      expect((await stateOf(id)).incidents[0]?.reason).toBe('alert HighErrorRate fires');
    } finally {
      await manager.stop();
    }
  });
});

describe('a hook for signals', () => {
  const signed = (text: string) => ({ 'x-signature': createHmac('sha256', SECRET).update(text).digest('hex') });
  const send = (body: object) => {
    const text = JSON.stringify(body);
    return r.admin.receiveHook('support', body, signed(text));
  };
  const complaint = (id: number) => ({ type: 'complaint', flag: 'checkout', id, at: r.clock.now() });

  it('counts complaints until there are too many, each delivery once', async () => {
    const id = await startRollout(r, planWith('{ metric: userComplaints, limit: 2 per 24h }'));
    await liveUntil(r, id, 'exposing');
    for (const n of [1, 2, 2, 2]) await send(complaint(n));
    await live(r, HEALTHY);
    expect((await stateOf(id)).phase).toBe('exposing');
    expect(await send(complaint(2))).toEqual({ status: 'duplicate' });
    expect(await send(complaint(3))).toEqual({ status: 'accepted' });
    await r.pass(0);
    expect((await stateOf(id)).incidents[0]?.reason).toContain('userComplaints breaches 2 per 24h');
  });

  it('feeds metrics whose source is signals, which know no variants', async () => {
    const tickets = `metrics: { supportTickets: { source: signals } }\n`;
    const id = await startRollout(r, planWith('{ metric: supportTickets, limit: 2x baseline }') + tickets);
    await liveUntil(r, id, 'exposing');
    for (let second = 0; second < 8; second += 1) {
      for (let n = 0; n < 10; n += 1) {
        const body = {
          schema: 1,
          batchId: `t-${second}-${n}`,
          flag: 'checkout',
          occurrences: [{ metric: 'supportTickets' }],
        } as const;
        await r.sdk.sendSignals(body);
      }
      await live(r);
    }
    const seen = (await r.admin.getRollout(id)).judgement?.verdicts.find(({ metric }) => metric === 'supportTickets');
    expect(seen).toMatchObject({ source: 'signals', treatmentCount: expect.any(Number) });
    expect(seen?.treatmentCount).toBeGreaterThan(50);
    expect((await r.admin.getRollout(id)).sources?.map(({ source }) => source)).toEqual(['telemetry']);
  });

  it('leaves alone what is about something else', async () => {
    expect(await send({ type: 'praise' })).toEqual({ status: 'ignored', detail: 'its `when` does not hold' });
  });

  it('refuses what cannot be counted, is not signed, or goes to no hook', async () => {
    await expect(send({ type: 'complaint' })).rejects.toMatchObject({ code: 'TELEMETRY_INVALID' });
    await expect(r.admin.receiveHook('support', complaint(1))).rejects.toMatchObject({
      code: 'HOOK_SIGNATURE_INVALID',
    });
    await expect(r.admin.receiveHook('nowhere', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const answer = await fetch(`${r.server.url}/v1/hooks/support`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', ...signed('no json') },
      body: 'no json',
    });
    expect([answer.status, await answer.json()]).toMatchObject([422, { code: 'TELEMETRY_INVALID' }]);
  });
});

describe('hooks', () => {
  it('are shown without their secrets, and keep them', async () => {
    const { secret, ...shown } = ALERTS;
    expect(await r.admin.getHooks()).toEqual([shown, COMPLAINTS]);
    await r.admin.putHooks([shown]);
    expect(await deliver({ labels: HIGH, startsAt: 0 })).toMatchObject({ status: 'ignored' });
    expect(secret).toBe(SECRET);
  });

  it('are refused when they can never work', async () => {
    const put = (change: object) => r.admin.putHooks([{ ...COMPLAINTS, ...change } as HookSetting]);
    await expect(put({ signals: { metric: 'm' } })).rejects.toMatchObject({ code: 'BODY_INVALID' });
    await expect(put({ secretRef: undefined })).rejects.toMatchObject({ code: 'BODY_INVALID' });
    await expect(put({ receives: 'alerts' })).rejects.toMatchObject({ code: 'BODY_INVALID' });
  });

  it('check nobody while their secret is not set', async () => {
    await r.admin.putHooks([{ ...COMPLAINTS, secretRef: 'ABSENT' }]);
    await expect(r.admin.receiveHook('support', {})).rejects.toMatchObject({
      code: 'HOOK_SIGNATURE_INVALID',
      message: expect.stringContaining('ABSENT is not set'),
    });
  });
});
