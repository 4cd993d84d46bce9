import { type ArmSums, armSums, binOf } from '@rampart/rollout';
import { EQUAL_WEIGHTS, mixtureLogE, RATIO_GRID, updateRateRatio } from '@rampart/stats';
import { type Chance, chanceOf } from './chance.ts';
import { BUCKETS, CoreRun } from './core.ts';
import { type Experiment, SEED } from './experiment.ts';
import { THRESHOLD } from './ours.ts';

const LOOKS = 576;
const LOOK_MINUTES = 5;
/** Requests of each arm between two looks. */
const REQUESTS = 500;
const SIGMA = 0.5;
const MARGIN = 1.2;
const P = 0.99;

/** Histogram of values with steps of 0.1 %, which gives quantiles of everything seen so far. */
class Seen {
  readonly #bins = new Float64Array(20_000);
  #count = 0;

  add(values: Float64Array): void {
    for (const value of values) this.#bins[Math.round(Math.log(value) / 0.001) + 10_000] += 1;
    this.#count += values.length;
  }

  p99(): number {
    let above = 0;
    let bin = this.#bins.length - 1;
    for (; bin >= 0 && above + this.#bins[bin] <= (1 - P) * this.#count; bin -= 1) above += this.#bins[bin];
    return Math.exp((bin + 0.5 - 10_000) * 0.001);
  }
}

function draw(chance: Chance, factor: number): Float64Array {
  return Float64Array.from({ length: REQUESTS }, () => factor * Math.exp(SIGMA * chance.normal()));
}

/** The empirical 99th percentile of a sample. */
export function p99Of(values: Float64Array): number {
  return values.toSorted()[Math.ceil(P * values.length) - 1];
}

function countAbove(values: Float64Array, cut: number): number {
  return values.filter((value) => value > cut).length;
}

/** Latencies in seconds as the SDK would send them: counts and histograms by user bucket. */
function sumsOf(values: Float64Array, chance: Chance): ArmSums {
  const [n, x, xx] = Array.from({ length: 3 }, () => new Array<number>(BUCKETS + 1).fill(0));
  const bins = { bucket: [] as number[], bin: [] as number[], count: [] as number[] };
  for (const value of values) {
    const bucket = Math.floor(chance.uniform() * BUCKETS);
    n[bucket] += 1;
    x[bucket] += value;
    xx[bucket] += value * value;
    bins.bucket.push(bucket);
    bins.bin.push(binOf(value));
    bins.count.push(1);
  }
  return armSums({ n, x, xx, bins });
}

function simulate(chance: Chance, ratio: number): readonly number[] {
  const core = new CoreRun([{ metric: 'p99Latency', limit: `${MARGIN}x control` }]);
  const fired = [0, 0, 0, 0].map(() => Number.POSITIVE_INFINITY);
  const [seenT, seenC] = [new Seen(), new Seen()];
  let llr: readonly number[] = [];
  for (let look = 1; look <= LOOKS && fired.includes(Number.POSITIVE_INFINITY); look += 1) {
    const [ofT, ofC] = [draw(chance, ratio), draw(chance, 1)];
    if (look > 1) {
      // The cut comes from control before this batch, so that the batch itself had no say in it.
      const cut = seenC.p99();
      const [xT, xC] = [countAbove(ofT, MARGIN * cut), countAbove(ofC, cut)];
      llr = updateRateRatio(llr, { nT: REQUESTS, xT, nC: REQUESTS, xC }, 1, RATIO_GRID);
    }
    seenT.add(ofT);
    seenC.add(ofC);
    const batch = {
      metric: 'p99Latency',
      stratum: 50_000,
      treatment: sumsOf(ofT, chance),
      control: sumsOf(ofC, chance),
    };
    const evidence = [
      p99Of(ofT) > MARGIN * p99Of(ofC),
      seenT.p99() > MARGIN * seenC.p99(),
      mixtureLogE(llr, EQUAL_WEIGHTS) >= THRESHOLD,
      fired[3] === Number.POSITIVE_INFINITY && core.feed([batch], LOOK_MINUTES),
    ];
    evidence.forEach((is, column) => {
      if (is) fired[column] = Math.min(fired[column], look * LOOK_MINUTES);
    });
  }
  return fired;
}

function experiment(name: string, ratio: number, runs: number): Experiment {
  return {
    name,
    runs,
    columns: [
      { key: 'fiveMinutes', name: 'ratio of p99s of the last 5 min' },
      { key: 'soFar', name: 'ratio of p99s so far' },
      { key: 'matchedCut', name: 'exceedances of a matched cut (c2)', isOurs: true },
      { key: 'default', name: 'default configuration', isOurs: true },
    ],
    simulate: (run) => simulate(chanceOf(SEED, name, run), ratio),
  };
}

/** p99 latency against the limit 1.2x control: exactly on the limit, well inside, and beyond. */
export const QUANTILE_RATIO: readonly Experiment[] = [
  experiment('p99-on-limit', MARGIN, 400),
  experiment('p99-inside', 1, 200),
  experiment('p99-beyond', 1.5, 400),
];
