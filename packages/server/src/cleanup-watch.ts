import { nextReminderAt, type Principal, type RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import { type Log, messageOf } from './log.ts';
import { giveOwn } from './own-command.ts';
import type { RolloutTable } from './rollout-table.ts';

/** Looks after the flags of rollouts that have ended: reminds of those that should be gone, and records those that are. */
export type CleanupWatch = {
  /** Looks at every rollout that has ended. Never rejects. */
  readonly wakeAll: () => Promise<void>;
  /** Records that a person has removed a flag. */
  readonly removed: (flag: string, by: Principal) => Promise<void>;
  /** Looks regularly from now on. */
  readonly start: () => void;
  /** Looks no more; resolves when the last look has ended. */
  readonly stop: () => Promise<void>;
};

/** What a watch works with. */
export type CleanupWatchOptions = { readonly table: RolloutTable; readonly clock: Clock; readonly log: Log };

const EVERY_MS = 5_000;

/** A watch at rest. */
export function createCleanupWatch(options: CleanupWatchOptions): CleanupWatch {
  const { table, clock, log } = options;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  const lookAt = async (state: RolloutState, now: number): Promise<void> => {
    const { id, plan, flagRemoved } = state;
    if (flagRemoved !== undefined) return;
    // A crash between the removal and its record: the flag is gone, by whom is not known.
    const isGone = !Object.hasOwn(table.book.flags(), plan.flag);
    if (isGone) {
      await giveOwn(id, () => ({ type: 'RecordFlagRemoval' }), options);
      return;
    }
    const dueAt = nextReminderAt(state);
    if (dueAt !== undefined && now >= dueAt) await giveOwn(id, () => ({ type: 'RemindCleanup' }), options);
  };
  const lookAll = async (): Promise<void> => {
    const now = clock.now();
    for (const { state } of table.all().filter((run) => hasEnded(run.state))) {
      await lookAt(state, now).catch((error: unknown) => {
        const { id } = state;
        log.error(
          { rollout: id, err: error },
          `the flag of rollout ${id} could not be looked after: ${messageOf(error)}`,
        );
      });
    }
  };
  const wakeAll = (): Promise<void> => {
    looking ??= lookAll().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  return {
    wakeAll,
    async removed(flag, by) {
      const ended = table.all().filter(({ state }) => state.plan.flag === flag && hasEnded(state));
      for (const { state } of ended) {
        await giveOwn(state.id, () => ({ type: 'RecordFlagRemoval' }), { ...options, by });
      }
    },
    start() {
      timer = setInterval(() => void wakeAll(), EVERY_MS);
    },
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}

function hasEnded({ phase }: RolloutState): boolean {
  return phase === 'complete' || phase === 'cancelled';
}
