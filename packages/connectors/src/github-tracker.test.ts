import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitHubFake, startGitHubFake } from '../../../spec/github-fake.ts';
import { ENDLESS } from '../../../spec/tracker-fake.ts';
import { type GitHubOptions, gitHubTracker } from './github-tracker.ts';
import { CONTRACT_DRAFT, type TrackerBehaviour, type TrackerHarness, trackerContract } from './tracker.contract.ts';

const NOW = Date.UTC(2026, 0, 5, 9);
const never = new AbortController().signal;
let github: GitHubFake;
beforeEach(async () => {
  github = await startGitHubFake();
});
afterEach(() => github.stop());

const open = (change: Partial<GitHubOptions> = {}) =>
  gitHubTracker({
    ...{ name: 'github', url: github.url, token: github.token, repository: 'acme/shop', ref: 'main', bucket: ENDLESS },
    ...{ policy: { allowPrivate: true }, timeoutMs: 20_000, now: () => NOW, ...change },
  });

function harness(): TrackerHarness {
  let timeoutMs = 20_000;
  return {
    get tracker() {
      return open({ timeoutMs });
    },
    given: (behaviour: TrackerBehaviour) => {
      timeoutMs = behaviour === 'hangs' ? 50 : 20_000;
      github.given(behaviour);
    },
    history: () => github.history,
    strayed: github.strayed,
    flooded: github.flooded,
    secrets: [github.token],
  };
}

describe('gitHubTracker keeps the contract of trackers', () => {
  it.each(trackerContract)('$name', ({ run }) => run(harness()));
});

describe('gitHubTracker', () => {
  const made = async () => {
    const result = await open().ensureIssue(CONTRACT_DRAFT, never);
    if (result.kind !== 'done') throw new Error(JSON.stringify(result));
    return result.issue;
  };

  it('writes Markdown in which nobody is called and nothing is touched, with a marker that only the token makes', async () => {
    const issue = await made();
    expect([issue.key, issue.url]).toEqual(['#1', 'https://github.com/acme/shop/issues/1']);
    const body = String(github.history[0]?.body);
    expect(body).toMatch(
      /^&lt;script>alert\(1\)&lt;\/script> @\u200Bsomeone #\u200B1\n\n<!-- rampart rollout:r1 [0-9a-f]{24} -->$/,
    );
    const headers = github.seen[0]?.headers ?? {};
    expect([headers.accept, headers['x-github-api-version']]).toEqual(['application/vnd.github+json', '2022-11-28']);
  });

  it('takes no issue for ours that only claims to be', async () => {
    github.addIssue('<!-- rampart rollout:r1 -->\n<!-- rampart rollout:r1 000000000000000000000000 -->');
    expect((await made()).key).toBe('#2');
  });

  it('finds its issue among hundreds', async () => {
    const issue = await made();
    for (let n = 0; n < 230; n += 1) github.addIssue('x');
    expect(await made()).toEqual(issue);
  });

  it('closes as completed or not planned, opens again, and shows urgency by a label', async () => {
    const issue = await made();
    const tracker = open();
    const change = (status: 'working' | 'aborted' | 'done' | 'cancelled', priority: 1 | 2) =>
      tracker.transition(issue, { status, state: 'In Progress', priority }, never);
    await change('aborted', 1);
    await change('working', 2);
    await change('done', 2);
    await change('working', 2);
    await change('cancelled', 2);
    expect(github.history.slice(1)).toEqual([
      { on: '#1', labelled: 'urgent' },
      { on: '#1', unlabelled: 'urgent' },
      { on: '#1', changed: 'state', to: 'closed' },
      { on: '#1', changed: 'state_reason', to: 'completed' },
      { on: '#1', changed: 'state', to: 'open' },
      { on: '#1', changed: 'state', to: 'closed' },
      { on: '#1', changed: 'state_reason', to: 'not_planned' },
    ]);
  });

  it('keeps a deployment per stage with its statuses, and ends none that never began', async () => {
    const deploy = (status: 'in_progress' | 'success' | 'failure', stage = 'canary') =>
      open().deployment?.(
        {
          ...{ externalId: `rollout:r1:1:${stage}`, environment: 'production', status },
          ...{ description: 'x'.repeat(200), url: 'https://r.example/rollouts/r1' },
        },
        never,
      );
    await deploy('in_progress');
    await deploy('success');
    expect(await deploy('failure', 'beta')).toEqual({ kind: 'done' });
    const url = 'https://r.example/rollouts/r1';
    expect(github.history).toEqual([
      {
        ...{ deployment: 1, ref: 'main', environment: 'production', task: 'rampart:rollout:r1:1:canary' },
        ...{ description: 'x'.repeat(140), auto_merge: false, required_contexts: [], payload: {} },
      },
      { deployment: 1, status: 'in_progress', url },
      { deployment: 1, status: 'success', url },
    ]);
    expect(open({ ref: undefined }).deployment).toBeUndefined();
  });

  it.each([
    ['a secondary limit with its wait', { 'retry-after': '30' }, 'You have exceeded a secondary rate limit.', 30_000],
    ['a secondary limit without one', {}, 'You have exceeded a secondary rate limit.', 60_000],
    [
      'the primary limit until it is reset',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 600) },
      'API rate limit exceeded for user ID 1.',
      600_000,
    ],
  ])('waits for %s, told as 403', async (_, headers, message, afterMs) => {
    github.instead = () => ({ status: 403, headers, body: { message, documentation_url: 'https://docs.github.com' } });
    const result = await open().ensureIssue(CONTRACT_DRAFT, never);
    expect(result).toMatchObject({ kind: 'retry', afterMs, why: expect.stringContaining(message) });
  });

  it('takes any other 403 for a matter of the token', async () => {
    github.instead = () => ({ status: 403, body: { message: 'Resource not accessible by personal access token' } });
    expect(await open().ensureIssue(CONTRACT_DRAFT, never)).toMatchObject({ kind: 'refused', isSetup: true });
  });

  it('is refused a deployment that conflicts, with what GitHub said', async () => {
    const message = 'Conflict merging main into v2.';
    github.instead = ({ method }) => (method === 'POST' ? { status: 409, body: { message } } : undefined);
    const deployment = { externalId: 'x', environment: 'production', status: 'in_progress', description: '' } as const;
    expect(await open().deployment?.(deployment, never)).toMatchObject({
      kind: 'refused',
      isSetup: false,
      why: expect.stringContaining(message),
    });
  });
});
