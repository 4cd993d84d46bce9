import { distrustOf } from '../judge/judge-trust.ts';
import type { RolloutState } from '../state.ts';
import type { Measuring } from '../verdict.ts';
import { type DocumentOptions, unitOf } from './format.ts';
import { type Block, count, type Fact, fact, instant, line, measured, said } from './page.ts';
import type { Trace } from './trace.ts';

type Newest = { readonly measuring: Measuring; readonly index: number };

/** Stage costs are of the whole rollout, the rest of the stage that measured last. */
function newestOf(state: RolloutState, metric: string): Newest {
  const measuredIn = (index: number) =>
    state.history[index]?.metrics.findLast((one) => one.metric === metric && one.measuring !== undefined)?.measuring;
  const index = state.history.findLastIndex((_, at) => measuredIn(at) !== undefined);
  return { measuring: measuredIn(index) ?? {}, index };
}

function judgeFacts(state: RolloutState, metric: string, options: DocumentOptions, trace: Trace): readonly Fact[] {
  const judge = state.plan.judges?.[metric];
  if (judge === undefined) return [];
  const last = state.judges?.[metric]?.last;
  const unit = unitOf(metric, state.plan.metrics);
  const from = trace.of((one) => one.judges?.[metric]);
  const planned = trace.of((one) => one.plan.judges?.[metric]);
  const by = last?.judge === undefined ? [] : [' by ', said(last.judge, from)];
  const result =
    last === undefined
      ? line('not calibrated')
      : line(
          ...[measured(last.mean, unit, from), ' over ', count(last.items, from), ' items', ...by],
          ...[' on ', instant(last.at, from, options), ', off by ', measured(last.deviation, unit, from)],
          ...[' of ', measured(last.tolerance, unit, from), ` allowed${last.drifted ? ': drifted' : ''}`],
        );
  const distrust = distrustOf(state, metric);
  return [
    fact('judge', 'Judge', 'golden set ', said(judge.goldenSet, planned), ', ', result),
    ...(distrust === undefined ? [] : [fact('distrust', 'Not trusted', said(distrust.why, [...planned, ...from]))]),
  ];
}

function costFacts(
  { measuring: { cost }, index }: Newest,
  state: RolloutState,
  metric: string,
  trace: Trace,
): readonly Fact[] {
  const budget = state.plan.judges?.[metric]?.budget;
  if (cost === undefined && budget === undefined) return [];
  const of =
    budget === undefined
      ? []
      : [
          ' of ',
          measured(
            budget,
            'USD',
            trace.of((one) => one.plan.judges?.[metric]),
          ),
        ];
  const spent =
    cost === undefined
      ? '$0'
      : measured(
          cost,
          'USD',
          trace.of((one) => one.history[index]?.metrics),
        );
  return [fact('judgingCost', 'Judging cost', spent, ...of)];
}

/** How a metric was measured: sampling, failures, price book, its judge and what that cost. `undefined` where nothing is known. */
export function measuringBlock(
  state: RolloutState,
  metric: string,
  options: DocumentOptions,
  trace: Trace,
): Block | undefined {
  const newest = newestOf(state, metric);
  const { samplingRate, unmeasured, priceBook } = newest.measuring;
  const from = trace.of((one) => one.history[newest.index]?.metrics);
  const facts = [
    ...(samplingRate === undefined
      ? []
      : [fact('sampling', 'Sampling', measured(samplingRate, 'ratio', from), ' of answers scored')]),
    ...(unmeasured === undefined
      ? []
      : [fact('unmeasured', 'Could not be measured', count(unmeasured, from), ' (counted as no data)')]),
    ...(priceBook === undefined ? [] : [fact('priceBook', 'Price book', said(priceBook, from))]),
    ...judgeFacts(state, metric, options, trace),
    ...costFacts(newest, state, metric, trace),
  ];
  return facts.length === 0 ? undefined : { kind: 'facts', facts, quiet: true };
}
