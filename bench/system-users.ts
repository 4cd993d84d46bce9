import type { EvaluationContext } from '@rampart/flags';
import type { RampartClient } from '@rampart/sdk';
import { normalQuantile } from '../spec/world.ts';
import { seededRandom } from './virtual-site.ts';

/** Simulated users of one site. */
const USERS = 20_000;
/** Share of requests that fail in the old variant. */
export const BASE_ERROR_RATE = 0.001;
const P99_SECONDS = 0.8;
const SIGMA = 0.3;
const HALLUCINATION_RATE = 0.03;
const MEAN_COST = 0.1;
const LATENCIES = 4096;

/** Latencies in ms at evenly spaced ranks of a lognormal. */
const LATENCY_MS = Float64Array.from({ length: LATENCIES }, (_, index) => {
  const z = normalQuantile((index + 0.5) / LATENCIES) - normalQuantile(0.99);
  return 1000 * P99_SECONDS * Math.exp(SIGMA * z);
});

/** What users met so far. */
export type Met = {
  /** Requests that had a place in the rollout, and so must be in its evidence. */
  readonly placed: number;
  /** Requests that were given the new variant. */
  readonly treated: number;
  /** Errors that the old variant would not have made. */
  readonly harmful: number;
  /** Users who were given the new variant at least once. */
  readonly exposedUsers: number;
  /** Users who met at least one harmful error. */
  readonly harmedUsers: number;
};

/** People who use one feature: each request asks the SDK for the flag and reports how it went, as an application does. */
export class SystemUsers {
  readonly #client: RampartClient;
  readonly #flag: string;
  readonly #treatmentErrorRate: number;
  readonly #random: () => number;
  readonly #contexts: readonly EvaluationContext[];
  readonly #exposed = new Uint8Array(USERS);
  readonly #harmed = new Uint8Array(USERS);
  #placed = 0;
  #treated = 0;
  #harmful = 0;

  constructor(client: RampartClient, flag: string, treatmentErrorRate: number, seed: number) {
    this.#client = client;
    this.#flag = flag;
    this.#treatmentErrorRate = treatmentErrorRate;
    this.#random = seededRandom(seed);
    this.#contexts = Array.from({ length: USERS }, (_, index) => ({ targetingKey: `user-${seed}-${index}` }));
  }

  get met(): Met {
    return {
      placed: this.#placed,
      treated: this.#treated,
      harmful: this.#harmful,
      exposedUsers: countOf(this.#exposed),
      harmedUsers: countOf(this.#harmed),
    };
  }

  /** Makes a number of requests around `mean`: Poisson by the normal approximation. */
  use(mean: number): void {
    const z = normalQuantile(Math.min(1 - 1e-9, Math.max(1e-9, this.#random())));
    for (let left = Math.max(0, Math.round(mean + Math.sqrt(mean) * z)); left > 0; left -= 1) this.#request();
  }

  #request(): void {
    const random = this.#random;
    // The square makes some users heavy: a tenth of them sends about a third of the requests.
    const user = Math.floor(random() ** 2 * USERS);
    const scope = this.#client.openScope(this.#contexts[user]);
    const { value, place } = scope.run(() => this.#client.details(this.#flag, false));
    if (place === undefined) return;
    this.#placed += 1;
    const luck = random();
    const error = luck < (value === true ? this.#treatmentErrorRate : BASE_ERROR_RATE);
    if (value === true) this.#note(user, error && luck >= BASE_ERROR_RATE);
    this.#client.recordOutcome({ error, durationMs: LATENCY_MS[Math.floor(random() * LATENCIES)] }, scope);
    this.#client.track('hallucinationRate', random() < HALLUCINATION_RATE ? 1 : 0, scope);
    this.#client.track('costPerQuery', MEAN_COST * (0.5 - 0.5 * Math.log(1 - random())), scope);
  }

  #note(user: number, isHarmful: boolean): void {
    this.#treated += 1;
    this.#exposed[user] = 1;
    if (!isHarmful) return;
    this.#harmful += 1;
    this.#harmed[user] = 1;
  }
}

function countOf(marks: Uint8Array): number {
  return marks.reduce((sum, mark) => sum + mark, 0);
}
