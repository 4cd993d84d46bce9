import {
  type ClientCommand,
  type CommandAnswer,
  type MetricTest,
  type MetricTestResult,
  type NewRollout,
  type PlanCheck,
  type PlanInput,
  ProblemError,
  type RolloutView,
  type SourceSight,
  type WriteOptions,
} from '@rampart/api';
import type { UrlPolicy } from '@rampart/connectors';
import {
  applyAll,
  decide,
  type EventRecord,
  type ExternalGate,
  type Plan,
  type PlanIssue,
  type PreflightFinding,
  type Principal,
  peopleIn,
  RAMPART,
  type RolloutCommand,
  type RolloutState,
} from '@rampart/rollout';
import type { Channels } from './channels.ts';
import type { Clock } from './clock.ts';
import { type KeyedRequest, keptAnswer, keyedRequest, replyWrite } from './idempotency.ts';
import { type MetricTestParts, testMetric } from './metric-test.ts';
import { planCheckOf, readPlanFor, type Surroundings } from './plan-check.ts';
import type { Cause, Change } from './rollout-commit.ts';
import { type RolloutRecords, rolloutRecords } from './rollout-records.ts';
import type { RolloutRun } from './rollout-run.ts';
import { type RolloutTable, runOf } from './rollout-table.ts';
import { viewOf } from './rollout-view.ts';
import { flagOf } from './ruleset-of.ts';
import { createSerialQueue } from './serial-queue.ts';
import type { SourceBook } from './source-book.ts';
import { canonicalJson } from './store/canonical-json.ts';
import type { Store } from './store/store.ts';

/** What can be done with rollouts. Every refusal is a `ProblemError`, every failure of the store a `StoreError`. */
export type ControlPlane = RolloutRecords & {
  readonly validatePlan: (plan: PlanInput) => PlanCheck;
  readonly createRollout: (
    plan: NewRollout,
    by: Principal,
    options?: Pick<WriteOptions, 'idempotencyKey'>,
  ) => Promise<RolloutView>;
  readonly command: (
    id: string,
    command: ClientCommand,
    by: Principal,
    options?: WriteOptions,
  ) => Promise<CommandAnswer>;
  /** Newest first. `active`: neither complete nor cancelled. */
  readonly listRollouts: (state: 'active' | 'all') => readonly RolloutView[];
  readonly getRollout: (id: string) => RolloutView;
  /** Asks the source of a metric once; records nothing. */
  readonly testMetric: (test: MetricTest) => Promise<MetricTestResult>;
};

/** What a control plane works with. */
export type ControlPlaneOptions = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly environment: string;
  /** Whether alerts reach this server. Default: they do not. */
  readonly deliversAlerts?: () => boolean;
  /** Why an external gate of a plan could never be asked from here. Default: each can. */
  readonly gateProblem?: (gate: ExternalGate) => string | undefined;
  /** The metric sources that work here. */
  readonly sources: SourceBook;
  /** The channels that plans can name. */
  readonly channels: Pick<Channels, 'all' | 'get'>;
  /** How the sources of a rollout do. */
  readonly sightsOf: (run: RolloutRun) => readonly SourceSight[];
  /** Names of the trackers that are set up here. Default: none. */
  readonly trackerNames?: readonly string[];
  /** The issue that is kept of a rollout. Default: none. */
  readonly issueOf?: (rollout: string) => RolloutView['issue'];
  /** Why a step of `next` can never be told from here. */
  readonly nextProblem?: Surroundings['nextProblem'];
  /** Metrics of a plan whose past can be read here, with the name of the source. Default: none. */
  readonly recordedOf?: (plan: Plan) => Readonly<Record<string, string>> | undefined;
  /** What Rampart can see of pre-flight at once. Default: nothing. */
  readonly findingsOf?: (state: RolloutState) => readonly PreflightFinding[];
  /** SDKs that are connected and name themselves. Default: none. */
  readonly connectedNamed?: () => number;
  /** Whether a hook gives items of pre-flight. Default: none does. */
  readonly deliversAttestations?: (hook: string) => boolean;
  /** Where connectors may go. Default: the public internet. */
  readonly policy?: UrlPolicy;
  /** Looks at a rollout soon: what a command led to may lead further. */
  readonly wake: (id: string) => void;
};

/** Writes that meet others this often in a row give up. */
const MOST_TRIES = 10;

/** Commands and queries over the rollouts of a table. */
export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { table, clock, sightsOf, issueOf } = options;
  const shown = (run: RolloutRun): RolloutView => {
    const issue = issueOf?.(run.state.id);
    return { ...viewOf(run, clock.now(), sightsOf(run)), ...(issue && { issue }) };
  };
  return {
    validatePlan: (plan) => planCheckOf(readPlanFor(plan, surroundingsOf(options))),
    createRollout: creation(options),
    command: commanding<ClientCommand>(options),
    listRollouts: (which) =>
      table
        .all()
        .filter(({ state }) => which === 'all' || isActive(state))
        .toSorted((one, other) => other.state.createdAt - one.state.createdAt)
        .map(shown),
    getRollout: (id) => shown(runOf(table, id)),
    testMetric: (test) => testMetric(test, testParts(options)),
    ...rolloutRecords(options),
  };
}

