import { bucketOf, FULL_WEIGHT, userBucketOf } from '@rampart/flags';
import { binOf, type EvidenceSeries, type RolloutState, USER_BUCKETS, weightOfEveryone } from '@rampart/rollout';
import { normalQuantile } from '../spec/world.ts';

/** Chance with a seed (mulberry32): the same seed gives the same site. Values in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What one variant does to a request. Latency is lognormal. */
export type Behaviour = {
  readonly errorRate: number;
  readonly p99Seconds: number;
  readonly hallucinationRate: number;
  /** Mean dollars per query, exponentially distributed above half of it. */
  readonly costPerQuery: number;
  /** Mean faithfulness in [0, 1] of an answer. Default: 0.98. */
  readonly faithfulness?: number;
};

export type SiteOptions = {
  readonly flag: string;
  readonly users: number;
  /** Share of users who belong to the audience of the plan's targeted stages, in [0, 1]. Default: 0. */
  readonly audienceShare?: number;
  readonly requestsPerSecond: number;
  readonly treatment: Behaviour;
  readonly control: Behaviour;
  /** How the new variant does for the audience. Default: as `treatment`. */
  readonly audience?: Behaviour;
  readonly seed: number;
};

const HISTOGRAMS: readonly string[] = ['p99Latency', 'timeToFirstToken'];
const TABLE = 4096;
const SIGMA = 0.3;

function latencyBins(p99Seconds: number): Int32Array {
  return Int32Array.from({ length: TABLE }, (_, index) =>
    binOf(p99Seconds * Math.exp(SIGMA * (normalQuantile((index + 0.5) / TABLE) - normalQuantile(0.99)))),
  );
}

/** Sums of one metric in one arm while a step is simulated. */
class Cells {
  readonly count = new Float64Array(USER_BUCKETS);
  readonly sum = new Float64Array(USER_BUCKETS);
  readonly sumSquares = new Float64Array(USER_BUCKETS);
  readonly bins = Array.from({ length: USER_BUCKETS }, () => new Map<number, number>());

  add(bucket: number, value: number): void {
    this.count[bucket] += 1;
    this.sum[bucket] += value;
    this.sumSquares[bucket] += value * value;
  }

  addBin(bucket: number, bin: number): void {
    this.count[bucket] += 1;
    this.bins[bucket].set(bin, (this.bins[bucket].get(bin) ?? 0) + 1);
  }

  series(
    place: Pick<EvidenceSeries, 'metric' | 'arm' | 'epoch' | 'stratum'>,
    isHistogram: boolean,
  ): EvidenceSeries | undefined {
    const bucket = [...this.count.keys()].filter((index) => this.count[index] > 0);
    if (bucket.length === 0) return undefined;
    const pick = (from: Float64Array) => bucket.map((index) => from[index]);
    const sums = { bucket, count: pick(this.count), sum: pick(this.sum), sumSquares: pick(this.sumSquares) };
    return { ...place, ...sums, ...(isHistogram && { bins: bucket.map((index) => [...this.bins[index]]) }) };
  }
}

/** A site with users of its own, some heavy, whose requests are evaluated by the real bucketing. */
export class VirtualSite {
  readonly #options: SiteOptions;
  readonly #random: () => number;
  readonly #split: Float64Array;
  readonly #bucket: Int32Array;
  readonly #does: Record<EvidenceSeries['arm'], Behaviour>;
  readonly #latency: Record<EvidenceSeries['arm'], Int32Array>;
  #assigned = new Uint8Array(0);
  #epoch = -1;
  #isTargeted = false;

  constructor(options: SiteOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    const names = Array.from({ length: options.users }, (_, index) => `user-${options.seed}-${index}`);
    this.#split = Float64Array.from(names, (name) => bucketOf(options.flag, name));
    this.#bucket = Int32Array.from(names, (name) => userBucketOf(name));
    const { treatment, control, audience: targeted = treatment } = options;
    this.#does = { treatment, control, targeted };
    const bins = (arm: Behaviour) => latencyBins(arm.p99Seconds);
    this.#latency = { treatment: bins(treatment), control: bins(control), targeted: bins(targeted) };
  }

