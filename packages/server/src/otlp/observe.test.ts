import { parsePlan } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import type { ReadingRollout } from './arm-of.ts';
import { noStreams, StreamDraft } from './cumulative.ts';
import { decodeJson } from './decode-json.ts';
import { Observations } from './observations.ts';
import { observeLogs } from './observe-logs.ts';
import { observeMetrics } from './observe-metrics.ts';
import { observeSpans } from './observe-spans.ts';
import { LOGS_REQUEST, METRICS_REQUEST, TRACES_REQUEST } from './wire-table.ts';

const NOW = 1_800_000_000_000;
const nano = (at: number) => `${at}000000`;

const LOWER_IS_WORSE = ['throughput', 'faithfulness', 'Answer.Relevancy', 'basket', 'orders'];

function rolloutWith(metrics: string): ReadingRollout {
  const names = [...metrics.matchAll(/^ {2}([\w.]+):/gm)].map(([, name]) => name);
  const limitOf = (name: string) => (LOWER_IS_WORSE.includes(name) ? '0.5x control' : '2x control');
  const checks = names.map((name) => `{ metric: ${name}, limit: ${limitOf(name)} }`).join(', ');
  const result = parsePlan(`
flag: checkout
metrics:
${metrics}
stages: [ { name: canary, percentage: 10, duration: 48h, gate: [ ${checks} ] }, { name: ga, percentage: 100, duration: permanent } ]
`);
  if (!result.ok) throw new Error(result.issues.map(({ message }) => message).join('\n'));
  const exposures = [{ fromAt: NOW - 3_600_000, epoch: 1, attempt: 1, layers: [{ weight: 10_000 }] }];
  return { id: 'r', plan: result.plan, exposures };
}

const HTTP = rolloutWith('  errorRate: {}\n  p99Latency: {}\n  throughput: {}');
const AI = rolloutWith(
  '  tokensPerQuery: {}\n  timeToFirstToken: {}\n  inferenceLatency: { kind: quantile, unit: seconds, harm: higher }\n  inferenceErrorRate: { kind: proportion, harm: higher }',
);
const SCORES = rolloutWith(
  '  hallucinationRate: {}\n  faithfulness: {}\n  Answer.Relevancy: { kind: mean, unit: score, harm: lower }',
);

type Said = Readonly<Record<string, string | number>>;
const FLAG: Said = { 'feature_flag.key': 'checkout', 'feature_flag.result.variant': 'on' };
const attributes = (said: Said) =>
  Object.entries(said).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { doubleValue: value },
  }));

function histogram(counts: readonly number[], said: Said = {}, point: object = {}) {
  return {
    attributes: attributes({ ...FLAG, ...said }),
    startTimeUnixNano: nano(NOW - 5_000),
    timeUnixNano: nano(NOW),
    count: counts.reduce((a, b) => a + b, 0),
    sum: 10,
    bucketCounts: counts,
    explicitBounds: [0.1, 1],
    ...point,
  };
}
const metric = (name: string, dataPoints: readonly object[], temporality = 1, unit = 's') => ({
  name,
  unit,
  histogram: { aggregationTemporality: temporality, dataPoints },
});

function observed(rollout: ReadingRollout, signal: 'metrics' | 'logs' | 'traces', records: readonly object[]) {
  const into = new Observations();
  const context = { rollouts: [rollout], now: NOW, into };
  const bytes = (request: object) => Buffer.from(JSON.stringify(request));
  if (signal === 'metrics') {
    const request = bytes({ resourceMetrics: [{ scopeMetrics: [{ metrics: records }] }] });
    const draft = new StreamDraft(noStreams());
    observeMetrics(decodeJson(request, METRICS_REQUEST), { ...context, draftOf: () => draft });
  } else if (signal === 'logs') {
    observeLogs(decodeJson(bytes({ resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] }), LOGS_REQUEST), context);
  } else {
    observeSpans(decodeJson(bytes({ resourceSpans: [{ scopeSpans: [{ spans: records }] }] }), TRACES_REQUEST), context);
  }
  const sums = Object.fromEntries(
    into.series.map((series) => [
      series.metric,
      { count: series.count[0], sum: series.sum[0], ...(series.bins && { binned: total(series.bins[0] ?? []) }) },
    ]),
  );
  return { sums, ignored: into.ignored, rejected: into.rejected };
}
const total = (bins: readonly (readonly [number, number])[]) => bins.reduce((n, [, count]) => n + count, 0);
const NOTHING = { count: 0, why: '' };

