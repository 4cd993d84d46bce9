import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from '@openfeature/server-sdk';
import { seededRandom } from '../bench/virtual-site.ts';
import type { Meters } from './otel2/meters.ts';

/** What the app itself counted of one variant. */
export type Counted = { requests: number; errors: number; readonly seconds: number[] };

/** How the app fares by variant: share of requests that fail, and how much longer than usual they take. */
export type Behaviour = Readonly<Record<string, { readonly errorRate: number; readonly slowness: number }>>;

const USUAL = { errorRate: 0, slowness: 1 };

/**
 * A web app with a flag behind OpenFeature, measured by the OpenTelemetry SDK and by counters of its own. It stands for
 * one with `instrumentation-http`, whose histogram it fills as the conventions say; how long a request takes is modelled.
 */
export class OtelApp {
  readonly #server: Server;
  readonly counted: Record<string, Counted> = {};
  behaviour: Behaviour = {};

  constructor(flag: string, client: Client, meters: Meters, seed: number) {
    const random = seededRandom(seed);
    const duration = meters.histogram('http.server.request.duration', 's');
    this.#server = createServer((request, response) => {
      const user = new URL(request.url ?? '/', 'http://app').searchParams.get('user') ?? '';
      void client.getBooleanDetails(flag, false, { targetingKey: user }).then(({ variant = 'none', reason = '' }) => {
        const { errorRate, slowness } = this.behaviour[variant] ?? USUAL;
        const status = random() < errorRate ? 500 : 200;
        const seconds = slowness * 0.02 * Math.exp(2.5 * random() ** 2);
        duration.record(seconds, {
          'http.request.method': 'GET',
          'url.scheme': 'http',
          'http.route': '/checkout',
          'http.response.status_code': status,
          ...(status === 500 && { 'error.type': '500' }),
          'feature_flag.key': flag,
          'feature_flag.result.variant': variant,
          'feature_flag.result.reason': reason.toLowerCase(),
        });
        this.#count(variant, status, seconds);
        response.writeHead(status).end();
      });
    });
  }

  #count(variant: string, status: number, seconds: number): void {
    const own = this.counted[variant] ?? { requests: 0, errors: 0, seconds: [] };
    this.counted[variant] = own;
    own.requests += 1;
    own.errors += status === 500 ? 1 : 0;
    own.seconds.push(seconds);
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Requests of so many users, one each. */
  async visit(users: number, prefix: string): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    for (let first = 0; first < users; first += 10) {
      const visits = Array.from({ length: Math.min(10, users - first) }, async (_, i) => {
        const answer = await fetch(`http://127.0.0.1:${port}/checkout?user=${prefix}-${first + i}`);
        await answer.arrayBuffer();
      });
      await Promise.all(visits);
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
