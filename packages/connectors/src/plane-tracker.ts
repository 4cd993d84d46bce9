import { isNamed, type PlaneApi, type PlaneProject, type PlaneState, planeApi } from './plane-api.ts';
import type { TokenBucket } from './token-bucket.ts';
import type { IssueDraft, TrackedIssue, Tracker, TrackerPriority, TrackerResult, TrackerStatus } from './tracker.ts';
import {
  field,
  openTrackerWay,
  refusedRequest,
  refusedSetup,
  settled,
  TrackerFailure,
  textField,
} from './tracker-http.ts';
import { htmlOf } from './tracker-text.ts';
import type { AddressLookup, UrlPolicy } from './url-guard.ts';

/** A Plane to keep issues in. */
export type PlaneOptions = {
  readonly name: string;
  /** Of the API: `https://api.plane.so`, or that of a self-hosted web app. */
  readonly url: string;
  /** A personal access token: never shown. Its owner must be a member of the project. */
  readonly apiKey: string;
  /** Slug of the workspace. */
  readonly workspace: string;
  /** Name, identifier or id of the project. Default: every draft names one. */
  readonly project?: string;
  /** Where people read issues. Default: `https://app.plane.so` for the cloud, else `url`. */
  readonly webUrl?: string;
  /** Names of states for where a rollout stands. Default: Done, Cancelled; while it is aborted the state stays as it is. */
  readonly states?: { readonly aborted?: string; readonly done?: string; readonly cancelled?: string };
  readonly policy: UrlPolicy;
  /** Shared by all that use the same key: Plane counts requests per key. */
  readonly bucket: TokenBucket;
  readonly timeoutMs?: number;
  readonly lookup?: AddressLookup;
};

/** What Plane calls priorities, by ours. */
const PRIORITIES = ['none', 'urgent', 'high', 'medium', 'low'] as const;
const GROUPS = { working: 'started', aborted: 'started', done: 'completed', cancelled: 'cancelled' } as const;
const SOURCE = 'rampart';
const LONGEST_TITLE = 255;
const CLOUD_API = 'https://api.plane.so';
const CLOUD_WEB = 'https://app.plane.so';

/** A tracker that also finds what it did not make in this process. */
export type PlaneTracker = Tracker & {
  /** The issue with an external id, in the project of the settings; absent where there is none. */
  readonly findIssue: (
    externalId: string,
    signal: AbortSignal,
  ) => Promise<TrackerResult<{ readonly issue?: TrackedIssue }>>;
};

/** A tracker that keeps issues as work items of Plane (v1.3). @throws ConnectorError `URL_REFUSED` */
export function planeTracker(options: PlaneOptions): PlaneTracker {
  const ask = openTrackerWay({
    ...options,
    system: 'Plane',
    headers: { 'x-api-key': options.apiKey },
    secrets: [options.apiKey],
  });
  const api = planeApi(ask, options.workspace);
  const ensure = (draft: IssueDraft, parent: string | undefined, signal: AbortSignal) =>
    settled(ensureIssue(api, options, { draft, parent }, signal));
  return {
    name: options.name,
    findIssue: (externalId, signal) => settled(findIssue(api, options, externalId, signal)),
    ensureIssue: (draft, signal) => ensure(draft, undefined, signal),
    ensureTask: (parent, draft, signal) =>
      ensure({ ...draft, project: draft.project ?? parent.project }, parent.id, signal),
    comment: (issue, { externalId, text }, signal) => {
      const body = { comment_html: htmlOf(text), ...externalOf(externalId) };
      return settled(post(api, issue, { path: 'comments', body }, signal));
    },
    link: (issue, { title, url }, signal) => settled(post(api, issue, { path: 'links', body: { title, url } }, signal)),
    transition: (issue, { status, state, priority }, signal) =>
      settled(transition(api, issue, { state: stateNameOf(options, status, state), status, priority }, signal)),
  };
}

const externalOf = (externalId: string | undefined) =>
  externalId === undefined ? {} : { external_source: SOURCE, external_id: externalId };

/** `undefined`: it stays in the state it is in. */
function stateNameOf({ states = {} }: PlaneOptions, status: TrackerStatus, working: string): string | undefined {
  return { working, aborted: states.aborted, done: states.done ?? 'Done', cancelled: states.cancelled ?? 'Cancelled' }[
    status
  ];
}

