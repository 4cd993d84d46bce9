import { deepEqual, equal, ok } from 'node:assert/strict';
import type { ContractCase } from './contract.ts';
import type { IssueDraft, TrackedIssue, Tracker, TrackerResult } from './tracker.ts';

/** How a tracker behaves towards the next requests, whatever they ask. */
export type TrackerBehaviour =
  | 'works'
  /** The request is one it will never take. */
  | 'refuses'
  /** Knows the key no more. */
  | 'forbids'
  | 'fails'
  /** Too busy, says to come back in 7 seconds. */
  | 'busy-seconds'
  /** Too busy, says to come back at a date 90 seconds from now. */
  | 'busy-date'
  /** Sends elsewhere; the place it names must never be called. */
  | 'redirects'
  /** Takes the request and never answers. */
  | 'hangs'
  /** Answers without an end. */
  | 'floods'
  /** Cuts the connection before it has done anything. */
  | 'cuts'
  /** Does what it is asked, then cuts the connection instead of answering. */
  | 'loses-answers';

/** What the suite asks of whoever runs it on a tracker. */
export type TrackerHarness = {
  readonly tracker: Tracker;
  readonly given: (behaviour: TrackerBehaviour) => Promise<void> | void;
  /** What a person sees in the tracker: issues, what was changed, comments, links, deployments; plain JSON. */
  readonly history: () => unknown;
  /** Requests that reached the place a redirect named, ever. */
  readonly strayed: () => number;
  /** Bytes of endless answers that left it. */
  readonly flooded: () => number;
  /** Texts that must never be told. */
  readonly secrets: readonly string[];
};

const never = new AbortController().signal;

/** A draft for suites: nothing of it is special but its characters. */
export const CONTRACT_DRAFT: IssueDraft = {
  externalId: 'rollout:r1',
  title: 'Release: Feature <XYZ> & more',
  text: { lines: ['<script>alert(1)</script> @someone #1'] },
  priority: 2,
  labels: ['release'],
  state: 'In Progress',
  sinceAt: Date.UTC(2026, 0, 5),
};

async function issueIn({ tracker, given }: TrackerHarness): Promise<TrackedIssue> {
  await given('works');
  const made = await tracker.ensureIssue(CONTRACT_DRAFT, never);
  if (made.kind !== 'done') throw new Error(JSON.stringify(made));
  return made.issue;
}

type Operation = readonly [name: string, run: (tracker: Tracker, issue: TrackedIssue) => Promise<TrackerResult>];

const DEPLOYMENT = {
  externalId: 'rollout:r1:1:canary',
  environment: 'production',
  status: 'in_progress',
  description: 'stage canary',
} as const;
const OPERATIONS: readonly Operation[] = [
  ['an issue', (tracker) => tracker.ensureIssue(CONTRACT_DRAFT, never)],
  [
    'a task',
    (tracker, issue) => tracker.ensureTask(issue, { ...CONTRACT_DRAFT, externalId: 'rollout:r1:cleanup' }, never),
  ],
  [
    'a comment',
    (tracker, issue) =>
      tracker.comment(issue, { externalId: 'rollout:r1:evt:7', text: { lines: ['<b>bold</b>'] } }, never),
  ],
  [
    'a link',
    (tracker, issue) => tracker.link(issue, { title: 'Rollout', url: 'https://r.example/rollouts/r1' }, never),
  ],
  [
    'an abort',
    (tracker, issue) => tracker.transition(issue, { status: 'aborted', state: 'In Progress', priority: 1 }, never),
  ],
  [
    'an end',
    (tracker, issue) => tracker.transition(issue, { status: 'done', state: 'In Progress', priority: 2 }, never),
  ],
  ['a deployment', async (tracker) => (await tracker.deployment?.(DEPLOYMENT, never)) ?? { kind: 'done' }],
];

/** The first operation of each sort that writes, on a tracker that behaves so. */
async function resultsOf(harness: TrackerHarness, behaviour: TrackerBehaviour): Promise<readonly TrackerResult[]> {
  const issue = await issueIn(harness);
  await harness.given(behaviour);
  const results: TrackerResult[] = [];
  for (const [, run] of OPERATIONS) results.push(await run(harness.tracker, issue));
  await harness.given('works');
  return harness.tracker.deployment === undefined ? results.slice(0, -1) : results;
}

function every(results: readonly TrackerResult[], isSo: (result: TrackerResult) => boolean): void {
  ok(results.every(isSo), `received ${JSON.stringify(results)}`);
}

