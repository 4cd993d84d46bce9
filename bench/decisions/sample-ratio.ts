import { dirichletMultinomialLogE, sampleRatioLogE, updateSampleRatio } from '@rampart/stats';
import { chanceOf } from './chance.ts';
import { type Column, type Experiment, SEED } from './experiment.ts';

/** Upper quantiles of chi-squared with one degree of freedom at p = 0.05, 0.01 and 0.001. */
const CHI_SQUARED = [3.841458820694124, 6.6348966010212145, 10.827566170662733];
const PER_LOOK = 20;

/** Pearson's statistic of users against a designed share: GrowthBook looks at it at each snapshot with p < 0.001
 * (growthbook/growthbook `DEFAULT_SRM_THRESHOLD` in `packages/shared/src/constants.ts` at 8f1db44). */
export function chiSquared(treatment: number, control: number, share: number): number {
  const n = treatment + control;
  return (treatment - n * share) ** 2 / (n * share * (1 - share));
}

const COLUMNS: readonly Column[] = [
  { key: 'chi05', name: 'chi-squared at each look, p < 0.05' },
  { key: 'chi01', name: 'chi-squared at each look, p < 0.01' },
  { key: 'chi001', name: 'chi-squared at each look, p < 0.001 (GrowthBook)' },
  { key: 'dirichlet05', name: 'Dirichlet-multinomial, alpha 0.05', isOurs: true },
  { key: 'dirichlet001', name: 'Dirichlet-multinomial, alpha 0.001', isOurs: true },
  { key: 'bank001', name: 'bank of odds ratios, alpha 0.001 (default)', isOurs: true },
];

function experiment(name: string, design: number, truth: number, looks: number, runs: number): Experiment {
  return {
    name,
    runs,
    columns: COLUMNS,
    simulate(run) {
      const chance = chanceOf(SEED, name, run);
      const fired = COLUMNS.map(() => Number.POSITIVE_INFINITY);
      let [treatment, control] = [0, 0];
      let llr: readonly number[] = [];
      for (let look = 1; look <= looks && fired.includes(Number.POSITIVE_INFINITY); look += 1) {
        const news = chance.binomial(PER_LOOK, truth);
        treatment += news;
        control += PER_LOOK - news;
        llr = updateSampleRatio(llr, { treatment: news, control: PER_LOOK - news, treatmentShare: design });
        const chi = chiSquared(treatment, control, design);
        const dirichlet = dirichletMultinomialLogE([treatment, control], [design, 1 - design]);
        const evidence = [
          ...CHI_SQUARED.map((critical) => chi > critical),
          dirichlet >= Math.log(20),
          dirichlet >= Math.log(1000),
          sampleRatioLogE(llr) >= Math.log(1000),
        ];
        evidence.forEach((is, column) => {
          if (is) fired[column] = Math.min(fired[column], look * PER_LOOK);
        });
      }
      return fired;
    },
  };
}

/** Users per arm against the design, a look every 20 users; times are counted in users. */
export const SAMPLE_RATIO: readonly Experiment[] = [
  experiment('srm-null', 0.5, 0.5, 2880, 4000),
  experiment('srm-5-to-6', 0.05, 0.06, 5000, 1000),
];
