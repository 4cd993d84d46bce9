import { randomUUID } from 'node:crypto';
import type { Reply, Seen } from '../packages/connectors/src/http-fake.test.support.ts';
import { openApiCheck } from './openapi-check.ts';
import { startTrackerFake, type TrackerFake } from './tracker-fake.ts';

/** Something a person sees in the history of a work item. */
export type PlaneEntry = Readonly<Record<string, unknown>>;

/** A Plane v1.3.1 in memory, over HTTP, with the quirks that were recorded of it. */
export type PlaneFake = TrackerFake & {
  readonly apiKey: string;
  /** All that was made and changed, in order; states and labels by name. A change to what it is already leaves nothing. */
  readonly history: PlaneEntry[];
  /** What in any exchange was not as `spec/plane-openapi.json` has it. */
  readonly violations: string[];
  readonly labelNames: () => readonly string[];
  /** Adds a label of another project, or a work item with an external id twice. */
  readonly dropLabels: (drops: boolean) => void;
  readonly duplicate: (externalId: string) => void;
  readonly removeState: (name: string) => void;
  readonly archive: (externalId: string) => void;
};

type Named = { readonly id: string; readonly name: string; readonly group?: string; readonly sequence?: number };
type Item = Record<string, unknown> & { id: string; external_id: string | null; labels: string[]; state: string };

const SLUG = 'samsam';
const PROJECT = { id: '5b1f6a52-0b50-4d6e-9a55-000000000001', name: 'Rollouts', identifier: 'ROLL' };
const OTHER = { id: '5b1f6a52-0b50-4d6e-9a55-000000000002', name: 'Other', identifier: 'OTH' };
const STATES: readonly (readonly [string, string])[] = [
  ['Backlog', 'backlog'],
  ['Todo', 'unstarted'],
  ['In Progress', 'started'],
  ['Done', 'completed'],
  ['Cancelled', 'cancelled'],
];
const RATE_HEADERS = { 'x-ratelimit-remaining': '59', 'x-ratelimit-reset': '1800000000' };
const MISSING: Reply = { status: 404, body: { error: 'The requested resource does not exist.' } };

const conflict = (what: string, id: string): Reply => ({ status: 409, body: { error: what, id } });
const externalConflict = (what: string, id: string) =>
  conflict(`${what} with the same external id and external source already exists`, id);

const check = openApiCheck(new URL('./plane-openapi.json', import.meta.url));