describe('metrics of an HTTP server', () => {
  const points = [
    histogram([5, 3, 0], { 'http.response.status_code': 200 }),
    histogram([0, 1, 1], { 'http.response.status_code': 503 }),
    histogram([1, 0, 0], { 'http.response.status_code': 200, 'error.type': 'timeout' }),
    histogram([4, 0, 0], { 'http.response.status_code': 404 }),
  ];

  it('are errors, latency and throughput: an error is a 5xx or an error type', () => {
    expect(observed(HTTP, 'metrics', [metric('http.server.request.duration', points)])).toEqual({
      sums: {
        errorRate: { count: 15, sum: 3 },
        p99Latency: { count: 15, sum: 40, binned: 15 },
        throughput: { count: 15, sum: 15 },
      },
      ignored: 0,
      rejected: NOTHING,
    });
  });

  it('of an older convention are taken in milliseconds', () => {
    const point = histogram([0, 7, 0], {}, { explicitBounds: [100, 200], sum: 1_000 });
    const { sums } = observed(HTTP, 'metrics', [metric('http.server.duration', [point], 1, 'ms')]);
    expect(sums.p99Latency).toEqual({ count: 7, sum: 1, binned: 7 });
  });

  it('sent in both conventions are counted once', () => {
    const both = [metric('http.server.duration', points, 1, 'ms'), metric('http.server.request.duration', points)];
    const { sums, ignored } = observed(HTTP, 'metrics', both);
    expect(sums.errorRate?.count).toBe(15);
    expect(ignored).toBe(4);
  });

  it('of no flag, or a flag that nobody rolls out, are ignored', () => {
    const others = [histogram([1, 0, 0], { 'feature_flag.key': 'other' }), { ...histogram([1, 0, 0]), attributes: [] }];
    expect(observed(HTTP, 'metrics', [metric('http.server.request.duration', others)])).toEqual({
      sums: {},
      ignored: 2,
      rejected: NOTHING,
    });
  });

  it('over more than 5 s give no throughput, and say what to do', () => {
    const long = [histogram([5, 0, 0], {}, { startTimeUnixNano: nano(NOW - 60_000) })];
    const { sums, rejected } = observed(HTTP, 'metrics', [metric('http.server.request.duration', long)]);
    expect(rejected.count).toBe(0);
    expect(Object.keys(sums)).toEqual(['errorRate', 'p99Latency']);
    expect(rejected.why).toContain('throughput needs reports at most 5000 ms apart; set OTEL_METRIC_EXPORT_INTERVAL');
  });

  it.each([
    ['ahead of the server', { timeUnixNano: nano(NOW + 600_000) }, 'a time 600 s ahead of the server; set the clocks'],
    ['without time', { timeUnixNano: '0' }, 'a point without time'],
    ['whose sum is NaN', { sum: 'NaN' }, 'a sum of NaN'],
    ['whose sum is infinite', { sum: 'Infinity' }, 'a sum of Infinity'],
    ['from before the rollout', { startTimeUnixNano: nano(1), timeUnixNano: nano(2) }, 'before its rollout measured'],
  ])('%s are rejected, and the others count', (_, change, why) => {
    const points = [histogram([5, 0, 0], {}, change), histogram([2, 0, 0], { 'http.route': '/other' })];
    const { sums, rejected } = observed(HTTP, 'metrics', [metric('http.server.request.duration', points)]);
    expect(rejected.count).toBe(1);
    expect(rejected.why).toContain(why);
    expect(sums.errorRate?.count).toBe(2);
  });

  it('in a form that cannot be counted are rejected', () => {
    const unspecified = metric('http.server.request.duration', [histogram([1, 0, 0])], 0);
    expect(observed(HTTP, 'metrics', [unspecified]).rejected.why).toContain('neither delta nor cumulative temporality');
    const gauge = { name: 'http.server.request.duration', gauge: { dataPoints: [{}] } };
    expect(observed(HTTP, 'metrics', [gauge]).rejected.why).toContain('gauges and summaries hold no counts');
    const hours = metric('http.server.request.duration', [histogram([1, 0, 0])], 1, 'furlong');
    expect(observed(HTTP, 'metrics', [hours]).rejected.why).toContain('unit "furlong" is no time');
  });
});