function testParts(options: ControlPlaneOptions): MetricTestParts {
  const { table, clock, sources } = options;
  return {
    ...{ clock, sources },
    stateOf: (id) => runOf(table, id).state,
    planOf({ text, file }) {
      const result = readPlanFor({ text, file }, surroundingsOf(options));
      if (!result.ok) throw planInvalid(result.issues);
      return result.plan;
    },
  };
}

function isActive({ phase }: RolloutState): boolean {
  return phase !== 'complete' && phase !== 'cancelled';
}

function surroundingsOf(options: ControlPlaneOptions): Surroundings {
  const { table, clock, environment, sources, channels, trackerNames = [], nextProblem } = options;
  const { deliversAlerts = () => false, gateProblem = () => undefined } = options;
  return {
    environment,
    deliversAttestations: options.deliversAttestations ?? (() => false),
    policy: options.policy ?? {},
    rollouts: table.all().map(({ state }) => state),
    deliversAlerts: deliversAlerts(),
    flags: table.book.flags(),
    segments: table.book.segments(),
    sources,
    channels,
    trackers: trackerNames,
    gateProblem,
    now: clock.now(),
    ...(nextProblem && { nextProblem }),
  };
}

/** Repeats a try as long as others win the race, on what they left. */
async function untilWritten<T>(table: RolloutTable, once: () => Promise<T | 'conflict'>): Promise<T> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const result = await once();
    if (result !== 'conflict') return result;
    await table.refresh();
  }
  throw new ProblemError('STORE_UNAVAILABLE', `The write met others ${MOST_TRIES} times in a row; repeat the request.`);
}

function creation(options: ControlPlaneOptions): ControlPlane['createRollout'] {
  const { store, table, clock } = options;
  // One at a time: the check for another rollout of the flag and the write belong together.
  const queue = createSerialQueue();
  return (plan, by, { idempotencyKey } = {}) =>
    queue.run(() =>
      untilWritten<RolloutView>(table, async () => {
        const keyed = idempotencyKey === undefined ? undefined : keyedRequest(idempotencyKey, ['create', by.id], plan);
        const kept = keyed && (await keptAnswer(store, keyed, clock.now()));
        if (kept !== undefined) return kept as RolloutView;
        return createOnce(options, plan, by, keyed);
      }),
    );
}

async function createOnce(
  options: ControlPlaneOptions,
  reading: NewRollout,
  by: Principal,
  keyed: KeyedRequest | undefined,
): Promise<RolloutView | 'conflict'> {
  const { table, clock } = options;
  const at = clock.now();
  const result = readPlanFor(reading, surroundingsOf(options));
  if (!result.ok) throw planInvalid(result.issues);
  const { warnings } = result;
  const plan = asReadAgain(result.plan);
  refuseSecondRollout(table, plan);
  const id = newIdFor(plan.flag, table);
  const decision = decide(undefined, { type: 'Create', id, plan, warnings }, by, at);
  if (!decision.ok) throw new ProblemError(decision.code, decision.message);
  const change: Change = {
    rollout: id,
    before: undefined,
    causes: decision.events.map((event) => ({ event, by: by.id })),
    at,
    ...(keyed && { reply: (_, state) => replyWrite(keyed, viewOf({ state }, at), at) }),
  };
  const isNewFlag = !Object.hasOwn(table.book.flags(), plan.flag);
  const committed = await table.commit(change, isNewFlag ? flagOf(plan) : undefined);
  return committed.ok ? viewOf({ state: committed.state }, at) : 'conflict';
}

/** A plan as the store will give it back: the order of its metrics is that of every decision's numbers, before a restart and after. */
function asReadAgain(plan: Plan): Plan {
  // JSON edge: the text was made of a plan.
  return JSON.parse(canonicalJson(plan)) as Plan;
}

function planInvalid(issues: readonly PlanIssue[]): ProblemError {
  const errors = issues.filter(({ severity }) => severity === 'error');
  const detail = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return new ProblemError('PLAN_INVALID', detail, { issues });
}

function refuseSecondRollout(table: RolloutTable, plan: Plan): void {
  const other = table.all().find(({ state }) => state.plan.flag === plan.flag && isActive(state));
  if (other === undefined) return;
  const { id, phase } = other.state;
  throw new ProblemError(
    'ROLLOUT_EXISTS',
    `Flag ${plan.flag} is in rollout ${id}, which is in phase "${phase}"; cancel it or wait for its end.`,
  );
}

