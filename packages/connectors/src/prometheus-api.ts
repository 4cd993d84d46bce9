import { ANSWER_TOO_LARGE, MAX_ANSWER_BYTES } from './guarded-fetch.ts';
import { isRecord, jsonIn } from './json-record.ts';
import { classicSeriesOf } from './native-histograms.ts';
import type { MetricQuery, SourceErrorReason } from './ports.ts';
import { retryAfterMs } from './retry-after.ts';

/** How to reach a Prometheus, or what speaks its API (Mimir, Thanos, VictoriaMetrics). */
export type PrometheusConnection = {
  /** Base address; what stands before `/api/v1` may have a path. */
  readonly url: string;
  /** Sent with every request, for example `authorization` or `x-scope-orgid`. Never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** How long one answer may take, milliseconds. Default: 60 000. */
  readonly timeoutMs?: number;
  /** Sent with every query, for example `max_source_resolution`. Default: none. */
  readonly params?: Readonly<Record<string, string>>;
  /** A text of the server without the secrets it may repeat. Default: as it is. */
  readonly redact?: (text: string) => string;
  /** Clock of the machine, which theirs is held against; epoch milliseconds. Default: clocks are not compared. */
  readonly now?: () => number;
};

/** One series of a range: its labels, and its samples as [epoch ms, value], oldest first; NaN and infinities left out. */
export type PrometheusSeries = {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [at: number, value: number])[];
};

/** Why there is no answer. `isUnreachable`: nothing answers at the address. Default: false. */
export type PrometheusFailure = {
  readonly ok: false;
  readonly message: string;
  readonly isUnreachable?: boolean;
  readonly reason?: Exclude<SourceErrorReason, 'unreachable'>;
  /** It asks not to be asked earlier, milliseconds. */
  readonly retryAfterMs?: number;
};

/** Answer to a query. `warnings`: what the server says may be missing or wrong. */
export type PrometheusRange =
  | { readonly ok: true; readonly series: readonly PrometheusSeries[]; readonly warnings: readonly string[] }
  | PrometheusFailure;

/** A range query: the value of `query` at fromAt, fromAt + stepMs, …, toAt; at most 11 000 instants. */
export type PrometheusRangeQuery = {
  readonly query: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly stepMs: number;
};

const DEFAULT_TIMEOUT_MS = 60_000;
/** Most characters of an answer that a message repeats. */
const SHOWN = 200;
/** Most characters of an answer that are told to whoever follows the exchange. */
const MOST_EXCHANGED = 4_000;
/** Longest difference of two clocks that scrapes and settling hide anyway, milliseconds. */
const MOST_SKEW_MS = 60_000;

/** Whoever follows a question: may end it, and is told the exchange. */
export type PrometheusAsking = Pick<MetricQuery, 'signal' | 'onExchange'> & {
  /** Native histograms are given as the buckets of classic ones. Default: they are refused. */
  readonly takesHistograms?: boolean;
};

/** Asks `/api/v1/query_range`. Never rejects; no message carries a header. */
export function queryRange(
  connection: PrometheusConnection,
  { query, fromAt, toAt, stepMs }: PrometheusRangeQuery,
  asking: PrometheusAsking = {},
): Promise<PrometheusRange> {
  const [start, end, step] = [fromAt, toAt, stepMs].map((ms) => String(ms / 1000));
  return ask(connection, 'query_range', { query, start, end, step }, asking);
}

/**
 * The samples themselves, as they were scraped: those of a selector in the `lookMs` up to an instant, by `/api/v1/query` with a
 * range selector. `partial_response=false` is for Thanos, which answers with what it has otherwise. Never rejects.
 */
export function querySamples(
  connection: PrometheusConnection,
  { selector, at, lookMs }: { readonly selector: string; readonly at: number; readonly lookMs: number },
  asking: PrometheusAsking = {},
): Promise<PrometheusRange> {
  return queryInstant(connection, { query: `${selector}[${Math.ceil(lookMs)}ms]`, at }, asking);
}

/** Value of an expression at an instant, by `/api/v1/query`: one sample per series. Never rejects. */
export function queryInstant(
  connection: PrometheusConnection,
  { query, at }: { readonly query: string; readonly at: number },
  asking: PrometheusAsking = {},
): Promise<PrometheusRange> {
  return ask(connection, 'query', { query, time: String(at / 1000), partial_response: 'false' }, asking);
}

