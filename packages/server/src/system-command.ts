import { decide, RAMPART, type RolloutCommand, type RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { RolloutTable } from './rollout-table.ts';

/** Writes that meet others this often in a row are left to the next look. */
const MOST_TRIES = 5;

/**
 * Has Rampart give a rollout a command, made of its state at the moment of the decision; writes nothing where it is refused or
 * changes nothing. Gives whether anything was written. @throws StoreError
 */
export async function giveAsRampart(
  id: string,
  commandOf: (state: RolloutState) => RolloutCommand | undefined,
  { table, clock }: { readonly table: RolloutTable; readonly clock: Clock },
): Promise<boolean> {
  return table.exclusively(id, async () => {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const run = table.get(id);
      const command = run && commandOf(run.state);
      if (run === undefined || command === undefined) return false;
      const at = clock.now();
      const decision = decide(run.state, command, RAMPART, at);
      if (!decision.ok || decision.events.length === 0) return false;
      const causes = decision.events.map((event) => ({ event, by: RAMPART.id }));
      const committed = await table.commit({ rollout: id, before: run, causes, at });
      if (committed.ok) return true;
      await table.refresh();
    }
    return false;
  });
}
