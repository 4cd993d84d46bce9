import type { Command } from 'commander';
import { completionScript, SHELLS } from '../completion-script.ts';
import type { Shell } from '../session.ts';

/** The command that prints a completion script. */
export function addCompletionCommand(program: Command, { perform }: Shell): void {
  const completion = program.command('completion').helpGroup('Set up:');
  completion
    .summary('print a script that completes commands in your shell')
    .description('Prints a script that completes commands and options. For bash: source <(rampart completion bash)')
    .addArgument(completion.createArgument('<shell>', 'your shell').choices(SHELLS))
    .action((name: string, _: unknown, command: Command) =>
      perform(command, () => {
        const shell = SHELLS.find((one) => one === name) ?? 'bash';
        const script = completionScript(program, shell);
        return Promise.resolve({ data: { shell, script }, text: script });
      }),
    );
}
