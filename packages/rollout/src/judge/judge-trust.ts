import { formatElapsed } from '../plan/duration.ts';
import { formatValue } from '../plan/format-limit.ts';
import type { MetricJudge, MetricUnit } from '../plan.ts';
import type { Calibration, RolloutState } from '../state.ts';

/** A metric whose judge cannot be trusted now. */
export type Distrust = {
  readonly metric: string;
  readonly why: string;
  readonly whatHelps: string;
};

const DIGITS = 6;

/** What a judge was found to be off by: `0.71, expected 0.92 ± 0.05`. Plain text. */
export function deviationText(
  { mean, deviation, tolerance }: Pick<Calibration, 'mean' | 'deviation' | 'tolerance'>,
  { expected }: Pick<MetricJudge, 'expected'>,
  unit: MetricUnit,
): string {
  const show = (value: number) => formatValue(value, unit, DIGITS);
  return expected === 'labels'
    ? `off the labels by ${show(deviation)} on average, allowed ${show(tolerance)}`
    : `${show(mean)}, expected ${show(expected)} ± ${show(tolerance)}`;
}

/** Why no calibration counts for the running stage: it drifted, there is none, or it is too old. */
function reasonOf(state: RolloutState, metric: string, judge: MetricJudge): string | undefined {
  const last = state.judges?.[metric]?.last;
  if (last?.drifted) {
    const unit = state.plan.metrics[metric]?.unit ?? 'value';
    return `the judge of ${metric} has drifted: golden set ${judge.goldenSet} scored ${deviationText(last, judge, unit)}`;
  }
  const { stage } = state;
  if (stage === undefined) return undefined;
  const name = state.plan.stages[stage.index]?.name ?? 'this stage';
  if (last === undefined) return `the judge of ${metric} was not calibrated before ${name}`;
  if (last.at >= stage.enteredAt - judge.maxAgeMs) return undefined;
  const age = formatElapsed(stage.enteredAt - last.at);
  return `the judge of ${metric} was calibrated ${age} before ${name}, allowed ${formatElapsed(judge.maxAgeMs)}`;
}

/**
 * Why the scores of a metric cannot be trusted now; absent where they can, or where it has no judge. A calibration counts
 * for the stage it was made in, and for one that begins within its `maxAge`; a drift counts until the next calibration.
 */
export function distrustOf(state: RolloutState, metric: string): Distrust | undefined {
  const { judges } = state.plan;
  const judge = judges !== undefined && Object.hasOwn(judges, metric) ? judges[metric] : undefined;
  const why = judge && reasonOf(state, metric, judge);
  if (why === undefined) return undefined;
  return { metric, why, whatHelps: `a calibration on ${judge?.goldenSet} within its tolerance` };
}

/** Every metric whose judge cannot be trusted now. */
export function distrustedMetrics(state: RolloutState): readonly Distrust[] {
  return Object.keys(state.plan.judges ?? {}).flatMap((metric) => distrustOf(state, metric) ?? []);
}

/** A plan whose judges count as calibrated: for simulations and what-if trials, in which nobody scores golden sets. */
export function withTrustedJudges<P extends Pick<RolloutState['plan'], 'judges'>>(plan: P): P {
  const { judges: _judges, ...rest } = plan;
  return rest as P;
}
