import type { Metric, MetricKind } from '@rampart/rollout';
import { type Attributes, numberOf, textOf } from './attributes.ts';

/**
 * Names of the OpenTelemetry semantic conventions that Rampart reads, old and new: HTTP server (stable), GenAI as the core
 * conventions had it up to 1.43 and as its own repository has it since autumn 2026, feature flags. Last compared: 2026-11.
 */

/** What is read from one instrument or span. */
export type Signal = 'http' | 'inference' | 'first-token' | 'input-tokens' | 'output-tokens';

/** One instrument of the conventions. A resource that sends several dialects of one signal sends the same numbers twice: the newest counts. */
export type Instrument = {
  readonly name: string;
  readonly signal: Signal;
  /** Higher is newer. */
  readonly dialect: number;
  /** Points that belong to it. Default: all. */
  readonly accepts?: (attributes: Attributes) => boolean;
};

const OPERATIONS = ['chat', 'generate_content', 'text_completion'];
const isInference = (attributes: Attributes) =>
  OPERATIONS.includes(textOf(attributes, ['gen_ai.operation.name']) ?? 'chat');
const isToken = (type: string) => (attributes: Attributes) =>
  isInference(attributes) && attributes.get('gen_ai.token.type') === type;

const INSTRUMENTS: readonly Instrument[] = [
  { name: 'http.server.request.duration', signal: 'http', dialect: 2 },
  { name: 'http.server.duration', signal: 'http', dialect: 1 },
  { name: 'gen_ai.client.inference.duration', signal: 'inference', dialect: 2 },
  { name: 'gen_ai.client.operation.duration', signal: 'inference', dialect: 1, accepts: isInference },
  { name: 'gen_ai.client.inference.time_to_first_chunk', signal: 'first-token', dialect: 2 },
  { name: 'gen_ai.client.operation.time_to_first_chunk', signal: 'first-token', dialect: 1, accepts: isInference },
  { name: 'gen_ai.client.inference.operation.input_tokens', signal: 'input-tokens', dialect: 2 },
  { name: 'gen_ai.client.inference.operation.output_tokens', signal: 'output-tokens', dialect: 2 },
  { name: 'gen_ai.client.token.usage', signal: 'input-tokens', dialect: 1, accepts: isToken('input') },
  { name: 'gen_ai.client.token.usage', signal: 'output-tokens', dialect: 1, accepts: isToken('output') },
];

/** The instruments of the conventions by name; a name may stand for several signals. */
export const INSTRUMENTS_BY_NAME: ReadonlyMap<string, readonly Instrument[]> = Map.groupBy(
  INSTRUMENTS,
  ({ name }) => name,
);

/**
 * How observations of an instrument become those of a metric: as failures or not, by their values, as events that only
 * count, or as the first or a further part of a value that is the sum of several.
 */
export type Reading = 'errors' | 'values' | 'events' | 'part' | 'further-part';

type Use = { readonly signal: Signal; readonly reading: Reading };

const USES: Readonly<Record<string, readonly Use[]>> = {
  errorRate: [{ signal: 'http', reading: 'errors' }],
  p99Latency: [{ signal: 'http', reading: 'values' }],
  throughput: [{ signal: 'http', reading: 'events' }],
  inferenceErrorRate: [{ signal: 'inference', reading: 'errors' }],
  inferenceLatency: [{ signal: 'inference', reading: 'values' }],
  timeToFirstToken: [{ signal: 'first-token', reading: 'values' }],
  tokensPerQuery: [
    { signal: 'input-tokens', reading: 'part' },
    { signal: 'output-tokens', reading: 'further-part' },
  ],
};

const KINDS: Readonly<Record<Reading, readonly MetricKind[]>> = {
  errors: ['proportion'],
  values: ['quantile', 'mean', 'ratio'],
  events: ['rate', 'count'],
  part: ['mean', 'ratio'],
  'further-part': ['mean', 'ratio'],
};

/** What a metric takes from a signal: by its name in the plan, as far as its kind fits. */
export function readingOf(metric: Metric, signal: Signal): Reading | undefined {
  const reading = USES[metric.name]?.find((use) => use.signal === signal)?.reading;
  return reading !== undefined && KINDS[reading].includes(metric.kind) ? reading : undefined;
}

/** What a metric takes from an instrument that its plan names. */
export function ownReadingOf({ kind }: Metric): Reading {
  if (kind === 'proportion') return 'errors';
  return kind === 'rate' || kind === 'count' ? 'events' : 'values';
}

/** Source name under which a plan asks for OpenTelemetry and may set how. */
export const OTLP_SOURCE = 'otlp';

const SIGNALS: readonly unknown[] = ['metrics', 'traces'];

/** What is wrong in the settings of a metric with this source: it takes `metric`, the name of an instrument, and `signal`. */
export function otlpBindingProblem({ source, binding }: Metric): string | undefined {
  if (source !== OTLP_SOURCE) return undefined;
  const { metric, signal, ...others } = binding;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `source otlp takes "metric" and "signal"; received "${unknown}"`;
  if (metric !== undefined && typeof metric !== 'string') {
    return `metric: expected the name of an instrument, received ${JSON.stringify(metric)}`;
  }
  if (signal !== undefined && !SIGNALS.includes(signal)) {
    return `signal: expected metrics or traces, received ${JSON.stringify(signal)}`;
  }
  return metric !== undefined && signal === 'traces' ? 'metric names an instrument, and traces have none' : undefined;
}

/** Whether the receiver feeds a metric from spans: only where its plan says so, so that nothing is counted twice. */
export function isFromSpans({ source, binding }: Metric): boolean {
  return source === OTLP_SOURCE && binding.signal === 'traces';
}

/** Whether the receiver feeds a metric at all. */
export function isFed({ source }: Metric): boolean {
  return source === OTLP_SOURCE || source === 'telemetry';
}

/** Whether an HTTP request or model call failed: it says an error, or the server answered 5xx. */
export function isFailure(attributes: Attributes): boolean {
  if (textOf(attributes, ['error.type']) !== undefined) return true;
  return (numberOf(attributes, ['http.response.status_code', 'http.status_code']) ?? 0) >= 500;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9, min: 60, h: 3600 };

/** What values in an OTLP unit are multiplied by to be in the metric's own. Undefined: it is not known how. */
export function factorOf(unit: string, metric: Metric): number | undefined {
  if (metric.unit !== 'seconds') return 1;
  return unit === '' ? 1 : SECONDS[unit];
}

/** Attributes of a span of a model call: names of the GenAI conventions, of its older versions, and of OpenInference. */
export const INFERENCE_SPAN = {
  operation: ['gen_ai.operation.name', 'openinference.span.kind'],
  inputTokens: ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'llm.token_count.prompt'],
  outputTokens: ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'llm.token_count.completion'],
  firstToken: ['gen_ai.response.time_to_first_chunk'],
} as const;

/** Whether a span is a call of a model. */
export function isInferenceSpan(attributes: Attributes): boolean {
  const operation = textOf(attributes, INFERENCE_SPAN.operation);
  return operation !== undefined && (OPERATIONS.includes(operation) || operation === 'LLM');
}
