import { type Case, type Outcome, runSystem, type Watch } from './system-rollouts.ts';

/** What a parent process asks: rollouts to run on one server. */
export type Job = { readonly cases: readonly Case[]; readonly watch: Watch };

/** What it is told: how each rollout went, and what the server logged as a warning or an error. */
export type Message =
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  | { readonly type: 'complaint'; readonly text: string };

function tell(message: Message): void {
  process.send?.(message);
}

/** `system-run.ts JOB`. JSON edge: given by `system.ts` only. */
const { cases, watch } = JSON.parse(process.argv[2] ?? '') as Job;
const complaints = await runSystem(cases, watch, (outcome) => tell({ type: 'outcome', outcome }));
for (const text of complaints) tell({ type: 'complaint', text });
