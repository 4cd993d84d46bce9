import { type ArmSums, armSums } from '@rampart/rollout';
import {
  bucketScoreLogE,
  EQUAL_WEIGHTS,
  emptyBucketScore,
  mixtureLogE,
  RATIO_GRID,
  updateBucketScore,
  updateRateRatio,
} from '@rampart/stats';
import { type Chance, chanceOf } from './chance.ts';
import { type Cells, CoreRun, emptyCells } from './core.ts';
import { type Experiment, SEED } from './experiment.ts';
import { growthbookHalfWidth } from './growthbook.ts';
import { THRESHOLD } from './ours.ts';

const BUCKETS = 64;
/** 48 hours in batches of ten minutes. */
const BATCHES = 288;
const BATCH_MINUTES = 10;
const MEAN_RATE = 0.001;
/** Shape of the users' propensity to fail: most never do, a few do all the time. */
const PROPENSITY = 0.1;
/** Spread of the users' request rates (sigma of a lognormal with mean 1 per batch). */
const RATE_SIGMA = 1.5;

/** What one arm shows: requests and errors by batch and user bucket, and users with their first error by batch. */
type Arm = { readonly users: number; readonly n: Float64Array; readonly x: Float64Array; readonly first: Float64Array };

function simulateArm(users: number, ratio: number, chance: Chance): Arm {
  const [n, x] = [new Float64Array(BATCHES * BUCKETS), new Float64Array(BATCHES * BUCKETS)];
  const first = new Float64Array(BATCHES);
  const rates = new Float64Array(BUCKETS);
  for (let user = 0; user < users; user += 1) {
    const bucket = Math.floor(chance.uniform() * BUCKETS);
    const rate = Math.exp(RATE_SIGMA * chance.normal() - RATE_SIGMA ** 2 / 2);
    const share = Math.min(1, (MEAN_RATE * ratio * chance.gamma(PROPENSITY)) / PROPENSITY);
    rates[bucket] += rate;
    const errors = chance.poisson(rate * share * BATCHES);
    let earliest = BATCHES;
    for (let error = 0; error < errors; error += 1) {
      const batch = Math.floor(chance.uniform() * BATCHES);
      x[batch * BUCKETS + bucket] += 1;
      earliest = Math.min(earliest, batch);
    }
    if (earliest < BATCHES) first[earliest] += 1;
  }
  // An error is a request, so a bucket has at least as many requests as errors.
  for (let i = 0; i < n.length; i += 1) n[i] = Math.max(x[i], chance.poisson(rates[i % BUCKETS]));
  return { users, n, x, first };
}

function batchOf(values: Float64Array, batch: number): readonly number[] {
  return Array.from(values.subarray(batch * BUCKETS, (batch + 1) * BUCKETS));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** When a test that takes batch after batch fires, in minutes. */
function firstBatch(fires: (batch: number) => boolean): number {
  for (let batch = 0; batch < BATCHES; batch += 1) if (fires(batch)) return (batch + 1) * BATCH_MINUTES;
  return Number.POSITIVE_INFINITY;
}

function requestGrid(treatment: Arm, control: Arm): number {
  let llr: readonly number[] = [];
  return firstBatch((batch) => {
    const [nT, xT, nC, xC] = [treatment.n, treatment.x, control.n, control.x].map((one) => total(batchOf(one, batch)));
    llr = updateRateRatio(llr, { nT, xT, nC, xC }, 1, RATIO_GRID);
    return mixtureLogE(llr, EQUAL_WEIGHTS) >= THRESHOLD;
  });
}

function requestSequence(treatment: Arm, control: Arm): number {
  const sum = [0, 0, 0, 0];
  return firstBatch((batch) => {
    [treatment.n, treatment.x, control.n, control.x].forEach((one, i) => {
      sum[i] += total(batchOf(one, batch));
    });
    const [nT, xT, nC, xC] = sum;
    const [pT, pC] = [xT / nT, xC / nC];
    return pT - pC > growthbookHalfWidth(Math.sqrt((pT * (1 - pT)) / nT + (pC * (1 - pC)) / nC), nT + nC);
  });
}

/** (f1): users at risk and their first errors. */
function firstEvents(treatment: Arm, control: Arm): number {
  let llr: readonly number[] = [];
  let [atRiskT, atRiskC] = [treatment.users, control.users];
  return firstBatch((batch) => {
    const [xT, xC] = [treatment.first[batch], control.first[batch]];
    llr = updateRateRatio(llr, { nT: atRiskT, xT, nC: atRiskC, xC }, 1, RATIO_GRID);
    atRiskT -= xT;
    atRiskC -= xC;
    return mixtureLogE(llr, EQUAL_WEIGHTS) >= THRESHOLD;
  });
}

/** Events that each arm needs before the asymptotic test may speak. */
const BURN_IN = 10;

/** (f2): score by user bucket. */
function bucketScore(treatment: Arm, control: Arm): number {
  let score = emptyBucketScore(BUCKETS);
  let [eventsT, eventsC] = [0, 0];
  return firstBatch((batch) => {
    const [nT, xT, nC, xC] = [treatment.n, treatment.x, control.n, control.x].map((one) => batchOf(one, batch));
    score = updateBucketScore(score, { nT, xT, nC, xC });
    eventsT += total(xT);
    eventsC += total(xC);
    return Math.min(eventsT, eventsC) >= BURN_IN && bucketScoreLogE(score, { tau: MEAN_RATE }) >= THRESHOLD;
  });
}

function fillCells(cells: Cells, arm: Arm, batch: number): ArmSums {
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    cells.n[bucket] = arm.n[batch * BUCKETS + bucket];
    cells.x[bucket] = arm.x[batch * BUCKETS + bucket];
  }
  return armSums(cells);
}

function core(treatment: Arm, control: Arm): number {
  const run = new CoreRun();
  const [ofTreatment, ofControl] = [emptyCells(), emptyCells()];
  const stratum = Math.round((100_000 * treatment.users) / (treatment.users + control.users));
  return firstBatch((batch) =>
    run.feed(
      [
        {
          stratum,
          treatment: fillCells(ofTreatment, treatment, batch),
          control: fillCells(ofControl, control, batch),
        },
      ],
      BATCH_MINUTES,
    ),
  );
}

function experiment(name: string, users: readonly [number, number], ratio: number): Experiment {
  return {
    name,
    runs: 2000,
    columns: [
      { key: 'requestExact', name: 'exact grid on requests' },
      { key: 'requestSequence', name: 'asymptotic sequence on requests' },
      { key: 'firstEvents', name: 'first errors of users (f1)', isOurs: true },
      { key: 'bucketScore', name: 'user buckets (f2)', isOurs: true },
      { key: 'default', name: 'default configuration', isOurs: true },
    ],
    simulate(run) {
      const chance = chanceOf(SEED, name, run);
      const treatment = simulateArm(users[0], ratio, chance);
      const control = simulateArm(users[1], 1, chance);
      return [requestGrid, requestSequence, firstEvents, bucketScore, core].map((test) => test(treatment, control));
    },
  };
}

/** Users are randomised and requests are counted: heavy users, most of whom never fail while a few fail often. */
export const CLUSTERS: readonly Experiment[] = [
  experiment('clusters-even', [2000, 2000], 1),
  experiment('clusters', [2000, 38_000], 1),
  experiment('clusters-2x', [2000, 38_000], 2),
  experiment('clusters-half', [2000, 38_000], 0.5),
];
