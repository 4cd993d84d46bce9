import { readsHistory } from '../baseline/recorded.ts';
import type { RolloutEvent } from '../event.ts';
import { checksOf } from '../judge/evidence-state.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement } from '../verdict.ts';
import { blindLimitMs, silenceMs } from './cadence.ts';
import { abortEvent } from './decide-abort.ts';

/** From when on evidence is expected. */
function expectedFrom(state: RolloutState, now: number): number {
  return state.stage?.enteredAt ?? state.baselineSince ?? now;
}

/** Why the rollout cannot see, or nothing: the source is silent, or a check that must be watched has no data or an error. */
function blindness(state: RolloutState, judgement: Judgement | undefined, now: number): string | undefined {
  const freshAt = Math.max(judgement?.freshAt ?? 0, expectedFrom(state, now));
  const isSilent = now - freshAt > silenceMs(state.plan);
  // A recorded past needs nobody to report now.
  if (state.phase === 'baseline') return isSilent && !readsHistory(state) ? 'no evidence arrives' : undefined;
  const checks = checksOf(state);
  const watched = judgement?.verdicts.filter((one) => one.tier !== 'alert' && !checks.get(one.check)?.optional) ?? [];
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

/** Whether Rampart has been there for long enough to say that a source is silent, and not just itself. */
function isWatchedLong(state: RolloutState, noticedAt: number, now: number): boolean {
  const silence = silenceMs(state.plan);
  return now - noticedAt >= Math.max(silence / 2, Math.min(silence, blindLimitMs(state.plan) - silence));
}

type Blindness = { readonly since: number; readonly noticedAt: number; readonly why: string };

/** Tells people, once, of blindness that lasts, and of gaps that add up to as much with no fresh window between them. */
function blindLimit(
  state: RolloutState,
  { since, noticedAt, why }: Blindness,
  now: number,
  judgement: Judgement | undefined,
): readonly RolloutEvent[] {
  const limit = blindLimitMs(state.plan);
  const before = state.blindMs ?? 0;
  const isDue = now - since >= limit || (before > 0 && before + now - since >= limit);
  if (state.blindAlertedAt !== undefined || !isDue || !isWatchedLong(state, noticedAt, now)) return [];
  const inAll = before > 0 ? { inAllMs: before + now - since } : {};
  const reached: RolloutEvent = { type: 'BlindLimitReached', since, why, ...inAll };
  if (state.plan.onBlind !== 'rollback' || now - since < limit || state.phase === 'baseline') return [reached];
  const cause = {
    kind: 'blind' as const,
    reason: 'blind for longer than the limit, and the plan says rollback',
    ...(judgement && { people: judgement.people }),
  };
  return [reached, abortEvent(state, cause)];
}

/** Told when sight is back: a gap that was one of several, which add up to the limit. */
function comesAndGoes(state: RolloutState, since: number, why: string, now: number): readonly RolloutEvent[] {
  const before = state.blindMs ?? 0;
  const inAllMs = before + now - since;
  const isTold = state.blindAlertedAt === undefined && before > 0 && inAllMs >= blindLimitMs(state.plan);
  return isTold ? [{ type: 'BlindLimitReached', since, why, inAllMs }] : [];
}

/** Sight is back, or was lost and is back since anyone looked. */
function regainedSight(state: RolloutState, judgement: Judgement | undefined, now: number): readonly RolloutEvent[] {
  const why = 'no evidence arrived for a time';
  const { blindSince } = state;
  if (blindSince !== undefined) return [...comesAndGoes(state, blindSince, why, now), { type: 'SightReturned' }];
  const since = unrecordedGap(state, judgement);
  if (since === undefined) return [];
  return [{ type: 'SightLost', since, why }, ...comesAndGoes(state, since, why, now), { type: 'SightReturned' }];
}

/**
 * Keeps account of whether Rampart can see. Blindness holds and, after the limit, alerts; it never aborts unless the
 * plan says so, and never promotes (I3). The instant sight was lost is that of the last evidence; time in which Rampart
 * itself was down counts as blind, but people are told only once it has been there to see that nothing comes.
 */
export function keepSight(state: RolloutState, judgement: Judgement | undefined, now: number): readonly RolloutEvent[] {
  const why = blindness(state, judgement, now);
  if (why === undefined) return regainedSight(state, judgement, now);
  const { blindSince, blindNoticedAt = now } = state;
  if (blindSince !== undefined)
    return blindLimit(state, { since: blindSince, noticedAt: blindNoticedAt, why }, now, judgement);
  const from = expectedFrom(state, now);
  const since = Math.min(now, Math.max(judgement?.freshAt ?? from, from));
  return [{ type: 'SightLost', since, why }];
}
