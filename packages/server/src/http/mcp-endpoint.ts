import {
  createMcpHandler,
  localhostAllowedHostnames,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server';
import { createApiClient, ProblemError, ROUTES } from '@rampart/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Tokens } from '../auth.ts';
import type { Log } from '../log.ts';
import { injectFetch } from '../mcp/inject-fetch.ts';
import { createRampartMcp } from '../mcp/rampart-mcp.ts';
import { callerOf } from './http-app.ts';

/** What the endpoint works with. */
export type McpEndpointOptions = {
  readonly tokens: Tokens;
  readonly log: Log;
  readonly version: string;
  /** Address it listens on. */
  readonly host?: string | undefined;
  /** Origin under which people reach the server, where that is another. */
  readonly publicUrl?: string | undefined;
};

/** Never called: the app is asked in this process. */
const INSIDE = 'http://rampart.internal';

/**
 * Serves MCP at `/mcp`, stateless, for clients of 2026 and of 2025. Whoever calls is authenticated here, and every tool then asks
 * the API of the same app with the caller's token: the same authorisation, idempotency and record as anyone's request.
 */
export function addMcpEndpoint(app: FastifyInstance, { tokens, log, version, ...place }: McpEndpointOptions): void {
  const names = hostnamesOf(place);
  const onDefect = (error: unknown) => log.error({ err: error }, 'a tool of MCP failed');
  const handler = createMcpHandler(
    ({ authInfo }) => {
      const client = createApiClient({ url: INSIDE, token: authInfo?.token ?? '', fetch: injectFetch(app) });
      return createRampartMcp({ client, version, onDefect });
    },
    { onerror: ({ message }) => log.warn({ code: 'MCP' }, `an MCP request was not served: ${message}`) },
  );
  app.addHook('preClose', () => handler.close());
  app.route({
    method: ROUTES.mcp.method,
    url: ROUTES.mcp.path,
    onRequest: async (request) => {
      refuseForeign(request, names);
      await callerOf(request, ROUTES.mcp, tokens);
    },
    handler: async (request, reply) => {
      const { method, headers, body } = request;
      const token = headers.authorization?.replace(/^Bearer +/i, '') ?? '';
      const text = JSON.stringify(body);
      const asked = new Request(INSIDE + ROUTES.mcp.path, { method, headers: headersOf(headers), body: text });
      const authInfo = { token, clientId: 'rampart', scopes: [] };
      const answer = await handler.fetch(asked, { authInfo, parsedBody: body });
      return reply.header('cache-control', 'no-store').send(answer);
    },
  });
}

type Place = Pick<McpEndpointOptions, 'host' | 'publicUrl'>;

/** Names this server goes by. A page elsewhere whose name was made to lead here (DNS rebinding) sends another. */
function hostnamesOf({ host = '127.0.0.1', publicUrl }: Place): string[] {
  const isWildcard = host === '0.0.0.0' || host === '::';
  const bound = isWildcard ? [] : [host.includes(':') ? `[${host}]` : host];
  return [...localhostAllowedHostnames(), ...bound, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])];
}

function refuseForeign({ headers }: FastifyRequest, names: string[]): void {
  const known = `it answers as ${names.join(', ')}; set publicUrl in the settings of the server if it has another name`;
  const host = validateHostHeader(headers.host, names);
  if (!host.ok) throw new ProblemError('ORIGIN_FORBIDDEN', `Host: received ${JSON.stringify(headers.host)}; ${known}.`);
  const origin = validateOriginHeader(headers.origin, names);
  if (origin.ok) return;
  throw new ProblemError('ORIGIN_FORBIDDEN', `Origin: received ${JSON.stringify(headers.origin)}; ${known}.`);
}

function headersOf(given: FastifyRequest['headers']): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    // The body is written anew, and who asks is told by `authInfo`.
    if (value === undefined || name === 'content-length' || name === 'authorization' || name.startsWith(':')) continue;
    headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}
