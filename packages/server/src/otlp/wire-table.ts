/**
 * The parts of OTLP 1.11.0 that Rampart reads, one table for both encodings: the number of each field for protobuf and,
 * as the key, its name in JSON. What is not here is skipped unread: bodies of log records, descriptions, exemplars, links.
 */

/**
 * How a value is written. `int` is any plain varint, `sint` a zigzag one. `opaque` stands for a list, map or byte string:
 * only its identity matters, so it is kept as a text and never looked into.
 */
export type ScalarType = 'string' | 'bool' | 'double' | 'fixed64' | 'sfixed64' | 'int' | 'sint' | 'opaque';

/** A field of a message; `type` is a scalar, or gives the table of the message it holds. */
export type Field = { readonly id: number; readonly type: ScalarType | (() => Message); readonly many?: true };

/** Fields by their names in JSON. */
export type Message = { readonly [name: string]: Field };

type ScalarOf<T> = T extends 'string' | 'opaque' ? string : T extends 'bool' ? boolean : number;
type ValueOf<T> = T extends () => infer M ? (M extends Message ? Decoded<M> : never) : ScalarOf<T>;

/** A message as read; a field that was not sent is absent. 64-bit numbers are doubles: instants are precise to 256 ns. */
export type Decoded<M extends Message> = {
  readonly [K in keyof M]?: M[K]['many'] extends true ? readonly ValueOf<M[K]['type']>[] : ValueOf<M[K]['type']>;
};

const one = <const T extends Field['type']>(id: number, type: T) => ({ id, type }) as const;
const many = <const T extends Field['type']>(id: number, type: T) => ({ id, type, many: true }) as const;

const ANY_VALUE = {
  stringValue: one(1, 'string'),
  boolValue: one(2, 'bool'),
  intValue: one(3, 'int'),
  doubleValue: one(4, 'double'),
  arrayValue: one(5, 'opaque'),
  kvlistValue: one(6, 'opaque'),
  bytesValue: one(7, 'opaque'),
};

const KEY_VALUE = { key: one(1, 'string'), value: one(2, () => ANY_VALUE) };
const RESOURCE = { attributes: many(1, () => KEY_VALUE) };
const SCOPE = { name: one(1, 'string') };

const NUMBER_POINT = {
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  asDouble: one(4, 'double'),
  asInt: one(6, 'sfixed64'),
  attributes: many(7, () => KEY_VALUE),
  flags: one(8, 'int'),
};
const HISTOGRAM_POINT = {
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  bucketCounts: many(6, 'fixed64'),
  explicitBounds: many(7, 'double'),
  attributes: many(9, () => KEY_VALUE),
  flags: one(10, 'int'),
};
const BUCKETS = { offset: one(1, 'sint'), bucketCounts: many(2, 'int') };
const EXPONENTIAL_POINT = {
  attributes: many(1, () => KEY_VALUE),
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  scale: one(6, 'sint'),
  zeroCount: one(7, 'fixed64'),
  positive: one(8, () => BUCKETS),
  negative: one(9, () => BUCKETS),
  flags: one(10, 'int'),
};
const SUMMARY_POINT = { timeUnixNano: one(3, 'fixed64') };

const GAUGE = { dataPoints: many(1, () => NUMBER_POINT) };
const SUM = {
  dataPoints: many(1, () => NUMBER_POINT),
  aggregationTemporality: one(2, 'int'),
  isMonotonic: one(3, 'bool'),
};
const HISTOGRAM = { dataPoints: many(1, () => HISTOGRAM_POINT), aggregationTemporality: one(2, 'int') };
const EXPONENTIAL_HISTOGRAM = { dataPoints: many(1, () => EXPONENTIAL_POINT), aggregationTemporality: one(2, 'int') };
const SUMMARY = { dataPoints: many(1, () => SUMMARY_POINT) };
const METRIC = {
  name: one(1, 'string'),
  unit: one(3, 'string'),
  gauge: one(5, () => GAUGE),
  sum: one(7, () => SUM),
  histogram: one(9, () => HISTOGRAM),
  exponentialHistogram: one(10, () => EXPONENTIAL_HISTOGRAM),
  summary: one(11, () => SUMMARY),
};

const LOG_RECORD = {
  timeUnixNano: one(1, 'fixed64'),
  attributes: many(6, () => KEY_VALUE),
  observedTimeUnixNano: one(11, 'fixed64'),
  eventName: one(12, 'string'),
};

const SPAN_EVENT = { name: one(2, 'string'), attributes: many(3, () => KEY_VALUE) };
const STATUS = { code: one(3, 'int') };
const SPAN = {
  kind: one(6, 'int'),
  startTimeUnixNano: one(7, 'fixed64'),
  endTimeUnixNano: one(8, 'fixed64'),
  attributes: many(9, () => KEY_VALUE),
  events: many(11, () => SPAN_EVENT),
  status: one(15, () => STATUS),
};

const SCOPE_METRICS = { scope: one(1, () => SCOPE), metrics: many(2, () => METRIC) };
const RESOURCE_METRICS = { resource: one(1, () => RESOURCE), scopeMetrics: many(2, () => SCOPE_METRICS) };
/** Body of `POST /v1/metrics`. */
export const METRICS_REQUEST = { resourceMetrics: many(1, () => RESOURCE_METRICS) };

const SCOPE_LOGS = { logRecords: many(2, () => LOG_RECORD) };
const RESOURCE_LOGS = { scopeLogs: many(2, () => SCOPE_LOGS) };
/** Body of `POST /v1/logs`. */
export const LOGS_REQUEST = { resourceLogs: many(1, () => RESOURCE_LOGS) };

const SCOPE_SPANS = { spans: many(2, () => SPAN) };
const RESOURCE_SPANS = { scopeSpans: many(2, () => SCOPE_SPANS) };
/** Body of `POST /v1/traces`. */
export const TRACES_REQUEST = { resourceSpans: many(1, () => RESOURCE_SPANS) };

export type KeyValue = Decoded<typeof KEY_VALUE>;
export type NumberPoint = Decoded<typeof NUMBER_POINT>;
export type HistogramPoint = Decoded<typeof HISTOGRAM_POINT>;
export type ExponentialPoint = Decoded<typeof EXPONENTIAL_POINT>;
export type OtlpMetric = Decoded<typeof METRIC>;
export type LogRecord = Decoded<typeof LOG_RECORD>;
export type OtlpSpan = Decoded<typeof SPAN>;
