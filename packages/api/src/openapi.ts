import { z } from 'zod';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';
import { PROBLEM_CODES, PROBLEMS, type ProblemCode } from './problem-table.ts';
import { problemsOf, type Route, type RouteAnswer } from './route.ts';
import { ROUTES } from './routes.ts';
import { clientCommandSchema } from './schema/command-schema.ts';
import { deadLetterSchema, webhookSchema } from './schema/delivery-schema.ts';
import { eventRecordSchema, rolloutEventSchema } from './schema/event-schema.ts';
import { conditionSchema, flagSchema, rulesetSchema, segmentSchema, servedFlagSchema } from './schema/flag-schema.ts';
import { checkSchema, planIssueSchema, planSchema } from './schema/plan-schema.ts';
import { commandAnswerSchema, newRolloutSchema, planCheckSchema, rolloutViewSchema } from './schema/rollout-schema.ts';
import { rolloutStateSchema } from './schema/state-schema.ts';
import { statusSchema } from './schema/status-schema.ts';
import { signalBatchSchema, telemetryBatchSchema, telemetryReceiptSchema } from './schema/telemetry-schema.ts';
import { createdTokenSchema, newTokenSchema, tokenSchema } from './schema/token-schema.ts';
import { baselineSchema, judgementSchema, metricSnapshotSchema, verdictSchema } from './schema/verdict-schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** An OpenAPI 3.1 document. */
export type OpenApiDocument = {
  readonly openapi: '3.1.0';
  readonly info: Json;
  readonly servers?: readonly Json[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>>; readonly securitySchemes: Json };
};

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(PROBLEM_CODES),
    detail: z.string().describe('What happened this time.'),
    remedy: z.string().describe('What to do about it.'),
    instance: z.string().optional().describe('Id of the request, to find it in the log.'),
    issues: z.array(planIssueSchema).optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    version: z.int().optional(),
  })
  .describe('RFC 9457 problem details. The codes are a closed set.');

/** Schemas the document names, so that generated clients have types with names. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Baseline: baselineSchema,
  Check: checkSchema,
  ClientCommand: clientCommandSchema,
  CommandAnswer: commandAnswerSchema,
  Condition: conditionSchema,
  CreatedToken: createdTokenSchema,
  DeadLetter: deadLetterSchema,
  EventRecord: eventRecordSchema,
  Flag: flagSchema,
  Judgement: judgementSchema,
  MetricSnapshot: metricSnapshotSchema,
  NewRollout: newRolloutSchema,
  NewToken: newTokenSchema,
  Plan: planSchema,
  PlanCheck: planCheckSchema,
  PlanIssue: planIssueSchema,
  Problem: problemSchema,
  RolloutEvent: rolloutEventSchema,
  RolloutState: rolloutStateSchema,
  RolloutView: rolloutViewSchema,
  Ruleset: rulesetSchema,
  Segment: segmentSchema,
  ServedFlag: servedFlagSchema,
  ServerStatus: statusSchema,
  SignalBatch: signalBatchSchema,
  TelemetryBatch: telemetryBatchSchema,
  TelemetryReceipt: telemetryReceiptSchema,
  Token: tokenSchema,
  Verdict: verdictSchema,
  Webhook: webhookSchema,
};

/** The API as OpenAPI 3.1, generated from `ROUTES`. `url` is where this server is reached; absent: where the document came from. */
export function openApiDocument(options: { readonly version: string; readonly url?: string }): OpenApiDocument {
  const routes = Object.entries<Route>(ROUTES);
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of Object.entries(NAMED)) registry.add(schema, { id: name });
  for (const [id, route] of routes) registerInline(registry, id, route);
  const schemas = componentsOf(registry);
  const refs = (schema: z.ZodType) => ({ $ref: refOf(registry.get(schema)?.id ?? '') });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rampart',
      version: options.version,
      description: 'Progressive rollouts of features, with metric gates.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    ...(options.url === undefined ? {} : { servers: [{ url: options.url }] }),
    paths: pathsOf(routes, refs, schemas),
    components: { schemas, securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'rmp_…' } } },
  };
}

