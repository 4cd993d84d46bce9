import { createHash } from 'node:crypto';
import { type Problem, ProblemError } from '@rampart/api';
import { lineChart } from '@rampart/charts';
import type { RolloutDocument } from '@rampart/rollout';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Tokens } from '../auth.ts';
import type { ControlPlane } from '../control-plane.ts';
import { documentHtml } from '../documents/document-html.ts';
import { escapeHtml, htmlPage, PAGE_STYLE } from '../documents/html.ts';
import type { Log } from '../log.ts';
import { problemOf } from './problem-of.ts';

/** What pages for people work with. `readers`: kinds of tokens that may read them. */
export type PageOptions = {
  readonly plane: Pick<ControlPlane, 'reportDocument' | 'incidentDocument'>;
  readonly tokens: Tokens;
  readonly readers: readonly string[];
  readonly log: Log;
};

/** Style of the charts: the same in all of them. */
const CHART_STYLE =
  /<style>([^<]*)<\/style>/.exec(
    lineChart({ title: '', description: '', x: { label: '' }, y: { label: '' }, series: [] }),
  )?.[1] ?? '';

const hashOf = (style: string): string => `'sha256-${createHash('sha256').update(style).digest('base64')}'`;

/** Nothing may be loaded, run, sent or framed; the two styles of our own are known by their hashes. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src ${hashOf(PAGE_STYLE)} ${hashOf(CHART_STYLE)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/**
 * Pages for people, at the addresses that messages carry: the report of a rollout and its incident documents. A browser asks for a
 * name and a password: the password is a token that may read, the name is not looked at.
 */
export function addPages(app: FastifyInstance, options: PageOptions): void {
  const { plane } = options;
  const params = (request: FastifyRequest) => request.params as { readonly id: string; readonly number?: string };
  const add = (url: string, read: (request: FastifyRequest) => Promise<RolloutDocument>): void => {
    app.get(url, {
      onRequest: (request) => admit(request, options),
      errorHandler: (error, request, reply) => sendFailure(error, request, reply, options.log),
      handler: async (request, reply) => sendPage(reply, 200, documentHtml(await read(request))),
    });
  };
  add('/rollouts/:id', (request) => plane.reportDocument(params(request).id));
  add('/rollouts/:id/incidents/:number', (request) => {
    const { id, number } = params(request);
    return plane.incidentDocument(id, Number(number));
  });
}

async function admit(request: FastifyRequest, { tokens, readers }: PageOptions): Promise<void> {
  const caller = await tokens.authenticate(bearerOf(request.headers.authorization));
  if (readers.includes(caller.kind)) return;
  throw new ProblemError(
    'FORBIDDEN',
    `A token of kind ${caller.kind} may not read this; it needs one of: ${readers.join(', ')}.`,
  );
}

/** The password of HTTP Basic (RFC 7617) as a bearer; anything else as it is. */
function bearerOf(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return authorization;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  return `Bearer ${pair.slice(pair.indexOf(':') + 1)}`;
}

function sendPage(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(html);
}

function sendFailure(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  const { problem, isDefect } = problemOf(error, request.id);
  if (isDefect) log.error({ err: error, request: request.id, url: request.url }, 'a page failed');
  if (problem.status === 401)
    reply.header('www-authenticate', 'Basic realm="Rampart: a token as password", charset="UTF-8"');
  void sendPage(reply, problem.status, failurePage(problem));
}

function failurePage({ status, title, detail, remedy, code }: Problem): string {
  const words = status === 401 ? ' In a browser, give any name and a Rampart token as the password.' : '';
  const body = `<main>\n<h1>${escapeHtml(title)}</h1>\n<p>${escapeHtml(detail)}</p>\n<p>${escapeHtml(remedy + words)}</p>\n</main>\n<footer>${escapeHtml(code)}</footer>`;
  return htmlPage(title, body);
}
