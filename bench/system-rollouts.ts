import { type EvidenceBatch, openItems, type RolloutState } from '@rampart/rollout';
import type { RampartClient } from '@rampart/sdk';
import type { RampartServer } from '@rampart/server';
import { controlForm, shortForm } from './system-plans.ts';
import { type Met, SystemUsers } from './system-users.ts';
import { openWorld, type World } from './system-world.ts';

/** Plans that rollouts run under. */
const FORMS = { short: shortForm, control: controlForm } as const;

/** One rollout to run. */
export type Case = {
  /** Name of the group it is reported in. */
  readonly group: string;
  readonly form: keyof typeof FORMS;
  /** Share of requests that fail in the new variant, at least `BASE_ERROR_RATE`. */
  readonly errorRate: number;
  readonly seed: number;
};

/** How closely rollouts are watched, and for how long; times are those of the plan. */
export type Watch = {
  /** Time between two reports of an SDK. */
  readonly stepMinutes: number;
  /** A rollout that is neither complete nor aborted by then is undecided. */
  readonly longestDays: number;
  /** Days at 100 % after which a rollout is watched no more; 14 and more is the exit gate's. */
  readonly quietDays: number;
};

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const REQUESTS_PER_DAY = 100_000;
/** Virtual time between two reports: the longest that is never silence, which is two seconds at any time scale. */
const STEP_MS = 1800;
/** Rollouts that run side by side on one server. */
const SLOTS = 8;
/** Reports after an abort, in which nobody may meet the new variant any more. */
const STEPS_AFTER_ABORT = 2;

/** How one rollout went. Days are those of the plan, counted from the end of its baseline. */
export type Outcome = Case &
  Met & {
    readonly phase: RolloutState['phase'];
    /** Reason of the incident, or the phase. */
    readonly why: string;
    /** Stage of the incident, or the last one. */
    readonly stage: string;
    readonly days: number;
    /** Absent when it never reached 100 %. */
    readonly daysToGa?: number;
    /** Whether a person was asked what to do with an undecided stage; nobody answers here. */
    readonly wasAsked: boolean;
    /** Requests with the new variant after the SDK had heard of the abort. */
    readonly treatedAfterAbort: number;
    /** Whether the record says that the abort took effect in every SDK; true without an abort. */
    readonly tookEffect: boolean;
    /** Requests found in the stored evidence. */
    readonly inEvidence: number;
    /** Observations the SDK says it lost. */
    readonly dropped: number;
    readonly httpRequests: number;
  };

type Site = Case & {
  readonly id: string;
  readonly client: RampartClient;
  readonly users: SystemUsers;
  readonly http: { requests: number };
  state: RolloutState;
  steps: number;
  wasAsked: boolean;
  stepsAfterAbort: number;
  treatedAtAbort: number;
};

type Bench = World & { readonly watch: Watch; readonly timeScale: number };

/**
 * Runs rollouts through a server of their own, a few at a time, each with its own SDK and users. Gives what the server
 * logged as a warning or an error meanwhile.
 */
export async function runSystem(
  cases: readonly Case[],
  watch: Watch,
  onDone: (outcome: Outcome) => void,
): Promise<readonly string[]> {
  const world = await openWorld();
  const bench = { ...world, watch, timeScale: STEP_MS / (watch.stepMinutes * MINUTE_MS) };
  await runCases(bench, cases, onDone).catch(async (error: unknown) => {
    const complaints = await world.dispose();
    throw new Error(`the rollouts ended early; the server logged: ${complaints.join('; ')}`, { cause: error });
  });
  return world.dispose();
}

async function runCases(bench: Bench, cases: readonly Case[], onDone: (outcome: Outcome) => void): Promise<void> {
  const waiting = [...cases];
  let active: readonly Site[] = [];
  while (waiting.length > 0 || active.length > 0) {
    const opened: Site[] = [];
    for (const one of waiting.splice(0, SLOTS - active.length)) opened.push(await openSite(bench, one));
    active = [...active, ...opened];
    if (opened.length > 0) await bench.settle(active.map(({ client }) => client));
    await stepAll(bench, active);
    const ended = active.filter((site) => hasEnded(site, bench));
    active = active.filter((site) => !ended.includes(site));
    for (const site of ended) onDone(await closeSite(bench, site));
  }
}

const UNEVENTFUL = { steps: 0, wasAsked: false, stepsAfterAbort: 0, treatedAtAbort: 0 };