describe('metrics of models', () => {
  const tokens = (name: string, counts: readonly number[], said: Said, sum: number) =>
    metric(name, [histogram(counts, said, { sum })], 1, '{token}');

  it('are read in the dialect of the core conventions', () => {
    const chat = { 'gen_ai.operation.name': 'chat' };
    const { sums } = observed(AI, 'metrics', [
      metric('gen_ai.client.operation.duration', [
        histogram([2, 1, 0], chat),
        histogram([1, 0, 0], { ...chat, 'error.type': 'timeout' }),
        histogram([50, 0, 0], { 'gen_ai.operation.name': 'embeddings' }),
      ]),
      metric('gen_ai.client.operation.time_to_first_chunk', [histogram([3, 0, 0], chat)]),
      tokens('gen_ai.client.token.usage', [0, 0, 4], { ...chat, 'gen_ai.token.type': 'input' }, 400),
      tokens('gen_ai.client.token.usage', [0, 0, 4], { ...chat, 'gen_ai.token.type': 'output' }, 80),
    ]);
    expect(sums).toEqual({
      inferenceErrorRate: { count: 4, sum: 1 },
      inferenceLatency: { count: 4, sum: 20, binned: 4 },
      timeToFirstToken: { count: 3, sum: 10, binned: 3 },
      tokensPerQuery: { count: 4, sum: 480 },
    });
  });

  it('are read in the dialect of autumn 2026, and once where both are sent', () => {
    const both = [
      metric('gen_ai.client.inference.duration', [histogram([2, 2, 0])]),
      metric('gen_ai.client.operation.duration', [histogram([2, 2, 0], { 'gen_ai.operation.name': 'chat' })]),
      metric('gen_ai.client.inference.time_to_first_chunk', [histogram([3, 0, 0])]),
      tokens('gen_ai.client.inference.operation.input_tokens', [0, 0, 4], {}, 400),
      tokens('gen_ai.client.inference.operation.output_tokens', [0, 0, 4], {}, 80),
      tokens('gen_ai.client.token.usage', [0, 0, 4], { 'gen_ai.token.type': 'input' }, 400),
    ];
    expect(observed(AI, 'metrics', both).sums).toEqual({
      inferenceErrorRate: { count: 4, sum: 0 },
      inferenceLatency: { count: 4, sum: 10, binned: 4 },
      timeToFirstToken: { count: 3, sum: 10, binned: 3 },
      tokensPerQuery: { count: 4, sum: 480 },
    });
  });
});

describe('instruments that a plan names', () => {
  const rollout = rolloutWith(
    '  rpcErrors: { kind: proportion, harm: higher, source: otlp, metric: rpc.server.duration }\n  basket: { kind: mean, harm: lower }\n  orders: { kind: rate, harm: lower }',
  );

  it('feed the metric by its kind', () => {
    const { sums } = observed(rollout, 'metrics', [
      metric('rpc.server.duration', [histogram([3, 0, 0]), histogram([1, 0, 0], { 'error.type': 'x' })]),
      metric('basket', [histogram([0, 0, 2], {}, { sum: 50 })], 1, 'EUR'),
      {
        name: 'orders',
        sum: {
          isMonotonic: true,
          aggregationTemporality: 1,
          dataPoints: [
            {
              attributes: attributes(FLAG),
              startTimeUnixNano: nano(NOW - 1_000),
              timeUnixNano: nano(NOW),
              asDouble: 3,
            },
          ],
        },
      },
    ]);
    expect(sums).toEqual({
      rpcErrors: { count: 4, sum: 1 },
      basket: { count: 2, sum: 50 },
      orders: { count: 3, sum: 3 },
    });
  });

  it('are rejected where they hold no such thing', () => {
    const sum = (change: object, dataPoints: readonly object[]) => ({
      name: 'orders',
      sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints, ...change },
    });
    const point = { attributes: attributes(FLAG), startTimeUnixNano: nano(NOW - 1_000), timeUnixNano: nano(NOW) };
    const why = (record: object) => observed(rollout, 'metrics', [record]).rejected.why;
    expect(why(sum({ isMonotonic: false }, [point]))).toContain('not monotonic');
    expect(why(sum({}, [{ ...point, asDouble: -1 }]))).toContain('-1 is no number of events');
    expect(why({ ...sum({}, [{ ...point, asDouble: 1 }]), name: 'basket' })).toContain('use a histogram');
    expect(why(metric('basket', [histogram([1, 0, 0], {}, { sum: undefined })]))).toContain('without its sum');
  });
});

