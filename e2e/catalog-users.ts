import type { EvaluationContext } from '@rampart/flags';
import type { RampartClient } from '@rampart/sdk';
import { seededRandom } from '../bench/virtual-site.ts';
import { normalQuantile } from '../spec/world.ts';
import type { Behaviour, CatalogMetric } from './catalog-rows.ts';

const USERS = 8000;
const SIGMA = 0.3;
const RANKS = 4096;

/** A lognormal whose 99th percentile is 1, at evenly spaced ranks. */
const SHAPE = Float64Array.from({ length: RANKS }, (_, index) =>
  Math.exp(SIGMA * (normalQuantile((index + 0.5) / RANKS) - normalQuantile(0.99))),
);

/** What the application itself counted: the values of every metric in one variant. */
export type Counted = Readonly<Record<Exclude<CatalogMetric, 'throughput'>, readonly number[]>>;
type Counting = Record<Exclude<CatalogMetric, 'throughput'>, number[]>;

function counting(): Counting {
  return {
    errorRate: [],
    p99Latency: [],
    hallucinationRate: [],
    faithfulness: [],
    costPerQuery: [],
    tokensPerQuery: [],
    timeToFirstToken: [],
  };
}

/** People who visit a site of several processes: each visit makes some requests, which an SDK reports as an application does. */
export class CatalogUsers {
  readonly #clients: readonly RampartClient[];
  readonly #flag: string;
  readonly #random: () => number;
  readonly #contexts: readonly EvaluationContext[];
  readonly #counted = new Map<string, Counting>();

  constructor(clients: readonly RampartClient[], flag: string, seed: number) {
    this.#clients = clients;
    this.#flag = flag;
    this.#random = seededRandom(seed);
    this.#contexts = Array.from({ length: USERS }, (_, index) => ({ targetingKey: `user-${seed}-${index}` }));
  }

  /** Values that the application counted in a stage with one variant. */
  countedIn(stage: string, variant: 'old' | 'new'): Counted {
    return this.#counted.get(`${stage} ${variant}`) ?? counting();
  }

  /** Whether anyone would be given the new variant. */
  get isAnyoneExposed(): boolean {
    return this.#clients.some((client) => this.#contexts.some((context) => client.boolean(this.#flag, false, context)));
  }

  /** That many visits; the new variant behaves as given. */
  visit(visits: number, stage: string, variants: { readonly old: Behaviour; readonly new: Behaviour }): void {
    const random = this.#random;
    for (let left = visits; left > 0; left -= 1) {
      // The square makes some users heavy: a tenth of them makes about a third of the visits.
      const user = Math.floor(random() ** 2 * USERS);
      const client = this.#clients[user % this.#clients.length]!;
      const isNew = client.boolean(this.#flag, false, this.#contexts[user]);
      const behaviour = isNew ? variants.new : variants.old;
      const requests = Math.floor(behaviour.throughput + random());
      const counted = this.#countingOf(`${stage} ${isNew ? 'new' : 'old'}`);
      for (let request = 0; request < requests; request += 1) this.#request(client, user, behaviour, counted);
    }
  }

  #countingOf(key: string): Counting {
    const known = this.#counted.get(key) ?? counting();
    this.#counted.set(key, known);
    return known;
  }

  #request(client: RampartClient, user: number, behaviour: Behaviour, counted: Counting): void {
    const random = this.#random;
    const skewed = () => SHAPE[Math.floor(random() * RANKS)]!;
    const scope = client.openScope(this.#contexts[user]);
    scope.run(() => client.boolean(this.#flag, false));
    const seen = {
      errorRate: random() < behaviour.errorRate ? 1 : 0,
      p99Latency: behaviour.p99Latency * skewed(),
      timeToFirstToken: behaviour.timeToFirstToken * skewed(),
      hallucinationRate: random() < behaviour.hallucinationRate ? 1 : 0,
      faithfulness: behaviour.faithfulness + 0.16 * (random() - 0.5),
      costPerQuery: behaviour.costPerQuery * (0.5 - 0.5 * Math.log(1 - random())),
      tokensPerQuery: Math.round(behaviour.tokensPerQuery * (0.5 + random())),
    };
    const times = { durationMs: 1000 * seen.p99Latency, timeToFirstTokenMs: 1000 * seen.timeToFirstToken };
    client.recordOutcome({ error: seen.errorRate === 1, ...times }, scope);
    client.track('hallucinationRate', seen.hallucinationRate, scope);
    client.track('faithfulness', seen.faithfulness, scope);
    client.track('costPerQuery', seen.costPerQuery, scope);
    client.track('tokensPerQuery', seen.tokensPerQuery, scope);
    for (const [metric, value] of Object.entries(seen)) counted[metric as keyof Counting].push(value);
  }
}
