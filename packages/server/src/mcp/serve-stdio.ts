import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { ApiClient } from '@rampart/api';
import { versionOf } from '../version.ts';
import { createRampartMcp } from './rampart-mcp.ts';

/** How MCP is served over the standard streams of this process. */
export type StdioOptions = {
  readonly client: ApiClient;
  /** Ends it; so does the end of standard input. */
  readonly stop: AbortSignal;
  /** Takes a line about what went wrong: standard output belongs to the protocol. */
  readonly onError: (message: string) => void;
};

/** Serves MCP over stdio until the client closes it. */
export async function serveMcpOverStdio({ client, stop, onError }: StdioOptions): Promise<void> {
  const ended = new Promise<void>((done) => {
    process.stdin.once('close', done);
    process.stdin.once('end', done);
    stop.addEventListener('abort', () => done(), { once: true });
  });
  const version = versionOf();
  const onDefect = (error: unknown) =>
    onError(`a tool failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  const handle = serveStdio(() => createRampartMcp({ client, version, onDefect }), {
    onerror: ({ message }) => onError(message),
  });
  if (!stop.aborted) await ended;
  await handle.close();
}
