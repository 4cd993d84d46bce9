import { z } from 'zod';
import { ADMIN_ROUTES } from './admin-routes.ts';
import { AFTER_ROUTES } from './after-routes.ts';
import { AGENT_ROUTES } from './agent-routes.ts';
import { BASELINE_ROUTES } from './baseline-routes.ts';
import { FLAG_ROUTES } from './flag-routes.ts';
import { GATE_ROUTES } from './gate-routes.ts';
import { METRIC_ROUTES } from './metric-routes.ts';
import { OTLP_ROUTES } from './otlp-routes.ts';
import { PROBLEM_CODES, PROBLEMS, type ProblemCode } from './problem-table.ts';
import { REPORT_ROUTES } from './report-routes.ts';
import { ACTORS, type Route, type RouteAnswer } from './route.ts';
import { empty, IDEMPOTENCY, json, OPERATORS, READERS } from './route-parts.ts';
import { clientCommandSchema } from './schema/command-schema.ts';
import { documentSchema } from './schema/document-schema.ts';
import { eventRecordSchema } from './schema/event-schema.ts';
import { evidencePageSchema } from './schema/evidence-schema.ts';
import { rulesetSchema } from './schema/flag-schema.ts';
import {
  commandAnswerSchema,
  eventFilterSchema,
  evidenceFilterSchema,
  newRolloutSchema,
  planCheckSchema,
  planInputSchema,
  rolloutFilterSchema,
  rolloutViewSchema,
} from './schema/rollout-schema.ts';
import { healthSchema, readinessSchema, statusSchema } from './schema/status-schema.ts';
import { telemetryBatchSchema, telemetryReceiptSchema } from './schema/telemetry-schema.ts';
import { TRACKER_ROUTES } from './tracker-routes.ts';
import { INSTANCE_HEADER, REVISION_HEADER, RULESET_PATH, STREAM_PATH, TELEMETRY_PATH } from './wire.ts';

const MARKDOWN = 'text/markdown';
const ACCEPT = { Accept: 'text/markdown (the default), text/html or application/json.' };
const documentAnswerSchema = z.object({ markdown: z.string(), data: documentSchema });
const VERSION_ETAG = { ETag: 'Version of the rollout, in double quotes.' };
const SDK_HEADERS = {
  [INSTANCE_HEADER]: 'Random id of the SDK process.',
  [REVISION_HEADER]: 'Revision of the ruleset the process evaluates by.',
};

const text = (mediaType: string, description: string): RouteAnswer => ({ status: 200, description, mediaType });
const documents = (description: string): readonly RouteAnswer[] => [
  text(MARKDOWN, description),
  text('text/html', description),
  json(documentAnswerSchema, description),
];

const REFUSALS: readonly ProblemCode[] = PROBLEM_CODES.filter((code) => PROBLEMS[code].place === 'command');

const OPERATION_ROUTES = {
  health: {
    method: 'GET',
    path: '/healthz',
    tag: 'server',
    summary: 'Whether the process lives.',
    auth: [],
    answers: [json(healthSchema, 'It lives.')],
    problems: [],
  },
  ready: {
    method: 'GET',
    path: '/readyz',
    tag: 'server',
    summary: 'Whether the store can be read and written.',
    auth: [],
    answers: [json(readinessSchema, 'It can serve.')],
    problems: ['NOT_READY'],
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    tag: 'server',
    summary: 'Metrics of the server itself, for Prometheus.',
    auth: [],
    answers: [text('text/plain', 'Prometheus text format.')],
    problems: [],
  },
  openapi: {
    method: 'GET',
    path: '/openapi.json',
    tag: 'server',
    summary: 'This description.',
    auth: [],
    answers: [json(z.record(z.string(), z.unknown()), 'OpenAPI 3.1 document.')],
    problems: [],
  },
  status: {
    method: 'GET',
    path: '/v1/status',
    tag: 'server',
    summary: 'Version, environment, revision, clock and size of the server.',
    auth: READERS,
    answers: [json(statusSchema, 'What the server says of itself.')],
    problems: [],
  },
} as const satisfies Readonly<Record<string, Route>>;

const SDK_ROUTES = {
  ...OTLP_ROUTES,
  getRuleset: {
    method: 'GET',
    path: RULESET_PATH,
    tag: 'sdk',
    summary: 'All flags and segments, as an SDK evaluates them.',
    auth: ['sdk-server'],
    headers: { 'If-None-Match': 'Revision the caller has, in double quotes.', ...SDK_HEADERS },
    answers: [
      json(rulesetSchema, 'The ruleset.', { headers: { ETag: 'Revision, in double quotes.' } }),
      empty('The caller has this revision.', 304),
    ],
    problems: [],
  },
  streamRuleset: {
    method: 'GET',
    path: STREAM_PATH,
    tag: 'sdk',
    summary: 'Rulesets as they change: Server-Sent Events `put` and `patch`.',
    auth: ['sdk-server'],
    query: z.object({ revision: z.coerce.number().int().min(0).optional().describe('Revision the caller has.') }),
    headers: SDK_HEADERS,
    answers: [text('text/event-stream', 'Frames with `id: <revision>`, and a comment every 15 s.')],
    problems: [],
  },
  sendTelemetry: {
    method: 'POST',
    path: TELEMETRY_PATH,
    tag: 'sdk',
    summary: 'Sums of what an SDK process observed.',
    auth: ['sdk-server', 'ingest'],
    headers: SDK_HEADERS,
    body: telemetryBatchSchema,
    answers: [json(telemetryReceiptSchema, 'The batch is durable.', { status: 202 })],
    problems: ['TELEMETRY_INVALID', 'TELEMETRY_TOO_LARGE'],
  },
} as const satisfies Readonly<Record<string, Route>>;

