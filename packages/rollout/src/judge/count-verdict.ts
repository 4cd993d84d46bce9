import { servedMs } from '../decide/exposure.ts';
import type { Limit } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Verdict, VerdictStatus } from '../verdict.ts';
import { countInWindows, exposedSince } from './fold-occurrences.ts';
import type { PlanCheck } from './plan-checks.ts';
import type { VerdictContext } from './verdict-of.ts';
import type { Weighing } from './weigh.ts';

type CountLimit = Extract<Limit, { kind: 'count' }>;

function countsOf({ metric }: PlanCheck, limit: CountLimit, { evidence }: Weighing, state: RolloutState, now: number) {
  const since = exposedSince(state);
  const counts = countInWindows(evidence.occurrences[metric.name] ?? [], limit.windowMs, since, now);
  // A window has ended only once what happened in it can have been reported.
  const leftMs = Math.max(0, limit.windowMs + metric.lagMs - servedMs(state, now));
  return { ...counts, leftMs };
}

/**
 * Where a contractual count limit stands: fires on the one more than the limit within any window, without inference;
 * passes once a full window of the stage, and the metric's lag, has ended at or below it while the source was alive (semantics §2).
 */
export function countStatus(
  one: PlanCheck,
  limit: CountLimit,
  weighing: Weighing,
  state: RolloutState,
  now: number,
): VerdictStatus {
  const { most, leftMs } = countsOf(one, limit, weighing, state, now);
  if (most > limit.count) return 'fail';
  if (weighing.isError) return 'error';
  if (weighing.isSilent) return 'no-data';
  return leftMs === 0 ? 'pass' : 'inconclusive';
}

/** Verdict of a count limit. */
export function countVerdict(
  one: PlanCheck,
  limit: CountLimit,
  context: VerdictContext,
  state: RolloutState,
  now: number,
): Verdict {
  const { check, metric } = one;
  const { most, current, leftMs } = countsOf(one, limit, context, state, now);
  const status = countStatus(one, limit, context, state, now);
  const left = Math.ceil(leftMs / 1000);
  const note = status === 'error' ? context.sourceError : status === 'no-data' ? context.silent : undefined;
  return {
    check: check.id,
    tier: check.tier,
    metric: metric.name,
    status,
    limit: check.text,
    failLine: limit.count,
    passLine: limit.count,
    value: status === 'fail' ? most : current,
    treatmentCount: current,
    controlCount: 0,
    logEFail: 0,
    logEPass: 0,
    failAt: 0,
    passAt: 0,
    method: 'count in a sliding window',
    validity: 'plain rule',
    wouldChange:
      status === 'inconclusive'
        ? `${left} s more without exceeding the limit`
        : `${limit.count + 1 - current} more within the window`,
    source: metric.source,
    ...(note !== undefined && { note }),
  };
}
