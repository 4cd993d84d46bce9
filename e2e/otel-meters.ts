import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import {
  type AggregationOption,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { HTTP_BOUNDS, type Meters, type MetersOptions } from './otel2/meters.ts';

/** Never by time: a test flushes. */
const NEVER_MS = 2 ** 30;

/** Meters of the current major of the OpenTelemetry SDK. */
export function openMeters({ url, token, encoding, temporality, histogram }: MetersOptions): Meters {
  const Exporter = encoding === 'json' ? JsonExporter : ProtobufExporter;
  const exporter = new Exporter({
    url: `${url}/v1/metrics`,
    headers: { authorization: `Bearer ${token}` },
    temporalityPreference: AggregationTemporalityPreference[temporality],
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