async function openSite(bench: Bench, one: Case): Promise<Site> {
  const { admin, server, timeScale } = bench;
  const { group, form, errorRate, seed } = one;
  const flag = `${group}-${seed}`;
  const { id } = (await admin.createRollout({ text: FORMS[form](flag), timeScale })).state;
  await admin.command(id, { type: 'Start' });
  await approveAll(bench, server.controlPlane.getRollout(id).state);
  const http = { requests: 0 };
  const client = await bench.connect(() => {
    http.requests += 1;
  });
  const users = new SystemUsers(client, flag, errorRate, seed);
  const { state } = server.controlPlane.getRollout(id);
  return { ...one, id, client, users, http, state, ...UNEVENTFUL };
}

/** Gives whatever waits for a person, over HTTP. */
async function approveAll({ admin }: World, state: RolloutState): Promise<void> {
  for (const item of openItems(state))
    await admin.command(state.id, { type: 'Approve', item, evidence: 'https://wiki.example.com/launch' });
}

/**
 * People use the site, the SDKs report, time passes, the server looks, and what it changed reaches the SDKs. Reports come
 * before time moves: the server also looks by itself, and must not find an hour without them.
 */
async function stepAll(bench: Bench, sites: readonly Site[]): Promise<void> {
  const { clock, server, watch } = bench;
  for (const { users } of sites) users.use((REQUESTS_PER_DAY * watch.stepMinutes) / DAY_MINUTES);
  const delivered = await Promise.all(sites.map(({ client }) => client.flush()));
  if (delivered.includes(false)) throw new Error('the server did not acknowledge telemetry; see what it logged');
  clock.advance(STEP_MS);
  await Promise.all(sites.map(({ id }) => server.reconciler.wake(id)));
  let hasChanged = false;
  for (const site of sites) hasChanged = (await follow(bench, site)) || hasChanged;
  if (hasChanged) await bench.settle(sites.map(({ client }) => client));
}

/** Notes what became of a rollout; true when something did. */
async function follow(world: World, site: Site): Promise<boolean> {
  const { controlPlane } = world.server;
  const hasChanged = (await controlPlane.listEvents(site.id, site.state.version)).length > 0;
  if (hasChanged) site.state = controlPlane.getRollout(site.id).state;
  const { state } = site;
  site.steps += 1;
  site.wasAsked ||= state.stage?.askedAt !== undefined;
  if (state.phase === 'aborted') {
    site.stepsAfterAbort += 1;
    if (site.stepsAfterAbort === 1) site.treatedAtAbort = site.users.met.treated;
  }
  if (hasChanged && state.phase === 'monitoring') await approveAll(world, state);
  return hasChanged;
}

function hasEnded({ state, steps, stepsAfterAbort }: Site, { watch, timeScale, clock }: Bench): boolean {
  const now = clock.now();
  const isTooLong = steps >= (watch.longestDays * DAY_MINUTES) / watch.stepMinutes;
  const isQuiet =
    state.monitoringSince !== undefined &&
    now - state.monitoringSince >= watch.quietDays * DAY_MINUTES * MINUTE_MS * timeScale;
  return isTooLong || isQuiet || state.phase === 'complete' || stepsAfterAbort > STEPS_AFTER_ABORT;
}

async function closeSite({ server, clock, timeScale }: Bench, site: Site): Promise<Outcome> {
  const { group, form, errorRate, seed, id, state, client, http, users } = site;
  const { dropped } = client.status();
  await client.close();
  const { met } = users;
  const incident = state.incidents.at(-1);
  const from = state.baseline?.toAt ?? state.createdAt;
  const daysTo = (at: number) => (at - from) / (timeScale * DAY_MINUTES * MINUTE_MS);
  return {
    ...{ group, form, errorRate, seed, ...met },
    phase: state.phase,
    why: incident?.reason ?? state.phase,
    stage: incident?.stage ?? state.history.at(-1)?.name ?? 'none',
    days: daysTo(incident?.openedAt ?? clock.now()),
    ...(state.monitoringSince !== undefined && { daysToGa: daysTo(state.monitoringSince) }),
    wasAsked: site.wasAsked,
    treatedAfterAbort: incident === undefined ? 0 : met.treated - site.treatedAtAbort,
    tookEffect: incident === undefined || incident.tookEffectAt !== undefined,
    inEvidence: await countEvidence(server, id),
    dropped,
    httpRequests: http.requests,
  };
}

async function countEvidence({ store }: RampartServer, id: string): Promise<number> {
  const rows = await store.evidenceAfter(id, 0);
  // JSON edge: written by the server's reconciler only.
  const series = rows.flatMap(({ value }) => (value as EvidenceBatch).series);
  const counts = series.filter(({ metric }) => metric === 'errorRate').flatMap(({ count }) => count);
  return counts.reduce((sum, count) => sum + count, 0);
}
