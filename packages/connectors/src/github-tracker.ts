import { type GitHubApi, gitHubApi, gitHubLimit } from './github-api.ts';
import type { TokenBucket } from './token-bucket.ts';
import type {
  IssueDraft,
  TrackedIssue,
  Tracker,
  TrackerDeployment,
  TrackerResult,
  TrackerTransition,
} from './tracker.ts';
import { field, openTrackerWay, settled, textField } from './tracker-http.ts';
import { markdownOf } from './tracker-text.ts';
import type { AddressLookup, UrlPolicy } from './url-guard.ts';

/** A repository of GitHub to keep issues and deployments in. */
export type GitHubOptions = {
  readonly name: string;
  /** Default: `https://api.github.com`; of an Enterprise Server: `https://HOST/api/v3`. */
  readonly url?: string;
  /** A token that may write issues, and deployments where `ref` is set: never shown. */
  readonly token: string;
  /** `owner/name`. */
  readonly repository: string;
  /** Branch, tag or commit that deployments name. Default: no deployments. */
  readonly ref?: string;
  readonly policy: UrlPolicy;
  readonly bucket: TokenBucket;
  readonly timeoutMs?: number;
  readonly lookup?: AddressLookup;
  /** Epoch milliseconds. */
  readonly now: () => number;
};

const URGENT = 1;
const URGENT_LABEL = 'urgent';
const LONGEST_TITLE = 255;
const LONGEST_DESCRIPTION = 140;
const DAY_MS = 86_400_000;

/**
 * A tracker that keeps issues in GitHub, and a deployment of each stage. GitHub knows no external ids: what is ours is found
 * again by a marker in its body, a deployment by its task. @throws ConnectorError `URL_REFUSED`
 */
export function gitHubTracker(options: GitHubOptions): Tracker {
  const { token, repository, ref, now } = options;
  const ask = openTrackerWay(
    {
      ...options,
      system: 'GitHub',
      url: options.url ?? 'https://api.github.com',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
      },
      secrets: [token],
    },
    (answer) => gitHubLimit(answer, now()),
  );
  const api = gitHubApi(ask, repository, token);
  const ensure = (draft: IssueDraft, signal: AbortSignal) => settled(ensureIssue(api, repository, draft, signal));
  return {
    name: options.name,
    ensureIssue: ensure,
    ensureTask: (parent, draft, signal) => ensure({ ...draft, text: withParent(draft, parent) }, signal),
    comment: (issue, comment, signal) => settled(commentOn(api, issue, comment, signal)),
    link: (issue, link, signal) => settled(linkFrom(api, issue, link, signal)),
    transition: (issue, change, signal) => settled(transition(api, issue, change, signal)),
    ...(ref !== undefined && {
      deployment: (deployment, signal) => settled(deploy(api, { ref, ...deployment }, signal)),
    }),
  };
}

function withParent({ text }: IssueDraft, { key, url }: TrackedIssue): IssueDraft['text'] {
  return { ...text, links: [...(text.links ?? []), { title: `Part of ${key}`, url }] };
}

type Ensured = TrackerResult<{ readonly issue: TrackedIssue; readonly isNew: boolean }>;

async function ensureIssue(
  api: GitHubApi,
  repository: string,
  draft: IssueDraft,
  signal: AbortSignal,
): Promise<Ensured> {
  const { externalId, title, text, labels } = draft;
  const mark = externalId === undefined ? undefined : api.marker(externalId);
  const issueOf = (item: unknown): TrackedIssue => {
    const number = String(field(item, 'number'));
    return { id: number, key: `#${number}`, url: textField(item, 'html_url'), project: repository };
  };
  if (mark !== undefined) {
    // Clocks differ: a day more is looked through.
    const since = new Date(Math.max(0, draft.sinceAt - DAY_MS)).toISOString();
    const query = `?state=all&sort=created&direction=desc&since=${encodeURIComponent(since)}`;
    const found = await api.find('/issues', query, (item) => textField(item, 'body').includes(mark), signal);
    if (found !== undefined) return { kind: 'done', issue: issueOf(found), isNew: false };
  }
  const body = [markdownOf(text), ...(mark === undefined ? [] : [mark])].join('\n\n');
  const wanted = [...labels, ...(draft.priority === URGENT ? [URGENT_LABEL] : [])];
  const request = { title: title.slice(0, LONGEST_TITLE), body, labels: wanted };
  const made = await api.send({ method: 'POST', path: '/issues', body: request }, signal);
  const warnings = droppedLabels(made, wanted);
  return { kind: 'done', issue: issueOf(made), isNew: true, ...(warnings.length > 0 && { warnings }) };
}

