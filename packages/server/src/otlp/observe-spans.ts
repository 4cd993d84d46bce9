import { binOf, type Metric } from '@rampart/rollout';
import { FLAG_ATTRIBUTES, type Place, placeOf } from './arm-of.ts';
import { type Attributes, attributesOf, numberOf, textOf } from './attributes.ts';
import {
  INFERENCE_SPAN,
  isFailure,
  isFromSpans,
  isInferenceSpan,
  type Reading,
  readingOf,
  type Signal,
} from './conventions.ts';
import { MOST_AHEAD_MS, type ReadingContext } from './observe-metrics.ts';
import { type Sums, sumsOf } from './sums-of-point.ts';
import type { Decoded, OtlpSpan, TRACES_REQUEST } from './wire-table.ts';

const SERVER = 2;
const FAILED = 2;
const MS_PER_NANO = 1e-6;
const FLAG_EVENTS = ['feature_flag', 'feature_flag.evaluation'];

/** Reads the spans of a request, for the metrics whose plan takes traces. */
export function observeSpans(request: Decoded<typeof TRACES_REQUEST>, context: ReadingContext): void {
  for (const { scopeSpans } of request.resourceSpans ?? []) {
    for (const { spans } of scopeSpans ?? []) for (const span of spans ?? []) observeSpan(span, context);
  }
}

function observeSpan(span: OtlpSpan, context: ReadingContext): void {
  const { into, rollouts, now } = context;
  const measured = measuredBy(span);
  const startAt = (span.startTimeUnixNano ?? 0) * MS_PER_NANO;
  if (measured.length > 0 && startAt > now + MOST_AHEAD_MS) {
    into.reject('a span that starts ahead of the clock of the server; set the clocks');
    return;
  }
  const places = (measured.length === 0 ? [] : flagsOf(span)).flatMap(
    (attributes) => placeOf(attributes, rollouts, { fromAt: startAt, toAt: startAt }) ?? [],
  );
  if (places.length === 0) into.ignored += 1;
  for (const place of places) {
    if ('why' in place) into.reject(place.why);
    else addSpan(place, measured, context);
  }
}

function addSpan(place: Place, measured: readonly Measured[], { into }: ReadingContext): void {
  for (const metric of Object.values(place.rollout.plan.metrics).filter(isFromSpans)) {
    const sums = sumsFor(metric, measured);
    if (sums !== undefined) into.add(place, metric, sums);
  }
}

/** The attributes of a span together with those of each flag that it names, in its own attributes or in its events. */
function flagsOf({ attributes, events }: OtlpSpan): readonly Attributes[] {
  const own = attributesOf(attributes);
  const flags = new Map<string, Attributes>();
  for (const { name = '', attributes: pairs } of events ?? []) {
    const said = attributesOf(pairs);
    const key = textOf(said, FLAG_ATTRIBUTES.key);
    if (FLAG_EVENTS.includes(name) && key !== undefined) flags.set(key, said);
  }
  const key = textOf(own, FLAG_ATTRIBUTES.key);
  if (key !== undefined) flags.set(key, own);
  return [...flags.values()];
}

/** One number of a span, and whether what it is of failed. */
type Measured = { readonly signal: Signal; readonly value: number; readonly failed: boolean };

function measuredBy(span: OtlpSpan): readonly Measured[] {
  const { kind, status, startTimeUnixNano = 0, endTimeUnixNano = 0 } = span;
  const attributes = attributesOf(span.attributes);
  const failed = status?.code === FAILED || isFailure(attributes);
  const seconds = Math.max(0, endTimeUnixNano - startTimeUnixNano) / 1e9;
  if (isInferenceSpan(attributes)) return inferenceOf(attributes, seconds, failed);
  const isHttp = textOf(attributes, ['http.request.method', 'http.method']) !== undefined;
  return kind === SERVER && isHttp ? [{ signal: 'http', value: seconds, failed }] : [];
}

function inferenceOf(attributes: Attributes, seconds: number, failed: boolean): readonly Measured[] {
  const firstToken = numberOf(attributes, INFERENCE_SPAN.firstToken);
  const input = numberOf(attributes, INFERENCE_SPAN.inputTokens);
  const output = numberOf(attributes, INFERENCE_SPAN.outputTokens);
  // One call, so its tokens are known as a whole.
  const tokens = input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0);
  return [
    { signal: 'inference', value: seconds, failed },
    ...(firstToken !== undefined && firstToken >= 0
      ? [{ signal: 'first-token', value: firstToken, failed } as const]
      : []),
    ...(tokens !== undefined && tokens >= 0 ? [{ signal: 'input-tokens', value: tokens, failed } as const] : []),
  ];
}

function sumsFor(metric: Metric, measured: readonly Measured[]): Sums | undefined {
  for (const { signal, value, failed } of measured) {
    const reading = readingOf(metric, signal);
    if (reading !== undefined) return sumsOfOne(metric, reading, value, failed);
  }
  return undefined;
}

function sumsOfOne({ kind }: Metric, reading: Reading, value: number, failed: boolean): Sums {
  if (reading === 'errors') return sumsOf(1, failed ? 1 : 0);
  if (reading === 'events') return sumsOf(1, 1);
  return kind === 'quantile' ? { ...sumsOf(1, value), bins: new Map([[binOf(value), 1]]) } : sumsOf(1, value);
}
