import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PlaneFake, startPlaneFake } from '../../../spec/plane-fake.ts';
import { ENDLESS } from '../../../spec/tracker-fake.ts';
import { ConnectorError } from './connector-error.ts';
import { type PlaneOptions, planeTracker } from './plane-tracker.ts';
import { tokenBucket } from './token-bucket.ts';
import { CONTRACT_DRAFT, type TrackerBehaviour, type TrackerHarness, trackerContract } from './tracker.contract.ts';

const never = new AbortController().signal;
let plane: PlaneFake;
beforeEach(async () => {
  plane = await startPlaneFake();
});
afterEach(async () => {
  // Client and fake are held to the same document, in every test.
  const { violations } = plane;
  await plane.stop();
  expect(violations).toEqual([]);
});

const open = (change: Partial<PlaneOptions> = {}) =>
  planeTracker({
    ...{ name: 'plane', url: plane.url, apiKey: plane.apiKey, workspace: 'samsam', project: 'roll', bucket: ENDLESS },
    ...{ policy: { allowPrivate: true }, timeoutMs: 20_000, ...change },
  });

function harness(): TrackerHarness {
  let timeoutMs = 20_000;
  return {
    // Opened anew with each behaviour: a short patience is for the tracker that hangs only.
    get tracker() {
      return open({ timeoutMs });
    },
    given: (behaviour: TrackerBehaviour) => {
      timeoutMs = behaviour === 'hangs' ? 50 : 20_000;
      plane.given(behaviour);
    },
    history: () => plane.history,
    strayed: plane.strayed,
    flooded: plane.flooded,
    secrets: [plane.apiKey],
  };
}

describe('planeTracker keeps the contract of trackers', () => {
  it.each(trackerContract)('$name', ({ run }) => run(harness()));
});

