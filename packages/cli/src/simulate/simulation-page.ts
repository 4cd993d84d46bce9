import { formatElapsed, formatMeasured, type Plan, unitOf } from '@rampart/rollout';
import {
  type CauseSummary,
  type MetricModel,
  type RunShare,
  SCENARIO_NAMES,
  type SimulatedRun,
  type Spread,
  type StageSummary,
  type Summary,
  typicalValue,
  type WaitSummary,
  type World,
} from '@rampart/simulate';
import { formatCount, formatLength } from '../output/format.ts';
import { histogram, renderBars } from '../output/plot.ts';
import { renderTable } from '../output/table.ts';
import { oneLine, plural, wrap } from '../output/text.ts';
import type { Paint } from '../session.ts';
import { outcomeRows } from './outcome-rows.ts';

/** What a page about a set of simulated rollouts is made from. */
export type SimulationFacts = {
  readonly plan: Plan;
  readonly world: World;
  readonly scenarios: readonly string[];
  readonly seed: number;
  readonly batchMs: number;
  readonly runs: readonly SimulatedRun[];
  readonly summary: Summary;
  /** Metrics and audiences whose value of today was given; all others are assumed. */
  readonly given: readonly string[];
};

const MINUTE_MS = 60_000;
/** Lengths of the classes of a plot of times, in minutes, and most classes of one. */
const CLASS_MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14_400, 43_200, 144_000];
const MOST_CLASSES = 14;

/** A share in percent, with two digits of whichever is smaller, it or what is left to all: `0.37`, `12`, `99.63`. */
function percent(share: number): string {
  const least = 100 * Math.min(share, 1 - share);
  const places = least > 0 ? Math.max(0, Math.min(4, 1 - Math.floor(Math.log10(least)))) : 0;
  return String(Number((100 * share).toFixed(places)));
}

/** `12 of 1,000 (1.2 %; 0.62 to 2.1 %)`. */
function formatShareOf({ count, of, share, low, high }: RunShare): string {
  return `${formatCount(count)} of ${formatCount(of)} (${percent(share)} %; ${percent(low)} to ${percent(high)} %)`;
}

function formatSpread(spread: Spread, format: (value: number) => string): string {
  const { median, medianLow, medianHigh, p10, p90, mean } = spread;
  if (p10 === p90) return `${format(median)} in nearly every run`;
  const bounds = medianLow === medianHigh ? '' : ` (${format(medianLow)} to ${format(medianHigh)})`;
  return `median ${format(median)}${bounds}, 10 % below ${format(p10)}, 10 % above ${format(p90)}, mean ${format(mean)}`;
}

const decimal = (value: number) => (value >= 100 ? formatCount(value) : String(Number(value.toPrecision(3))));

function effectLines({ plan, world }: SimulationFacts): readonly string[] {
  return world.effects.flatMap(({ metric, factor, onsetMs, audience }) => {
    const model = world.metrics[metric];
    if (model === undefined) return [];
    const unit = unitOf(metric, plan.metrics);
    const [today, then] = [1, factor].map((times) => formatMeasured(typicalValue(model, world, times), unit));
    const when = onsetMs === 0 ? 'from the first exposure' : `from ${formatElapsed(onsetMs)} after the first exposure`;
    const who = audience === undefined ? 'those who see the feature' : `those of ${audience} who see it`;
    return [`${metric} ${today} today, ${then} for ${who}, ${when}`];
  });
}

const SPREADS: Partial<Record<MetricModel['kind'], string>> = {
  quantile: 'latencies are log-normal with spread 1',
  value: 'values spread as widely as their mean',
  score: 'scores spread as widely as they can',
};

/** What nobody has said of the site, as `plan` assumes it. */
function assumedLines({ plan, world, given, scenarios }: SimulationFacts): readonly string[] {
  const metrics = Object.entries(world.metrics);
  const values = metrics
    .filter(([name, { kind }]) => kind !== 'traffic' && !given.includes(name))
    .map(([name, model]) => {
      const unit = unitOf(name, plan.metrics);
      const today = formatMeasured(typicalValue(model, world, 1), unit);
      return `${name} ${today}${model.kind === 'count' ? ' a day' : ''}`;
    });
  const audiences = Object.entries(world.audiences)
    .filter(([name]) => !given.includes(name))
    .map(([name, share]) => `audience ${name} ${percent(share)} % of everyone`);
  const spreads = [...new Set(metrics.map(([, { kind }]) => kind))]
    .filter((kind) => kind !== 'value' || !scenarios.includes('skewed'))
    .flatMap((kind) => SPREADS[kind] ?? []);
  const all = [...values, ...audiences].map(oneLine);
  return [
    ...(all.length === 0 ? [] : [`not given, so assumed: ${all.join(', ')}`]),
    ...(spreads.length === 0 ? [] : [`assumed: ${spreads.join('; ')}`]),
  ];
}

function header(facts: SimulationFacts, width: number, paint: Paint): string {
  const { plan, world, scenarios, seed, batchMs, summary } = facts;
  const users = world.users === 0 ? 'each of a user of its own' : `of ${formatCount(world.users)} users`;
  const about = SCENARIO_NAMES.filter(({ name }) => scenarios.includes(name)).map(
    ({ name, about }) => `${name}: ${about}`,
  );
  const lines = [
    `one batch every ${formatElapsed(batchMs)}, seed ${seed}; ${formatCount(world.requestsPerDay)} requests a day, ${users}`,
    ...about,
    ...effectLines(facts),
    ...assumedLines(facts),
  ];
  const title = `${oneLine(plan.title)}: ${plural(summary.runs, 'simulated rollout')}`;
  return [paint.bold(title), ...lines.map((line) => paint.dim(wrap(line, width)))].join('\n');
}

