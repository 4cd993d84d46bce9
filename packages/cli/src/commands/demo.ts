import type { Command } from 'commander';
import type { Shell } from '../session.ts';
import { ordinal, port } from './arguments.ts';

type DemoOptions = { readonly seed?: number; readonly keep?: boolean; readonly port?: number };

/** The command that shows whole rollouts of a real app under generated load. */
export function addDemoCommand(program: Command, { perform }: Shell): void {
  program
    .command('demo')
    .helpGroup('Run:')
    .summary('see one rollout go well and one go wrong, under generated load')
    .description(
      'Runs a control plane, an example app and a load generator, and rolls out a good feature and a bad one, in about 75 s.',
    )
    .option('--seed <n>', 'seed of users and timing', ordinal)
    .option('--keep', 'keep the control plane running at the end')
    .option('--port <port>', 'where it listens; 0 is any free one', port)
    .action((options: DemoOptions, command: Command) =>
      perform(command, async ({ isJson, io }) => {
        // Loaded only here: it brings the server and the SDK with it.
        const { runDemo } = await import('../demo/demo.ts');
        // It prints by itself, with --json too.
        return { exitCode: await runDemo({ ...options, json: isJson }, io) };
      }),
    );
}
