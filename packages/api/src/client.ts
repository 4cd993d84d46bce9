import type { Flag, Ruleset, Segment } from '@rampart/flags';
import type { EventRecord, RolloutDocument, RolloutStats } from '@rampart/rollout';
import type { OpenApiDocument } from './openapi.ts';
import { ProblemError } from './problem.ts';
import { type OperationId, ROUTES } from './routes.ts';
import type { StaleFlag } from './schema/after-schema.ts';
import type { BaselinesView } from './schema/baseline-schema.ts';
import type { ClientCommand } from './schema/command-schema.ts';
import type { DeadLetter, WebhookSetting } from './schema/delivery-schema.ts';
import type { EvidencePage } from './schema/evidence-schema.ts';
import type { GateChange, GatesView } from './schema/gate-schema.ts';
import type { HookReceipt, HookSetting } from './schema/hook-schema.ts';
import type { NotifyTest, NotifyTestResult, NotifyView } from './schema/notify-schema.ts';
import type { CommandAnswer, NewRollout, PlanCheck, PlanInput, RolloutView } from './schema/rollout-schema.ts';
import type { MetricTest, MetricTestResult } from './schema/source-schema.ts';
import type { ServerStatus } from './schema/status-schema.ts';
import type { CreatedToken, Identity, NewToken, Token } from './schema/token-schema.ts';
import type { TrackerStatus } from './schema/tracker-schema.ts';
import { type Call, type Connection, jsonOf, send } from './transport.ts';
import type { ScoreBatch, ScoreReceipt, SignalBatch, TelemetryBatch, TelemetryReceipt } from './wire.ts';

/** How a write is made safe to repeat and safe against others. */
export type WriteOptions = {
  /** Refused with `VERSION_CONFLICT` when the rollout has another version by then. */
  readonly ifVersion?: number;
  /** Default: a random one per call. Give your own to repeat a call after a failure. */
  readonly idempotencyKey?: string;
};

/** How a report or incident document is read: Markdown, a page in HTML, or the structure that both are made of. */
export type DocumentFormat = 'markdown' | 'html' | 'json';
/** A document in a format. */
export type DocumentIn<F extends DocumentFormat> = F extends 'json' ? RolloutDocument : string;

