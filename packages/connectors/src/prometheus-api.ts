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
};

/** One series of a range: its labels, and its samples as [epoch ms, value], oldest first; NaN and infinities left out. */
export type PrometheusSeries = {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [at: number, value: number])[];
};

/** Answer to a range query. */
export type PrometheusRange =
  | { readonly ok: true; readonly series: readonly PrometheusSeries[]; readonly warnings: readonly string[] }
  /** `isUnreachable`: nothing answers at the address. Default: false. */
  | { readonly ok: false; readonly message: string; readonly isUnreachable?: boolean };

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

/** Asks `/api/v1/query_range`. Never rejects; no message carries a header. */
export async function queryRange(
  connection: PrometheusConnection,
  { query, fromAt, toAt, stepMs }: PrometheusRangeQuery,
): Promise<PrometheusRange> {
  const form = new URLSearchParams({
    query,
    start: String(fromAt / 1000),
    end: String(toAt / 1000),
    step: String(stepMs / 1000),
  });
  const request = connection.fetch ?? fetch;
  try {
    const response = await request(`${connection.url.replace(/\/+$/, '')}/api/v1/query_range`, {
      method: 'POST',
      redirect: 'error',
      headers: {
        ...connection.headers,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: form.toString(),
      signal: AbortSignal.timeout(connection.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    });
    const range = rangeOf(response.status, await response.text());
    return range.ok ? range : refused(`${range.message}, at ${addressOf(connection)}`);
  } catch (error) {
    const message = `Prometheus at ${addressOf(connection)} does not answer (${reasonOf(error)})`;
    return { ok: false, message, isUnreachable: true };
  }
}

/** The address without credentials. */
function addressOf({ url }: PrometheusConnection): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/\/+$/, '');
}

function refused(message: string): PrometheusRange {
  return { ok: false, message };
}

/** Code of the failure below `fetch failed`, which by itself says nothing. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}

function rangeOf(status: number, text: string): PrometheusRange {
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
  if (data.resultType !== 'matrix' || !Array.isArray(data.result)) {
    return refused(`the query gives a ${String(data.resultType)}; give a selector or expression of series`);
  }
  const warnings = Array.isArray(body.warnings) ? body.warnings.map(String) : [];
  if (data.result.some((one) => isRecord(one) && one.histograms !== undefined)) {
    return refused('the query gives native histograms; give a counter, or the _bucket series of a classic histogram');
  }
  return { ok: true, series: data.result.flatMap(seriesOf), warnings };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function seriesOf(item: unknown): readonly PrometheusSeries[] {
  if (!isRecord(item) || !Array.isArray(item.values)) return [];
  const metric = isRecord(item.metric) ? item.metric : {};
  const labels = Object.fromEntries(Object.entries(metric).map(([name, value]) => [name, String(value)]));
  return [{ labels, samples: item.values.flatMap(sampleOf) }];
}

/** Values are strings: "NaN" and "+Inf" are no number that can be counted. */
function sampleOf(pair: unknown): readonly (readonly [number, number])[] {
  if (!Array.isArray(pair)) return [];
  const [seconds, text] = pair;
  const value = typeof text === 'string' ? Number(text) : Number.NaN;
  return typeof seconds === 'number' && Number.isFinite(value) ? [[Math.round(seconds * 1000), value]] : [];
}
