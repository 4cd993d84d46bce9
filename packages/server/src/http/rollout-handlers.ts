import {
  type ClientCommand,
  type MetricTest,
  type NewRollout,
  type PlanInput,
  ProblemError,
  type RolloutView,
} from '@rampart/api';
import { documentMarkdown, type Principal, type RolloutDocument } from '@rampart/rollout';
import type { ControlPlane } from '../control-plane.ts';
import { documentHtml } from '../documents/document-html.ts';
import type { Answer, Ask, Handlers } from './handler.ts';
import { preferredOf } from './negotiate.ts';
import { PAGE_HEADERS } from './page-routes.ts';

type RolloutRoute =
  | 'validatePlan'
  | 'createRollout'
  | 'listRollouts'
  | 'getRollout'
  | 'listEvents'
  | 'listEvidence'
  | 'command'
  | 'testMetric'
  | 'getReport'
  | 'getIncident';

/** Evidence batches in one answer, where the caller names no number. */
const EVIDENCE_PAGE = 200;

/** Routes of plans and rollouts. Bodies and queries were checked by the schema of their route: each cast is that edge. */
export function rolloutHandlers(plane: ControlPlane): Handlers<RolloutRoute> {
  return {
    validatePlan: ({ body }) => ({ body: plane.validatePlan(body as PlanInput) }),
    async createRollout(ask) {
      const options = idempotencyOf(ask);
      const rollout = await plane.createRollout(ask.body as NewRollout, principalOf(ask), options);
      return { status: 201, headers: etagOf(rollout), body: { rollout } };
    },
    listRollouts({ query }) {
      const { state = 'active' } = query as { readonly state?: 'active' | 'all' };
      return { body: { rollouts: plane.listRollouts(state) } };
    },
    getRollout({ params }) {
      const rollout = plane.getRollout(params.id ?? '');
      return { headers: etagOf(rollout), body: rollout };
    },
    async listEvents({ params, query }) {
      const { after = 0 } = query as { readonly after?: number };
      return { body: { events: await plane.listEvents(params.id ?? '', after) } };
    },
    async listEvidence({ params, query }) {
      const { after = 0, limit = EVIDENCE_PAGE } = query as { readonly after?: number; readonly limit?: number };
      return { body: await plane.listEvidence(params.id ?? '', after, limit) };
    },
    async command(ask) {
      const options = { ...idempotencyOf(ask), ...ifVersionOf(ask) };
      const answer = await plane.command(ask.params.id ?? '', ask.body as ClientCommand, principalOf(ask), options);
      return { headers: etagOf(answer.rollout), body: answer };
    },
    testMetric: async ({ body }) => ({ body: await plane.testMetric(body as MetricTest) }),
    getReport: async (ask) => documentAnswer(ask, await plane.reportDocument(ask.params.id ?? '')),
    async getIncident(ask) {
      const number = Number(ask.params.number);
      return documentAnswer(ask, await plane.incidentDocument(ask.params.id ?? '', number));
    },
  };
}

/** Who acts. */
export function principalOf({ caller }: Ask): Principal {
  if (caller === undefined) throw new TypeError('a route that acts was left open');
  return caller.principal;
}

function etagOf({ state }: RolloutView): Readonly<Record<string, string>> {
  return { etag: `"${state.version}"` };
}

/** The key under which the caller can repeat its request. */
export function idempotencyOf({ header }: Ask): { readonly idempotencyKey?: string } {
  const idempotencyKey = header('idempotency-key');
  if (idempotencyKey === undefined) return {};
  if (idempotencyKey.length > 0 && idempotencyKey.length <= 255) return { idempotencyKey };
  throw new ProblemError('BODY_INVALID', `Idempotency-Key has ${idempotencyKey.length} characters; give 1 to 255.`);
}

/** `*` asks only that it exists, which every command does. */
function ifVersionOf({ header }: Ask): { readonly ifVersion?: number } {
  const text = header('if-match');
  if (text === undefined || text === '*') return {};
  const [, version] = /^(?:W\/)?"(\d{1,15})"$/.exec(text) ?? [];
  if (version !== undefined) return { ifVersion: Number(version) };
  throw new ProblemError(
    'BODY_INVALID',
    `If-Match: received ${JSON.stringify(text.slice(0, 80))}; give a version in double quotes, such as "7".`,
  );
}

const DOCUMENT_TYPES = ['text/markdown', 'application/json', 'text/html'] as const;

function documentAnswer({ header }: Ask, document: RolloutDocument): Answer {
  const type = preferredOf(header('accept'), DOCUMENT_TYPES);
  if (type === 'application/json') return { body: { markdown: documentMarkdown(document), data: document } };
  const isPage = type === 'text/html';
  const content = isPage ? documentHtml(document) : documentMarkdown(document);
  return { text: { mediaType: `${type}; charset=utf-8`, content }, ...(isPage && { headers: PAGE_HEADERS }) };
}
