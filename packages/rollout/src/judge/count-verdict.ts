import { servedMs } from '../decide/served.ts';
import { ALERTS } from '../plan/alert-criterion.ts';
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
  // What is late by the metric's lag belongs to a window that ended as long ago.
  return { ...counts, leftMs: limit.windowMs + metric.lagMs - servedMs(state, now) };
}

/** An alert that never fired: it may be that all is well, or that nothing would tell. */
function isUnheard({ metric }: PlanCheck, { evidence }: Weighing): boolean {
  return metric.source === ALERTS && (evidence.occurrences[metric.name] ?? []).length === 0;
}

/** Why there is no data, in words. */
function unseen(one: PlanCheck, context: VerdictContext): string | undefined {
  return isUnheard(one, context) ? 'it has not fired' : context.silent;
}

/**
 * Where a contractual count limit stands: fires on the one more than the limit within any window, without inference;
 * passes once a full window of the stage has ended at or below it while the source was alive (semantics §2), and what the
 * source says late has arrived.
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
  if (isUnheard(one, weighing)) return 'no-data';
  if (weighing.isError) return 'error';
  if (weighing.isSilent) return 'no-data';
  return leftMs <= 0 ? 'pass' : 'inconclusive';
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
  const note = status === 'error' ? context.sourceError : status === 'no-data' ? unseen(one, context) : undefined;
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
        ? `${Math.ceil(leftMs / 1000)} s more without exceeding the limit`
        : `${limit.count + 1 - current} more within the window`,
    source: metric.source,
    ...(note !== undefined && { note }),
  };
}
