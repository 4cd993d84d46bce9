import type { Log } from '@rampart/server';
import { CliError } from './cli-error.ts';
import type { ControlPlane, ServeOptions } from './control-plane.ts';

/** Starts the server of `@rampart/server`. Throws `PORT_IN_USE` or `START_FAILED`. */
export async function startControlPlane({ logAsJson, ...options }: ServeOptions): Promise<ControlPlane> {
  // Loaded only here: other commands start in a fraction of the time without it.
  const { startServer, ServerError, StoreError } = await import('@rampart/server');
  try {
    const server = await startServer({ ...options, ...(logAsJson ? {} : { log: LINES }) });
    return { url: server.url, ...(server.firstToken && { firstTokens: server.firstToken }), close: server.close };
  } catch (cause) {
    if (cause instanceof ServerError && cause.code === 'PORT_IN_USE') {
      throw new CliError('PORT_IN_USE', sentence(cause.message), { cause });
    }
    if (!(cause instanceof ServerError || cause instanceof StoreError)) throw cause;
    throw new CliError('START_FAILED', sentence(cause.message), { cause, shownCode: cause.code });
  }
}

const line = (level: string) => (_: object, message: string) => void process.stderr.write(`${level}: ${message}\n`);

/** For a person at a terminal: what needs attention, in words. */
const LINES: Log = { info: () => undefined, warn: line('warning'), error: line('error') };

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith('.') ? '' : '.');
}