/** GitHub leaves labels out without a word where the token may not set them. */
function droppedLabels(item: unknown, wanted: readonly string[]): readonly string[] {
  const labels = field(item, 'labels');
  const kept = Array.isArray(labels) ? labels.map((one) => textField(one, 'name').toLowerCase()) : [];
  const dropped = wanted.filter((name) => !kept.includes(name.toLowerCase()));
  return dropped.length === 0 ? [] : [`GitHub left out the labels ${dropped.join(', ')}`];
}

async function commentOn(
  api: GitHubApi,
  { id }: TrackedIssue,
  { externalId, text }: Parameters<Tracker['comment']>[1],
  signal: AbortSignal,
): Promise<TrackerResult> {
  const path = `/issues/${id}/comments`;
  const mark = externalId === undefined ? undefined : api.marker(externalId);
  const isThere =
    mark !== undefined &&
    (await api.find(path, '', (item) => textField(item, 'body').includes(mark), signal)) !== undefined;
  if (isThere) return { kind: 'done' };
  const body = [markdownOf(text), ...(mark === undefined ? [] : [mark])].join('\n\n');
  await api.send({ method: 'POST', path, body: { body } }, signal);
  return { kind: 'done' };
}

/** GitHub has no links beside an issue: it stands in the body. */
async function linkFrom(
  api: GitHubApi,
  { id }: TrackedIssue,
  link: { readonly title: string; readonly url: string },
  signal: AbortSignal,
): Promise<TrackerResult> {
  const path = `/issues/${id}`;
  const body = textField(await api.send({ method: 'GET', path }, signal), 'body');
  const line = markdownOf({ lines: [], links: [link] });
  if (body.includes(line)) return { kind: 'done' };
  await api.send({ method: 'PATCH', path, body: { body: `${body}\n\n${line}` } }, signal);
  return { kind: 'done' };
}

const CLOSED = {
  done: { state: 'closed', state_reason: 'completed' },
  cancelled: { state: 'closed', state_reason: 'not_planned' },
} as const;

async function transition(
  api: GitHubApi,
  { id }: TrackedIssue,
  { status, priority }: TrackerTransition,
  signal: AbortSignal,
): Promise<TrackerResult> {
  const path = `/issues/${id}`;
  const issue = await api.send({ method: 'GET', path }, signal);
  const isUrgent = droppedLabels(issue, [URGENT_LABEL]).length === 0;
  if (priority === URGENT && !isUrgent)
    await api.send({ method: 'POST', path: `${path}/labels`, body: { labels: [URGENT_LABEL] } }, signal);
  if (priority !== undefined && priority !== URGENT && isUrgent)
    await api.send({ method: 'DELETE', path: `${path}/labels/${URGENT_LABEL}` }, signal);
  const body = status === 'done' || status === 'cancelled' ? CLOSED[status] : { state: 'open' };
  const isSo = textField(issue, 'state') === body.state;
  if (!isSo) await api.send({ method: 'PATCH', path, body }, signal);
  return { kind: 'done' };
}

async function deploy(api: GitHubApi, deployment: TrackerDeployment, signal: AbortSignal): Promise<TrackerResult> {
  const { externalId, status, description, url } = deployment;
  // Tasks are free text that lists can be filtered by.
  const task = `rampart:${externalId}`;
  const query = `?task=${encodeURIComponent(task)}`;
  const isIt = (item: unknown) => textField(item, 'task') === task;
  const found = await api.find('/deployments', query, isIt, signal);
  // A stage that was never seen here needs no end.
  if (found === undefined && status !== 'in_progress') return { kind: 'done' };
  const { environment, ref } = deployment;
  const short = description.slice(0, LONGEST_DESCRIPTION);
  const body = { ref, environment, task, description: short, auto_merge: false, required_contexts: [], payload: {} };
  const made = found ?? (await api.send({ method: 'POST', path: '/deployments', body }, signal));
  const path = `/deployments/${field(made, 'id')}/statuses`;
  const isSaid = (item: unknown) => textField(item, 'state') === status;
  if ((await api.find(path, '', isSaid, signal)) !== undefined) return { kind: 'done' };
  const said = { state: status, description: short, ...(url !== undefined && { log_url: url }) };
  await api.send({ method: 'POST', path, body: said }, signal);
  return { kind: 'done' };
}
