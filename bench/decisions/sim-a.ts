import { ARGO } from './argo.ts';
import { chanceOf } from './chance.ts';
import { coreAbortsAfter } from './core.ts';
import { type Column, type Experiment, SEED } from './experiment.ts';
import { FLAGGER } from './flagger.ts';
import { GROWTHBOOK } from './growthbook.ts';
import { KAYENTA } from './kayenta.ts';
import { LAUNCHDARKLY } from './launchdarkly.ts';
import { OURS, sprtAbortsAfter } from './ours.ts';
import type { Rule } from './rule.ts';
import { simulateTraffic, type World } from './traffic.ts';
import { UNLEASH } from './unleash.ts';
import { Z_TEST } from './z-test.ts';

const RIVALS: readonly Rule[] = [
  ...ARGO,
  ...FLAGGER,
  ...KAYENTA,
  ...LAUNCHDARKLY,
  ...Z_TEST,
  ...GROWTHBOOK,
  ...UNLEASH,
];
const RULES: readonly Rule[] = [...RIVALS, ...OURS];

/** Every rule of SIM-A, in the order of its table. */
export const SIM_A_COLUMNS: readonly Column[] = [
  ...RIVALS.map(({ key, name, isModel }) => ({ key, name, isModel })),
  ...OURS.map(({ key, name }) => ({ key, name, isOurs: true })),
  { key: 'default', name: 'Rampart, default configuration (real core)', isOurs: true },
  { key: 'oracle', name: 'oracle: sequential test that knows the ratio' },
];

const NULL_RUNS = 4000;
const ALTERNATIVE_RUNS = 2000;

function experiment(name: string, world: World, runs: number): Experiment {
  return {
    name,
    runs,
    columns: SIM_A_COLUMNS,
    simulate(run) {
      const chance = chanceOf(SEED, name, run);
      const traffic = simulateTraffic(chance, world);
      const rules = RULES.map((rule) => rule.abortsAfter(traffic));
      // Under the null there is no ratio to know; the oracle then looks for a doubling.
      const oracle = sprtAbortsAfter(traffic, world.ratio === 1 ? 2 : world.ratio);
      return [...rules, coreAbortsAfter(traffic, chance), oracle];
    },
  };
}

/** SIM-A: nothing wrong on flat and on diurnal traffic with shared incidents; errors doubled; errors five times as many. */
export const SIM_A: readonly Experiment[] = [
  experiment('flat', { ratio: 1, isDiurnal: false }, NULL_RUNS),
  experiment('diurnal', { ratio: 1, isDiurnal: true }, NULL_RUNS),
  experiment('2x', { ratio: 2, isDiurnal: false }, ALTERNATIVE_RUNS),
  experiment('5x', { ratio: 5, isDiurnal: false }, ALTERNATIVE_RUNS),
];
