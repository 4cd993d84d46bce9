import { mkdir, writeFile } from 'node:fs/promises';
import { firedShare } from './decisions/experiment.ts';
import { brief, type Figures, informationLimit, simAFigures } from './decisions/figures.ts';
import { plotsOf } from './decisions/plots.ts';
import { type Results, runAll } from './decisions/pool.ts';
import { reportOf } from './decisions/report.ts';
import { EXPERIMENTS, SECTIONS, type Trial } from './decisions/sections.ts';
import { delayOf } from './decisions/tables.ts';
import type { BenchResult } from './result.ts';

const FULL_RUNS = 4000;

function trialFigures(trial: Trial, results: Results): object {
  const outcomes = Object.entries(results.get(trial.experiment.name) ?? {});
  return Object.fromEntries(
    outcomes.map(([key, times]) => {
      const { delay, excess } = delayOf(times, trial);
      const found = firedShare(times);
      const harm = {
        mean: brief(delay.mean),
        se: brief(delay.se),
        unit: trial.unit,
        ...(excess && { excess: brief(excess.mean) }),
      };
      return [key, { share: brief(found.share), seShare: brief(found.se), ...(trial.kind === 'harm' && harm) }];
    }),
  );
}

async function write(results: Results, figures: Readonly<Record<string, Figures>>): Promise<void> {
  const plots = plotsOf(results, figures);
  await mkdir(new URL('./plots/', import.meta.url), { recursive: true });
  for (const { file, svg } of plots) await writeFile(new URL(`./plots/${file}`, import.meta.url), svg);
  await writeFile(new URL('./decisions.md', import.meta.url), reportOf(results, figures, plots));
}

/**
 * Every rule on the same simulated rollouts: SIM-A and the experiments about ramps, users, metrics and late harm. `RUNS` sets
 * the number of harmless rollouts in SIM-A, the other experiments in proportion. Default: 4,000, which also writes
 * `bench/decisions.md` and its plots.
 */
export async function run(): Promise<BenchResult> {
  const runs = Number(process.env.RUNS ?? FULL_RUNS);
  if (!(runs > 0)) throw new Error(`received RUNS='${process.env.RUNS}'; set it to a number above 0`);
  const results = await runAll(EXPERIMENTS, runs / FULL_RUNS);
  const figures = simAFigures(results);
  if (runs >= FULL_RUNS) await write(results, figures);
  else process.stderr.write(`RUNS is below ${FULL_RUNS}: bench/decisions.md was not written\n`);
  const [at2x, at5x] = [informationLimit(2, 19), informationLimit(5, 19)];
  const trials = SECTIONS.flatMap((section) => section.trials);
  return {
    name: 'decisions',
    ratios: {
      'ours/limit at 2x': figures.ours.excess2x / at2x.excess,
      'ours/limit at 5x': figures.ours.excess5x / at5x.excess,
      'default/limit at 2x': figures.default.excess2x / at2x.excess,
      'default/limit at 5x': figures.default.excess5x / at5x.excess,
      'default/growthbook at 2x': figures.default.excess2x / figures.growthbook.excess2x,
      'default/growthbook at 5x': figures.default.excess5x / figures.growthbook.excess5x,
    },
    figures: {
      runs,
      ...figures,
      limit: { excess2x: at2x.excess, excess5x: at5x.excess, minutes2x: at2x.minutes, minutes5x: at5x.minutes },
      experiments: Object.fromEntries(trials.map((trial) => [trial.experiment.name, trialFigures(trial, results)])),
    },
  };
}
