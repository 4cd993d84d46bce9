import type { Route } from './route.ts';

const OTLP_MEDIA = ['application/x-protobuf', 'application/json'];
const otlpRoute = (signal: 'metrics' | 'logs' | 'traces') =>
  ({
    method: 'POST',
    path: `/v1/${signal}`,
    tag: 'otlp',
    summary: `OTLP/HTTP 1.11: ${signal} of OpenTelemetry.`,
    auth: ['ingest', 'sdk-server'],
    headers: { 'Content-Encoding': '`gzip` or `identity`.' },
    media: OTLP_MEDIA,
    answers: OTLP_MEDIA.map((mediaType) => ({
      status: 200,
      description: 'What was counted is durable; `partialSuccess` says what was left out, and why.',
      mediaType,
    })),
    problems: ['BODY_INVALID', 'BODY_TOO_LARGE'],
  }) as const satisfies Route;

/** Routes of the OTLP/HTTP receiver. Their bodies and answers are those of OTLP. */
export const OTLP_ROUTES = {
  exportMetrics: otlpRoute('metrics'),
  exportLogs: otlpRoute('logs'),
  exportTraces: otlpRoute('traces'),
} as const satisfies Readonly<Record<string, Route>>;
