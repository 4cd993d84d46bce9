import type { Check, Metric } from '../plan.ts';
import type { Baseline } from '../verdict.ts';
import { limitOf, lineOf, type Side, usesControl } from './line.ts';
import { meanSide } from './mean-side.ts';
import { rateSide } from './rate-side.ts';
import { ratioSide } from './ratio-side.ts';
import { scoreSide } from './score-side.ts';
import { shareSide } from './share-side.ts';
import type { SideJudge } from './side-judge.ts';

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
  return isShare ? shareSide(metric, side, line) : meanSide(metric, side, line);
}
