import { distrustOf } from '../judge/judge-trust.ts';
import type { RolloutState } from '../state.ts';
import type { Measuring } from '../verdict.ts';
import { type DocumentOptions, formatCount, formatInstant, formatMeasured, unitOf } from './format.ts';
import { escapeMarkdown } from './markdown.ts';

/** Stage costs are of the whole rollout, the rest of the stage that measured last. */
function newestOf(state: RolloutState, metric: string): Measuring {
  const snapshots = state.history.flatMap((record) => record.metrics.filter((one) => one.metric === metric));
  return snapshots.findLast((one) => one.measuring !== undefined)?.measuring ?? {};
}

function judgeLines(state: RolloutState, metric: string, options: DocumentOptions): readonly string[] {
  const judge = state.plan.judges?.[metric];
  if (judge === undefined) return [];
  const last = state.judges?.[metric]?.last;
  const unit = unitOf(metric, state.plan.metrics);
  const show = (value: number) => formatMeasured(value, unit);
  const by = last?.judge === undefined ? '' : ` by ${escapeMarkdown(last.judge)}`;
  const result =
    last === undefined
      ? 'not calibrated'
      : `${show(last.mean)} over ${last.items} items${by} on ${formatInstant(last.at, options.timeZone)}, off by ${show(
          last.deviation,
        )} of ${show(last.tolerance)} allowed${last.drifted ? ': drifted' : ''}`;
  const distrust = distrustOf(state, metric);
  return [
    `- Judge: golden set ${escapeMarkdown(judge.goldenSet)}, ${result}`,
    ...(distrust === undefined ? [] : [`- Not trusted: ${escapeMarkdown(distrust.why)}`]),
  ];
}

function costLine({ cost }: Measuring, budget: number | undefined): readonly string[] {
  if (cost === undefined && budget === undefined) return [];
  const of = budget === undefined ? '' : ` of ${formatMeasured(budget, 'USD')}`;
  return [`- Judging cost: ${formatMeasured(cost ?? 0, 'USD')}${of}`];
}

/** How a metric was measured, as a Markdown list: sampling, failures, price book, its judge and what that cost. Empty where nothing is known. */
export function measuringLines(state: RolloutState, metric: string, options: DocumentOptions): string {
  const measuring = newestOf(state, metric);
  const { samplingRate, unmeasured, priceBook } = measuring;
  return [
    ...(samplingRate === undefined ? [] : [`- Sampling: ${formatMeasured(samplingRate, 'ratio')} of answers scored`]),
    ...(unmeasured === undefined ? [] : [`- Could not be measured: ${formatCount(unmeasured)} (counted as no data)`]),
    ...(priceBook === undefined ? [] : [`- Price book: ${escapeMarkdown(priceBook)}`]),
    ...judgeLines(state, metric, options),
    ...costLine(measuring, state.plan.judges?.[metric]?.budget),
  ].join('\n');
}
