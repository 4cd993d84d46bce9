import {
  bonferroniThreshold,
  EQUAL_WEIGHTS,
  mixtureLogE,
  RATIO_GRID,
  updateRateRatio,
  weightedAverageLogE,
} from '@rampart/stats';
import { type Chance, chanceOf } from './chance.ts';
import { CoreRun, emptyCells, spreadArm } from './core.ts';
import { type Column, type Experiment, SEED } from './experiment.ts';
import { THRESHOLD } from './ours.ts';
import { BASE_RATE, MINUTES } from './traffic.ts';

const METRICS = 10;
const ALPHA = 0.05;
/** Minutes of a batch here. */
const BATCH = 10;
const REQUESTS = { treatment: 1000, control: 19_000 } as const;
const NAMES = Array.from({ length: METRICS }, (_, metric) => `metric${metric}`);

const COLUMNS: readonly Column[] = [
  { key: 'uncorrected', name: 'each metric at 5 %' },
  { key: 'average', name: 'average of e-values', isOurs: true },
  { key: 'bonferroni', name: 'weighted Bonferroni', isOurs: true },
  { key: 'default', name: 'default configuration', isOurs: true },
];

/** Which of the three corrections fire. */
function firing(logEs: readonly number[]): readonly boolean[] {
  const weights = logEs.map(() => 1 / METRICS);
  const largest = Math.max(...logEs);
  return [
    largest >= THRESHOLD,
    weightedAverageLogE(weights, logEs) >= THRESHOLD,
    largest >= bonferroniThreshold(1 / METRICS, ALPHA),
  ];
}

function simulate(chance: Chance, ratios: readonly number[]): readonly number[] {
  const fired = COLUMNS.map(() => Number.POSITIVE_INFINITY);
  const llrs: (readonly number[])[] = NAMES.map(() => []);
  const cells = NAMES.map(() => ({ treatment: emptyCells(), control: emptyCells() }));
  const run = new CoreRun(NAMES.map((metric) => ({ metric, definition: { kind: 'proportion', harm: 'higher' } })));
  for (let end = BATCH; end <= MINUTES && fired.includes(Number.POSITIVE_INFINITY); end += BATCH) {
    const batches = NAMES.map((metric, m) => {
      const xT = chance.binomial(REQUESTS.treatment, BASE_RATE * ratios[m]);
      const xC = chance.binomial(REQUESTS.control, BASE_RATE);
      llrs[m] = updateRateRatio(llrs[m], { nT: REQUESTS.treatment, xT, nC: REQUESTS.control, xC }, 1, RATIO_GRID);
      return {
        metric,
        treatment: spreadArm(REQUESTS.treatment, xT, cells[m].treatment, chance),
        control: spreadArm(REQUESTS.control, xC, cells[m].control, chance),
      };
    });
    const logEs = llrs.map((llr) => mixtureLogE(llr, EQUAL_WEIGHTS));
    const hasAborted = fired[3] === Number.POSITIVE_INFINITY && run.feed(batches, BATCH);
    [...firing(logEs), hasAborted].forEach((is, column) => {
      if (is) fired[column] = Math.min(fired[column], end);
    });
  }
  return fired;
}

function experiment(name: string, ratios: readonly number[], runs: number): Experiment {
  return {
    name,
    runs,
    columns: COLUMNS,
    simulate: (run) => simulate(chanceOf(SEED, name, run), ratios),
  };
}

/** Ten independent metrics with an abort criterion each: nothing wrong, one doubled, three doubled. */
export const FAMILIES: readonly Experiment[] = [
  experiment(
    'ten-null',
    NAMES.map(() => 1),
    2000,
  ),
  experiment(
    'ten-one-2x',
    NAMES.map((_, m) => (m < 1 ? 2 : 1)),
    1000,
  ),
  experiment(
    'ten-three-2x',
    NAMES.map((_, m) => (m < 3 ? 2 : 1)),
    1000,
  ),
];
