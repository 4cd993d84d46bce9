import { afterEach, describe, expect, it } from 'vitest';
import { type Received, type Receiver, type Reply, startReceiver } from './receivers.test.support.ts';
import { HEALTHY, PLAN, type Rig, startRig, trafficOf } from './server-rig.test.support.ts';

const ROLLOUTS = 50;
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;

/** Brings rollouts of so many flags to their first stage, so that people see the features. */
async function expose(rig: Rig, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const text = `${PLAN.replace('window: 12h', 'window: 1h').replaceAll('checkout', `flag-${n}`)}owners: { analyst: agent:triage }\n`;
    const { state } = await rig.admin.createRollout({ text, timeScale: 0.001 });
    await rig.admin.command(state.id, { type: 'Start' });
    await rig.admin.command(state.id, {
      type: 'Approve',
      item: 'launch-readiness',
      evidence: 'https://wiki.example.com/launch',
    });
    ids.push(state.id);
  }
  for (let step = 0; step < 20; step += 1) {
    const ruleset = await rig.sdk.getRuleset();
    if (ruleset === 'unchanged') throw new Error('an unconditional question was answered "unchanged"');
    const at = rig.clock.now();
    const served = Object.values(ruleset.flags).filter(({ exposure }) => exposure !== undefined);
    for (const flag of served)
      await rig.sdk.sendTelemetry(trafficOf(ruleset, flag, `${flag.key}-${at}`, at, { ...HEALTHY, users: 640 }));
    await rig.pass(2_000);
    const views = await rig.admin.listRollouts();
    if (views.every(({ state }) => state.phase === 'exposing')) return ids;
  }
  throw new Error('not every rollout is exposing');
}

const BUSY: Reply = { status: 429, headers: { 'retry-after': '1' } };

/** Asks everyone for a second of patience until it is opened. */
function gate() {
  let isOpen = false;
  return {
    open: () => {
      isOpen = true;
    },
    behind: (answer: () => Reply) => () => (isOpen ? answer() : BUSY),
  };
}

/** Takes one message a second of the server's clock; who comes sooner is told to come back, and must not come before. */
function slackLike(now: () => number) {
  let freeAt = 0;
  let toldUntil = 0;
  let accepted = 0;
  let early = 0;
  const answer = (): Reply => {
    if (now() < toldUntil) early += 1;
    if (now() < freeAt) {
      toldUntil = now() + 1_000;
      return BUSY;
    }
    freeAt = now() + 1_000;
    accepted += 1;
    return { status: 200 };
  };
  return { answer, accepted: () => accepted, early: () => early };
}

/** Resolves once a channel waits because its receiver asked for it, and has it on record. */
async function askedForPatience(rig: Rig, name: string): Promise<void> {
  for (;;) {
    const { channels } = await rig.admin.getNotify();
    if (channels.find((one) => one.name === name)?.waitsUntil !== undefined) return;
  }
}

const ORDER = ['page', 'warn', 'info'];
const typeOf = ({ body }: Received) => String(body.type);
const rolloutOf = ({ body }: Received) => (body.data as { rollout: string }).rollout;
const severityOf = ({ body }: Received) => (body.data as { severity: string }).severity;

async function receiver(answer: (received: Received) => Reply | Promise<Reply>): Promise<Receiver> {
  const made = await startReceiver(answer);
  ends.push(made.stop);
  return made;
}