function outcomes({ summary }: SimulationFacts, width: number): string {
  const rows = outcomeRows(summary).map(({ label, share }) => ({
    label: oneLine(label),
    value: share.share,
    note: formatShareOf(share),
  }));
  return renderBars(rows, width);
}

function figures({ summary }: SimulationFacts, width: number, paint: Paint): string {
  const { falseAborts, falsePasses, detected, detectionMs, timeToGaMs, harmed, excessEvents, exposed } = summary;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['false aborts', formatShareOf(falseAborts)],
    ['false passes', formatShareOf(falsePasses)],
    ['harm found', detected && formatShareOf(detected)],
    ['time to find it', detectionMs && formatSpread(detectionMs, formatElapsed)],
    ['people harmed', harmed.most > 0 ? formatSpread(harmed, decimal) : undefined],
    ['excess events', excessEvents.most > 0 ? formatSpread(excessEvents, decimal) : undefined],
    ['people exposed', formatSpread(exposed, decimal)],
    ['time to the last stage', timeToGaMs && formatSpread(timeToGaMs, formatElapsed)],
  ];
  const known = rows.filter((row): row is readonly [string, string] => row[1] !== undefined);
  const lead = Math.max(...known.map(([name]) => name.length)) + 2;
  return known
    .map(([name, text]) => `${paint.dim(name.padEnd(lead))}${wrap(text, width - lead, ' '.repeat(lead))}`)
    .join('\n');
}

function stageTable({ summary, plan }: SimulationFacts, width: number, paint: Paint): string {
  const count = (value: number) => (value === 0 ? '–' : formatCount(value));
  return renderTable<StageSummary>(
    {
      rows: summary.stages,
      columns: [
        { title: 'STAGE', cell: ({ stage }) => oneLine(stage) },
        { title: 'LENGTH', keep: 1, cell: ({ stage }) => lengthOf(plan, stage) },
        { title: 'REACHED', cell: ({ reached }) => count(reached) },
        { title: 'PASSED', cell: ({ passed }) => count(passed) },
        { title: 'ABORTED IN IT', cell: ({ ended }) => count(ended.aborted) },
        { title: 'UNDECIDED', cell: ({ ended }) => count(ended.undecided) },
        { title: 'HELD', keep: 2, cell: ({ ended }) => count(ended.held) },
        { title: 'UNFINISHED', keep: 3, cell: ({ ended }) => count(ended.unfinished) },
      ],
    },
    width,
    paint,
  );
}

function lengthOf(plan: Plan, name: string): string {
  const stage = plan.stages.find((one) => one.name === name);
  return formatLength(stage?.durationMs ?? plan.monitorMs);
}

function causeTable({ summary }: SimulationFacts, width: number, paint: Paint): string {
  return renderTable<CauseSummary>(
    {
      rows: summary.causes,
      columns: [
        { title: 'ABORTS', cell: ({ count }) => formatCount(count) },
        { title: 'OF THEM FALSE', cell: ({ isFalse }) => formatCount(isFalse) },
        { title: 'CAUSE', cell: ({ cause }) => oneLine(cause) },
      ],
    },
    width,
    paint,
  );
}

function waitWords({ waiting, blindAfterMs }: WaitSummary): string {
  const since =
    blindAfterMs === undefined ? '' : `, since ${formatLength(blindAfterMs)} after the first exposure (median)`;
  return `${oneLine(waiting)}${since}`;
}

/** What the runs waited for that neither completed nor were aborted. */
function waitTable({ summary }: SimulationFacts, width: number, paint: Paint): string {
  return renderTable<WaitSummary>(
    {
      rows: summary.waits,
      columns: [
        { title: 'STUCK', cell: ({ count }) => formatCount(count) },
        { title: 'IN', cell: ({ stage }) => oneLine(stage) },
        { title: 'WAITING FOR', cell: waitWords },
      ],
    },
    width,
    paint,
  );
}

/** The shortest of the usual lengths with which the values need few classes, and whose labels differ. */
function classSize(values: readonly number[]): number {
  const most = Math.max(...values);
  const range = Math.max(most - Math.min(...values), most / 20);
  const minutes = CLASS_MINUTES.find((one) => range < (MOST_CLASSES - 1) * one * MINUTE_MS);
  return (minutes ?? Math.ceil(range / MOST_CLASSES / MINUTE_MS)) * MINUTE_MS;
}

/** When the runs were aborted, or how long those that were not took. */
function times({ runs }: SimulationFacts, width: number, paint: Paint): string {
  const aborted = runs.filter((run) => run.outcome === 'aborted').map((run) => run.afterMs);
  const reached = runs.flatMap(({ timeToGaMs }) => timeToGaMs ?? []);
  const [title, values] =
    aborted.length > 0
      ? ['aborted after the first exposure', aborted]
      : ['last stage reached after the first exposure', reached];
  if (values.length === 0) return '';
  let before = 0;
  const rows = histogram(values, classSize(values)).map(({ to, count }) => {
    before += count;
    const note = `${formatCount(count)}, so far ${percent(before / runs.length)} % of all`;
    return { label: `to ${formatElapsed(to)}`, value: count, note };
  });
  return `${paint.dim(title)}\n${renderBars(rows, width)}`;
}

/** Everything a set of simulated rollouts says, for a terminal. */
export function renderSimulation(facts: SimulationFacts, width: number, paint: Paint): string {
  const { summary } = facts;
  const parts = [
    header(facts, width, paint),
    outcomes(facts, width),
    figures(facts, width, paint),
    stageTable(facts, width, paint),
    summary.causes.length === 0 ? '' : causeTable(facts, width, paint),
    summary.waits.length === 0 ? '' : waitTable(facts, width, paint),
    times(facts, width, paint),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}
