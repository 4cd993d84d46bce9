import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import {
  type AggregationOption,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';

/** Boundaries of `http.server.request.duration` in the conventions, seconds. */
export const HTTP_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** How an app exports its metrics. */
export type MetersOptions = {
  readonly url: string;
  readonly token: string;
  readonly encoding: 'json' | 'protobuf';
  readonly temporality: 'DELTA' | 'CUMULATIVE';
  readonly histogram: 'EXPLICIT_BUCKET_HISTOGRAM' | 'EXPONENTIAL_HISTOGRAM';
};

/** What an app sees of the OpenTelemetry SDK, whichever its major. */
export type Meters = {
  readonly histogram: (
    name: string,
    unit: string,
  ) => { readonly record: (value: number, attributes: Readonly<Record<string, string | number>>) => void };
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Never by time: a test flushes. */
const NEVER_MS = 2 ** 30;

/** Meters of the major before the current one, which packs what it sends. */
export function openMeters({ url, token, encoding, temporality, histogram }: MetersOptions): Meters {
  const Exporter = encoding === 'json' ? JsonExporter : ProtobufExporter;
  const exporter = new Exporter({
    url: `${url}/v1/metrics`,
    headers: { authorization: `Bearer ${token}` },
    temporalityPreference: AggregationTemporalityPreference[temporality],
    compression: CompressionAlgorithm.GZIP,
  });
  const aggregations: Readonly<Record<MetersOptions['histogram'], AggregationOption>> = {
    EXPLICIT_BUCKET_HISTOGRAM: {
      type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
      options: { boundaries: [...HTTP_BOUNDS] },
    },
    EXPONENTIAL_HISTOGRAM: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
  };
  const provider = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: NEVER_MS, exportTimeoutMillis: 10_000 }),
    ],
    views: [{ instrumentName: '*', aggregation: aggregations[histogram] }],
  });
  const meter = provider.getMeter('shop');
  return {
    histogram: (name, unit) => meter.createHistogram(name, { unit }),
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown(),
  };
}