/** One method per route but those that have clients of their own: the stream, OpenTelemetry, MCP, the clicks that Slack sends. Every method throws `ProblemError` only. */
export type ApiClient = {
  /** Whether the process lives. */
  readonly health: () => Promise<{ readonly status: 'ok' }>;
  /** Throws `NOT_READY` while the store cannot be used. */
  readonly ready: () => Promise<{ readonly status: 'ready' }>;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  readonly openapi: () => Promise<OpenApiDocument>;
  readonly status: () => Promise<ServerStatus>;
  /** Who the token of this client belongs to. */
  readonly whoAmI: () => Promise<Identity>;
  /** `unchanged` when the server has no newer revision than the one given. */
  readonly getRuleset: (revision?: number) => Promise<Ruleset | 'unchanged'>;
  readonly sendTelemetry: (batch: TelemetryBatch) => Promise<TelemetryReceipt>;
  readonly sendSignals: (batch: SignalBatch) => Promise<TelemetryReceipt>;
  readonly sendScores: (batch: ScoreBatch) => Promise<ScoreReceipt>;
  readonly validatePlan: (plan: PlanInput) => Promise<PlanCheck>;
  readonly createRollout: (plan: NewRollout, options?: WriteOptions) => Promise<RolloutView>;
  /** Default: `active`. */
  readonly listRollouts: (state?: 'active' | 'all') => Promise<readonly RolloutView[]>;
  readonly getRollout: (id: string) => Promise<RolloutView>;
  /** Events of a version above `after`. Default: all. */
  readonly listEvents: (id: string, after?: number) => Promise<readonly EventRecord[]>;
  /** Batches of evidence with a seq above `after` (default 0), at most `limit` (default 200, most 500). */
  readonly listEvidence: (id: string, after?: number, limit?: number) => Promise<EvidencePage>;
  readonly command: (id: string, command: ClientCommand, options?: WriteOptions) => Promise<CommandAnswer>;
  /** Asks the source of a metric once. */
  readonly testMetric: (test: MetricTest) => Promise<MetricTestResult>;
  /** Default: as Markdown. */
  readonly getReport: <F extends DocumentFormat = 'markdown'>(id: string, format?: F) => Promise<DocumentIn<F>>;
  /** Default: as Markdown. */
  readonly getIncident: <F extends DocumentFormat = 'markdown'>(
    id: string,
    number: number,
    format?: F,
  ) => Promise<DocumentIn<F>>;
  /** `isCurrent`: also what those who see the old variant show now. */
  readonly listBaselines: (id: string, isCurrent?: boolean) => Promise<BaselinesView>;
  /** Takes the baseline anew. Waits ten minutes for histories that are read. */
  readonly captureBaseline: (id: string, reason: string, options?: WriteOptions) => Promise<CommandAnswer>;
  readonly listGates: () => Promise<GatesView>;
  /** Opens or closes a gate by hand. */
  readonly setGate: (name: string, change: GateChange) => Promise<GatesView>;
  readonly listFlags: () => Promise<readonly Flag[]>;
  readonly getFlag: (key: string) => Promise<Flag>;
  readonly putFlag: (flag: Flag) => Promise<Flag>;
  /** `force`: although SDKs still evaluate it. */
  readonly deleteFlag: (key: string, force?: boolean) => Promise<void>;
  /** Flags that are debt for `days` (default 30), the longest standing first. */
  readonly listStaleFlags: (days?: number) => Promise<readonly StaleFlag[]>;
  /** How the rollouts created since an instant (default: all) went. */
  readonly getStats: (since?: number) => Promise<RolloutStats>;
  readonly listSegments: () => Promise<readonly Segment[]>;
  readonly getSegment: (key: string) => Promise<Segment>;
  readonly putSegment: (segment: Segment) => Promise<Segment>;
  readonly deleteSegment: (key: string) => Promise<void>;
  readonly listTokens: () => Promise<readonly Token[]>;
  readonly createToken: (token: NewToken) => Promise<CreatedToken>;
  readonly revokeToken: (selector: string) => Promise<void>;
  readonly listDeadLetters: () => Promise<readonly DeadLetter[]>;
  readonly retryDeadLetter: (id: string) => Promise<void>;
  readonly getWebhooks: () => Promise<readonly WebhookSetting[]>;
  readonly putWebhooks: (webhooks: readonly WebhookSetting[]) => Promise<readonly WebhookSetting[]>;
  /** `rollout`: the routes of its plan count as well. */
  readonly getNotify: (rollout?: string) => Promise<NotifyView>;
  /** Waits two minutes: a receiver may be slow. */
  readonly testNotify: (test: NotifyTest) => Promise<NotifyTestResult>;
  /** How trackers follow the rollouts. */
  readonly getTrackers: () => Promise<TrackerStatus>;
  readonly getHooks: () => Promise<readonly HookSetting[]>;
  readonly putHooks: (hooks: readonly HookSetting[]) => Promise<readonly HookSetting[]>;
  /** Delivers to a hook as another system does, signed by `headers`. */
  readonly receiveHook: (
    name: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<HookReceipt>;
};

type Parts = Pick<Call, 'body' | 'headers'> & {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** How long the answer may take, where that is longer than others. */
  readonly timeoutMs?: number;
};

const CAPTURE_TIMEOUT_MS = 600_000;
const TEST_TIMEOUT_MS = 120_000;
type Ask = (id: OperationId, parts?: Parts) => Promise<Response>;

/** A typed client of the HTTP API. */
export function createApiClient(connection: Connection): ApiClient {
  const ask: Ask = (id, parts = {}) => {
    const { method, path } = ROUTES[id];
    const { params = {}, query = {}, timeoutMs, ...rest } = parts;
    const patient = timeoutMs === undefined ? connection : { ...connection, timeoutMs };
    return send(patient, { method, path: pathOf(path, params) + queryOf(query), ...rest });
  };
  return { ...serverMethods(ask), ...rolloutMethods(ask), ...flagMethods(ask), ...adminMethods(ask) };
}

function serverMethods(ask: Ask) {
  return {
    health: async () => jsonOf<{ status: 'ok' }>(await ask('health')),
    ready: async () => jsonOf<{ status: 'ready' }>(await ask('ready')),
    metrics: async () => (await ask('metrics', { headers: { accept: 'text/plain' } })).text(),
    openapi: async () => jsonOf<OpenApiDocument>(await ask('openapi')),
    status: async () => jsonOf<ServerStatus>(await ask('status')),
    whoAmI: async () => jsonOf<Identity>(await ask('whoAmI')),
    getRuleset: async (revision?: number) => {
      const headers: Record<string, string> = revision === undefined ? {} : { 'if-none-match': `"${revision}"` };
      const response = await ask('getRuleset', { headers });
      return response.status === 304 ? ('unchanged' as const) : jsonOf<Ruleset>(response);
    },
    sendTelemetry: async (body: TelemetryBatch) => jsonOf<TelemetryReceipt>(await ask('sendTelemetry', { body })),
    sendSignals: async (body: SignalBatch) => jsonOf<TelemetryReceipt>(await ask('sendSignals', { body })),
    sendScores: async (body: ScoreBatch) => jsonOf<ScoreReceipt>(await ask('sendScores', { body })),
  };
}

function rolloutMethods(ask: Ask) {
  return {
    validatePlan: async (body: PlanInput) => jsonOf<PlanCheck>(await ask('validatePlan', { body })),
    createRollout: async (body: NewRollout, options?: WriteOptions) => {
      const response = await ask('createRollout', { body, headers: writeHeaders(options) });
      return (await jsonOf<{ rollout: RolloutView }>(response)).rollout;
    },
    listRollouts: async (state?: 'active' | 'all') =>
      (await jsonOf<{ rollouts: RolloutView[] }>(await ask('listRollouts', { query: { state } }))).rollouts,
    getRollout: async (id: string) => jsonOf<RolloutView>(await ask('getRollout', { params: { id } })),
    listEvents: async (id: string, after?: number) =>
      (await jsonOf<{ events: EventRecord[] }>(await ask('listEvents', { params: { id }, query: { after } }))).events,
    listEvidence: async (id: string, after?: number, limit?: number) =>
      jsonOf<EvidencePage>(await ask('listEvidence', { params: { id }, query: { after, limit } })),
    command: async (id: string, body: ClientCommand, options?: WriteOptions) =>
      jsonOf<CommandAnswer>(await ask('command', { params: { id }, body, headers: writeHeaders(options) })),
    testMetric: async (body: MetricTest) => jsonOf<MetricTestResult>(await ask('testMetric', { body })),
    listBaselines: async (id: string, isCurrent?: boolean) => {
      const query = { current: isCurrent === undefined ? undefined : String(isCurrent) };
      return jsonOf<BaselinesView>(await ask('listBaselines', { params: { id }, query }));
    },
    captureBaseline: async (id: string, reason: string, options?: WriteOptions) => {
      const parts = { params: { id }, body: { reason }, headers: writeHeaders(options), timeoutMs: CAPTURE_TIMEOUT_MS };
      return jsonOf<CommandAnswer>(await ask('captureBaseline', parts));
    },
    listGates: async () => jsonOf<GatesView>(await ask('listGates')),
    setGate: async (name: string, body: GateChange) =>
      jsonOf<GatesView>(await ask('setGate', { params: { name }, body })),
    getReport: async <F extends DocumentFormat = 'markdown'>(id: string, format?: F) =>
      documentOf(await ask('getReport', { params: { id }, headers: acceptOf(format) }), format),
    getIncident: async <F extends DocumentFormat = 'markdown'>(id: string, number: number, format?: F) =>
      documentOf(await ask('getIncident', { params: { id, number }, headers: acceptOf(format) }), format),
  };
}

function flagMethods(ask: Ask) {
  return {
    listFlags: async () => (await jsonOf<{ flags: Flag[] }>(await ask('listFlags'))).flags,
    getFlag: async (key: string) => jsonOf<Flag>(await ask('getFlag', { params: { key } })),
    putFlag: async (body: Flag) => jsonOf<Flag>(await ask('putFlag', { params: { key: body.key }, body })),
    deleteFlag: async (key: string, force = false) =>
      done(await ask('deleteFlag', { params: { key }, query: { force: force ? 'true' : undefined } })),
    listStaleFlags: async (days?: number) =>
      (await jsonOf<{ flags: StaleFlag[] }>(await ask('listStaleFlags', { query: { days } }))).flags,
    getStats: async (since?: number) => jsonOf<RolloutStats>(await ask('getStats', { query: { since } })),
    listSegments: async () => (await jsonOf<{ segments: Segment[] }>(await ask('listSegments'))).segments,
    getSegment: async (key: string) => jsonOf<Segment>(await ask('getSegment', { params: { key } })),
    putSegment: async (body: Segment) => jsonOf<Segment>(await ask('putSegment', { params: { key: body.key }, body })),
    deleteSegment: async (key: string) => done(await ask('deleteSegment', { params: { key } })),
  };
}

function adminMethods(ask: Ask) {
  return {
    listTokens: async () => (await jsonOf<{ tokens: Token[] }>(await ask('listTokens'))).tokens,
    createToken: async (body: NewToken) => jsonOf<CreatedToken>(await ask('createToken', { body })),
    revokeToken: async (selector: string) => done(await ask('revokeToken', { params: { selector } })),
    listDeadLetters: async () =>
      (await jsonOf<{ letters: DeadLetter[] }>(await ask('listDeadLetters', { query: { state: 'dead' } }))).letters,
    retryDeadLetter: async (id: string) => done(await ask('retryDeadLetter', { params: { id } })),
    getWebhooks: async () => jsonOf<WebhookSetting[]>(await ask('getWebhooks')),
    putWebhooks: async (body: readonly WebhookSetting[]) =>
      jsonOf<WebhookSetting[]>(await ask('putWebhooks', { body })),
    getNotify: async (rollout?: string) => jsonOf<NotifyView>(await ask('getNotify', { query: { rollout } })),
    testNotify: async (body: NotifyTest) =>
      jsonOf<NotifyTestResult>(await ask('testNotify', { body, timeoutMs: TEST_TIMEOUT_MS })),
    getTrackers: async () => jsonOf<TrackerStatus>(await ask('getTrackers')),
    getHooks: async () => jsonOf<HookSetting[]>(await ask('getHooks')),
    putHooks: async (body: readonly HookSetting[]) => jsonOf<HookSetting[]>(await ask('putHooks', { body })),
    receiveHook: async (name: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
      jsonOf<HookReceipt>(await ask('receiveHook', { params: { name }, body, ...(headers && { headers }) })),
  };
}

/** Path with its parameters filled in, each encoded: no value can change the route. */
function pathOf(path: string, params: Readonly<Record<string, string | number>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = String(params[name] ?? '');
    if (value === '' || value === '.' || value === '..') {
      throw new ProblemError('NOT_FOUND', `${path} needs a ${name}: received ${JSON.stringify(value)}`);
    }
    return encodeURIComponent(value);
  });
}

function queryOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const known = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  const text = new URLSearchParams(known).toString();
  return text === '' ? '' : `?${text}`;
}

function writeHeaders(options: WriteOptions = {}): Readonly<Record<string, string>> {
  const { ifVersion, idempotencyKey } = options;
  return {
    ...(ifVersion === undefined ? {} : { 'if-match': `"${ifVersion}"` }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
}

function acceptOf(format: DocumentFormat | undefined): Readonly<Record<string, string>> {
  return { accept: format === 'html' ? 'text/html' : 'application/json' };
}

async function documentOf<F extends DocumentFormat>(response: Response, format?: F): Promise<DocumentIn<F>> {
  const { markdown, data } =
    format === 'html'
      ? { markdown: await response.text(), data: undefined }
      : await jsonOf<{ markdown: string; data?: RolloutDocument }>(response);
  if (format === 'json' && data === undefined)
    throw new ProblemError('ANSWER_INVALID', 'The server gives documents as text only: it is older than this client.');
  // What was asked for decides what was read.
  return (format === 'json' ? data : markdown) as DocumentIn<F>;
}

/** Reads an empty answer to its end, so that the connection can serve again. */
async function done(response: Response): Promise<void> {
  await response.arrayBuffer();
}
