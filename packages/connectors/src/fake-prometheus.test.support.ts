import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a fake Prometheus does with questions, instead of answering them. */
export type PrometheusQuirk =
  | 'none'
  | 'error-500'
  | 'auth'
  | 'throttled'
  | 'giant'
  | 'warnings'
  | 'is-partial'
  | 'skewed'
  | 'html'
  | 'hanging-up'
  | 'not-a-number';

type Sample = readonly [at: number, value: number];
type Series = { readonly labels: Readonly<Record<string, string>>; readonly samples: Sample[] };

/**
 * A Prometheus made of the samples it is given, for the questions Rampart asks; what a real one cannot be brought to do is a
 * quirk. Its clock is that of the samples: it knows nothing after the instant of a question.
 */
export type FakePrometheus = {
  readonly url: string;
  /** Records samples of counters, by their names and labels as in `reqs_total{code="500"}`. */
  readonly scrape: (at: number, values: Readonly<Record<string, number>>) => void;
  /** Forgets every sample. */
  readonly forget: () => void;
  readonly set: (quirk: PrometheusQuirk) => void;
  /** Questions so far. */
  readonly asked: () => number;
  /** Accepts no connection, until it is started again. */
  readonly stop: () => Promise<void>;
  readonly startAgain: () => Promise<void>;
};

export async function startFakePrometheus(): Promise<FakePrometheus> {
  const series = new Map<string, Series>();
  let quirk: PrometheusQuirk = 'none';
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    void formOf(request).then((form) => answer(response, quirk, () => resultOf([...series.values()], form)));
  });
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  const port = await listen(0);
  return {
    url: `http://127.0.0.1:${port}`,
    scrape(at, values) {
      for (const [key, value] of Object.entries(values)) {
        const one = series.get(key) ?? { labels: labelsOf(key), samples: [] };
        series.set(key, one);
        one.samples.push([at, value]);
      }
    },
    forget: () => series.clear(),
    set: (to) => {
      quirk = to;
    },
    asked: () => asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    async startAgain() {
      await listen(port);
    },
  };
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const part of request) text += String(part);
  return new URLSearchParams(text);
}

function labelsOf(key: string): Readonly<Record<string, string>> {
  const [, name = key, inner = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(key) ?? [];
  const pairs = [...inner.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value]);
  return { __name__: name, ...Object.fromEntries(pairs) };
}

const DURATION = /\[(\d+)ms/;

/** The three questions that are asked: samples of a range, how many there were, and when the last one was. */
function resultOf(all: readonly Series[], form: URLSearchParams) {
  const query = form.get('query') ?? '';
  const at = Number(form.get('time')) * 1000;
  const selector = query.replace(/^.*\(/, '').replace(/[[)].*$/, '');
  const lookMs = Number(DURATION.exec(query)?.[1]);
  const wanted = Object.entries(labelsOf(selector));
  const found = all
    .filter(({ labels }) => wanted.every(([name, value]) => labels[name] === value))
    .map(({ labels, samples }) => ({ labels, samples: samples.filter(([t]) => t > at - lookMs && t <= at) }))
    .filter(({ samples }) => samples.length > 0);
  const vector = (result: readonly unknown[]) => ({ resultType: 'vector', result });
  if (query.startsWith('count_over_time')) {
    return vector(found.map(({ labels, samples }) => ({ metric: labels, value: [at / 1000, String(samples.length)] })));
  }
  if (query.startsWith('max(')) {
    const newest = Math.max(...found.flatMap(({ samples }) => samples.map(([t]) => t)));
    return vector(found.length === 0 ? [] : [{ metric: {}, value: [at / 1000, String(newest / 1000)] }]);
  }
  const values = (samples: readonly Sample[]) => samples.map(([t, value]) => [t / 1000, String(value)]);
  return {
    resultType: 'matrix',
    result: found.map(({ labels, samples }) => ({ metric: labels, values: values(samples) })),
  };
}

const GIANT = '10000000000';

function answer(response: ServerResponse, quirk: PrometheusQuirk, result: () => unknown): void {
  if (quirk === 'hanging-up') {
    response.destroy();
    return;
  }
  if (quirk === 'skewed') response.setHeader('date', new Date(Date.now() + 10 * 60_000).toUTCString());
  const { status = 200, headers = {}, body } = QUIRKS[quirk](() => ({ status: 'success', data: result() }));
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  if (headers['content-length'] === undefined) response.end(body);
  else response.write(body);
}

type Raw = { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string };

const QUIRKS: Readonly<Record<Exclude<PrometheusQuirk, 'hanging-up'>, (success: () => object) => Raw>> = {
  none: (success) => ({ body: JSON.stringify(success()) }),
  skewed: (success) => ({ body: JSON.stringify(success()) }),
  'error-500': () => ({
    status: 500,
    body: '{"status":"error","errorType":"internal","error":"expanding series: disk is on fire"}',
  }),
  auth: () => ({ status: 401, body: 'Unauthorized' }),
  throttled: () => ({ status: 429, headers: { 'retry-after': '7' }, body: 'too many outstanding requests' }),
  giant: () => ({ headers: { 'content-length': GIANT }, body: '{"status":"success",' }),
  warnings: (success) => ({
    body: JSON.stringify({ ...success(), warnings: ['No StoreAPIs matched for this query'] }),
  }),
  'is-partial': (success) => ({ body: JSON.stringify({ ...success(), isPartial: true }) }),
  html: () => ({ body: '<html>Sign in</html>' }),
  'not-a-number': (success) => ({ body: JSON.stringify(success()).replaceAll(/,"[\d.]+"\]/g, ',"NaN"]') }),
};