describe('50 rollouts aborted in one second', () => {
  it('reach each destination once per rollout, pages first, at its pace, and wait for none of them', async () => {
    const { open, behind } = gate();
    let now = () => 0;
    const slow = slackLike(() => now());
    const pager = await receiver(behind(() => ({ status: 202 })));
    const slack = await receiver(behind(slow.answer));
    const mail = await receiver(behind(() => ({ status: 200 })));
    const dead = await receiver(() => 'hangs');
    const channel = ({ url }: Receiver) => ({ kind: 'webhook', url, secret: { secretRef: 'HOOK_SECRET' } });
    const events = ['rollout.*', 'incident.*', 'kill-switch.*'];
    const rig = await startRig({
      secretOf: () => SECRET,
      settings: {
        allowedHosts: ['127.0.0.1'],
        notify: {
          channels: { pager: channel(pager), slack: channel(slack), mail: channel(mail), dead: channel(dead) },
          routes: [
            { channel: 'dead', events },
            { channel: 'slack', events: 'rollout.aborted' },
            { channel: 'slack', severity: 'page' },
            { channel: 'mail', events },
            { channel: 'pager', severity: 'page', audience: 'on-call', environment: 'production' },
          ],
        },
      },
    });
    ends.push(rig.dispose);
    now = rig.clock.now;
    const ids = await expose(rig, ROLLOUTS);
    expect(dead.received).toEqual([]);

    // Nobody takes anything yet: an abort that waited for a message would not come to its end.
    await Promise.all(ids.map((id) => rig.admin.command(id, { type: 'Abort', reason: 'storm' })));
    const views = await Promise.all(ids.map((id) => rig.admin.getRollout(id)));
    expect(views.filter(({ state }) => state.phase === 'aborted' && state.layers.length === 0)).toHaveLength(ROLLOUTS);
    const ruleset = await rig.sdk.getRuleset();
    const exposed = ruleset === 'unchanged' ? [] : Object.values(ruleset.flags).flatMap((flag) => flag.exposure ?? []);
    expect(exposed.filter(({ layers }) => layers.some(({ weight }) => weight > 0))).toEqual([]);

    for (const name of ['pager', 'slack', 'mail']) await askedForPatience(rig, name);
    expect([pager, slack, mail].map(({ received }) => received.splice(0).length)).toEqual([1, 1, 1]);
    open();
    rig.clock.advance(1_000);
    void rig.server.dispatcher.drain();
    await pager.until(ROLLOUTS);
    // The clock stands still: who asks for patience has had one message at most, and the pager has them all.
    expect(slow.accepted()).toBeLessThanOrEqual(1);
    const [waiting] = await rig.server.store.countOutbox();
    expect(waiting?.destination).toBe('channel:dead');
    const perDestination = waiting?.pending ?? 0;
    await mail.until(perDestination);
    for (let second = 1; second < ROLLOUTS; second += 1) {
      await askedForPatience(rig, 'slack');
      rig.clock.advance(1_000);
      const next = slack.until(slack.received.length + 1);
      void rig.server.dispatcher.drain();
      await next;
    }
    expect([slow.accepted(), slow.early()]).toEqual([ROLLOUTS, 0]);

    const aborts = (all: readonly Received[]) => all.filter((one) => typeOf(one) === 'rollout.aborted').map(rolloutOf);
    expect(pager.received.map(typeOf)).toEqual(Array(ROLLOUTS).fill('rollout.aborted'));
    for (const { received } of [pager, mail]) expect(aborts(received).toSorted()).toEqual(ids.toSorted());
    expect([...new Set(aborts(slack.received))].toSorted()).toEqual(ids.toSorted());
    const severities = mail.received.map(severityOf);
    expect(severities).toEqual(severities.toSorted((one, other) => ORDER.indexOf(one) - ORDER.indexOf(other)));
    expect(new Set(mail.received.map(({ headers }) => headers['webhook-id'])).size).toBe(perDestination);
    const { channels, toldOfAbort } = await rig.admin.getNotify();
    expect(toldOfAbort).toEqual(['dead', 'slack', 'mail', 'pager']);
    expect(channels.find(({ name }) => name === 'dead')).toMatchObject({ pending: perDestination });
    const metrics = await rig.admin.metrics();
    expect(metrics).toContain(
      `rampart_destination_messages{destination="channel:dead",state="pending"} ${perDestination}`,
    );
    expect(metrics).toContain(`rampart_deliveries_total{destination="channel:pager",result="delivered"} ${ROLLOUTS}`);
  });
});