type Ensured = TrackerResult<{ readonly issue: TrackedIssue; readonly isNew: boolean }>;
type Wanted = { readonly draft: IssueDraft; readonly parent: string | undefined };

async function ensureIssue(
  api: PlaneApi,
  options: PlaneOptions,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Ensured> {
  const project = await projectOf(api, options, wanted.draft.project, signal);
  const found = await lookUp(api, project.id, wanted.draft.externalId, signal);
  if (found !== undefined) return { kind: 'done', issue: issueOf(found, project, options), isNew: false };
  const { item, warnings, isNew } = await create(api, project.id, wanted, signal);
  return { kind: 'done', issue: issueOf(item, project, options), isNew, ...(warnings.length > 0 && { warnings }) };
}

function projectOf(
  api: PlaneApi,
  options: PlaneOptions,
  named: string | undefined,
  signal: AbortSignal,
): Promise<PlaneProject> {
  const name = named ?? options.project;
  if (name !== undefined) return api.project(name, signal);
  throw refusedSetup(`tracker ${options.name} has no project; name one in the settings or in the plan`);
}

function issueOf(item: unknown, project: PlaneProject, options: PlaneOptions): TrackedIssue {
  const key = `${project.identifier}-${field(item, 'sequence_id')}`;
  const url = `${webUrlOf(options)}/${encodeURIComponent(options.workspace)}/browse/${key}/`;
  return { id: textField(item, 'id'), key, url, project: project.id };
}

async function findIssue(
  api: PlaneApi,
  options: PlaneOptions,
  externalId: string,
  signal: AbortSignal,
): Promise<TrackerResult<{ readonly issue?: TrackedIssue }>> {
  const project = await projectOf(api, options, undefined, signal);
  const found = await lookUp(api, project.id, externalId, signal);
  return { kind: 'done', ...(found !== undefined && { issue: issueOf(found, project, options) }) };
}

function webUrlOf({ url, webUrl }: PlaneOptions): string {
  const base = url.replace(/\/+$/, '');
  return webUrl?.replace(/\/+$/, '') ?? (base === CLOUD_API ? CLOUD_WEB : base);
}

/**
 * The work item with an external id: one object, not a page. Whatever else Plane answers, whether there is one shows when
 * it is created: 409 (this lookup fails with 500 where there are two).
 */
async function lookUp(
  api: PlaneApi,
  project: string,
  externalId: string | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  if (externalId === undefined) return undefined;
  const query = `?external_id=${encodeURIComponent(externalId)}&external_source=${SOURCE}`;
  try {
    const { status, json } = await api.inProject(project, { method: 'GET', path: 'work-items', query }, signal);
    return status === 200 && textField(json, 'id') !== '' ? json : undefined;
  } catch (error) {
    if (error instanceof TrackerFailure && error.status === 500) return undefined;
    throw error;
  }
}

type Created = { readonly item: unknown; readonly warnings: readonly string[]; readonly isNew: boolean };

async function create(api: PlaneApi, project: string, wanted: Wanted, signal: AbortSignal): Promise<Created> {
  const first = await createOnce(api, project, wanted, signal);
  if (!('refused' in first)) return first;
  // A state or label that was looked up may be gone.
  api.forget();
  const second = await createOnce(api, project, wanted, signal);
  if (!('refused' in second)) return second;
  throw second.status === 404
    ? refusedSetup(`Plane does not know the project any more (status 404: ${second.refused})`)
    : refusedRequest(`Plane refused the issue (status ${second.status}: ${second.refused})`);
}

type Refused = { readonly refused: string; readonly status: number };

async function createOnce(
  api: PlaneApi,
  project: string,
  { draft, parent }: Wanted,
  signal: AbortSignal,
): Promise<Created | Refused> {
  const state = stateOf(await api.states(project, signal), draft.state, 'working');
  const labels: string[] = [];
  for (const name of draft.labels) labels.push((await api.label(project, name, signal)).id);
  const body = {
    name: draft.title.slice(0, LONGEST_TITLE),
    description_html: htmlOf(draft.text),
    priority: PRIORITIES[draft.priority],
    ...(state.id !== undefined && { state: state.id }),
    labels,
    ...(parent !== undefined && { parent }),
    ...externalOf(draft.externalId),
  };
  const { status, json, said } = await api.inProject(project, { method: 'POST', path: 'work-items', body }, signal);
  const id = textField(json, 'id');
  if (status === 201)
    return { item: json, isNew: true, warnings: [...state.warnings, ...droppedLabels(json, draft.labels, labels)] };
  if (status !== 409 || id === '') return { refused: said, status };
  const path = `work-items/${encodeURIComponent(id)}`;
  const held = await api.inProject(project, { method: 'GET', path }, signal);
  if (held.status === 200) return { item: held.json, isNew: false, warnings: [] };
  throw refusedRequest(
    `Plane has an issue with this external id that it does not show (status ${held.status}: ${held.said}); restore it, or delete it for good`,
  );
}

/** Plane leaves labels out without a word; only what it answers tells. */
function droppedLabels(item: unknown, names: readonly string[], sent: readonly string[]): readonly string[] {
  const labels = field(item, 'labels');
  const kept = Array.isArray(labels) ? labels : [];
  const dropped = names.filter((_, i) => !kept.includes(sent[i]));
  return dropped.length === 0 ? [] : [`Plane left out the labels ${dropped.join(', ')}`];
}

/** By name whatever the case, else the first of the group that stands for it. */
function stateOf(states: readonly PlaneState[], name: string, status: TrackerStatus) {
  const named = states.find((state) => state.id === name || isNamed(state, name));
  if (named !== undefined) return { id: named.id, warnings: [] };
  const [first] = states.filter(({ group }) => group === GROUPS[status]).toSorted((a, b) => a.sequence - b.sequence);
  const instead = first === undefined ? 'the state was left as it is' : `${first.name} was used`;
  return { id: first?.id, warnings: [`Plane has no state ${JSON.stringify(name)} in the project: ${instead}`] };
}

/** Adds something to an issue; that it is there already is success. */
async function post(
  api: PlaneApi,
  { id, project }: TrackedIssue,
  { path, body }: { readonly path: 'comments' | 'links'; readonly body: unknown },
  signal: AbortSignal,
): Promise<TrackerResult> {
  const at = `work-items/${encodeURIComponent(id)}/${path}`;
  const { status, json, said } = await api.inProject(project, { method: 'POST', path: at, body }, signal);
  const isThere = status === 409 ? textField(json, 'id') !== '' : status === 400 && /already exists/i.test(said);
  if (status === 201 || isThere) return { kind: 'done' };
  throw refusedRequest(`Plane refused it (status ${status}: ${said})`);
}

type Change = {
  readonly state: string | undefined;
  readonly status: TrackerStatus;
  readonly priority?: TrackerPriority;
};

async function transition(
  api: PlaneApi,
  issue: TrackedIssue,
  change: Change,
  signal: AbortSignal,
): Promise<TrackerResult> {
  const first = await transitionOnce(api, issue, change, signal);
  if (!('refused' in first)) return first;
  api.forget();
  const second = await transitionOnce(api, issue, change, signal);
  if (!('refused' in second)) return second;
  throw refusedRequest(`Plane refused the change (status ${second.status}: ${second.refused})`);
}

async function transitionOnce(
  api: PlaneApi,
  { id, project }: TrackedIssue,
  { state: name, status: standing, priority }: Change,
  signal: AbortSignal,
): Promise<(TrackerResult & { kind: 'done' }) | Refused> {
  const state =
    name === undefined ? { id: undefined, warnings: [] } : stateOf(await api.states(project, signal), name, standing);
  const body = {
    ...(priority !== undefined && { priority: PRIORITIES[priority] }),
    ...(state.id !== undefined && { state: state.id }),
  };
  if (Object.keys(body).length === 0) return { kind: 'done', warnings: state.warnings };
  const path = `work-items/${encodeURIComponent(id)}`;
  const { status, said } = await api.inProject(project, { method: 'PATCH', path, body }, signal);
  if (status === 200) return { kind: 'done', ...(state.warnings.length > 0 && { warnings: state.warnings }) };
  return { refused: said, status };
}
