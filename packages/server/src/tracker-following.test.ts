import { createApiClient } from '@rampart/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitHubFake, startGitHubFake } from '../../../spec/github-fake.ts';
import { type PlaneFake, startPlaneFake } from '../../../spec/plane-fake.ts';
import { PLAN, type Rig, startRig } from './server-rig.test.support.ts';
import { startServer } from './start-server.ts';

const SECRETS: Readonly<Record<string, string>> = { PLANE: 'plane_api_planted_secret', GITHUB: 'github_pat_planted' };
let plane: PlaneFake;
let github: GitHubFake;
const rigs: Rig[] = [];

beforeEach(async () => {
  [plane, github] = [await startPlaneFake(SECRETS.PLANE), await startGitHubFake(SECRETS.GITHUB)];
});
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.dispose();
  expect(plane.violations).toEqual([]);
  await plane.stop();
  await github.stop();
});

const settings = (change: object = {}) => ({
  allowPrivate: true,
  trackers: {
    plane: {
      kind: 'plane',
      url: plane.url,
      apiKey: { secretRef: 'PLANE' },
      workspace: 'samsam',
      project: 'ROLL',
      ...change,
    },
    github: { kind: 'github', url: github.url, token: { secretRef: 'GITHUB' }, repository: 'acme/shop', ref: 'main' },
  },
});
async function rigOf(change: object = {}): Promise<Rig> {
  const rig = await startRig({ settings: settings(change), secretOf: (name) => SECRETS[name] });
  rigs.push(rig);
  return rig;
}
const planOf = (tracker: string, flag = 'checkout') =>
  `${PLAN.replaceAll('checkout', flag)}tracker: ${tracker}\n`.replace(
    'preflight: [launch-readiness, flag-configured]',
    'preflight: []',
  );

async function start(rig: Rig, tracker = 'plane', flag = 'checkout'): Promise<string> {
  const { state } = await rig.admin.createRollout({ text: planOf(tracker, flag) });
  await rig.admin.command(state.id, { type: 'Start' });
  return state.id;
}
const standing = async ({ admin }: Rig, id: string) =>
  (await admin.getTrackers()).rollouts.find(({ rollout }) => rollout === id);

/** Lets the server follow, and time pass for what it waits for. */
async function settle(rig: Rig, id: string): Promise<void> {
  for (let n = 0; n < 20; n += 1) {
    await rig.server.trackerSync.drain();
    if ((await standing(rig, id))?.pending === 0) return;
    rig.clock.advance(60_000);
  }
  throw new Error(JSON.stringify(await standing(rig, id)));
}

