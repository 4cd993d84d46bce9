import { type GateChange, type GatesView, ProblemError } from '@rampart/api';
import { gateRefusal, gatesNow, type Principal, type RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { GateBook, GateEntry } from './gate-book.ts';
import type { GateWatch } from './gate-watch.ts';
import type { RolloutTable } from './rollout-table.ts';

/** What people do with external gates. */
export type GateDesk = {
  readonly list: () => Promise<GatesView>;
  /**
   * Opens or closes a gate by hand; rollouts that read it have heard of it when it resolves.
   * @throws ProblemError `FORBIDDEN`, `REASON_REQUIRED` @throws StoreError
   */
  readonly set: (gate: string, change: GateChange, by: Principal) => Promise<GatesView>;
};

/** What a desk works with. */
export type GateDeskOptions = {
  readonly book: GateBook;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly watch: Pick<GateWatch, 'askNamed'>;
};

export function createGateDesk({ book, table, clock, watch }: GateDeskOptions): GateDesk {
  const list = async (): Promise<GatesView> => ({
    gates: (await book.list()).map(entryView),
    rollouts: table.all().flatMap(({ state }) => rolloutView(state)),
  });
  return {
    list,
    async set(gate, { open, reason, flag }, by) {
      const refusal = gateRefusal(by, { open, why: reason });
      if (refusal?.ok === false) throw new ProblemError(refusal.code, refusal.message);
      const word = { open, why: reason, at: clock.now(), by: by.id };
      await book.set({ gate, ...(flag !== undefined && { flag }) }, word);
      await watch.askNamed(gate, { by, open, ...(flag !== undefined && { flag }) });
      return list();
    },
  };
}

function entryView({ gate, flag, said, shut }: GateEntry): GatesView['gates'][number] {
  const word = shut ?? said;
  return {
    gate,
    ...(flag !== undefined && { flag }),
    ...{ open: word?.open ?? false, why: word?.why ?? '', at: word?.at ?? 0, by: word?.by ?? '' },
    byHand: shut !== undefined,
  };
}

function rolloutView(state: RolloutState): GatesView['rollouts'] {
  return gatesNow(state).map(({ name, when, ask }) => ({
    rollout: state.id,
    gate: name,
    when,
    ...(ask.kind === 'signal' && { signal: ask.signal }),
    ...state.gates?.[name],
  }));
}
