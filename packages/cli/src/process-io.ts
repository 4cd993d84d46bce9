import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { Io } from './io.ts';
import { serveMcp } from './serve-mcp.ts';
import { startControlPlane } from './start-control-plane.ts';

const DEFAULT_COLUMNS = 100;

/** The real process around the command line. */
export function processIo(): Io {
  let stop: AbortController | undefined;
  return {
    stdout: (chunk) => void process.stdout.write(chunk),
    stderr: (chunk) => void process.stderr.write(chunk),
    stdin: () => text(process.stdin),
    isTty: process.stdout.isTTY === true,
    columns: () => process.stdout.columns ?? (Number(process.env.COLUMNS) || DEFAULT_COLUMNS),
    // Only a checkout runs the sources.
    call: import.meta.url.endsWith('.ts') ? 'npx rampart' : 'rampart',
    env: process.env,
    cwd: process.cwd(),
    fetch: globalThis.fetch,
    now: () => Date.now(),
    sleep: (durationMs, signal) => wait(durationMs, undefined, { signal }).catch(() => undefined),
    interrupted: () => {
      stop ??= stopOnSignal();
      return stop.signal;
    },
    startServer: startControlPlane,
    serveMcp,
  };
}

/** The first signal asks to stop; the second one ends the process as if nothing listened. */
function stopOnSignal(): AbortController {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller;
}
