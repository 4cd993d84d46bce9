import { EQUAL_WEIGHTS, mixtureLogE, RATIO_GRID, updateRateRatio } from '@rampart/stats';
import { type Chance, chanceOf } from './chance.ts';
import { CoreRun, emptyCells, spreadArm } from './core.ts';
import { type Experiment, SEED } from './experiment.ts';
import { growthbookAbortsAfter } from './growthbook.ts';
import { gridAbortsAfter, THRESHOLD } from './ours.ts';
import { MINUTES } from './traffic.ts';

/** Requests per minute of both arms. */
const TOTAL = 2000;
/** Share of treatment in thousandths of a percent, and the minute at which it ends. */
const STAGES = [
  { stratum: 500, until: 360 },
  { stratum: 5000, until: 1440 },
  { stratum: 25_000, until: MINUTES },
] as const;
const [LOW, HIGH] = [0.0005, 0.003];

type Ramp = {
  readonly nT: Float64Array;
  readonly xT: Float64Array;
  readonly nC: Float64Array;
  readonly xC: Float64Array;
};

function stratumAt(minute: number): number {
  return (STAGES.find(({ until }) => minute < until) ?? STAGES[2]).stratum;
}

function simulateRamp(chance: Chance, rateAt: (part: number) => number): Ramp {
  const [nT, xT, nC, xC] = Array.from({ length: 4 }, () => new Float64Array(MINUTES));
  for (let minute = 0; minute < MINUTES; minute += 1) {
    const rate = rateAt(minute / MINUTES);
    nT[minute] = (TOTAL * stratumAt(minute)) / 100_000;
    nC[minute] = TOTAL - nT[minute];
    xT[minute] = chance.binomial(nT[minute], rate);
    xC[minute] = chance.binomial(nC[minute], rate);
  }
  return { nT, xT, nC, xC };
}

/** The wrong way: the exact test on totals over all stages, as if shares had never changed. */
function totalsAbortAfter({ nT, xT, nC, xC }: Ramp): number {
  const sum = { nT: 0, xT: 0, nC: 0, xC: 0 };
  for (let minute = 0; minute < MINUTES; minute += 1) {
    sum.nT += nT[minute];
    sum.xT += xT[minute];
    sum.nC += nC[minute];
    sum.xC += xC[minute];
    if (mixtureLogE(updateRateRatio([], sum, 1, RATIO_GRID), EQUAL_WEIGHTS) >= THRESHOLD) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

/** Minutes that one batch of the core holds here. */
const BATCH = 10;

function coreAbortsAfter(ramp: Ramp, chance: Chance): number {
  const run = new CoreRun();
  const [ofTreatment, ofControl] = [emptyCells(), emptyCells()];
  const batchSum = (values: Float64Array, from: number) =>
    values.subarray(from, from + BATCH).reduce((sum, value) => sum + value, 0);
  for (let minute = 0; minute < MINUTES; minute += BATCH) {
    const [nT, xT, nC, xC] = [ramp.nT, ramp.xT, ramp.nC, ramp.xC].map((values) => batchSum(values, minute));
    const treatment = spreadArm(nT, xT, ofTreatment, chance);
    const control = spreadArm(nC, xC, ofControl, chance);
    if (run.feed([{ stratum: stratumAt(minute), treatment, control }], BATCH)) return minute + BATCH;
  }
  return Number.POSITIVE_INFINITY;
}

function experiment(name: string, rateAt: (part: number) => number): Experiment {
  return {
    name,
    runs: 2000,
    columns: [
      { key: 'totalsSequential', name: 'asymptotic sequence on totals' },
      { key: 'totalsExact', name: 'exact grid on totals' },
      { key: 'batches', name: 'exact grid by batch', isOurs: true },
      { key: 'default', name: 'default configuration', isOurs: true },
    ],
    simulate(run) {
      const chance = chanceOf(SEED, name, run);
      const ramp = simulateRamp(chance, rateAt);
      const { nT, xT, nC, xC } = ramp;
      return [
        growthbookAbortsAfter(nT, xT, nC, xC),
        totalsAbortAfter(ramp),
        gridAbortsAfter(nT, xT, nC, xC),
        coreAbortsAfter(ramp, chance),
      ];
    },
  };
}

/** Nothing wrong while exposure ramps 0.5 % (6 h), 5 % (18 h), 25 % (24 h) and everyone's error rate drifts. */
export const RAMP: readonly Experiment[] = [
  experiment('ramp-rising', (part) => LOW + (HIGH - LOW) * part),
  experiment('ramp-falling', (part) => HIGH - (HIGH - LOW) * part),
  experiment('ramp-flat', () => 0.001),
];
