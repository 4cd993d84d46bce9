import { armSums } from '@rampart/rollout';
import {
  emptyStratifiedMean,
  oneSidedMeanLogE,
  type StratifiedMean,
  stratifiedMeanEstimate,
  updateStratifiedMean,
} from '@rampart/stats';
import { type Chance, chanceOf } from './chance.ts';
import { BUCKETS, type Cells, CoreRun } from './core.ts';
import { type Experiment, SEED } from './experiment.ts';
import { THRESHOLD } from './ours.ts';
import { MINUTES } from './traffic.ts';

const BATCHES = 288;
const BATCH_MINUTES = 10;
const PER_BATCH = { treatment: 20, control: 380 } as const;
/** Drop worth finding, as part of the mean. */
const DROP = 0.1;
const SIGMA = 1.5;
const ZEROES = 0.9;
/** Values other than 0 that each arm needs before the asymptotic test may speak. */
const BURN_IN = 50;

type World = { readonly draw: (chance: Chance) => number; readonly mean: number };

const lognormal = (chance: Chance) => Math.exp(SIGMA * chance.normal());
const MEAN = Math.exp(SIGMA ** 2 / 2);
const LOGNORMAL: World = { draw: lognormal, mean: MEAN };
const ZERO_INFLATED: World = {
  draw: (chance) => (chance.uniform() < ZEROES ? 0 : lognormal(chance)),
  mean: MEAN * (1 - ZEROES),
};

type Sample = {
  readonly n: number;
  readonly sum: number;
  readonly sumSquares: number;
  readonly some: number;
  /** The same by user bucket, for the core. */
  readonly cells: Cells;
};

function sample(n: number, { draw }: World, chance: Chance): Sample {
  let [sum, sumSquares, some] = [0, 0, 0];
  const [counts, x, xx] = Array.from({ length: 3 }, () => new Array<number>(BUCKETS + 1).fill(0));
  for (let i = 0; i < n; i += 1) {
    const value = draw(chance);
    sum += value;
    sumSquares += value * value;
    if (value > 0) some += 1;
    const bucket = Math.floor(chance.uniform() * BUCKETS);
    counts[bucket] += 1;
    x[bucket] += value;
    xx[bucket] += value * value;
  }
  return { n, sum, sumSquares, some, cells: { n: counts, x, xx } };
}

function dropFound(state: StratifiedMean, se: number | undefined, tau: number): boolean {
  const estimate = stratifiedMeanEstimate(state);
  if (estimate === undefined) return false;
  const logE = oneSidedMeanLogE({ delta: estimate.delta, se: se ?? estimate.se, tau, direction: 'below' });
  return logE >= THRESHOLD;
}

function experiment(name: string, world: World): Experiment {
  return {
    name,
    runs: 2000,
    columns: [
      { key: 'armVariance', name: "the arms' own variances" },
      { key: 'maxVariance', name: 'the larger of two variances (b1)', isOurs: true },
      { key: 'default', name: 'default configuration', isOurs: true },
    ],
    simulate(run) {
      const chance = chanceOf(SEED, name, run);
      const fired = [0, 0, 0].map(() => Number.POSITIVE_INFINITY);
      const core = new CoreRun([{ metric: 'revenue', definition: { kind: 'mean', harm: 'lower' } }]);
      const some = { treatment: 0, control: 0 };
      let state = emptyStratifiedMean();
      for (let batch = 1; batch <= BATCHES; batch += 1) {
        const treatment = sample(PER_BATCH.treatment, world, chance);
        const control = sample(PER_BATCH.control, world, chance);
        some.treatment += treatment.some;
        some.control += control.some;
        state = updateStratifiedMean(state, {
          nT: treatment.n,
          sumT: treatment.sum,
          sumSquaresT: treatment.sumSquares,
          nC: control.n,
          sumC: control.sum,
          sumSquaresC: control.sumSquares,
        });
        const batches = [{ metric: 'revenue', treatment: armSums(treatment.cells), control: armSums(control.cells) }];
        if (fired[2] > MINUTES && core.feed(batches, BATCH_MINUTES)) fired[2] = batch * BATCH_MINUTES;
        if (Math.min(some.treatment, some.control) < BURN_IN) continue;
        const tau = DROP * world.mean;
        const ownSe = Math.sqrt(state.armVariance) / state.weight;
        if (dropFound(state, ownSe, tau)) fired[0] = Math.min(fired[0], batch * BATCH_MINUTES);
        if (dropFound(state, undefined, tau)) fired[1] = Math.min(fired[1], batch * BATCH_MINUTES);
      }
      return fired;
    },
  };
}

/** Revenue per request with 5 % of exposure and no effect, tested for a drop: skewed, and mostly 0. */
export const REVENUE: readonly Experiment[] = [
  experiment('revenue-lognormal', LOGNORMAL),
  experiment('revenue-zero-inflated', ZERO_INFLATED),
];
