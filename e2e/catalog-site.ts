import { createServer } from 'node:http';
import type { Notification } from '@rampart/connectors';
import { openItems, type RolloutEvent } from '@rampart/rollout';
import type { RampartClient } from '@rampart/sdk';
import { openWorld, type World } from '../bench/system-world.ts';
import { metricTables } from './catalog-report.ts';
import { type Behaviour, HEALTHY } from './catalog-rows.ts';
import { CatalogUsers } from './catalog-users.ts';

/** Plan time of a step, and what it lasts on the compressed clock: the longest that is never silence. */
const STEP_HOURS = 4;
const STEP_MS = 1800;
const TIME_SCALE = STEP_MS / (STEP_HOURS * 3_600_000);
const STEPS_PER_DAY = 24 / STEP_HOURS;
/** Visits of a step, on average over the day. */
const VISITS = 600;
/** What a step lasts on the compressed clock, in seconds: throughput is measured by it. */
export const STEP_SECONDS = STEP_MS / 1000;

/** Share of the day's average by the time of day: a night of less than a third, an evening of more than one and a half. */
function byDay(step: number): number {
  return 1 + 0.7 * Math.sin((2 * Math.PI * step) / STEPS_PER_DAY);
}

/** One server, two SDK processes, and a receiver of webhooks, for all rollouts of a test file. */
export class CatalogSite {
  readonly #world: World;
  readonly #clients: readonly RampartClient[];
  readonly #receiver: Receiver;

  private constructor(world: World, clients: readonly RampartClient[], receiver: Receiver) {
    this.#world = world;
    this.#clients = clients;
    this.#receiver = receiver;
  }

  static async open(): Promise<CatalogSite> {
    const world = await openWorld({ webhookPolicy: { allowPrivate: true } });
    const receiver = await openReceiver();
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    await world.admin.putWebhooks([{ name: 'on-call', url: receiver.url, secret }]);
    const connect = () => world.connect(() => undefined);
    return new CatalogSite(world, [await connect(), await connect()], receiver);
  }

