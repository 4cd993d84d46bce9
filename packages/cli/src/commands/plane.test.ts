import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PlaneFake, startPlaneFake } from '../../../../spec/plane-fake.ts';
import { type Cli, openCli } from '../cli.test.support.ts';

const RELEASE = 'plane create-issue -w samsam -p Rollouts -t'
  .split(' ')
  .concat(
    'Release: Feature XYZ Progressive Rollout',
    '-d',
    'See <plan>\n\nSecond part',
    '--priority',
    '2',
    '--state',
    'In Progress',
    '--labels',
    'release',
  );

let plane: PlaneFake;
let cli: Cli;
beforeEach(async () => {
  plane = await startPlaneFake();
  cli = openCli();
});
afterEach(async () => {
  expect(plane.violations).toEqual([]);
  await plane.stop();
});

const env = (change: Record<string, string> = {}) => ({
  env: { HOME: cli.dir, PLANE_BASE_URL: plane.url, PLANE_API_KEY: plane.apiKey, ...change },
});

describe('rampart plane', () => {
  it('creates an issue by address and key of the environment, without any server of Rampart', async () => {
    const { code, out, err } = await cli.run(RELEASE, env());
    expect([code, out, err]).toEqual([0, `Created ROLL-1: ${plane.url}/samsam/browse/ROLL-1/\n`, '']);
    expect(plane.history).toEqual([
      {
        made: 'ROLL-1',
        name: 'Release: Feature XYZ Progressive Rollout',
        state: 'In Progress',
        priority: 'high',
        labels: ['release'],
        externalId: null,
        description: '<p>See &lt;plan&gt;</p><p>Second part</p>',
      },
    ]);
    expect(cli.plane.seen).toEqual([]);
  });

  it('gives the same issue for the same external id, and another one without', async () => {
    const words = [...RELEASE, '--external-id', 'release-7'];
    const first = await cli.json<{ id: string }>(words, env());
    const second = await cli.json<{ id: string }>(words, env());
    expect([first.data, second.data]).toMatchObject([
      { key: 'ROLL-1', created: true, warnings: [] },
      { key: 'ROLL-1', created: false, id: first.data.id },
    ]);
    expect(await cli.json(RELEASE, env())).toMatchObject({ code: 0, data: { key: 'ROLL-2', created: true } });
  });

  it('comments once per comment id, and moves the issue', async () => {
    await cli.run([...RELEASE, '--external-id', 'release-7'], env());
    const comment = [
      'plane',
      'comment',
      'release-7',
      '-w',
      'samsam',
      '-p',
      'ROLL',
      '--text',
      'Stage 1',
      '--comment-id',
      'c1',
    ];
    expect((await cli.run(comment, env())).code).toBe(0);
    expect((await cli.run(comment, env())).out).toContain('Commented on ROLL-1');
    const state = ['plane', 'state', 'release-7', '-w', 'samsam', '-p', 'ROLL', '--to', 'done'];
    expect(await cli.run(state, env())).toMatchObject({
      code: 0,
      out: expect.stringContaining('Moved ROLL-1 to done'),
    });
    expect(plane.history.slice(1)).toEqual([
      { on: 'ROLL-1', comment: '<p>Stage 1</p>', externalId: 'c1' },
      { on: 'ROLL-1', changed: 'state', from: 'In Progress', to: 'Done' },
    ]);
  });

  it('tells what it is warned of, and goes on', async () => {
    plane.dropLabels(true);
    const { code, out } = await cli.run(RELEASE, env());
    expect([code, out]).toEqual([0, expect.stringContaining('warning: Plane left out the labels release')]);
  });

  it.each([
    ['a missing key', { PLANE_API_KEY: '' }, 2, 'PLANE_NOT_SET'],
    ['a missing address', { PLANE_BASE_URL: '' }, 2, 'PLANE_NOT_SET'],
    ['an address that is none', { PLANE_BASE_URL: 'plane' }, 2, 'PLANE_NOT_SET'],
    ['a key that is refused', { PLANE_API_KEY: 'plane_api_wrong' }, 1, 'TRACKER_REFUSED'],
    ['a port where nobody listens', { PLANE_BASE_URL: 'http://127.0.0.1:1' }, 3, 'TRACKER_UNREACHABLE'],
  ])('says what to do about %s, and never the key', async (_, change, code, name) => {
    const run = await cli.run(RELEASE, env(change));
    expect([run.code, run.err]).toEqual([code, expect.stringContaining(`error ${name}: `)]);
    expect(run.err + run.out).not.toMatch(/plane_api_/);
  });

  it('refuses a priority that is none, and an issue that is not there', async () => {
    expect((await cli.run(RELEASE.with(RELEASE.indexOf('2'), '7'), env())).code).toBe(2);
    const words = ['plane', 'comment', 'nope', '-w', 'samsam', '-p', 'ROLL', '--text', 'x'];
    expect(await cli.run(words, env())).toMatchObject({
      code: 1,
      err: expect.stringContaining('no issue with the external id "nope"'),
    });
  });
});
