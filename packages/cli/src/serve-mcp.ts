import type { ApiClient } from '@rampart/api';

/** Serves MCP over the standard streams of this process, until its client closes them or the signal aborts. */
export type ServeMcp = (client: ApiClient, stop: AbortSignal) => Promise<void>;

/** Serves MCP of `@rampart/server`. */
export const serveMcp: ServeMcp = async (client, stop) => {
  // Loaded only here, as the control plane is: other commands start faster without it.
  const { serveMcpOverStdio } = await import('@rampart/server/mcp');
  const onError = (message: string) => void process.stderr.write(`warning: ${message}\n`);
  await serveMcpOverStdio({ client, stop, onError });
};
