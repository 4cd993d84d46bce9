import { formatElapsed, formatElapsedUp } from '../plan/duration.ts';
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
function deviationText(
  { mean, deviation, tolerance }: Pick<Calibration, 'mean' | 'deviation' | 'tolerance'>,
  { expected }: Pick<MetricJudge, 'expected'>,
  unit: MetricUnit,
): string {
  const show = (value: number) => formatValue(value, unit, DIGITS);
  return expected === 'labels'
    ? `off the labels by ${show(deviation)} on average, allowed ${show(tolerance)}`
    : `${show(mean)}, expected ${show(expected)} ± ${show(tolerance)}`;
}

/** The judge a plan declares for a metric. */
function judgeOf({ judges }: RolloutState['plan'], metric: string): MetricJudge | undefined {
  return judges !== undefined && Object.hasOwn(judges, metric) ? judges[metric] : undefined;
}

/** Why no calibration counts for a stage that begins at an instant: it drifted, there is none, or it is too old. */
function reasonOf(state: RolloutState, metric: string, judge: MetricJudge, beginsAt: number): string | undefined {
  const last = state.judges?.[metric]?.last;
  if (last === undefined) return `the judge of ${metric} was never calibrated`;
  if (last.drifted) {
    const unit = state.plan.metrics[metric]?.unit ?? 'value';
    return `the judge of ${metric} has drifted: golden set ${judge.goldenSet} scored ${deviationText(last, judge, unit)}`;
  }
  const ageMs = beginsAt - last.at;
  if (ageMs <= judge.maxAgeMs) return undefined;
  return `the judge of ${metric} was calibrated ${formatElapsedUp(ageMs)} before the stage, allowed ${formatElapsed(judge.maxAgeMs)}`;
}

function distrustAt(state: RolloutState, metric: string, beginsAt: number): Distrust | undefined {
  const judge = judgeOf(state.plan, metric);
  const why = judge && reasonOf(state, metric, judge, beginsAt);
  if (why === undefined) return undefined;
  return { metric, why, whatHelps: `a calibration on ${judge?.goldenSet} within its tolerance` };
}

/**
 * Why the scores of a metric cannot be trusted now; absent where they can, or where it has no judge. A calibration counts
 * for the stage it was made in, and for one that begins within its `maxAge`; a drift counts until the next calibration.
 */
export function distrustOf(state: RolloutState, metric: string): Distrust | undefined {
  if (state.stage !== undefined) return distrustAt(state, metric, state.stage.enteredAt);
  // Before exposure nothing needs a calibration yet, but what a drifted judge says is no baseline.
  return state.judges?.[metric]?.last.drifted ? distrustAt(state, metric, state.judges[metric].last.at) : undefined;
}

/** Judges to calibrate before a stage may begin at an instant, and those that cannot be trusted in the running one, in words. */
export function judgesToCalibrate(state: RolloutState, now: number): readonly string[] {
  return Object.keys(state.plan.judges ?? {}).flatMap((metric) => {
    const beginsNext = state.phase === 'monitoring' ? undefined : distrustAt(state, metric, now);
    const distrust = distrustOf(state, metric) ?? beginsNext;
    return distrust === undefined ? [] : [`${distrust.whatHelps} (${distrust.why})`];
  });
}

/** A plan whose judges count as calibrated: for simulations and what-if trials, in which nobody scores golden sets. */
export function withTrustedJudges<P extends Pick<RolloutState['plan'], 'judges'>>(plan: P): P {
  const { judges: _judges, ...rest } = plan;
  return rest as P;
}