type Registry = z.core.$ZodRegistry<{ id: string }>;
type Refs = (schema: z.ZodType) => Json;

const refOf = (id: string): string => `#/components/schemas/${id}`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Gives schemas that only one route uses a name made of the operation id. */
function registerInline(registry: Registry, id: string, route: Route): void {
  const add = (schema: z.ZodType | undefined, suffix: string) => {
    if (schema !== undefined && !registry.has(schema)) registry.add(schema, { id: capital(id) + suffix });
  };
  add(route.query, 'Query');
  add(route.body, 'Body');
  for (const answer of route.answers) add(answer.schema, 'Answer');
}

function componentsOf(registry: Registry): Readonly<Record<string, Json>> {
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: refOf });
  return Object.fromEntries(Object.entries(schemas).map(([name, { $schema, $id, ...schema }]) => [name, schema]));
}

function pathsOf(
  routes: readonly (readonly [string, Route])[],
  refs: Refs,
  schemas: Readonly<Record<string, Json>>,
): OpenApiDocument['paths'] {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [id, route] of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(id, route, refs, schemas) };
  }
  return paths;
}

function operationOf(id: string, route: Route, refs: Refs, schemas: Readonly<Record<string, Json>>): Json {
  const content = route.media
    ? { required: true, content: anyOf(route.media) }
    : route.body && { required: true, content: { 'application/json': { schema: refs(route.body) } } };
  return {
    operationId: id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.auth.length > 0 && { description: `Tokens: ${route.auth.join(', ')}.`, security: [{ token: [] }] }),
    parameters: parametersOf(route, route.query && schemas[`${capital(id)}Query`]),
    ...(content && { requestBody: content }),
    responses: { ...answersOf(route.answers, refs), ...problemAnswersOf(route, refs) },
  };
}

function parametersOf(route: Route, query: Json | undefined): readonly Json[] {
  const path = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: name === 'number' ? 'integer' : 'string' },
  }));
  const ofQuery = Object.entries(query?.properties ?? {}).map(([name, schema]) => ({ name, in: 'query', schema }));
  const headers = Object.entries(route.headers ?? {}).map(([name, description]) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  }));
  return [...path, ...ofQuery, ...headers];
}

function answersOf(answers: readonly RouteAnswer[], refs: Refs): Json {
  const byStatus: Record<string, { content?: Json } & Json> = {};
  for (const answer of answers) {
    const content = { ...byStatus[answer.status]?.content, ...contentOf(answer, refs) };
    byStatus[answer.status] = {
      description: answer.description,
      ...(answer.headers && { headers: headersOf(answer.headers) }),
      ...(Object.keys(content).length > 0 && { content }),
    };
  }
  return byStatus;
}

function contentOf(answer: RouteAnswer, refs: Refs): Json {
  if (answer.schema !== undefined) return { [answer.mediaType ?? 'application/json']: { schema: refs(answer.schema) } };
  return answer.mediaType === undefined ? {} : { [answer.mediaType]: { schema: { type: 'string' } } };
}

/** Content that another specification describes. */
function anyOf(media: readonly string[]): Json {
  return Object.fromEntries(media.map((mediaType) => [mediaType, { schema: {} }]));
}

function headersOf(headers: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );
}

/** Problems grouped by status: each answer lists the codes it can carry. */
function problemAnswersOf(route: Route, refs: Refs): Json {
  const codes: readonly ProblemCode[] = problemsOf(route);
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const here = codes.filter((code) => PROBLEMS[code].status === status);
      const description = here.map((code) => `${code}: ${PROBLEMS[code].title}`).join(' · ');
      const content = route.media ? anyOf(route.media) : { [PROBLEM_MEDIA_TYPE]: { schema: refs(problemSchema) } };
      return [status, { description, content }];
    }),
  );
}
