import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { DAY_MS } from '../plan/duration.ts';
import type { RolloutState } from '../state.ts';
import { CLEANUP_SCHEDULED } from './exit-items.ts';

/** What is said of the removal of a flag; what is left out comes from the plan. */
export type CleanupWish = Omit<Extract<RolloutCommand, { type: 'ScheduleCleanup' }>, 'type'>;
type Scheduled = Extract<RolloutEvent, { type: 'FlagCleanupScheduled' }>;

/** How long after the quiet time a flag may stay, where nobody says. */
const STAYS_MS = 30 * DAY_MS;

/** The removal of the flag, by default `cleanup.after` of the plan (30 days) after `quietAt`. */
export function cleanupOf(state: RolloutState, wish: CleanupWish, quietAt: number): Scheduled {
  const { plan } = state;
  const afterMs = plan.cleanup?.afterMs ?? STAYS_MS * plan.timeScale;
  const { dueAt = Math.round(quietAt + afterMs), link } = wish;
  const owner = wish.owner ?? plan.cleanup?.owner ?? plan.owners.operator;
  return {
    type: 'FlagCleanupScheduled',
    dueAt,
    ...(owner !== undefined && { owner }),
    ...(link !== undefined && { link }),
  };
}

/** The exit item, where it is still open: a date that is set is what it asks for. */
export function attestedBy(state: RolloutState, event: Scheduled): readonly RolloutEvent[] {
  if (state.exit[CLEANUP_SCHEDULED] !== null) return [];
  const evidence = event.link ?? new Date(event.dueAt).toISOString();
  return [{ type: 'ItemAttested', list: 'exit', item: CLEANUP_SCHEDULED, evidence }];
}

/** What a plan with `cleanup` schedules by itself once everyone is exposed, where nobody has yet; the quiet time ends at `quietAt`. */
export function cleanupByPlan(state: RolloutState, quietAt: number): readonly RolloutEvent[] {
  if (state.plan.cleanup === undefined || state.cleanup !== undefined) return [];
  const event = cleanupOf(state, {}, quietAt);
  return [event, ...attestedBy(state, event)];
}
