import { setTimeout as pause } from 'node:timers/promises';
import { type ApiClient, type ClientCommand, createApiClient, type TokenKind } from '@rampart/api';
import type { RolloutState } from '@rampart/rollout';
import { type TrafficOptions, trafficOf } from '../packages/server/src/server-rig.test.support.ts';
import type { WorkflowServer } from './workflow-server.ts';

/** The roles of the workflow (semantics §6), and whoever approves what others ask for. */
export type WorkflowRole = 'operator' | 'observer' | 'analyst';

/** How the holders of the roles act: each gives a command to the rollout of the run. */
export type Hands = {
  /** Makes the rollout of a plan; gives its id. */
  readonly create: (plan: string) => Promise<string>;
  readonly give: (role: WorkflowRole, rollout: string, command: ClientCommand) => Promise<void>;
};

/** Users of one flush whom the feature serves well: one request in a thousand fails in both arms. */
const WELL: TrafficOptions = {
  users: 640_000,
  treatment: { errorRate: 0.001, latency: 0.2 },
  control: { errorRate: 0.001, latency: 0.2 },
};
/** What the first build does outside the team: 5 % fail. */
const BADLY: TrafficOptions = { ...WELL, treatment: { errorRate: 0.05, latency: 0.2 } };

/** Interval of reports, ms: below the silence of 2 s that counts as blindness at the time scale of the run. */
const STEP_MS = 1_600;

/** What happens to the server meanwhile: after every step, and between a report of users and the look at it. */
export type Fire = { readonly afterStep?: () => Promise<void>; readonly betweenReports?: () => Promise<void> };

/** A rollout led through the whole workflow, on the virtual clock of a server. */
export class Workflow {
  readonly server: WorkflowServer;
  readonly #hands: Hands;
  readonly #fire: Fire;
  id = '';

  constructor(server: WorkflowServer, hands: Hands, fire: Fire = {}) {
    this.server = server;
    this.#hands = hands;
    this.#fire = fire;
  }

  /** Reads the server as an administrator would. */
  get admin(): ApiClient {
    return createApiClient({ url: this.server.url, token: this.server.tokens.admin });
  }

  async state(): Promise<RolloutState> {
    return (await this.admin.getRollout(this.id)).state;
  }

  async step(_name: string, work: () => Promise<void>): Promise<void> {
    await work();
    await this.#fire.afterStep?.();
  }

  async create(plan: string): Promise<void> {
    this.id = await this.#hands.create(plan);
  }

  give(role: WorkflowRole, command: ClientCommand): Promise<void> {
    return this.#hands.give(role, this.id, command);
  }

  /** What goes on by itself, in the server and in SDKs, gets its time until a condition holds. */
  async until(holds: (state: RolloutState) => boolean, stepMs = 20): Promise<void> {
    for (let look = 0; look < 1_500; look += 1) {
      if (holds(await this.state())) return;
      await this.server.pass(stepMs);
      await pause(10);
    }
    const view = await this.admin.getRollout(this.id);
    throw new Error(`it waits in ${view.state.phase} for ${view.waitingFor.join('; ')}`);
  }

  /** Users come and the clock goes until a condition holds. */
  async serveUntil(holds: (state: RolloutState) => boolean, traffic: TrafficOptions = WELL): Promise<void> {
    const sdk = createApiClient({ url: this.server.url, token: this.server.tokens.sdk });
    for (let step = 0; step < 400; step += 1) {
      const state = await this.state();
      if (holds(state)) return;
      const ruleset = await sdk.getRuleset();
      const flag = ruleset === 'unchanged' ? undefined : ruleset.flags[state.plan.flag];
      if (ruleset === 'unchanged' || flag === undefined) throw new Error('the flag is not served');
      const now = this.server.now;
      await sdk.sendTelemetry(trafficOf(ruleset, flag, `batch-${now}`, now, traffic));
      if (step === 3) await this.#fire.betweenReports?.();
      await this.server.pass(STEP_MS);
    }
    const view = await this.admin.getRollout(this.id);
    throw new Error(`it waits in ${view.state.phase} for ${view.waitingFor.join('; ')}`);
  }

  /** As `serveUntil`, with the build that fails. */
  serveBadlyUntil(holds: (state: RolloutState) => boolean): Promise<void> {
    return this.serveUntil(holds, BADLY);
  }
}

/** A token of each role, for a kind of principal. Made anew on every server. */
export async function tokensOf(
  server: WorkflowServer,
  principal: 'person' | 'agent',
): Promise<Readonly<Record<WorkflowRole, string>>> {
  const admin = createApiClient({ url: server.url, token: server.tokens.admin });
  const make = async (kind: WorkflowRole & TokenKind) =>
    (await admin.createToken({ kind, name: principal === 'agent' ? `agent:${kind}` : kind, principal })).token;
  return { operator: await make('operator'), observer: await make('observer'), analyst: await make('analyst') };
}

/** Hands over the HTTP API. `fire`: what happens to the server while a call is under way; the call is then repeated with its key. */
export function apiHands(
  server: WorkflowServer,
  tokens: Readonly<Record<WorkflowRole, string>>,
  fire?: (call: Promise<unknown>) => Promise<void>,
): Hands {
  let calls = 0;
  const clientOf = (role: WorkflowRole) => createApiClient({ url: server.url, token: tokens[role] });
  const call = async <T>(work: (idempotencyKey: string) => Promise<T>): Promise<T> => {
    calls += 1;
    const key = `workflow-${calls}`;
    if (fire !== undefined) await fire(work(key).catch(() => undefined));
    return work(key);
  };
  return {
    async create(plan) {
      const created = await call((idempotencyKey) =>
        clientOf('operator').createRollout({ text: plan }, { idempotencyKey }),
      );
      return created.state.id;
    },
    async give(role, rollout, command) {
      await call((idempotencyKey) => clientOf(role).command(rollout, command, { idempotencyKey }));
    },
  };
}