const ROLLOUT_ROUTES = {
  ...BASELINE_ROUTES,
  ...GATE_ROUTES,
  validatePlan: {
    method: 'POST',
    path: '/v1/plans/validate',
    tag: 'rollouts',
    summary: 'What is wrong or doubtful in a plan; changes nothing.',
    auth: READERS,
    body: planInputSchema,
    answers: [json(planCheckSchema, 'Errors and warnings.')],
    problems: [],
  },
  createRollout: {
    method: 'POST',
    path: '/v1/rollouts',
    tag: 'rollouts',
    summary: 'Makes a draft rollout of a plan.',
    auth: OPERATORS,
    headers: IDEMPOTENCY,
    body: newRolloutSchema,
    answers: [json(z.object({ rollout: rolloutViewSchema }), 'The draft.', { status: 201, headers: VERSION_ETAG })],
    problems: ['PLAN_INVALID', 'ROLLOUT_EXISTS'],
  },
  listRollouts: {
    method: 'GET',
    path: '/v1/rollouts',
    tag: 'rollouts',
    summary: 'Rollouts of the environment, newest first.',
    auth: READERS,
    query: rolloutFilterSchema,
    answers: [json(z.object({ rollouts: z.array(rolloutViewSchema) }), 'The rollouts.')],
    problems: [],
  },
  getRollout: {
    method: 'GET',
    path: '/v1/rollouts/:id',
    tag: 'rollouts',
    summary: 'One rollout.',
    auth: READERS,
    answers: [json(rolloutViewSchema, 'The rollout.', { headers: VERSION_ETAG })],
    problems: ['ROLLOUT_UNKNOWN'],
  },
  listEvents: {
    method: 'GET',
    path: '/v1/rollouts/:id/events',
    tag: 'rollouts',
    summary: 'What happened to a rollout, oldest first.',
    auth: READERS,
    query: eventFilterSchema,
    answers: [json(z.object({ events: z.array(eventRecordSchema) }), 'The events.')],
    problems: ['ROLLOUT_UNKNOWN'],
  },
  listEvidence: {
    method: 'GET',
    path: '/v1/rollouts/:id/evidence',
    tag: 'rollouts',
    summary: 'Closed batches of evidence of a rollout, oldest first: with the events, all that a replay needs.',
    auth: READERS,
    query: evidenceFilterSchema,
    answers: [json(evidencePageSchema, 'A page of batches.')],
    problems: ['ROLLOUT_UNKNOWN', 'EVIDENCE_PRUNED'],
  },
  command: {
    method: 'POST',
    path: '/v1/rollouts/:id/commands',
    tag: 'rollouts',
    summary: 'Gives a rollout a command. Whether it may is decided by the role of the token and the rollout itself.',
    auth: ACTORS,
    headers: { ...IDEMPOTENCY, 'If-Match': 'Version of the rollout the command is meant for, in double quotes.' },
    body: clientCommandSchema,
    answers: [json(commandAnswerSchema, 'What it led to.', { headers: VERSION_ETAG })],
    problems: ['VERSION_CONFLICT', ...REFUSALS],
  },
  getReport: {
    method: 'GET',
    path: '/v1/rollouts/:id/report',
    tag: 'rollouts',
    summary: 'The report of a rollout, in Markdown, HTML or JSON by `Accept`.',
    auth: READERS,
    headers: ACCEPT,
    answers: documents('The report.'),
    problems: ['ROLLOUT_UNKNOWN'],
  },
  getIncident: {
    method: 'GET',
    path: '/v1/rollouts/:id/incidents/:number',
    tag: 'rollouts',
    summary: 'The document of an incident, in Markdown, HTML or JSON by `Accept`.',
    auth: READERS,
    headers: ACCEPT,
    answers: documents('The document.'),
    problems: ['ROLLOUT_UNKNOWN', 'INCIDENT_UNKNOWN'],
  },
  ...METRIC_ROUTES,
} as const satisfies Readonly<Record<string, Route>>;

/** Every route of the API by its operation id: the one table that server, client and OpenAPI document follow. */
export const ROUTES = {
  ...OPERATION_ROUTES,
  ...AGENT_ROUTES,
  ...SDK_ROUTES,
  ...REPORT_ROUTES,
  ...ROLLOUT_ROUTES,
  ...AFTER_ROUTES,
  ...FLAG_ROUTES,
  ...TRACKER_ROUTES,
  ...ADMIN_ROUTES,
};

/** Name of a route, unique in the API. */
export type OperationId = keyof typeof ROUTES;
