import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import {
  checkBody,
  type OperationId,
  PROBLEM_MEDIA_TYPE,
  ProblemError,
  parseToken,
  ROUTES,
  type Route,
} from '@rampart/api';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Caller, Tokens } from '../auth.ts';
import type { Log } from '../log.ts';
import type { Answer, Ask, Handler, Handlers } from './handler.ts';
import { otlpErrorHandler } from './otlp-failure.ts';
import { problemOf } from './problem-of.ts';

/** Largest body taken, bytes. */
const BODY_LIMIT = 4 * 1024 * 1024;
/** Requests a minute of one token, or of one address without a token; SDK traffic is not counted. */
const MOST_PER_MINUTE = 3_000;

/** Routes whose number of requests says nothing about abuse: one per SDK process or probe. */
const UNLIMITED: readonly OperationId[] = [
  'sendTelemetry',
  'sendSignals',
  'exportMetrics',
  'exportLogs',
  'exportTraces',
  'streamRuleset',
  'getRuleset',
  'health',
  'ready',
  'metrics',
];
/** Routes that check their bodies themselves, with codes of their own. */
const SELF_CHECKED: readonly OperationId[] = ['sendTelemetry', 'sendSignals', 'receiveHook', 'receiveSlackClick'];
/** Routes that are given the bytes of the body: signatures are over these. */
const RAW: readonly OperationId[] = ['receiveHook', 'receiveSlackClick'];

/** Routes that `createHttpApp` serves; the rest is added by files of their own (`mcp-endpoint.ts`). */
type ServedHere = Exclude<OperationId, 'mcp'>;

/** What an app works with. */
export type AppOptions = {
  readonly handlers: Handlers<ServedHere>;
  readonly tokens: Tokens;
  readonly log: Log;
  /** Adds what is served beside the routes of the API. Default: nothing. */
  readonly pages?: (app: FastifyInstance) => void;
};

/** The HTTP API over the table of routes, not listening yet. Every failure is `application/problem+json`. */
export async function createHttpApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 400 },
    forceCloseConnections: 'idle',
    // Header limits and time-outs of Node stay: a client that sends slowly is cut off.
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply, options.log),
  });
  await app.register(helmet, { crossOriginResourcePolicy: { policy: 'same-origin' } });
  await app.register(rateLimit, {
    max: MOST_PER_MINUTE,
    timeWindow: 60_000,
    keyGenerator: (request) => selectorIn(request.headers.authorization) ?? request.ip,
    errorResponseBuilder: (_, { after }) =>
      new ProblemError('RATE_LIMITED', `More than ${MOST_PER_MINUTE} requests a minute; wait ${after}.`),
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, options.log));
  app.setNotFoundHandler((request, reply) => sendProblem(unknownAddress(request, reply), request, reply, options.log));
  const { mcp, ...served } = ROUTES;
  const routes = Object.entries<Route>(served).map(([id, route]) => ({ id: id as ServedHere, route }));
  options.pages?.(app);
  const isRaw = (id: OperationId) => RAW.includes(id);
  for (const { id, route } of routes) if (route.media === undefined && !isRaw(id)) addRoute(app, id, route, options);
  await app.register(async (scope) => {
    // Handlers of these routes read the body themselves: it may be packed, and has limits of its own.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const { id, route } of routes) if (route.media !== undefined) addRoute(scope, id, route, options);
  });
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
    for (const { id, route } of routes) if (isRaw(id)) addRoute(scope, id, route, options);
  });
  return app;
}

function addRoute(app: FastifyInstance, id: ServedHere, route: Route, options: AppOptions): void {
  const callers = new WeakMap<FastifyRequest, Caller | undefined>();
  const handler = options.handlers[id];
  const isUnlimited = UNLIMITED.includes(id);
  app.route({
    method: route.method,
    url: route.path,
    exposeHeadRoute: id !== 'streamRuleset',
    ...(isUnlimited && { config: { rateLimit: false } }),
    ...(route.media !== undefined && { errorHandler: otlpErrorHandler(options.log) }),
    // Before the body is read: who may not send has nothing parsed.
    onRequest: async (request) => {
      callers.set(request, await callerOf(request, route, options.tokens));
    },
    handler: (request, reply) => serve(request, reply, { id, route, handler, caller: callers.get(request) }),
  });
}

/** Who sent a request to a route, where they may. @throws ProblemError `TOKEN_…`, `FORBIDDEN` */
export async function callerOf(request: FastifyRequest, route: Route, tokens: Tokens): Promise<Caller | undefined> {
  if (route.auth.length === 0) return undefined;
  const caller = await tokens.authenticate(request.headers.authorization);
  if (route.auth.includes(caller.kind)) return caller;
  throw new ProblemError(
    'FORBIDDEN',
    `A token of kind ${caller.kind} may not do this; it needs one of: ${route.auth.join(', ')}.`,
  );
}

type Served = {
  readonly id: OperationId;
  readonly route: Route;
  readonly handler: Handler;
  readonly caller: Caller | undefined;
};

async function serve(
  request: FastifyRequest,
  reply: FastifyReply,
  { id, route, handler, caller }: Served,
): Promise<FastifyReply> {
  const checksBody = route.body !== undefined && !SELF_CHECKED.includes(id);
  const ask: Ask = {
    // Fastify gives parameters of a path as texts.
    params: request.params as Readonly<Record<string, string>>,
    query: route.query === undefined ? {} : checkBody(route.query, request.query),
    body: checksBody && route.body !== undefined ? checkBody(route.body, request.body) : request.body,
    header: (name) => headerOf(request, name),
    caller,
    raw: request.raw,
    response: reply.raw,
  };
  const answer = await handler(ask);
  if (answer === 'hijacked') return reply.hijack();
  return send(reply, answer);
}

/** Many people share the address of a proxy; what a token claims to be is enough to tell them apart here. */
function selectorIn(authorization: string | undefined): string | undefined {
  return parseToken(authorization?.replace(/^Bearer +/i, '') ?? '')?.selector;
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function send(
  reply: FastifyReply,
  { status = 200, headers = {}, body, text, bytes }: Exclude<Answer, 'hijacked'>,
): FastifyReply {
  reply.code(status).headers({ 'cache-control': 'no-store', ...headers });
  if (text !== undefined) return reply.type(text.mediaType).send(text.content);
  if (bytes !== undefined) return reply.type(bytes.mediaType).send(bytes.content);
  return body === undefined ? reply.send() : reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  const { problem, isDefect } = problemOf(error, request.id);
  if (isDefect)
    log.error({ err: error, request: request.id, method: request.method, url: request.url }, 'a request failed');
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="rampart"');
  // After an answer has begun nothing can be said but that it is over.
  if (reply.raw.headersSent) return void reply.raw.destroy();
  // Bytes, for Fastify adds a charset to the type of a text, and this type has none.
  reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type(PROBLEM_MEDIA_TYPE)
    .send(Buffer.from(JSON.stringify(problem)));
}

/** Patterns of every route, to tell an unknown address from a method it does not take. */
const PATTERNS = Object.values<Route>(ROUTES).map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`),
}));

function unknownAddress(request: FastifyRequest, reply: FastifyReply): ProblemError {
  const [path = ''] = request.url.split('?');
  const methods = PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
  const shown = path.slice(0, 200);
  if (methods.length === 0) return new ProblemError('NOT_FOUND', `There is nothing at ${request.method} ${shown}.`);
  reply.header('allow', methods.join(', '));
  return new ProblemError('METHOD_NOT_ALLOWED', `${shown} takes ${methods.join(', ')}; received ${request.method}.`);
}
