import type { RolloutCommand } from './command.ts';
import { applyAll, decide } from './decide/decide.ts';
import type { Decision } from './decide/decision.ts';
import type { RolloutEvent } from './event.ts';
import { emptyLedger } from './judge/evidence-state.ts';
import { foldTrusted } from './judge/fold-trusted.ts';
import { judge } from './judge/judge.ts';
import type { PreparedBatch } from './judge/prepared-batch.ts';
import { type Principal, RAMPART } from './principal.ts';
import { look } from './reconcile.ts';
import type { RolloutState } from './state.ts';
import type { Judgement } from './verdict.ts';

/** The core in a loop of its own: it owns the evidence and folds it in place, for simulation and replay. */
export type RolloutLoop = {
  readonly state: () => RolloutState;
  /** Takes a batch in, judges and decides: the events that followed, already applied. The batch is not kept. */
  readonly feed: (batch: PreparedBatch, now: number) => readonly RolloutEvent[];
  /** A look without news. */
  readonly tick: (now: number) => readonly RolloutEvent[];
  readonly command: (command: RolloutCommand, by: Principal, now: number) => Decision;
  readonly judge: (now: number) => Judgement;
};

/** A loop around a rollout as it stands. */
export function openLoop(initial: RolloutState): RolloutLoop {
  let state = initial;
  const ledger = emptyLedger();
  const apply = (events: readonly RolloutEvent[], by: Principal, now: number) => {
    state = applyAll(state, events, by, now) ?? state;
    return events;
  };
  const tick = (now: number) => apply(look(state, ledger, now), RAMPART, now);
  return {
    state: () => state,
    feed(batch, now) {
      foldTrusted(ledger, batch, state);
      return tick(now);
    },
    tick,
    command(command, by, now) {
      const decision = decide(state, command, by, now);
      if (decision.ok) apply(decision.events, by, now);
      return decision;
    },
    judge: (now) => judge(ledger, state, now),
  };
}