describe('planeTracker', () => {
  const made = async (tracker = open()) => {
    const result = await tracker.ensureIssue(CONTRACT_DRAFT, never);
    if (result.kind !== 'done') throw new Error(JSON.stringify(result));
    return result;
  };

  it('makes the work item as Plane wants it: priority in words, state and labels by id, escaped HTML', async () => {
    const { issue, isNew } = await made();
    expect([issue.key, issue.url, isNew]).toEqual(['ROLL-1', `${plane.url}/samsam/browse/ROLL-1/`, true]);
    expect(plane.history).toEqual([
      {
        made: 'ROLL-1',
        name: CONTRACT_DRAFT.title,
        state: 'In Progress',
        priority: 'high',
        labels: ['release'],
        externalId: 'rollout:r1',
        description: '<p>&lt;script&gt;alert(1)&lt;/script&gt; @someone #1</p>',
      },
    ]);
    const sent = plane.seen.filter(({ method }) => method === 'POST').at(-1);
    expect(JSON.parse(sent?.body ?? '')).toMatchObject({ priority: 'high', external_source: 'rampart' });
    expect(plane.seen.every(({ url }) => url.pathname.endsWith('/'))).toBe(true);
    expect(plane.seen.every(({ headers }) => headers['x-api-key'] === plane.apiKey)).toBe(true);
  });

  it.each([
    [0, 'none'],
    [1, 'urgent'],
    [2, 'high'],
    [3, 'medium'],
    [4, 'low'],
  ] as const)('calls priority %i %s', async (priority, word) => {
    await open().ensureIssue({ ...CONTRACT_DRAFT, priority }, never);
    expect(plane.history[0]).toMatchObject({ priority: word });
  });

  it('finds project, state and label whatever the case, over pages, and looks each up once', async () => {
    const tracker = open({ project: 'rOLLOUTS' });
    for (const externalId of ['a', 'b'])
      await tracker.ensureIssue({ ...CONTRACT_DRAFT, externalId, state: 'in progress', labels: ['Release'] }, never);
    await tracker.ensureIssue({ ...CONTRACT_DRAFT, externalId: 'c', labels: ['RELEASE'] }, never);
    expect(plane.history.map(({ state }) => state)).toEqual(['In Progress', 'In Progress', 'In Progress']);
    expect(plane.labelNames()).toEqual(['Release']);
    const lists = plane.seen.filter(({ method, url }) => method === 'GET' && url.searchParams.has('per_page'));
    const firsts = lists
      .filter(({ url }) => !url.searchParams.has('cursor'))
      .map(({ url }) => url.pathname.split('/').at(-2));
    expect(firsts.toSorted()).toEqual(['labels', 'labels', 'projects', 'states']);
    expect(lists.every(({ url }) => url.searchParams.get('per_page') === '100')).toBe(true);
  });

  it('takes the first state of the group where the named one is missing, and says so', async () => {
    const result = await open().ensureIssue({ ...CONTRACT_DRAFT, state: 'Rolling' }, never);
    expect(result).toMatchObject({ warnings: ['Plane has no state "Rolling" in the project: In Progress was used'] });
    expect(plane.history[0]).toMatchObject({ state: 'In Progress' });
  });

  it('says which labels Plane left out without a word', async () => {
    plane.dropLabels(true);
    expect(await made()).toMatchObject({ warnings: ['Plane left out the labels release'] });
  });

  it('looks up anew when a state it remembers is gone', async () => {
    const tracker = open();
    const { issue } = await made(tracker);
    plane.removeState('Done');
    const end = { status: 'done', state: 'In Progress', priority: 2 } as const;
    expect(await tracker.transition(issue, end, never)).toEqual({
      kind: 'done',
      warnings: ['Plane has no state "Done" in the project: the state was left as it is'],
    });
  });

  it('keeps the state while a rollout is aborted, unless the settings name one', async () => {
    const { issue } = await made();
    const abort = { status: 'aborted', state: 'In Progress', priority: 1 } as const;
    await open().transition(issue, abort, never);
    expect(plane.history.slice(1)).toEqual([{ on: 'ROLL-1', changed: 'priority', from: 'high', to: 'urgent' }]);
    await open({ states: { aborted: 'Cancelled' } }).transition(issue, abort, never);
    expect(plane.history.at(-1)).toEqual({ on: 'ROLL-1', changed: 'state', from: 'In Progress', to: 'Cancelled' });
  });

  it('finds the issue by the conflict where the lookup fails, as it does for two with one external id', async () => {
    const { issue } = await made();
    plane.duplicate('rollout:r1');
    expect(await made()).toMatchObject({ isNew: false, issue });
  });

  it('makes no second issue for one that is in the archive, and says what to do', async () => {
    await made();
    plane.archive('rollout:r1');
    const result = await open().ensureIssue(CONTRACT_DRAFT, never);
    expect(result).toMatchObject({ kind: 'refused', isSetup: false, why: expect.stringContaining('restore it') });
    expect(plane.history).toHaveLength(1);
  });

  it('takes a missing key, a wrong one and a project it may not see as matters of the setup', async () => {
    const wrong = await open({ apiKey: 'plane_api_wrong' }).ensureIssue(CONTRACT_DRAFT, never);
    expect(wrong).toMatchObject({
      kind: 'refused',
      isSetup: true,
      why: expect.stringContaining('credentials (status 403'),
    });
    expect(JSON.stringify(wrong)).not.toContain('plane_api_wrong');
    const elsewhere = await open({ project: 'NOPE' }).ensureIssue(CONTRACT_DRAFT, never);
    expect(elsewhere).toMatchObject({
      isSetup: true,
      why: 'Plane has no project "NOPE" in workspace samsam; it has: OTH, THI, ROLL',
    });
    const away = await open({ workspace: 'nobody' }).ensureIssue(CONTRACT_DRAFT, never);
    expect(away).toMatchObject({ kind: 'refused', isSetup: true });
  });

  it('asks no faster than its bucket gives, and says how long to wait', async () => {
    let now = 1_000_000;
    const tracker = open({ bucket: tokenBucket(10, () => now) });
    await made(tracker);
    const results = [
      await tracker.ensureIssue(CONTRACT_DRAFT, never),
      await tracker.ensureIssue(CONTRACT_DRAFT, never),
    ];
    const waits = results.flatMap((result) => (result.kind === 'retry' ? [result.afterMs ?? 0] : []));
    expect(waits.length).toBeGreaterThan(0);
    now += Math.max(...waits);
    expect(await tracker.ensureIssue(CONTRACT_DRAFT, never)).toMatchObject({ kind: 'done' });
  });

  it('lets nobody ask while Plane wants patience', async () => {
    const tracker = open({ bucket: tokenBucket(50, () => 0) });
    const { issue } = await made(tracker);
    plane.given('busy-seconds');
    await tracker.link(issue, { title: 'a', url: 'https://a.example/' }, never);
    plane.given('works');
    const before = plane.seen.length;
    expect(await tracker.link(issue, { title: 'a', url: 'https://a.example/' }, never)).toMatchObject({
      kind: 'retry',
      afterMs: 7_000,
    });
    expect(plane.seen).toHaveLength(before);
  });

  it('is not made of an address that may not be called', () => {
    expect(() => open({ policy: {} })).toThrow(ConnectorError);
    expect(() => open({ url: 'ftp://x' })).toThrow(/^URL_REFUSED: The URL of Plane/);
  });
});

describe.skipIf(!process.env.PLANE_BASE_URL)(
  'planeTracker against a real Plane (PLANE_BASE_URL, PLANE_API_KEY)',
  () => {
    it('does each operation twice and leaves one issue', async () => {
      const {
        PLANE_BASE_URL: url = '',
        PLANE_API_KEY: apiKey = '',
        PLANE_WORKSPACE: workspace = '',
        PLANE_PROJECT: project,
      } = process.env;
      const tracker = planeTracker({
        name: 'live',
        url,
        apiKey,
        workspace,
        project,
        bucket: ENDLESS,
        policy: { allowPrivate: true },
      });
      const draft = { ...CONTRACT_DRAFT, externalId: `rampart-live-test:${Date.now()}` };
      const first = await tracker.ensureIssue(draft, never);
      expect(first).toMatchObject({ kind: 'done', isNew: true });
      expect(await tracker.ensureIssue(draft, never)).toMatchObject({ kind: 'done', isNew: false });
      if (first.kind !== 'done') return;
      for (let n = 0; n < 2; n += 1) {
        const text = { heading: 'A <b>test</b>', lines: ['It may be deleted.'] };
        const results = [
          await tracker.comment(first.issue, { externalId: `${draft.externalId}:1`, text }, never),
          await tracker.link(first.issue, { title: 'Rampart', url: 'https://example.com/rampart' }, never),
          await tracker.transition(first.issue, { status: 'done', state: 'In Progress', priority: 2 }, never),
        ];
        expect(results.map(({ kind }) => kind)).toEqual(['done', 'done', 'done']);
      }
    });
  },
);