  /** Number of requests in a step: Poisson, by the normal approximation where the mean is large. */
  #requests(forMs: number): number {
    const mean = (this.#options.requestsPerSecond * forMs) / 1000;
    if (mean > 50)
      return Math.max(
        0,
        Math.round(mean + Math.sqrt(mean) * normalQuantile(Math.min(0.9999999, Math.max(1e-7, this.#random())))),
      );
    let count = -1;
    for (let product = 1; product > Math.exp(-mean); count += 1) product *= this.#random();
    return Math.max(0, count);
  }

  /** Evidence of everyone's requests in a step of virtual time, as an SDK would have aggregated it. */
  step(state: RolloutState, forMs: number): readonly EvidenceSeries[] {
    const weight = weightOfEveryone(state.layers);
    if (this.#epoch !== state.epoch) {
      this.#epoch = state.epoch;
      this.#assigned = new Uint8Array(this.#options.users);
      this.#isTargeted = state.layers.some((layer) => layer.segment !== undefined && layer.weight === FULL_WEIGHT);
    }
    const cells: Record<string, Cells> = {};
    const cell = (key: string) => {
      cells[key] ??= new Cells();
      return cells[key];
    };
    for (let left = this.#requests(forMs); left > 0; left -= 1) this.#request(weight, cell);
    return Object.entries(cells)
      .map(([key, one]) => {
        const [arm, metric] = key.split('/') as [EvidenceSeries['arm'], string];
        const stratum = arm === 'targeted' ? FULL_WEIGHT : weight;
        return one.series({ metric, arm, epoch: state.epoch, stratum }, HISTOGRAMS.includes(metric));
      })
      .filter((one) => one !== undefined);
  }

  #request(weight: number, cell: (key: string) => Cells): void {
    const random = this.#random;
    // The square makes some users heavy: a tenth of them sends about a third of the requests.
    const user = Math.floor(random() ** 2 * this.#options.users);
    const bucket = this.#bucket[user];
    const arm = this.#armOf(user, weight);
    if (arm === undefined) return;
    const does = this.#does[arm];
    if (this.#assigned[user] === 0) {
      this.#assigned[user] = 1;
      cell(`${arm}/assigned`).add(bucket, 1);
      cell(`${arm}/reported`).add(bucket, 1);
    }
    cell(`${arm}/errorRate`).add(bucket, random() < does.errorRate ? 1 : 0);
    cell(`${arm}/throughput`).add(bucket, 1);
    cell(`${arm}/p99Latency`).addBin(bucket, this.#latency[arm][Math.floor(random() * TABLE)]);
    cell(`${arm}/timeToFirstToken`).addBin(bucket, this.#latency[arm][Math.floor(random() * TABLE)]);
    const faithful = does.faithfulness ?? 0.98;
    cell(`${arm}/faithfulness`).add(bucket, Math.min(1, faithful + (random() - 0.5) * 0.04));
    cell(`${arm}/tokensPerQuery`).add(bucket, 200 * (0.5 + random()));
    cell(`${arm}/hallucinationRate`).add(bucket, random() < does.hallucinationRate ? 1 : 0);
    cell(`${arm}/costPerQuery`).add(bucket, does.costPerQuery * (0.5 - 0.5 * Math.log(1 - random())));
  }

  /** Arm of a user: placed by the audience, by the split, or in none where a targeted stage leaves others out. */
  #armOf(user: number, weight: number): EvidenceSeries['arm'] | undefined {
    const isInAudience = user < (this.#options.audienceShare ?? 0) * this.#options.users;
    if (this.#isTargeted && isInAudience) return 'targeted';
    if (this.#isTargeted && weight === 0) return undefined;
    return this.#split[user] < weight ? 'treatment' : 'control';
  }
}
