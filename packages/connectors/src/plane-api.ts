import { field, refusedRequest, refusedSetup, type TrackerAnswer, type TrackerAsk, textField } from './tracker-http.ts';

/** An object of a project that has a name: a state or a label. */
export type PlaneNamed = { readonly id: string; readonly name: string };
/** A state; `group` is one of backlog, unstarted, started, completed, cancelled, triage. */
export type PlaneState = PlaneNamed & { readonly group: string; readonly sequence: number };
/** A project; `identifier` is what keys of its work items begin with. */
export type PlaneProject = PlaneNamed & { readonly identifier: string };

/** The public API of Plane (v1) as far as it is used: https://developers.plane.so. Every method throws `TrackerFailure`. */
export type PlaneApi = {
  /** By id, identifier or name, whatever the case. */
  readonly project: (wanted: string, signal: AbortSignal) => Promise<PlaneProject>;
  readonly states: (project: string, signal: AbortSignal) => Promise<readonly PlaneState[]>;
  /** The label of that name, made where there is none. */
  readonly label: (project: string, name: string, signal: AbortSignal) => Promise<PlaneNamed>;
  /** A request below a project, `path` with neither slash: for example `work-items`. */
  readonly inProject: (
    project: string,
    request: {
      readonly method: 'GET' | 'POST' | 'PATCH';
      readonly path: string;
      readonly body?: unknown;
      readonly query?: string;
    },
    signal: AbortSignal,
  ) => Promise<TrackerAnswer>;
  /** Forgets what was looked up: something in it is no longer so. */
  readonly forget: () => void;
};

const PER_PAGE = 100;
const MOST_PAGES = 50;

/** `workspace`: its slug. Projects, states and labels are looked up once and remembered. */
export function planeApi(ask: TrackerAsk, workspace: string): PlaneApi {
  const known = new Map<string, readonly unknown[]>();
  const root = `/api/v1/workspaces/${encodeURIComponent(workspace)}/projects`;
  const below = (project: string, path: string) => `${root}/${encodeURIComponent(project)}/${path}/`;

  const list = async (path: string, what: string, signal: AbortSignal): Promise<readonly unknown[]> => {
    const earlier = known.get(path);
    if (earlier !== undefined) return earlier;
    const found = await listAll(ask, path, what, signal);
    known.set(path, found);
    return found;
  };
  /** What was looked up may be older than what is looked for. */
  const find = async <Found>(
    path: string,
    what: string,
    signal: AbortSignal,
    pick: (all: readonly unknown[]) => Found,
  ) => {
    const isRemembered = known.has(path);
    const found = pick(await list(path, what, signal));
    if (found !== undefined || !isRemembered) return found;
    known.delete(path);
    return pick(await list(path, what, signal));
  };

  return {
    async project(wanted, signal) {
      const names = (one: unknown) => ['id', 'identifier', 'name'].map((key) => textField(one, key).toLowerCase());
      const pick = (all: readonly unknown[]) => all.find((one) => names(one).includes(wanted.toLowerCase()));
      const found = await find(`${root}/`, `workspace ${workspace}`, signal, pick);
      if (found !== undefined) return projectOf(found);
      const all = (await list(`${root}/`, `workspace ${workspace}`, signal)).map((one) => textField(one, 'identifier'));
      throw refusedSetup(
        `Plane has no project ${JSON.stringify(wanted)} in workspace ${workspace}; it has: ${all.join(', ') || 'none that this key may see'}`,
      );
    },
    async states(project, signal) {
      return (await list(below(project, 'states'), 'states', signal)).map(stateOf);
    },
    async label(project, name, signal) {
      const path = below(project, 'labels');
      const pick = (all: readonly unknown[]) => all.find((one) => isNamed(one, name));
      const found = await find(path, 'labels', signal, pick);
      if (found !== undefined) return namedOf(found);
      const made = await ask({ method: 'POST', path, body: { name } }, signal);
      known.delete(path);
      const id = textField(made.json, 'id');
      if ((made.status === 201 || made.status === 409) && id !== '') return { id, name };
      throw refusedRequest(
        `Plane did not make the label ${JSON.stringify(name)} (status ${made.status}: ${made.said})`,
      );
    },
    inProject: (project, { method, path, body, query }, signal) =>
      ask({ method, path: below(project, path) + (query ?? ''), ...(body !== undefined && { body }) }, signal),
    forget: () => known.clear(),
  };
}

async function listAll(ask: TrackerAsk, path: string, what: string, signal: AbortSignal): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const at = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { status, json, said } = await ask({ method: 'GET', path: `${path}?per_page=${PER_PAGE}${at}` }, signal);
    const results = field(json, 'results');
    if (status !== 200 || !Array.isArray(results))
      throw refusedSetup(
        `Plane did not list what is in ${what} (status ${status}: ${said}); check workspace and project`,
      );
    all.push(...results);
    cursor = textField(json, 'next_cursor');
    if (field(json, 'next_page_results') !== true || cursor === '') return all;
  }
  return all;
}

/** Whether an object of Plane has a name, whatever the case. */
export function isNamed(one: unknown, name: string): boolean {
  return textField(one, 'name').toLowerCase() === name.toLowerCase();
}

function namedOf(one: unknown): PlaneNamed {
  return { id: textField(one, 'id'), name: textField(one, 'name') };
}

function projectOf(one: unknown): PlaneProject {
  return { ...namedOf(one), identifier: textField(one, 'identifier') };
}

function stateOf(one: unknown): PlaneState {
  return { ...namedOf(one), group: textField(one, 'group'), sequence: Number(field(one, 'sequence') ?? 0) };
}