describe('a server with trackers', () => {
  it('keeps an issue from the start on, and shows it with the rollout', async () => {
    const rig = await rigOf();
    const { state } = await rig.admin.createRollout({ text: planOf('plane') });
    await rig.server.trackerSync.drain();
    expect(plane.history).toEqual([]);
    await rig.admin.command(state.id, { type: 'Start' });
    await settle(rig, state.id);
    expect(plane.history.map(({ made }) => made)).toEqual(['ROLL-1']);
    const issue = { key: 'ROLL-1', url: `${plane.url}/samsam/browse/ROLL-1/` };
    expect((await rig.admin.getRollout(state.id)).issue).toEqual(issue);
    expect(await rig.admin.getTrackers()).toEqual({
      trackers: [
        { name: 'plane', kind: 'plane' },
        { name: 'github', kind: 'github' },
      ],
      rollouts: [{ rollout: state.id, flag: 'checkout', tracker: 'plane', issue, pending: 0, refused: [] }],
    });
  });

  it('keeps one in GitHub, and nothing for a rollout that never started', async () => {
    const rig = await rigOf();
    const id = await start(rig, 'github');
    const never = await rig.admin.createRollout({ text: planOf('github', 'other') });
    await rig.admin.command(never.state.id, { type: 'Cancel', reason: 'no need' });
    await rig.admin.command(id, { type: 'Cancel', reason: 'not now @everyone' });
    await settle(rig, id);
    await settle(rig, never.state.id);
    expect(github.history.map((entry) => Object.keys(entry)[0] + Object.keys(entry)[1])).toEqual([
      'madetitle',
      'oncomment',
      'onchanged',
      'onchanged',
    ]);
    expect(github.history.at(-1)).toEqual({ on: '#1', changed: 'state_reason', to: 'not_planned' });
    expect(JSON.stringify(github.history)).not.toContain('@everyone');
  });

  it('refuses a plan whose tracker is not set up, naming those that are', async () => {
    const rig = await rigOf();
    const text = planOf('jira');
    expect(await rig.admin.validatePlan({ text })).toMatchObject({
      ok: false,
      issues: [{ path: 'tracker.name', message: expect.stringContaining('it has: plane, github') }],
    });
  });

  it('tries again what fails, as late as it is asked to, and says since when', async () => {
    const rig = await rigOf();
    plane.given('busy-seconds');
    const id = await start(rig);
    await rig.server.trackerSync.drain();
    const at = rig.clock.now();
    const failed = await standing(rig, id);
    expect(failed).toMatchObject({ error: { at, why: expect.stringContaining('asks for patience of 7 s') } });
    expect(failed?.error?.nextAt).toBeGreaterThanOrEqual(at + 7_000);
    plane.given('works');
    const before = plane.seen.length;
    rig.clock.advance(6_000);
    await rig.server.trackerSync.drain();
    expect(plane.seen).toHaveLength(before);
    await settle(rig, id);
    expect((await standing(rig, id))?.error).toBeUndefined();
    expect(plane.history.map(({ made }) => made)).toEqual(['ROLL-1']);
  });

  it('waits for a person where the key is refused, and goes on after the restart with a better one', async () => {
    const rig = await rigOf();
    plane.given('forbids');
    const id = await start(rig);
    await rig.server.trackerSync.drain();
    rig.clock.advance(300_000);
    const before = plane.seen.length;
    await rig.server.trackerSync.drain();
    expect(plane.seen).toHaveLength(before);
    expect((await standing(rig, id))?.error?.why).toContain('refused the credentials');
    plane.given('works');
    const next = await rig.restart();
    rigs.splice(0, 1, next);
    await settle(next, id);
    expect(plane.history).toHaveLength(1);
    // What a tracker repeats of a key is told nowhere.
    const told = JSON.stringify([
      rig.logged,
      next.logged,
      await next.admin.getTrackers(),
      await next.admin.listEvents(id),
    ]);
    for (const secret of Object.values(SECRETS)) expect(told).not.toContain(secret);
  });

  it('leaves out what is refused for good, puts it on record, and follows on', async () => {
    const rig = await rigOf();
    const id = await start(rig);
    await settle(rig, id);
    plane.given('refuses');
    await rig.admin.command(id, { type: 'Hold', reason: 'one' });
    await rig.server.trackerSync.drain();
    plane.given('works');
    await rig.admin.command(id, { type: 'Resume', reason: 'two' });
    await settle(rig, id);
    expect(plane.history.map(({ comment }) => comment).filter(Boolean)).toEqual([
      '<p><strong>admin resumed the rollout: two</strong></p>',
    ]);
    expect((await standing(rig, id))?.refused).toMatchObject([
      { what: 'comment', why: expect.stringContaining('400') },
    ]);
  });

  it('asks no faster than Plane allows, although fifty rollouts abort at once, and calls that no failure', async () => {
    const rig = await rigOf();
    const ids: string[] = [];
    for (let n = 0; n < 50; n += 1) ids.push(await start(rig, 'plane', `feature-${n}`));
    for (const id of ids) await rig.admin.command(id, { type: 'Abort', reason: 'all at once' });
    let mostPerMinute = 0;
    for (let minutes = 0; minutes < 30; minutes += 1) {
      const before = plane.seen.length;
      for (let n = 0; n < 5; n += 1) {
        await rig.server.trackerSync.drain();
        rig.clock.advance(12_000);
      }
      mostPerMinute = Math.max(mostPerMinute, plane.seen.length - before);
    }
    const { rollouts } = await rig.admin.getTrackers();
    expect(rollouts.every(({ pending, error }) => pending === 0 && error === undefined)).toBe(true);
    expect(plane.history.filter(({ to }) => to === 'urgent')).toHaveLength(50);
    // A full bucket, and what flows in within the first minute.
    expect(mostPerMinute).toBeLessThanOrEqual(100);
    expect(rig.logged.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  it('never keeps a command waiting: an abort stands while a tracker hangs, and another tracker follows', async () => {
    const rig = await rigOf({ timeout: '2s' });
    plane.given('hangs');
    const id = await start(rig);
    await rig.admin.command(id, { type: 'Abort', reason: 'at once' });
    expect((await rig.admin.getRollout(id)).state.phase).toBe('aborted');
    const other = await start(rig, 'github', 'other');
    await settle(rig, other);
    expect(github.history.length).toBeGreaterThan(0);
    expect((await standing(rig, id))?.issue).toBeUndefined();
  });

  it('has one server of a store write at a time, and the other go on where it ended', async () => {
    const rig = await rigOf();
    const id = await start(rig);
    await settle(rig, id);
    const { file, clock, log, tokens } = rig;
    const second = await startServer({
      file,
      clock,
      log,
      port: 0,
      settings: settings(),
      secretOf: (name) => SECRETS[name],
    });
    try {
      const other = createApiClient({ url: second.url, token: tokens.admin });
      await other.command(id, { type: 'Hold', reason: 'theirs' });
      const before = plane.seen.length;
      await second.trackerSync.drain();
      expect(plane.seen).toHaveLength(before);
      await rig.server.reconciler.wakeAll();
      await settle(rig, id);
      // The first ends in order, and gives its right back.
      await rig.server.close();
      await other.command(id, { type: 'Resume', reason: 'ours' });
      await second.trackerSync.drain();
      expect(plane.history.map(({ comment }) => comment).filter(Boolean)).toEqual([
        '<p><strong>admin held the rollout: theirs</strong></p>',
        '<p><strong>admin resumed the rollout: ours</strong></p>',
      ]);
    } finally {
      await second.close();
    }
  });

  it.each([
    ['an unknown kind', { kind: 'jira' }, /trackers\.plane\.kind: received "jira"; use one of: plane, github/],
    ['an unknown key', { projekt: 'x' }, /trackers\.plane: Unrecognized key: "projekt"/],
    ['a secret that is not set', { apiKey: { secretRef: 'NONE' } }, /trackers\.plane: NONE is not set/],
    ['an address that may not be called', { url: 'file:///etc/passwd' }, /The URL of Plane cannot be used/],
  ])('does not start with %s', async (_, change, message) => {
    await expect(rigOf(change)).rejects.toThrow(message);
  });
});