  /** Starts a rollout whose baseline begins now. */
  async start(text: string, flag: string, options: { readonly seed: number; readonly isDiurnal?: boolean }) {
    const { admin } = this.#world;
    const { id } = (await admin.createRollout({ text, timeScale: TIME_SCALE })).state;
    await admin.command(id, { type: 'Start' });
    for (const item of openItems((await admin.getRollout(id)).state))
      await admin.command(id, { type: 'Approve', item, evidence: 'https://wiki.example.com/launch' });
    await this.#world.settle(this.#clients);
    const users = new CatalogUsers(this.#clients, flag, options.seed);
    return new CatalogRollout(this.#world, this.#clients, this.#receiver, id, users, options.isDiurnal ?? false);
  }

  /** Ends it all. Gives what the server logged as a warning or an error meanwhile. */
  async close(): Promise<readonly string[]> {
    for (const client of this.#clients) await client.close();
    const complaints = await this.#world.dispose();
    await this.#receiver.close();
    return complaints;
  }
}

/** One rollout, its users and what people were told of it. */
export class CatalogRollout {
  readonly #world: World;
  readonly #clients: readonly RampartClient[];
  readonly #receiver: Receiver;
  readonly #isDiurnal: boolean;
  readonly id: string;
  readonly users: CatalogUsers;
  #steps = 0;

  constructor(
    world: World,
    clients: readonly RampartClient[],
    receiver: Receiver,
    id: string,
    users: CatalogUsers,
    isDiurnal: boolean,
  ) {
    this.#world = world;
    this.#clients = clients;
    this.#receiver = receiver;
    this.id = id;
    this.users = users;
    this.#isDiurnal = isDiurnal;
  }

  /** As the server has it now. */
  get state() {
    return this.#world.server.controlPlane.getRollout(this.id).state;
  }

  /** Name of the running stage; `baseline` before the first, the phase after the last. */
  get stage(): string {
    const { phase, stage, plan } = this.state;
    const isExposing = phase === 'exposing' || phase === 'monitoring';
    return isExposing ? plan.stages[stage?.index ?? 0]!.name : phase;
  }

  /** What a person sees, over HTTP. */
  view() {
    return this.#world.admin.getRollout(this.id);
  }

  /** The report, and its tables of metrics by metric and stage. */
  async report() {
    const text = await this.#world.admin.getReport(this.id);
    return { text, tables: metricTables(text) };
  }

  incident(number: number): Promise<string> {
    return this.#world.admin.getIncident(this.id, number);
  }

  /** What happened since the baseline was captured, but for how checks stand. */
  async events(): Promise<readonly RolloutEvent['type'][]> {
    const events = (await this.#world.admin.listEvents(this.id)).map(({ event }) => event.type);
    return events.slice(events.indexOf('BaselineCaptured') + 1).filter((type) => type !== 'ChecksJudged');
  }

  /** What people were told, once everything that is due has been delivered. */
  async told(type: string): Promise<readonly Message[]> {
    await outboxEmpty(this.#world);
    return this.#receiver.received.filter((one) => one.type === type && one.data.rollout === this.id);
  }

  /**
   * People use the site, its processes report, time passes, the server looks, and what it changed reaches the processes.
   * Reports come before time moves: the server also looks by itself, and must not find an hour without them.
   */
  async step(newVariant: Behaviour): Promise<void> {
    const { server, clock, settle } = this.#world;
    const { version } = this.state;
    const visits = Math.round(VISITS * (this.#isDiurnal ? byDay(this.#steps) : 1));
    this.users.visit(visits, this.stage, { old: HEALTHY, new: newVariant });
    this.#steps += 1;
    const delivered = await Promise.all(this.#clients.map((client) => client.flush()));
    if (delivered.includes(false)) throw new Error('the server did not acknowledge telemetry');
    clock.advance(STEP_MS);
    await server.reconciler.wake(this.id);
    if (this.state.version !== version) await settle(this.#clients);
  }

  /** Steps until something holds. @throws Error after so many steps, with what the rollout waits for */
  async until(holds: () => boolean | Promise<boolean>, newVariant: Behaviour, most = 120): Promise<void> {
    for (let step = 0; step < most; step += 1) {
      if (await holds()) return;
      await this.step(newVariant);
    }
    if (await holds()) return;
    const { waitingFor, state } = await this.view();
    throw new Error(
      `after ${most} steps it is in ${state.phase} ${this.stage} and waits for: ${waitingFor.join('; ')}`,
    );
  }

  /** Ends the rollout where it still runs, so that its silence is no news to anyone. */
  async end(): Promise<void> {
    const { phase } = this.state;
    if (phase === 'complete' || phase === 'cancelled') return;
    await this.#world.admin.command(this.id, { type: 'Cancel', reason: 'the test is over' });
    await this.#world.settle(this.#clients);
  }
}

function outboxEmpty({ server }: World): Promise<void> {
  return new Promise((resolve) => {
    const look = async () => {
      if ((await server.store.stats()).outboxPending === 0) resolve(stop());
    };
    const stop = server.store.onChange(() => void look());
    void look();
  });
}

/** What a webhook receives: the notification, its type outside. */
type Message = { readonly type: string; readonly data: Omit<Notification, 'id' | 'type' | 'at'> };

/** A receiver of webhooks on a free port of this machine. */
type Receiver = {
  readonly url: string;
  /** In the order in which they came. */
  readonly received: readonly Message[];
  readonly close: () => Promise<void>;
};

async function openReceiver(): Promise<Receiver> {
  const received: Message[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      // JSON edge: sent by the server under test.
      received.push(JSON.parse(Buffer.concat(chunks).toString()) as Message);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the receiver of webhooks has no port');
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