/** The flag and a number: 1, 2, … Two servers that take the same meet in the store. */
function newIdFor(flag: string, table: RolloutTable): string {
  const name = flag.replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  let number = 1;
  while (table.get(`${name}-${number}`) !== undefined) number += 1;
  return `${name}-${number}`;
}

/** Gives commands of some type. `request`: what the caller asked, where the command is made of more. */
export function commanding<C extends RolloutCommand>(options: ControlPlaneOptions) {
  const { store, table, clock } = options;
  return async (
    id: string,
    command: C,
    by: Principal,
    { ifVersion, idempotencyKey }: WriteOptions = {},
    request: unknown = command,
  ): Promise<CommandAnswer> => {
    runOf(table, id);
    const keyed =
      idempotencyKey === undefined ? undefined : keyedRequest(idempotencyKey, ['command', id, by.id], request);
    const answer = await table.exclusively(id, () =>
      untilWritten<CommandAnswer>(table, async () => {
        const kept = keyed && (await keptAnswer(store, keyed, clock.now()));
        if (kept !== undefined) return kept as CommandAnswer;
        return commandOnce(options, { id, command, by, ifVersion, keyed });
      }),
    );
    options.wake(id);
    return answer;
  };
}

type Given = {
  readonly id: string;
  readonly command: RolloutCommand;
  readonly by: Principal;
  readonly ifVersion: number | undefined;
  readonly keyed: KeyedRequest | undefined;
};

async function commandOnce(options: ControlPlaneOptions, given: Given): Promise<CommandAnswer | 'conflict'> {
  const { table, clock } = options;
  const { id, by, keyed, ifVersion } = given;
  const run = runOf(table, id);
  refuseOtherVersion(run.state, ifVersion);
  const at = clock.now();
  const causes = causesOf(run, completed(given.command, run, options), { by, at, findingsOf: options.findingsOf });
  if (causes.length === 0) return { rollout: viewOf(run, at), events: [] };
  const answerOf = (events: readonly EventRecord[], state: RolloutState): CommandAnswer => ({
    rollout: viewOf({ ...run, state }, at),
    events,
  });
  const committed = await table.commit({
    rollout: id,
    before: run,
    causes,
    at,
    ...(keyed && { reply: (records, state) => replyWrite(keyed, answerOf(records, state), at) }),
  });
  return committed.ok ? answerOf(committed.records, committed.state) : 'conflict';
}

function refuseOtherVersion({ id, version }: RolloutState, ifVersion: number | undefined): void {
  if (ifVersion === undefined || ifVersion === version) return;
  throw new ProblemError('VERSION_CONFLICT', `Rollout ${id} is at version ${version}, not ${ifVersion}.`, { version });
}

/**
 * What a command leads to, and what Rampart itself adds to it at once: at the start, and before an item that may be the last of
 * pre-flight, it looks at what it can see for itself.
 */
function causesOf(
  { state }: RolloutRun,
  command: RolloutCommand,
  { by, at, findingsOf }: { by: Principal; at: number; findingsOf: ControlPlaneOptions['findingsOf'] },
): readonly Cause[] {
  const checked = command.type === 'Approve' ? looked(state, findingsOf, at) : { state, causes: [] };
  const { events } = decided(checked.state, command, by, at);
  const causes = [...checked.causes, ...events.map((event) => ({ event, by: by.id }))];
  const started = command.type === 'Start' ? applyAll(checked.state, events, by, at) : undefined;
  return started === undefined ? causes : [...causes, ...looked(started, findingsOf, at).causes];
}

/** What a look at pre-flight changes, as Rampart. */
function looked(state: RolloutState, findingsOf: ControlPlaneOptions['findingsOf'] = () => [], at: number) {
  const decision = decide(state, { type: 'CheckPreflight', findings: findingsOf(state) }, RAMPART, at);
  const events = decision.ok ? decision.events : [];
  const causes: readonly Cause[] = events.map((event) => ({ event, by: RAMPART.id }));
  return { state: applyAll(state, events, RAMPART, at) ?? state, causes };
}

function decided(state: RolloutState, command: RolloutCommand, by: Principal, at: number) {
  const decision = decide(state, command, by, at);
  if (!decision.ok) throw new ProblemError(decision.code, decision.message);
  return decision;
}

/** A command with what the server knows: how many people had seen the feature, what checks say now, whose past can be read. */
function completed(
  command: RolloutCommand,
  { state, evidence, look }: RolloutRun,
  { recordedOf, connectedNamed }: ControlPlaneOptions,
): RolloutCommand {
  if (command.type === 'Drill') return { ...command, connected: connectedNamed?.() ?? 0 };
  if (command.type === 'Abort' || command.type === 'Kill') return { ...command, people: peopleIn(evidence) };
  if (command.type === 'CaptureBaseline') return { ...command, ...(look && { verdicts: look.judgement.verdicts }) };
  const recorded = command.type === 'Start' ? recordedOf?.(state.plan) : undefined;
  return command.type === 'Start' && recorded !== undefined ? { ...command, recorded } : command;
}
