import { planJsonSchema } from '@rampart/rollout';
import type { Command } from 'commander';
import type { Shell } from '../session.ts';

/** The command that prints the JSON Schema of a plan. */
export function addSchemaCommand(program: Command, { perform }: Shell): void {
  program
    .command('schema')
    .helpGroup('Plans:')
    .description('print the JSON Schema of a plan, for editors')
    .action((_: unknown, command: Command) =>
      perform(command, () => {
        const data = planJsonSchema();
        return Promise.resolve({ data, text: JSON.stringify(data, null, 2) });
      }),
    );
}