describe('evaluations', () => {
  const evaluation = (said: Said, flag: Said = FLAG) => ({
    eventName: 'gen_ai.evaluation.result',
    timeUnixNano: nano(NOW),
    attributes: attributes({ ...flag, ...said }),
  });
  const score = (name: string, value: number, more: Said = {}) =>
    evaluation({ 'gen_ai.evaluation.name': name, 'gen_ai.evaluation.score.value': value, ...more });

  it('feed the metric of their name, or the one the catalog has for it', () => {
    const records = [
      score('faithfulness', 0.75),
      score('Groundedness', 0.25),
      score('answer_relevancy', 0.5),
      score('hallucination', 1),
      score('Hallucination', 0.2),
      score('toxicity', 1),
    ];
    expect(observed(SCORES, 'logs', records)).toEqual({
      sums: {
        faithfulness: { count: 2, sum: 1 },
        'Answer.Relevancy': { count: 1, sum: 0.5 },
        hallucinationRate: { count: 2, sum: 1 },
      },
      ignored: 1,
      rejected: NOTHING,
    });
  });

  it('of a share go by their label first', () => {
    const labelled = (label: string) => score('hallucination', 0.99, { 'gen_ai.evaluation.score.label': label });
    expect(observed(SCORES, 'logs', [labelled('pass'), labelled('Fail'), labelled('odd')]).sums).toEqual({
      hallucinationRate: { count: 3, sum: 2 },
    });
  });

  it('that failed are no score of 0', () => {
    const { sums, rejected } = observed(SCORES, 'logs', [score('faithfulness', 0, { 'error.type': 'timeout' })]);
    expect(sums).toEqual({});
    expect(rejected.why).toContain('the evaluator failed (timeout); no score is counted');
  });

  it('without a score, or one from another scale, are rejected', () => {
    const records = [evaluation({ 'gen_ai.evaluation.name': 'faithfulness' }), score('faithfulness', 4)];
    const { sums, rejected } = observed(SCORES, 'logs', records);
    expect(sums).toEqual({});
    expect(rejected).toMatchObject({ count: 2 });
    expect(rejected.why).toContain('a score of 4; send scores from 0 to 1');
  });

  it('named by an attribute are taken as well, and other records are ignored', () => {
    const { eventName, ...older } = score('faithfulness', 0.75);
    const named = { ...older, attributes: [...older.attributes, ...attributes({ 'event.name': eventName })] };
    expect(observed(SCORES, 'logs', [named, older]).ignored).toBe(1);
  });
});

describe('spans', () => {
  const TRACED = rolloutWith(
    '  errorRate: { source: otlp, signal: traces }\n  p99Latency: { source: otlp, signal: traces }\n  tokensPerQuery: { source: otlp, signal: traces }\n  timeToFirstToken: { source: otlp, signal: traces }',
  );
  const span = (said: Said, change: object = {}) => ({
    kind: 2,
    startTimeUnixNano: nano(NOW - 1_000),
    endTimeUnixNano: nano(NOW),
    attributes: attributes({ ...FLAG, ...said }),
    ...change,
  });
  const request = { 'http.request.method': 'GET', 'http.response.status_code': 200 };
  const call = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.usage.input_tokens': 100,
    'gen_ai.usage.output_tokens': 20,
    'gen_ai.response.time_to_first_chunk': 0.25,
  };

  it('feed only metrics whose plan takes traces: metrics of the same requests are not counted twice', () => {
    expect(observed(HTTP, 'traces', [span(request)]).sums).toEqual({});
    expect(observed(TRACED, 'metrics', [metric('http.server.request.duration', [histogram([5, 0, 0])])]).sums).toEqual(
      {},
    );
  });

  it('of requests are errors and latency, of model calls tokens and first tokens', () => {
    const spans = [
      span(request),
      span({ ...request, 'http.response.status_code': 500 }),
      span(request, { status: { code: 2 } }),
      span(request, { kind: 3 }),
      span(call, { kind: 3 }),
      span({ 'openinference.span.kind': 'LLM', 'llm.token_count.prompt': 50, 'llm.token_count.completion': 5 }),
    ];
    expect(observed(TRACED, 'traces', spans)).toEqual({
      sums: {
        errorRate: { count: 3, sum: 2 },
        p99Latency: { count: 3, sum: 3, binned: 3 },
        tokensPerQuery: { count: 2, sum: 175 },
        timeToFirstToken: { count: 1, sum: 0.25, binned: 1 },
      },
      ignored: 1,
      rejected: NOTHING,
    });
  });

  it('may carry the flag in an event, as hooks of OpenFeature write it', () => {
    const events = [
      {
        name: 'feature_flag',
        attributes: attributes({ 'feature_flag.key': 'checkout', 'feature_flag.variant': 'on' }),
      },
    ];
    const { sums } = observed(TRACED, 'traces', [{ ...span(request), attributes: attributes(request), events }]);
    expect(sums.errorRate).toEqual({ count: 1, sum: 0 });
  });

  it('from the future are rejected', () => {
    const { rejected } = observed(TRACED, 'traces', [span(request, { startTimeUnixNano: nano(NOW + 600_000) })]);
    expect(rejected).toMatchObject({ count: 1 });
  });
});
