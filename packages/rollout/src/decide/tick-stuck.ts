import type { RolloutEvent } from '../event.ts';
import { gateEveryMs, gatesNow, shutSince } from '../external-gates.ts';
import { calendarOpen } from '../plan/calendar.ts';
import type { Incident, RolloutState } from '../state.ts';
import type { Judgement } from '../verdict.ts';
import { stuckAfterMs, unattendedAfterMs } from './cadence.ts';
import { openItems } from './decide-start.ts';
import { heldWords, needsGatesAnew, waitingFor, waitsOfStart } from './tick-advance.ts';

/** How long gates may take to answer anew once the calendar has opened, at most. */
const MOST_PATIENCE_MS = 3_600_000;

/** Since when a stage waits for other than time: its time is served, or something other than a person keeps it from being served. */
function stageWaitsSince(state: RolloutState): number | undefined {
  const { stage, hold } = state;
  if (stage === undefined) return undefined;
  const { countingSince, servedMs, durationMs } = stage;
  const servedAt = countingSince === undefined ? undefined : countingSince + durationMs - servedMs;
  const all = [servedAt, hold?.at, shutSince(state)].filter((at) => at !== undefined);
  return all.length === 0 ? undefined : Math.min(...all);
}

/** Since when a rollout could go on by time alone; `undefined` while it could not, or where it is known why not. */
function waitsSince(state: RolloutState): number | undefined {
  const { phase, hold, killed, blindSince, baseline, baselineSince, plan } = state;
  if (hold?.byPerson || killed || blindSince !== undefined) return undefined;
  const startedAt = state.attempts.at(-1)?.startedAt ?? state.createdAt;
  if (phase === 'preflight') return startedAt;
  if (phase === 'exposing' || phase === 'monitoring') return stageWaitsSince(state);
  if (phase !== 'baseline') return undefined;
  if (baseline !== undefined) return Math.max(startedAt, baseline.toAt);
  return baselineSince === undefined ? undefined : baselineSince + plan.baseline.windowMs;
}

/** The incident that stopped the rollout, where nobody has done anything about it: a triage that the plan assigned is no such thing yet. */
function unattended({ phase, incidents, plan }: RolloutState): Incident | undefined {
  const last = incidents.at(-1);
  if (phase !== 'aborted' || last === undefined || last.unattendedAt !== undefined) return undefined;
  const { acknowledged, rootCause, fix, resolvedAt } = last;
  const isTouched = [acknowledged, rootCause, fix, resolvedAt].some((one) => one !== undefined);
  return isTouched || (last.assignee ?? plan.owners.analyst) !== plan.owners.analyst ? undefined : last;
}

/** From when people are to be told that nothing moves, if nothing does until then; `undefined`: not at all, or they were. */
export function stuckDueAt(state: RolloutState): number | undefined {
  const incident = unattended(state);
  if (incident !== undefined) return incident.openedAt + unattendedAfterMs(state.plan);
  const since = state.stuckAt === undefined ? waitsSince(state) : undefined;
  return since === undefined ? undefined : since + stuckAfterMs(state.plan);
}

function waitsOf(state: RolloutState, judgement: Judgement | undefined, now: number): readonly string[] {
  if (state.phase === 'preflight') return openItems(state).map((item) => `pre-flight item "${item}"`);
  if (state.phase === 'baseline' && state.baseline === undefined) return ['the baseline: no evidence to take it from'];
  if (state.phase === 'baseline') return [...(state.hold ? [heldWords(state.hold)] : []), ...waitsOfStart(state, now)];
  return waitingFor(state, judgement, now);
}

function isOpenAt({ plan }: RolloutState, at: number): boolean {
  return calendarOpen(plan.calendar, at).open;
}

/** Whether the calendar has opened only now, and gates have yet to say anew what they said before it closed. */
function isAskingAnew(state: RolloutState, judgement: Judgement | undefined, now: number): boolean {
  if (!needsGatesAnew(state, judgement, now)) return false;
  const everyMs = Math.max(...gatesNow(state).map(gateEveryMs));
  return !isOpenAt(state, now - Math.min(MOST_PATIENCE_MS, 2 * everyMs));
}

/**
 * Tells once per stage, and once per phase before the first, that a rollout waits too long for something that nobody gives
 * it. Not while the calendar is closed, a person holds it, the kill switch is latched or it is blind: those are known, or
 * told by themselves. And once per incident that nobody has taken it on.
 */
export function tellStuck(state: RolloutState, judgement: Judgement | undefined, now: number): readonly RolloutEvent[] {
  const dueAt = stuckDueAt(state);
  if (dueAt === undefined || now < dueAt) return [];
  const incident = unattended(state);
  if (incident !== undefined) {
    return [{ type: 'IncidentUnattended', incident: incident.number, since: incident.openedAt }];
  }
  const isClosed = state.phase !== 'preflight' && !isOpenAt(state, now);
  const waits = isClosed || isAskingAnew(state, judgement, now) ? [] : waitsOf(state, judgement, now);
  return waits.length === 0
    ? []
    : [{ type: 'RolloutStuck', since: dueAt - stuckAfterMs(state.plan), waitingFor: waits }];
}
