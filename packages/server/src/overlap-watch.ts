import type { Flag } from '@rampart/flags';
import {
  currentStageName,
  layersOf,
  type Overlap,
  type OverlapParty,
  overlapOf,
  type Plan,
  type RolloutState,
} from '@rampart/rollout';
import type { Work } from './assemble.ts';
import type { Clock } from './clock.ts';
import { type Log, messageOf } from './log.ts';
import { giveOwn } from './own-command.ts';
import type { RolloutTable } from './rollout-table.ts';

/** Notes in each rollout which others share people and metrics with it. */
export type OverlapWatch = Work & {
  /** Looks at every rollout now. Never rejects. */
  readonly wakeAll: () => Promise<void>;
};

/** What a watch works with. */
export type OverlapWatchOptions = { readonly table: RolloutTable; readonly clock: Clock; readonly log: Log };

const BEAT_MS = 1_000;
/** The same rollout is not written to more often, before scaling: others may advance by the dozen. */
const QUIET_MS = 60_000;
/** Most overlaps that are kept of one rollout: the gravest. */
const MOST_KEPT = 10;
const RUNNING: readonly RolloutState['phase'][] = ['preflight', 'baseline', 'exposing', 'monitoring'];

/** A watch at rest. */
export function createOverlapWatch(options: OverlapWatchOptions): OverlapWatch {
  const { table, clock, log } = options;
  const writtenAt = new Map<string, number>();
  let lookedAt = '';
  let turn: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Gives whether there is nothing left to write. */
  const lookAt = async (state: RolloutState): Promise<boolean> => {
    const { id, plan } = state;
    const overlaps = RUNNING.includes(state.phase) ? overlapsNow(state, table) : [];
    const isQuiet = clock.now() - (writtenAt.get(id) ?? Number.NEGATIVE_INFINITY) < QUIET_MS * plan.timeScale;
    if (isQuiet && !isWorse(overlaps, state.overlaps ?? [])) return false;
    const isWritten = await giveOwn(id, () => ({ type: 'RecordOverlaps', overlaps }), options);
    if (isWritten) writtenAt.set(id, clock.now());
    return true;
  };
  const lookAtAll = async (): Promise<void> => {
    const print = exposuresOf(table);
    if (print === lookedAt) return;
    let isDone = true;
    for (const { state } of table.all().filter((run) => isWatched(run.state))) {
      const isSettled = await lookAt(state).catch((error: unknown) => {
        log.error({ rollout: state.id, err: error }, `overlaps of ${state.id} could not be noted: ${messageOf(error)}`);
        return false;
      });
      isDone &&= isSettled;
      // Each is held against all others: requests have their turn in between.
      await new Promise(setImmediate);
    }
    if (isDone) lookedAt = print;
  };
  const wakeAll = (): Promise<void> => {
    turn ??= lookAtAll().finally(() => {
      turn = undefined;
    });
    return turn;
  };
  return {
    wakeAll,
    start() {
      timer = setInterval(() => void wakeAll(), BEAT_MS);
    },
    async stop() {
      clearInterval(timer);
      await turn;
    },
  };
}

/** Text that changes whenever an overlap may. */
function exposuresOf({ all, book }: RolloutTable): string {
  return [book.ruleset().revision, ...all().map(({ state }) => `${state.id} ${state.phase} ${state.epoch}`)].join('\n');
}

function isWatched(state: RolloutState): boolean {
  return !isEnded(state) && (RUNNING.includes(state.phase) || state.overlaps !== undefined);
}

function isEnded({ phase }: RolloutState): boolean {
  return phase === 'complete' || phase === 'cancelled';
}

/** Whether the arms are confounded by a rollout that was not known to. */
function isWorse(now: readonly Overlap[], before: readonly Overlap[]): boolean {
  const wasKnown = (rollout: string) => before.some((one) => one.rollout === rollout && one.isConfounded);
  return now.some(({ rollout, isConfounded }) => isConfounded && !wasKnown(rollout));
}

/** The salt and the unit that a flag is split by. */
function splitOf(flag: string, salt: string | undefined, stored: Flag | undefined) {
  return { salt: salt ?? stored?.salt ?? flag, bucketBy: stored?.bucketBy ?? 'targetingKey' };
}

function partyOf(state: RolloutState, flags: Readonly<Record<string, Flag>>): OverlapParty {
  const { id, plan, layers, salt, stage } = state;
  const stored = Object.hasOwn(flags, plan.flag) ? flags[plan.flag] : undefined;
  return {
    ...{ rollout: id, flag: plan.flag, metrics: plan.metrics, ...splitOf(plan.flag, salt, stored) },
    // Nobody is exposed yet: those of the first stage will be.
    layers: layers.length > 0 ? layers : layersOf(plan, 0),
    ...(stage && { stage: currentStageName(state), advancedAt: stage.enteredAt }),
  };
}

function gravestFirst(one: Overlap, other: Overlap): number {
  const confounded = Number(other.isConfounded) - Number(one.isConfounded);
  return confounded !== 0 ? confounded : (other.advancedAt ?? 0) - (one.advancedAt ?? 0);
}

function found(mine: OverlapParty, others: readonly OverlapParty[]): readonly Overlap[] {
  return others
    .flatMap((other) => overlapOf(mine, other) ?? [])
    .toSorted(gravestFirst)
    .slice(0, MOST_KEPT);
}

/** Other rollouts that expose people now and overlap with one. */
function overlapsNow(state: RolloutState, { all, book }: RolloutTable): readonly Overlap[] {
  const flags = book.flags();
  const others = all().filter(({ state: one }) => one.id !== state.id && one.layers.length > 0 && !isEnded(one));
  return found(
    partyOf(state, flags),
    others.map((run) => partyOf(run.state, flags)),
  );
}

/** Rollouts under way that a plan would overlap with in its first stage, also those that are about to expose people. */
export function overlapsOfPlan(
  plan: Plan,
  rollouts: readonly RolloutState[],
  flags: Readonly<Record<string, Flag>>,
): readonly Overlap[] {
  const stored = Object.hasOwn(flags, plan.flag) ? flags[plan.flag] : undefined;
  const mine: OverlapParty = {
    ...{ rollout: '', flag: plan.flag, layers: layersOf(plan, 0), metrics: plan.metrics },
    ...splitOf(plan.flag, undefined, stored),
  };
  const others = rollouts.filter(({ phase, plan: { flag } }) => RUNNING.includes(phase) && flag !== plan.flag);
  return found(
    mine,
    others.map((state) => partyOf(state, flags)),
  );
}
