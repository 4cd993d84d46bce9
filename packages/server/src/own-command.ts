import { decide, type Principal, RAMPART, type RolloutCommand, type RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { RolloutTable } from './rollout-table.ts';

/** Writes that meet others this often in a row are left to the next look. */
const MOST_TRIES = 10;

/** What a command of Rampart's own is given with. `by`: a person whose other act led to it. Default: Rampart. */
export type OwnCommandParts = {
  readonly table: Pick<RolloutTable, 'exclusively' | 'get' | 'commit' | 'refresh'>;
  readonly clock: Clock;
  readonly by?: Principal;
};

/**
 * Gives a rollout a command that Rampart itself, or a person's other act, leads to, made of its state at the moment of the
 * decision. Gives whether anything was written: nothing is where the command is refused or changes nothing.
 * @throws StoreError @throws Error where other writes came between each time, so that it is not known to be on record
 */
export async function giveOwn(
  id: string,
  commandOf: (state: RolloutState) => RolloutCommand | undefined,
  { table, clock, by = RAMPART }: OwnCommandParts,
): Promise<boolean> {
  return table.exclusively(id, async () => {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const run = table.get(id);
      const command = run && commandOf(run.state);
      if (run === undefined || command === undefined) return false;
      const at = clock.now();
      const decision = decide(run.state, command, by, at);
      if (!decision.ok || decision.events.length === 0) return false;
      const causes = decision.events.map((event) => ({ event, by: by.id }));
      if ((await table.commit({ rollout: id, before: run, causes, at })).ok) return true;
      await table.refresh();
    }
    throw new Error(`a command of Rampart to ${id} met other writes ${MOST_TRIES} times in a row`);
  });
}
