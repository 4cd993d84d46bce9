import { barChart, lineChart } from '@rampart/charts';
import { outcomeRows } from './outcome-rows.ts';
import type { SimulationFacts } from './simulation-page.ts';

const HOUR_MS = 3_600_000;

/** Share of all runs by time: each value is a step. */
function cumulative(values: readonly number[], of: number): readonly { readonly x: number; readonly y: number }[] {
  const sorted = values.toSorted((a, b) => a - b);
  return [{ x: 0, y: 0 }, ...sorted.map((value, index) => ({ x: value / HOUR_MS, y: (100 * (index + 1)) / of }))];
}

function timeChart({ plan, runs }: SimulationFacts): string {
  const aborted = runs.filter((run) => run.outcome === 'aborted').map((run) => run.afterMs);
  const reached = runs.flatMap(({ timeToGaMs }) => timeToGaMs ?? []);
  const series = [
    { name: 'aborted', points: cumulative(aborted, runs.length), shape: 'steps' as const },
    { name: 'in the last stage', points: cumulative(reached, runs.length), shape: 'steps' as const },
  ].filter(({ points }) => points.length > 1);
  return lineChart({
    title: `${plan.title}: when simulated rollouts end`,
    description: `Share of ${runs.length} simulated rollouts by hours after the first exposure: ${aborted.length} were aborted, ${reached.length} reached the last stage.`,
    x: { label: 'hours after the first exposure' },
    y: { label: 'share of rollouts (%)', domain: [0, 100] },
    series,
  });
}

function outcomeChart({ summary }: SimulationFacts): string {
  const rows = [
    ...outcomeRows(summary),
    { label: 'false aborts', share: summary.falseAborts },
    { label: 'false passes', share: summary.falsePasses },
  ];
  return barChart({
    title: 'Outcomes, with exact 95 % intervals',
    description: rows.map(({ label, share }) => `${label}: ${share.count} of ${share.of}`).join('; '),
    value: { label: 'share of rollouts (%)', domain: [0, 100] },
    bars: rows.map(({ label, share: { share, low, high, count } }) => ({
      label,
      value: 100 * share,
      low: 100 * low,
      high: 100 * high,
      text: String(count),
      stands: label.startsWith('false'),
    })),
  });
}

const heightOf = (chart: string) => Number(/ height="([\d.]+)"/.exec(chart)?.[1] ?? 0);

/** Both charts of a set of simulated rollouts, one above the other: a complete SVG document. */
export function drawSimulation(facts: SimulationFacts): string {
  const charts = [timeChart(facts), outcomeChart(facts)];
  let top = 0;
  const placed = charts.map((chart) => {
    const at = top;
    top += heightOf(chart);
    return chart.replace('<svg ', `<svg y="${at}" `);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 ${top}" width="720" height="${top}">\n${placed.join('')}</svg>\n`;
}
