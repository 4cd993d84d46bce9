import type { RolloutEvent } from '../event.ts';
import { checksOf } from '../judge/evidence-state.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict } from '../verdict.ts';
import { blindLimitMs, silenceMs } from './cadence.ts';
import { abortEvent } from './decide-abort.ts';
import { isGivenUp } from './exit-items.ts';

/** Why the rollout cannot see, or nothing: the source is silent, or a check that must be watched has no data or an error. */
function blindness(state: RolloutState, judgement: Judgement | undefined, now: number): string | undefined {
  const enteredAt = state.stage?.enteredAt ?? now;
  const freshAt = Math.max(judgement?.freshAt ?? 0, enteredAt);
  const isSilent = now - freshAt > silenceMs(state.plan);
  const checks = checksOf(state);
  const isWatched = ({ tier, check, metric }: Verdict) =>
    tier !== 'alert' && !checks.get(check)?.optional && !isGivenUp(state, metric);
  const watched = judgement?.verdicts.filter(isWatched) ?? [];
  const missing = watched.filter((one) => one.status === 'no-data' || one.status === 'error');
  // Where all is silent, only a source that says why adds to that.
  const told = isSilent ? missing.filter((one) => one.status === 'error') : missing;
  const reasons = [...new Set(told.map((one) => `${one.metric}: ${one.note ?? one.status}`))].join('; ');
  if (isSilent) return reasons === '' ? 'no evidence arrives' : `no evidence arrives (${reasons})`;
  return missing.length === 0 ? undefined : reasons;
}

/** A gap in the evidence that no event has recorded yet: time in it was blind even though sight is back (I5). */
function unrecordedGap(state: RolloutState, judgement: Judgement | undefined): number | undefined {
  const gap = judgement?.gap;
  if (gap === undefined || state.sightSince === undefined || gap.toAt <= state.sightSince) return undefined;
  return Math.max(gap.fromAt, state.stage?.enteredAt ?? gap.fromAt);
}

function blindLimit(
  state: RolloutState,
  since: number,
  why: string,
  now: number,
  judgement: Judgement | undefined,
): readonly RolloutEvent[] {
  if (state.blindAlertedAt !== undefined || now - since < blindLimitMs(state.plan)) return [];
  const reached: RolloutEvent = { type: 'BlindLimitReached', since, why };
  if (state.plan.onBlind !== 'rollback') return [reached];
  const cause = {
    kind: 'blind' as const,
    reason: 'blind for longer than the limit, and the plan says rollback',
    ...(judgement && { people: judgement.people }),
  };
  return [reached, abortEvent(state, cause)];
}

/**
 * Keeps account of whether Rampart can see. Blindness holds and, after the limit, alerts; it never aborts unless the
 * plan says so, and never promotes (I3). The instant sight was lost is that of the last evidence.
 */
export function keepSight(state: RolloutState, judgement: Judgement | undefined, now: number): readonly RolloutEvent[] {
  const why = blindness(state, judgement, now);
  if (why === undefined) {
    if (state.blindSince !== undefined) return [{ type: 'SightReturned' }];
    const gapFrom = unrecordedGap(state, judgement);
    if (gapFrom === undefined) return [];
    return [{ type: 'SightLost', since: gapFrom, why: 'no evidence arrived for a time' }, { type: 'SightReturned' }];
  }
  if (state.blindSince !== undefined) return blindLimit(state, state.blindSince, why, now, judgement);
  const enteredAt = state.stage?.enteredAt ?? now;
  const since = Math.min(now, Math.max(judgement?.freshAt ?? enteredAt, enteredAt));
  return [{ type: 'SightLost', since, why }, ...blindLimit(state, since, why, now, judgement)];
}
