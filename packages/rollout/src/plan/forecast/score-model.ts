import type { Metric } from '../../plan.ts';
import { thresholdEventBank } from './event-bank.ts';
import type { EventsModel, NormalModel, SideModel } from './evidence-model.ts';
import { ASSUMED_TAIL, assumedSpread, assumedVariance, insideUnit, shareBeyond } from './values-of-metric.ts';

/** A side that compares averages with `ratio * control + offset`. */
type ScoreSetting = {
  readonly metric: Metric;
  readonly side: 'fail' | 'pass';
  readonly ratio: number;
  readonly offset: number;
  /** Today's value, which control keeps. */
  readonly today: number;
  readonly controls: number;
  /** Whether this side looks for values above its line. */
  readonly isUp: boolean;
};

/** User buckets less one, where one arm is much smaller than the other. */
const DEGREES = 63;
/** Burn-in (statistics f2): observations per arm, and bad events in treatment. */
const LEAST_OBSERVATIONS = 50;
const LEAST_EVENTS = 10;

/** Standard deviation of a difference of means, by the larger of the two variances that the core takes (statistics b1). */
function deviationOf(treatment: number, control: number, controls: number): number {
  return Math.sqrt(Math.max(treatment + control / controls, (control * (1 + controls)) / controls));
}

function normalOf(setting: ScoreSetting): NormalModel {
  const { metric, ratio, offset, today, controls, isUp, side } = setting;
  const sign = isUp ? 1 : -1;
  const quantile = metric.quantile ?? 0.99;
  const isQuantile = metric.kind === 'quantile';
  const isShare = isQuantile || metric.kind === 'proportion';
  const line = ratio * today + offset;
  const level = (value: number) => (isQuantile ? shareBeyond(line, value, quantile) : value);
  const control = isQuantile ? 1 - quantile : today;
  const reference = isQuantile ? control : line;
  const variance = (value: number) => {
    const share = insideUnit(value);
    return isShare ? share * (1 - share) : assumedVariance(metric, value);
  };
  // Where harm is a lack of events, their number in control, moved to the line, is what tells.
  const isCounted = side === 'fail' && metric.harm === 'higher';
  const events = (value: number) => insideUnit(isCounted ? level(value) : Math.max(level(value), reference));
  return {
    kind: 'normal',
    gap: (value) => sign * (level(value) - reference),
    deviation: (value) =>
      deviationOf(variance(level(value)), variance(control) * (isQuantile ? 1 : ratio ** 2), controls),
    tau: Math.max(0.5 * Math.abs(reference), Math.abs(offset)),
    burnIn: (value) => Math.max(LEAST_OBSERVATIONS / Math.min(1, controls), isShare ? LEAST_EVENTS / events(value) : 0),
    degrees: DEGREES,
  };
}

/** `control + δ` is also passed by treatment alone confidently within δ. */
function aloneOf({ metric, side, ratio, offset }: ScoreSetting): EventsModel | undefined {
  const isShare = metric.kind === 'proportion' && metric.harm === 'higher';
  if (side === 'fail' || !isShare || ratio < 0 || offset <= 0 || offset >= 1) return undefined;
  return { kind: 'events', bank: thresholdEventBank(offset, 'below'), trials: () => 1, share: insideUnit };
}

/** The bucket score (f2) against control, and treatment alone within the offset where that counts too. */
export function scoreModel(setting: ScoreSetting): SideModel {
  const { metric } = setting;
  const alone = aloneOf(setting);
  const why =
    metric.kind === 'quantile' ? ASSUMED_TAIL : metric.kind === 'proportion' ? undefined : assumedSpread(metric);
  return {
    models: alone === undefined ? [normalOf(setting)] : [normalOf(setting), alone],
    parts: alone === undefined ? 1 : 2,
    ...(why !== undefined && { why }),
  };
}
