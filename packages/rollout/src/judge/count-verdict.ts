import { servedMs } from '../decide/exposure.ts';
import type { Limit } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Verdict, VerdictStatus } from '../verdict.ts';
import { countInWindows } from './fold-occurrences.ts';
import type { VerdictContext } from './verdict-of.ts';

function statusOf(breached: boolean, fullWindow: boolean, context: VerdictContext): VerdictStatus {
  if (breached) return 'fail';
  if (context.sourceError !== undefined) return 'error';
  if (context.silent !== undefined) return 'no-data';
  return fullWindow ? 'pass' : 'inconclusive';
}

/**
 * A contractual count limit: fires on the one more than the limit within any window, without inference; passes once a
 * full window of the stage has ended at or below it while the source was alive (semantics §2).
 */
export function countVerdict(
  limit: Extract<Limit, { kind: 'count' }>,
  context: VerdictContext,
  state: RolloutState,
  now: number,
): Verdict {
  const { check, metric, evidence } = context;
  const since = state.attempts.at(-1)?.startedAt ?? 0;
  const { most, current } = countInWindows(evidence.occurrences[metric.name] ?? [], limit.windowMs, since, now);
  const watchedMs = servedMs(state, now);
  const isFull = watchedMs >= limit.windowMs;
  const status = statusOf(most > limit.count, isFull, context);
  const left = Math.ceil((limit.windowMs - watchedMs) / 1000);
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
