import { type Bar, barChart, lineChart } from '@rampart/charts';
import type { Column } from './experiment.ts';
import { type Figures, informationLimit } from './figures.ts';
import type { Results } from './pool.ts';
import { SIM_A_COLUMNS } from './sim-a.ts';
import { MINUTES } from './traffic.ts';

/** A plot: its file name, what it says to those who do not see it, and its SVG text. */
export type Plot = { readonly file: string; readonly title: string; readonly svg: string };

const MOST_FALSE = 0.05;
/** Two standard errors: about 95 %. */
const Z = 1.96;

function labelOf({ name, isModel }: Column): string {
  return isModel ? `${name} [model]` : name;
}

function isValid({ falseAbortFlat, falseAbortDiurnal }: Figures): boolean {
  return Math.max(falseAbortFlat, falseAbortDiurnal) <= MOST_FALSE;
}

function falseAborts(figures: Readonly<Record<string, Figures>>): Plot {
  const bars = SIM_A_COLUMNS.map((column): Bar => {
    const { falseAbortFlat: value, seFalseAbortFlat: se } = figures[column.key];
    const [low, high] = [Math.max(0, value - Z * se), Math.min(1, value + Z * se)];
    return { label: labelOf(column), value, low, high, stands: column.isOurs ?? false };
  });
  const title = 'Harmless rollouts aborted within 48 hours (flat traffic)';
  const svg = barChart({
    title,
    description: `Share of harmless rollouts that each rule aborts. ${bars.map((bar) => `${bar.label}: ${percent(bar.value)}`).join('. ')}.`,
    value: { label: 'share aborted, with 95 % interval', domain: [0, 1], format: percent },
    bars,
    references: [{ at: MOST_FALSE, label: '5 %' }],
    width: 860,
  });
  return { file: 'false-aborts.svg', title, svg };
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

function excess(figures: Readonly<Record<string, Figures>>, ratio: 2 | 5): Plot {
  const bars = SIM_A_COLUMNS.filter(({ key }) => isValid(figures[key]))
    .map((column): Bar => {
      const one = figures[column.key];
      const [value, se] = ratio === 2 ? [one.excess2x, one.seExcess2x] : [one.excess5x, one.seExcess5x];
      const found = ratio === 2 ? one.found2x : one.found5x;
      return {
        label: labelOf(column),
        value,
        low: value - Z * se,
        high: value + Z * se,
        stands: column.isOurs ?? false,
        ...(found === 0 && { text: 'never found' }),
      };
    })
    .toSorted((a, b) => a.value - b.value);
  const limit = informationLimit(ratio, 19).excess;
  const title = `Excess errors before the abort when errors are ${ratio}x (rules with at most 5 % false aborts)`;
  const svg = barChart({
    title,
    description: `Mean excess errors of each valid rule; no test can need fewer than ${limit.toFixed(1)}. ${bars.map((bar) => `${bar.label}: ${bar.text ?? bar.value.toFixed(1)}`).join('. ')}.`,
    value: { label: 'mean excess errors (log scale), with 95 % interval', scale: 'log' },
    bars,
    references: [{ at: limit, label: `information limit ${limit.toFixed(1)}` }],
    width: 860,
  });
  return { file: `excess-${ratio}x.svg`, title, svg };
}

const CURVES = ['default', 'ours', 'growthbook', 'kayentaHourly', 'launchdarklyEarlier', 'naiveZ'];
const SHORT_NAMES: Readonly<Record<string, string>> = {
  default: 'Rampart default',
  ours: 'Rampart exact grid',
  growthbook: 'GrowthBook',
  kayentaHourly: 'Kayenta',
  launchdarklyEarlier: 'LaunchDarkly, earlier [model]',
  naiveZ: 'z-test each look',
};
const CURVE_POINTS = 97;

/** Share of the runs that have aborted by each time. */
function abortedBy(results: Results, experiment: string, until: number, title: string, file: string): Plot {
  const series = CURVES.map((key) => {
    const times = results.get(experiment)?.[key] ?? new Float64Array();
    const points = Array.from({ length: CURVE_POINTS }, (_, index) => {
      const minute = (until * index) / (CURVE_POINTS - 1);
      return { x: minute / 60, y: times.filter((time) => time <= minute).length / times.length };
    });
    return { name: SHORT_NAMES[key], points, shape: 'steps' as const };
  });
  const ends = series.map(({ name, points }) => `${name}: ${percent(points[points.length - 1].y)}`).join('. ');
  const svg = lineChart({
    title,
    description: `Share of runs aborted by each hour; at the end: ${ends}.`,
    x: { label: 'hours since the start' },
    y: { label: 'share aborted', format: percent },
    series,
    references: experiment === 'flat' ? [{ at: MOST_FALSE, label: '5 %' }] : [],
    width: 860,
  });
  return { file, title, svg };
}

/** The report's plots. */
export function plotsOf(results: Results, figures: Readonly<Record<string, Figures>>): readonly Plot[] {
  return [
    falseAborts(figures),
    excess(figures, 2),
    excess(figures, 5),
    abortedBy(results, 'flat', MINUTES, 'Harmless rollouts aborted by each hour', 'aborted-flat.svg'),
    abortedBy(results, '2x', 720, 'Rollouts with doubled errors aborted by each hour', 'aborted-2x.svg'),
  ];
}
