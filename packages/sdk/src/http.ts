import type { EvaluationContext } from '@rampart/flags';
import type { RampartClient } from './client-options.ts';
import type { Scope } from './scope.ts';

/** How a middleware learns who a request is for. */
export type MiddlewareOptions<Request> = {
  /** Context of evaluations in this request that are given none. Default: empty. */
  readonly context?: (request: Request) => EvaluationContext;
  /** Hears of every error thrown by `context`; the request goes on with an empty one. The client tells the first. */
  readonly onError?: (error: unknown) => void;
};

/** The part of a Node HTTP response the middleware needs. */
export type HttpResponse = {
  readonly statusCode: number;
  /** The error the response was destroyed with, if it was. */
  readonly errored?: Error | null;
  once(event: 'finish' | 'close', listener: () => void): unknown;
};

/** A handler as Express and Connect call it. */
export type ExpressHandler<Request> = (request: Request, response: HttpResponse, next: () => void) => void;

/**
 * Express (or Connect) middleware: everything evaluated while a request is handled shares a scope, and when the response
 * ends its duration and whether it failed (status 500 and above, or broken off by an error of ours) count for the
 * variants served. A client that hangs up is no error. Put it before the routes.
 */
export function expressMiddleware<Request>(
  client: RampartClient,
  options: MiddlewareOptions<Request> = {},
): ExpressHandler<Request> {
  return (request, response, next) => {
    const scope = openScope(client, options, request);
    recordWhenDone(client, scope, response);
    scope.run(next);
  };
}

/** The part of a Fastify reply the plugin needs. */
export type FastifyReplyPart = { readonly raw: HttpResponse };
/** A hook in callback style. */
export type FastifyHook<Request> = (request: Request, reply: FastifyReplyPart, done: () => void) => void;
/** The part of a Fastify instance the plugin needs. */
export type FastifyPart<Request> = {
  addHook(name: 'onRequest' | 'preHandler', hook: FastifyHook<Request>): unknown;
};
/** A plugin as `fastify.register` takes it. */
export type FastifyPlugin<Request> = (fastify: FastifyPart<Request>, options: unknown, done: () => void) => void;

/** Fastify plugin that does what `expressMiddleware` does. It covers all routes, not only those of its own context. */
export function fastifyPlugin<Request extends object>(
  client: RampartClient,
  options: MiddlewareOptions<Request> = {},
): FastifyPlugin<Request> {
  const scopes = new WeakMap<Request, Scope>();
  const reenter: FastifyHook<Request> = (request, _reply, done) => {
    const scope = scopes.get(request);
    if (scope === undefined) done();
    else scope.run(done);
  };
  const plugin: FastifyPlugin<Request> = (fastify, _options, done) => {
    fastify.addHook('onRequest', (request, reply, next) => {
      const scope = openScope(client, options, request);
      scopes.set(request, scope);
      recordWhenDone(client, scope, reply.raw);
      scope.run(next);
    });
    // A hook in between that goes on from a callback of somebody else's (a shared connection, a queue) loses the scope.
    fastify.addHook('preHandler', reenter);
    done();
  };
  // What the package fastify-plugin does: without it the hooks would only see routes registered inside the plugin.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: '@rampart/sdk',
  });
}

function openScope<Request>(client: RampartClient, options: MiddlewareOptions<Request>, request: Request): Scope {
  try {
    return client.openScope(options.context?.(request));
  } catch (error) {
    client.contextFailed(error);
    options.onError?.(error);
    return client.openScope();
  }
}

function recordWhenDone(client: RampartClient, scope: Scope, response: HttpResponse): void {
  let isRecorded = false;
  const record = (): void => {
    if (isRecorded) return;
    isRecorded = true;
    const isBroken = response.errored !== undefined && response.errored !== null;
    client.recordOutcome({ error: response.statusCode >= 500 || isBroken }, scope);
  };
  response.once('finish', record);
  response.once('close', record);
}
