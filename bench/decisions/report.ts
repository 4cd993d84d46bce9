import { SEED } from './experiment.ts';
import { type Figures, informationLimit } from './figures.ts';
import type { Plot } from './plots.ts';
import type { Results } from './pool.ts';
import { SECTIONS, type Section, SIM_A_SECTION } from './sections.ts';
import { rounded, tableOf } from './tables.ts';

function limitRow(name: string, controlPerTreatment: number): readonly string[] {
  const cells = [2, 5].map((ratio) => {
    const { minutes, excess } = informationLimit(ratio, controlPerTreatment);
    return `– / ${rounded(minutes)} min / ${rounded(excess)}`;
  });
  return [name, '5 %', '–', ...cells];
}

const LIMIT_ROWS = [limitRow('_information limit, 1:19_', 19), limitRow('_information limit, 1:1_', 1)];

function runsOf({ trials }: Section, results: Results): string {
  const runs = trials.map(({ experiment }) => {
    const first = Object.values(results.get(experiment.name) ?? {})[0];
    return (first?.length ?? 0).toLocaleString('en');
  });
  return `Runs: ${[...new Set(runs)].length === 1 ? runs[0] : runs.join(' · ')}.`;
}

function verdictLine(name: string, one: Figures, most: readonly [number, number]): string {
  const isMet =
    Math.max(one.falseAbortFlat, one.falseAbortDiurnal) <= 0.05 && one.excess2x <= most[0] && one.excess5x <= most[1];
  const limits = [informationLimit(2, 19).excess, informationLimit(5, 19).excess];
  const found = `${rounded(one.excess2x)} excess errors at 2x (${(one.excess2x / limits[0]).toFixed(2)} of the information limit), ${rounded(one.excess5x)} at 5x (${(one.excess5x / limits[1]).toFixed(2)})`;
  const falses = `false aborts ${(100 * one.falseAbortFlat).toFixed(1)} % flat, ${(100 * one.falseAbortDiurnal).toFixed(1)} % diurnal`;
  return `- ${name}: ${found}; ${falses}. Wanted: at most ${most[0]} and ${most[1]}, and 5 %: **${isMet ? 'met' : 'not met'}**.`;
}

/** The report as Markdown. */
export function reportOf(results: Results, figures: Readonly<Record<string, Figures>>, plots: readonly Plot[]): string {
  const image = (file: string) => {
    const plot = plots.find((one) => one.file === file);
    return plot === undefined ? [] : [`![${plot.title}](plots/${plot.file})`, ''];
  };
  const lines = [
    "# Decisions: Rampart against every rival's rule",
    '',
    `Written by \`npm run bench -- decisions\` (seed ${SEED}); the same on every machine and any number of cores. \`RUNS=400\` runs a`,
    'tenth of it and writes nothing. Values after ± are standard errors of the simulation. Rules marked _[model]_ stand for',
    'products whose formula is not public; every other rule is built from its source or documentation, named in its file under',
    '`bench/decisions/`.',
    '',
    verdictLine('Exact grid, all control', figures.ours, [11.5, 5.5]),
    verdictLine('Default configuration', figures.default, [14, 7]),
    '',
    `## ${SIM_A_SECTION.title}`,
    '',
    SIM_A_SECTION.text,
    runsOf(SIM_A_SECTION, results),
    '',
    ...tableOf(SIM_A_SECTION, results, LIMIT_ROWS),
    '',
    ...['false-aborts.svg', 'excess-2x.svg', 'excess-5x.svg', 'aborted-flat.svg', 'aborted-2x.svg'].flatMap(image),
    ...SECTIONS.flatMap((section) => [
      `## ${section.title}`,
      '',
      section.text,
      runsOf(section, results),
      '',
      ...tableOf(section, results),
      '',
    ]),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