const ALL: readonly TrackerBehaviour[] = [
  'refuses',
  'forbids',
  'fails',
  'busy-seconds',
  'busy-date',
  'redirects',
  'hangs',
  'cuts',
  'loses-answers',
];

/** What every tracker promises. */
export const trackerContract: readonly ContractCase<TrackerHarness>[] = [
  ...OPERATIONS.map(([name, run]) => ({
    name: `does ${name} once, however often it is asked`,
    run: async (harness: TrackerHarness) => {
      const issue = await issueIn(harness);
      equal((await run(harness.tracker, issue)).kind, 'done');
      const after = structuredClone(harness.history());
      equal((await run(harness.tracker, issue)).kind, 'done');
      deepEqual(harness.history(), after);
    },
  })),
  {
    name: 'finds the issue that has the external id, and says that it is not new',
    run: async (harness) => {
      const issue = await issueIn(harness);
      deepEqual(await harness.tracker.ensureIssue(CONTRACT_DRAFT, never), { kind: 'done', issue, isNew: false });
    },
  },
  {
    name: 'makes an issue at every call without an external id',
    run: async (harness) => {
      const issue = await issueIn(harness);
      const { externalId, ...draft } = CONTRACT_DRAFT;
      const other = await harness.tracker.ensureIssue(draft, never);
      ok(other.kind === 'done' && other.isNew && other.issue.id !== issue.id, JSON.stringify(other));
    },
  },
  ...OPERATIONS.map(([name, run]) => ({
    name: `does ${name} once although the answers are lost`,
    run: async (harness: TrackerHarness) => {
      const issue = await issueIn(harness);
      await harness.given('loses-answers');
      equal(
        (await run(harness.tracker, issue)).kind,
        name === 'a deployment' && !harness.tracker.deployment ? 'done' : 'retry',
      );
      await harness.given('works');
      equal((await run(harness.tracker, issue)).kind, 'done');
      const after = structuredClone(harness.history());
      equal((await run(harness.tracker, issue)).kind, 'done');
      deepEqual(harness.history(), after);
    },
  })),
  {
    name: 'is refused for good where the request is wrong, and in its setup where the key is',
    run: async (harness) => {
      every(await resultsOf(harness, 'refuses'), ({ kind }) => kind === 'refused');
      every(await resultsOf(harness, 'forbids'), (result) => result.kind === 'refused' && result.isSetup);
    },
  },
  ...(['fails', 'cuts', 'hangs', 'floods'] as const).map((behaviour) => ({
    name: `asks for another try when the tracker ${behaviour}`,
    run: async (harness: TrackerHarness) => {
      every(await resultsOf(harness, behaviour), (result) => result.kind === 'retry' && result.afterMs === undefined);
      ok(harness.flooded() < 256 * 1024 * 1024, `${harness.flooded()} bytes were taken`);
    },
  })),
  ...[['busy-seconds', 7_000, 7_000] as const, ['busy-date', 30_000, 90_000] as const].map(
    ([behaviour, least, most]) => ({
      name: `waits as long as a ${behaviour} tracker asks`,
      run: async (harness: TrackerHarness) => {
        const issue = await issueIn(harness);
        await harness.given(behaviour);
        const result = await harness.tracker.link(issue, { title: 'Rollout', url: 'https://r.example/' }, never);
        const afterMs = result.kind === 'retry' ? (result.afterMs ?? 0) : 0;
        ok(afterMs >= least && afterMs <= most, `received ${JSON.stringify(result)}`);
      },
    }),
  ),
  {
    name: 'follows no redirect',
    run: async (harness) => {
      every(await resultsOf(harness, 'redirects'), ({ kind }) => kind === 'refused');
      equal(harness.strayed(), 0);
    },
  },
  {
    name: 'ends as retry when it is stopped, before and during an operation',
    run: async (harness) => {
      const issue = await issueIn(harness);
      await harness.given('hangs');
      const link = { title: 'Rollout', url: 'https://r.example/' };
      equal((await harness.tracker.link(issue, link, AbortSignal.abort())).kind, 'retry');
      const stop = new AbortController();
      const linking = harness.tracker.link(issue, link, stop.signal);
      stop.abort();
      equal((await linking).kind, 'retry');
      await harness.given('works');
    },
  },
  {
    name: 'tells no secret in any result',
    run: async (harness) => {
      for (const behaviour of ALL) {
        const told = JSON.stringify(await resultsOf(harness, behaviour));
        for (const secret of harness.secrets) ok(!told.includes(secret), `${behaviour} told ${told}`);
      }
    },
  },
];
