import type { Command } from 'commander';
import type { Shell } from '../session.ts';

/** The command that serves an AI agent on this machine. */
export function addMcpCommand(program: Command, { perform }: Shell): void {
  program
    .command('mcp')
    .helpGroup('Run:')
    .summary('serve the Model Context Protocol over stdio, for an AI agent')
    .description(
      'Serves the Model Context Protocol over standard input and output until the client closes them, with the token of --token, RAMPART_TOKEN or the credentials file: the agent may do what this token may. The server offers the same over HTTP at /mcp.',
    )
    .action((_: unknown, command: Command) =>
      perform(command, async ({ client, io }) => {
        await io.serveMcp(client(), io.interrupted());
        return {};
      }),
    );
}
