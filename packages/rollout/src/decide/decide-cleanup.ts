import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { WEEK_MS } from '../plan/duration.ts';
import type { RolloutState } from '../state.ts';
import { attestedBy, type CleanupWish, cleanupOf } from './cleanup-schedule.ts';
import { APPROVING, accept, type Handler, lacksRole, notIn, RAISING, refuse } from './decision.ts';
import { servedMs } from './served.ts';

type Of<T extends RolloutCommand['type']> = Extract<RolloutCommand, { type: T }>;

/** The removal of the flag as it is wished now: what the plan says counts from the end of the quiet time. */
function wished(state: RolloutState, wish: CleanupWish, now: number) {
  const { phase, stage } = state;
  const left = phase === 'monitoring' && stage !== undefined ? Math.max(0, stage.durationMs - servedMs(state, now)) : 0;
  return cleanupOf(state, wish, now + left);
}

/** The date that an evidence begins with, epoch milliseconds; without a zone it is UTC. */
function dateIn(evidence: string): number | undefined {
  const [, day, time = 'T00:00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(evidence.trim()) ?? [];
  const at = day === undefined ? Number.NaN : Date.parse(`${day}${time}${zone}`);
  return Number.isNaN(at) ? undefined : at;
}

/** What follows from the exit item being given: the evidence is a date, a link, or words. */
export function cleanupFromEvidence(state: RolloutState, evidence: string | undefined, now: number): RolloutEvent {
  const dueAt = evidence === undefined ? undefined : dateIn(evidence);
  const isLink = evidence !== undefined && /^https?:\/\/\S+$/.test(evidence.trim());
  return wished(state, { ...(dueAt !== undefined && { dueAt }), ...(isLink && { link: evidence.trim() }) }, now);
}

export const scheduleCleanup: Handler<Of<'ScheduleCleanup'>> = (state, command, by, now) => {
  const no =
    lacksRole(by, APPROVING, 'schedule the removal of a flag') ??
    notIn(state, ['exposing', 'monitoring', 'complete', 'cancelled'], 'schedule the removal of its flag');
  if (no) return no;
  if (state.flagRemoved) {
    return refuse(
      'ITEM_ALREADY_GIVEN',
      `Flag ${state.plan.flag} was removed by ${state.flagRemoved.by}; nothing is left to schedule.`,
    );
  }
  const event = wished(state, command, now);
  const isRunning = state.phase === 'exposing' || state.phase === 'monitoring';
  return accept(event, ...(isRunning ? attestedBy(state, event) : []));
};

/**
 * When the next reminder of a flag that should be gone is due: at the date, and then each week after it; one at most for any
 * time that was slept through. Weeks of people, whatever the plan's `timeScale`. `undefined` where none is to come.
 */
export function nextReminderAt({ phase, cleanup, flagRemoved }: RolloutState): number | undefined {
  const hasEnded = phase === 'complete' || phase === 'cancelled';
  if (!hasEnded || cleanup === undefined || flagRemoved !== undefined) return undefined;
  const { dueAt, remindedAt } = cleanup;
  if (remindedAt === undefined) return dueAt;
  return dueAt + (Math.floor((remindedAt - dueAt) / WEEK_MS) + 1) * WEEK_MS;
}

export const remindCleanup: Handler<Of<'RemindCleanup'>> = (state, _command, by, now) => {
  const no = lacksRole(by, ['system'], 'remind of a flag');
  if (no) return no;
  const dueAt = nextReminderAt(state);
  if (dueAt === undefined || now < dueAt || state.cleanup === undefined) return accept();
  return accept({ type: 'FlagCleanupDue', dueAt: state.cleanup.dueAt, reminder: (state.cleanup.reminders ?? 0) + 1 });
};

export const recordFlagRemoval: Handler<Of<'RecordFlagRemoval'>> = (state, _command, by) => {
  const no =
    lacksRole(by, [...RAISING, 'system'], 'remove a flag') ??
    notIn(state, ['complete', 'cancelled'], 'remove its flag');
  if (no) return no;
  return state.flagRemoved ? accept() : accept({ type: 'FlagRemoved', flag: state.plan.flag });
};

export const recordHandover: Handler<Of<'RecordHandover'>> = (state, command, by) => {
  const no = lacksRole(by, ['system'], 'record a hand-over') ?? notIn(state, ['complete'], 'record a hand-over');
  if (no) return no;
  const { name, isDelivered, why } = command;
  const isKnown = state.handovers?.some((one) => one.name === name && one.isDelivered) === true;
  return isKnown ? accept() : accept({ type: 'HandoverTold', name, isDelivered, ...(why !== undefined && { why }) });
};