/** Starts it with the workspace `samsam` and the projects Rollouts (ROLL) and Other (OTH). */
export async function startPlaneFake(apiKey = `plane_api_${randomUUID().replaceAll('-', '')}`): Promise<PlaneFake> {
  const history: PlaneEntry[] = [];
  const violations: string[] = [];
  let states: Named[] = STATES.map(([name, group], i) => ({
    id: randomUUID(),
    name,
    group,
    sequence: 15_000 * (i + 1),
  }));
  const labels: Named[] = [];
  const items: Item[] = [];
  const comments: { id: string; external_id: string | null }[] = [];
  const links: { item: string; url: string }[] = [];
  let drops = false;

  const stateName = (id: unknown) => states.find((state) => state.id === id)?.name;
  const keyOf = (item: Item) => `${PROJECT.identifier}-${item.sequence_id}`;
  const page = (all: readonly unknown[], { url }: Seen): Reply => {
    const perPage = Math.min(2, Number(url.searchParams.get('per_page') ?? 1000));
    const [, at = '0'] = (url.searchParams.get('cursor') ?? '').split(':');
    const from = Number(at) * perPage;
    const results = all.slice(from, from + perPage);
    return {
      body: {
        ...{ grouped_by: null, sub_grouped_by: null, total_count: all.length, count: results.length },
        ...{ next_cursor: `${perPage}:${Number(at) + 1}:0`, prev_cursor: `${perPage}:${Number(at) - 1}:1` },
        ...{ next_page_results: from + perPage < all.length, prev_page_results: from > 0 },
        ...{ total_pages: Math.ceil(all.length / perPage), total_results: all.length, extra_stats: null, results },
      },
    };
  };
  const wrongIn = (body: Record<string, unknown>): Reply | undefined => {
    const { priority, state } = body;
    if (priority !== undefined && !['urgent', 'high', 'medium', 'low', 'none'].includes(String(priority)))
      return { status: 400, body: { priority: [`"${priority}" is not a valid choice.`] } };
    if (state !== undefined && stateName(state) === undefined)
      return { status: 400, body: { non_field_errors: ['State is not valid please pass a valid state_id'] } };
    return undefined;
  };
  const createItem = (body: Record<string, unknown>): Reply => {
    const { external_id: externalId = null } = body;
    const holder = items.find((item) => externalId !== null && item.external_id === externalId);
    if (holder !== undefined) return externalConflict('Issue', holder.id);
    const wrong = wrongIn(body);
    if (wrong !== undefined) return wrong;
    if (typeof body.name !== 'string') return { status: 400, body: { name: ['This field is required.'] } };
    const sent = Array.isArray(body.labels) ? body.labels : [];
    const kept = drops ? [] : sent.filter((id) => labels.some((label) => label.id === id));
    const now = new Date(0).toISOString();
    const item: Item = {
      ...{ priority: 'none', description_html: '<p></p>', parent: null, assignees: [], ...body },
      ...{ id: randomUUID(), sequence_id: items.length + 1, project: PROJECT.id, workspace: OTHER.id },
      ...{ external_source: body.external_source ?? null, external_id: externalId as string | null },
      ...{ state: String(body.state ?? states[0]?.id), labels: kept, completed_at: null, archived_at: null },
      ...{ created_at: now, updated_at: now },
    };
    items.push(item);
    const parent = items.find(({ id }) => id === body.parent);
    history.push({
      ...{ made: keyOf(item), name: item.name, state: stateName(item.state), priority: item.priority },
      labels: kept.map((id) => labels.find((label) => label.id === id)?.name),
      ...{ externalId, description: item.description_html, ...(parent && { parent: keyOf(parent) }) },
    });
    return { status: 201, body: item };
  };
  const patchItem = (item: Item, body: Record<string, unknown>): Reply => {
    const wrong = wrongIn(body);
    if (wrong !== undefined) return wrong;
    for (const [name, value] of Object.entries(body)) {
      if (item[name] === value) continue;
      const shown = (one: unknown) => (name === 'state' ? stateName(one) : one);
      history.push({ on: keyOf(item), changed: name, from: shown(item[name]), to: shown(value) });
      item[name] = value;
    }
    const group = states.find(({ id }) => id === item.state)?.group;
    item.completed_at = group === 'completed' ? new Date(0).toISOString() : null;
    return { body: item };
  };
  const comment = (item: Item, body: Record<string, unknown>): Reply => {
    const externalId = (body.external_id as string | undefined) ?? null;
    const holder = comments.find((one) => externalId !== null && one.external_id === externalId);
    if (holder !== undefined) return externalConflict('Issue Comment', holder.id);
    const made = { id: randomUUID(), external_id: externalId };
    comments.push(made);
    history.push({ on: keyOf(item), comment: body.comment_html, externalId });
    return { status: 201, body: { ...body, ...made, external_source: body.external_source ?? null, issue: item.id } };
  };
  const link = (item: Item, body: Record<string, unknown>): Reply => {
    if (links.some((one) => one.item === item.id && one.url === body.url))
      return { status: 400, body: { error: 'URL already exists for this Issue' } };
    links.push({ item: item.id, url: String(body.url) });
    history.push({ on: keyOf(item), link: body.url, title: body.title });
    return { status: 201, body: { id: randomUUID(), issue: item.id, title: '', ...body } };
  };
  const named = (all: Named[], body: Record<string, unknown>, what: string, status: number): Reply => {
    const name = String(body.name);
    const holder = all.find((one) => one.name === name);
    if (holder !== undefined) return conflict(`${what} with the same name already exists in the project`, holder.id);
    const made = { group: 'started', sequence: 65_535, ...body, id: randomUUID(), name };
    all.push(made);
    return { status, body: made };
  };
  const listItems = (seen: Seen): Reply => {
    const externalId = seen.url.searchParams.get('external_id');
    if (externalId === null) return page(items, seen);
    const found = items.filter((item) => item.external_id === externalId);
    if (found.length > 1) return { status: 500, body: { error: 'Something went wrong please try again later' } };
    return found[0] === undefined || found[0].archived_at !== null ? MISSING : { body: found[0] };
  };
  const itemReply = (
    seen: Seen,
    id: string | undefined,
    part: string | undefined,
    body: Record<string, unknown>,
  ): Reply => {
    const item = items.find((one) => one.id === id && one.archived_at === null);
    if (item === undefined) return MISSING;
    if (part === 'comments') return comment(item, body);
    if (part === 'links') return link(item, body);
    return seen.method === 'PATCH' ? patchItem(item, body) : { body: item };
  };
  const route = (seen: Seen): Reply => {
    const [, api, , , slug, , project, kind, id, part] = seen.url.pathname.split('/');
    const body = seen.body === '' ? {} : (JSON.parse(seen.body) as Record<string, unknown>);
    const isPost = seen.method === 'POST';
    if (seen.url.pathname === '/api/v1/users/me/') return { body: { id: OTHER.id } };
    if (api !== 'api' || slug !== SLUG) return MISSING;
    if (project === '') return page([OTHER, { id: randomUUID(), name: 'Third', identifier: 'THI' }, PROJECT], seen);
    if (project !== PROJECT.id) return MISSING;
    if (kind === 'states') return isPost ? named(states, body, 'State', 200) : page(states, seen);
    if (kind === 'labels') return isPost ? named(labels, body, 'Label', 201) : page(labels, seen);
    if (kind !== 'work-items') return MISSING;
    if (id === '') return isPost ? createItem(body) : listItems(seen);
    return itemReply(seen, id, part, body);
  };
  const answer = (seen: Seen): Reply => {
    // Django redirects what may be read and has no body, and does not find the rest.
    if (!seen.url.pathname.endsWith('/'))
      return { status: seen.method === 'GET' ? 301 : 404, headers: { location: `${seen.url.pathname}/` }, body: '' };
    const key = seen.headers['x-api-key'];
    const denied =
      key === undefined
        ? { status: 401, body: { detail: 'Authentication credentials were not provided.' } }
        : key === apiKey
          ? undefined
          : { status: 403, body: { detail: 'Given API token is not valid' } };
    const reply = denied ?? { headers: RATE_HEADERS, ...route(seen) };
    violations.push(...check(seen, reply));
    return reply;
  };

  const fake = await startTrackerFake(answer, {
    refuses: { status: 400, body: { name: ['This is not what it should be.'] } },
    busy: { error_code: 5900, error_message: 'RATE_LIMIT_EXCEEDED' },
    forbids: { status: 403, body: { detail: `Given API token is not valid: ${apiKey}` } },
  });
  const mine = {
    ...{ apiKey, history, violations, labelNames: () => labels.map(({ name }) => name) },
    dropLabels: (does: boolean) => {
      drops = does;
    },
    duplicate: (externalId: string) => {
      const one = items.find((item) => item.external_id === externalId);
      if (one !== undefined) items.push({ ...one, id: randomUUID(), sequence_id: items.length + 1 });
    },
    removeState: (name: string) => {
      states = states.filter((state) => state.name !== name);
    },
    archive: (externalId: string) => {
      const one = items.find((item) => item.external_id === externalId);
      if (one !== undefined) one.archived_at = new Date(0).toISOString();
    },
  };
  return Object.assign(fake, mine);
}
