/** Shortest time between two looks that telemetry leads to, milliseconds: what arrives meanwhile is seen together. */
const SHORTEST_GAP_MS = 20;
/** Looks rest this many times as long as they took, so that telemetry leaves most of the thread to everything else. */
const REST = 3;

/** Looks at rollouts because telemetry arrived: rounds over those that wait, one after the other, with rests between rounds. */
export type PacedLooks = {
  /** Has a rollout looked at: at once after a rest, else in the next round. */
  readonly ask: (id: string) => void;
  /** Forgets those that wait; resolves when the look under way has ended. */
  readonly stop: () => Promise<void>;
};

/** Looks at rest. `look` must not reject. */
export function createPacedLooks(look: (id: string) => Promise<void>): PacedLooks {
  const waiting = new Set<string>();
  let round: Promise<void> | undefined;
  let rest: NodeJS.Timeout | undefined;

  const goRound = async (): Promise<void> => {
    const startedAt = performance.now();
    for (const id of [...waiting]) {
      // One that is asked for again later in the round, or was forgotten, is not looked at twice, or at all.
      if (!waiting.delete(id)) continue;
      await look(id);
      // Requests and timers have their turn between two looks.
      await new Promise(setImmediate);
    }
    const tookMs = performance.now() - startedAt;
    rest = setTimeout(begin, Math.max(SHORTEST_GAP_MS, REST * tookMs));
  };
  const begin = (): void => {
    rest = undefined;
    round = undefined;
    if (waiting.size > 0) round = goRound();
  };

  return {
    ask(id) {
      waiting.add(id);
      if (round === undefined) begin();
    },
    async stop() {
      waiting.clear();
      await round;
      clearTimeout(rest);
    },
  };
}
