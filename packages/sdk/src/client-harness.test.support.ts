import { createClient } from './client.ts';
import type { ClientOptions, RampartClient } from './client-options.ts';
import { BANNER, CHECKOUT, ControlPlane, Inbox, rulesetOf } from './control-plane.test.support.ts';
import type { ClientEvent } from './event.ts';
import { ManualClock } from './manual-clock.test.support.ts';

/** `BANNER` serving its other variant. */
export const LONG_BANNER = { ...BANNER, defaultVariant: 'long' };

/** The hooks of the test runner, handed in so that this file depends on none. */
type Hooks = {
  readonly beforeEach: (run: () => Promise<void>) => void;
  readonly afterEach: (run: () => Promise<void>) => void;
};

/** Clients and a control plane at revision 5 for each test of a file, stopped after it. */
export class ClientHarness {
  readonly #clients: RampartClient[] = [];
  plane: ControlPlane;
  clock = new ManualClock();
  events = new Inbox<ClientEvent>();

  private constructor(plane: ControlPlane) {
    this.plane = plane;
  }

  /** Registers the hooks; the harness of the running test is what the function gives. */
  static use(hooks: Hooks): () => ClientHarness {
    let current: ClientHarness | undefined;
    hooks.beforeEach(async () => {
      current = new ClientHarness(await ControlPlane.start(rulesetOf(5, BANNER, CHECKOUT)));
    });
    hooks.afterEach(async () => current?.stop());
    return () => {
      if (current === undefined) throw new Error('no test is running');
      return current;
    };
  }

  start(options: ClientOptions = {}): RampartClient {
    const client = createClient({
      url: this.plane.url,
      token: 'rmp_sdk-server_a_b',
      clock: this.clock,
      random: () => 0.5,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A client that has the ruleset of the plane. */
  async live(options: ClientOptions = {}): Promise<RampartClient> {
    const client = this.start(options);
    await this.until('live');
    return client;
  }

  /** The next event of a type; others before it are passed over. */
  async until<T extends ClientEvent['type']>(type: T): Promise<Extract<ClientEvent, { type: T }>> {
    for (;;) {
      const event = await this.events.next();
      if (event.type === type) return event as Extract<ClientEvent, { type: T }>;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.plane.stop();
  }
}