async function ask(
  connection: PrometheusConnection,
  endpoint: 'query' | 'query_range',
  form: Readonly<Record<string, string>>,
  { signal, onExchange, takesHistograms = false }: PrometheusAsking = {},
): Promise<PrometheusRange> {
  const { redact = (text: string) => text, now } = connection;
  const request = connection.fetch ?? fetch;
  const deadline = AbortSignal.timeout(connection.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  try {
    const response = await request(`${connection.url.replace(/\/+$/, '')}/api/v1/${endpoint}`, {
      method: 'POST',
      redirect: 'error',
      headers: {
        ...connection.headers,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: new URLSearchParams({ ...connection.params, ...form }).toString(),
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    const text = await response.text();
    onExchange?.({ asked: askedOf(endpoint, form), answered: shownOf(response.status, redact(text)) });
    const range = refusedFor(response, now) ?? rangeOf(response.status, text, takesHistograms);
    return range.ok ? range : { ...range, message: `${redact(range.message)}, at ${addressOf(connection)}` };
  } catch (error) {
    const failure = failureOf(connection, error);
    onExchange?.({ asked: askedOf(endpoint, form), answered: failure.message });
    return failure;
  }
}

function askedOf(endpoint: string, { query = '', ...more }: Readonly<Record<string, string>>): string {
  const rest = Object.entries(more).map(([key, value]) => `${key}=${value}`);
  return `POST /api/v1/${endpoint} ${rest.join(' ')}\n${query}`;
}

function shownOf(status: number, text: string): string {
  const cut = text.length > MOST_EXCHANGED ? `${text.slice(0, MOST_EXCHANGED)} … (${text.length} characters)` : text;
  return `${status} ${cut}`;
}

/** Why there was no whole answer at all. */
function failureOf(connection: PrometheusConnection, error: unknown): PrometheusFailure {
  const address = addressOf(connection);
  if (error instanceof Error && 'code' in error && error.code === ANSWER_TOO_LARGE) {
    const message = `the answer is larger than ${MAX_ANSWER_BYTES / 1024 / 1024} MiB; narrow the selectors, at ${address}`;
    return { ok: false, message, reason: 'too-large' };
  }
  return { ok: false, message: `Prometheus at ${address} does not answer (${reasonOf(error)})`, isUnreachable: true };
}

/** What the headers say against an answer: patience, or a clock on which no instant of ours means the same. */
function refusedFor(response: Response, now: PrometheusConnection['now']): PrometheusFailure | undefined {
  if (response.status === 429) {
    const afterMs = retryAfterMs(response.headers.get('retry-after') ?? undefined, now?.() ?? Date.now());
    const message = 'Prometheus asks for patience (status 429); it is asked again later';
    return { ok: false, message, reason: 'throttled', ...(afterMs !== undefined && { retryAfterMs: afterMs }) };
  }
  const skew = now === undefined ? 0 : Date.parse(response.headers.get('date') ?? '') - now();
  if (!(Math.abs(skew) > MOST_SKEW_MS)) return undefined;
  const message = `its clock is ${skew > 0 ? 'ahead of' : 'behind'} this server's by more than a minute; repair the time synchronisation of both`;
  return { ok: false, message, reason: 'contradictory' };
}

/** The address without credentials. */
function addressOf({ url }: PrometheusConnection): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/\/+$/, '');
}

function refused(message: string): PrometheusFailure {
  return { ok: false, message };
}

/** Code of the failure below `fetch failed`, which by itself says nothing. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  if (error.name === 'AbortError') return 'the question was withdrawn';
  if ('code' in error) return String(error.code);
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}

function rangeOf(status: number, text: string, takesHistograms: boolean): PrometheusRange {
  if (status === 401 || status === 403) {
    return refused(`Prometheus refused the credentials (status ${status}); give a bearer token or user and password`);
  }
  const body = jsonIn(text);
  if (!isRecord(body) || typeof body.status !== 'string') {
    return refused(`status ${status} and ${JSON.stringify(text.slice(0, SHOWN))}: that is not the API of Prometheus`);
  }
  if (body.status !== 'success') {
    return refused(`Prometheus refused the query (${String(body.errorType)}): ${String(body.error).slice(0, SHOWN)}`);
  }
  const data = isRecord(body.data) ? body.data : {};
  if ((data.resultType !== 'matrix' && data.resultType !== 'vector') || !Array.isArray(data.result)) {
    return refused(`the query gives a ${String(data.resultType)}; give a selector or expression of series`);
  }
  const warnings = [
    ...(Array.isArray(body.warnings) ? body.warnings.map(String) : []),
    // What VictoriaMetrics says in place of a warning.
    ...(body.isPartial === true ? ['isPartial: some of its storage nodes did not answer'] : []),
  ];
  const hasHistograms = data.result.some((one) => isRecord(one) && (one.histograms ?? one.histogram) !== undefined);
  if (hasHistograms && !takesHistograms) {
    return refused('the query gives native histograms; give a counter, or the _bucket series of a classic histogram');
  }
  return { ok: true, series: data.result.flatMap(seriesOf), warnings };
}

function seriesOf(item: unknown): readonly PrometheusSeries[] {
  if (!isRecord(item)) return [];
  const values = Array.isArray(item.values) ? item.values : [item.value];
  const metric = isRecord(item.metric) ? item.metric : {};
  const labels = Object.fromEntries(Object.entries(metric).map(([name, value]) => [name, String(value)]));
  if (Array.isArray(item.histograms)) return classicSeriesOf(labels, item.histograms);
  return [{ labels, samples: values.flatMap(sampleOf) }];
}

/** Values are strings: "NaN" and "+Inf" are no number that can be counted. */
function sampleOf(pair: unknown): readonly (readonly [number, number])[] {
  if (!Array.isArray(pair)) return [];
  const [seconds, text] = pair;
  const value = typeof text === 'string' ? Number(text) : Number.NaN;
  return typeof seconds === 'number' && Number.isFinite(value) ? [[Math.round(seconds * 1000), value]] : [];
}
