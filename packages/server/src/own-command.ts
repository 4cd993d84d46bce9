import { decide, type Principal, RAMPART, type RolloutCommand } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { RolloutTable } from './rollout-table.ts';

/** Writes that meet others this often in a row are left to the next look. */
const MOST_TRIES = 10;

/** Gives a rollout a command that Rampart itself, or a person's other act, leads to. Nothing where the rollout refuses it. */
export async function giveOwn(
  { table, clock }: { readonly table: RolloutTable; readonly clock: Clock },
  id: string,
  command: RolloutCommand,
  by: Principal = RAMPART,
): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const isDone = await table.exclusively(id, async () => {
      const run = table.get(id);
      const now = clock.now();
      const decision = run && decide(run.state, command, by, now);
      if (run === undefined || !decision?.ok || decision.events.length === 0) return true;
      const causes = decision.events.map((event) => ({ event, by: by.id }));
      return (await table.commit({ rollout: id, before: run, causes, at: now })).ok;
    });
    if (isDone) return;
    await table.refresh();
  }
  throw new Error(`the record of ${command.type} met other writes ${MOST_TRIES} times in a row`);
}
