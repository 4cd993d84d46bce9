import type { Check, Metric } from '../plan.ts';
import { type Baseline, WEEK_SLOTS } from '../verdict.ts';
import { limitOf, lineOf, type Side, usesControl } from './line.ts';
import { meanSide } from './mean-side.ts';
import { rateSide } from './rate-side.ts';
import { ratioSide } from './ratio-side.ts';
import { hoursKey, type Rhythm, rhythmOf } from './rhythm.ts';
import { scoreSide } from './score-side.ts';
import { shareSide } from './share-side.ts';
import type { SideJudge } from './side-judge.ts';
import { type WeeklyLine, weeklyShareSide } from './weekly-share-side.ts';

/** An instant in each slot of the week. */
const HOURS = Array.from({ length: WEEK_SLOTS }, (_, slot) => slot * 3_600_000);

/** The line of a limit relative to the baseline, hour by hour of the week; absent where the baseline does not know them. */
function weeklyLine(check: Check, metric: Metric, side: Side, baseline: Baseline | undefined): WeeklyLine | undefined {
  const limit = limitOf(check, side);
  if (baseline === undefined) return undefined;
  const reference = baseline.metrics[metric.name];
  const rhythm = rhythmOf(metric, reference);
  if (limit.kind !== 'relative' || reference === undefined || rhythm === undefined) return undefined;
  const takesHigh = (metric.harm === 'higher') === (side === 'fail');
  const lineAt: Rhythm = (at) => limit.ratio * (takesHigh ? reference.high : reference.low) * rhythm(at) + limit.offset;
  // The grid of a line above one half is another one, and a line at 0 leaves nothing to find.
  const isRare = HOURS.every((at) => lineAt(at) > 0 && lineAt(at) <= 0.5);
  const key = `${limit.ratio}x baseline + ${limit.offset}${hoursKey(metric, baseline)}`;
  return isRare ? { key, lineAt } : undefined;
}

/**
 * The method of one side of a check, by rule (docs/reference/plan.md has the table): shares and quantiles against a ratio
 * of control by the rate-ratio grid (a1, c2); other limits against control by the bucket score (f2); rates by share of
 * traffic (b1) and Poisson (d1); the rest against a line (a3, c1, b1). Count limits have none: they are a plain rule.
 */
export function sideOf(check: Check, metric: Metric, side: Side, baseline: Baseline | undefined): SideJudge {
  if (metric.kind === 'rate' || metric.kind === 'count') {
    return rateSide({ check, metric, side, ...(baseline && { baseline }) });
  }
  const isShare = metric.kind === 'proportion' || metric.kind === 'quantile';
  const limit = limitOf(check, side);
  if (usesControl(check) && limit.kind === 'relative') {
    const { ratio, offset } = limit;
    return isShare && offset === 0 ? ratioSide(metric, side, ratio) : scoreSide(metric, side, { ratio, offset });
  }
  const line = lineOf(check, metric, side, baseline);
  const weekly = metric.kind === 'proportion' ? weeklyLine(check, metric, side, baseline) : undefined;
  if (weekly) return weeklyShareSide(metric, side, weekly);
  return isShare ? shareSide(metric, side, line) : meanSide(metric, side, line);
}
