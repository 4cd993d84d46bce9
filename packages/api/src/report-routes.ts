import type { Route, RouteAnswer } from './route.ts';
import {
  scoreBatchSchema,
  scoreReceiptSchema,
  signalBatchSchema,
  telemetryReceiptSchema,
} from './schema/telemetry-schema.ts';
import { SCORES_PATH, SIGNALS_PATH } from './wire.ts';

const durable = (what: string, schema: RouteAnswer['schema']): readonly RouteAnswer[] => [
  { status: 202, description: `${what} durable.`, ...(schema && { schema }) },
];

/** Routes of those who report from outside an SDK. */
export const REPORT_ROUTES = {
  sendSignals: {
    method: 'POST',
    path: SIGNALS_PATH,
    tag: 'sdk',
    summary: 'Complaints, tickets and other occurrences from outside an SDK.',
    auth: ['ingest', 'sdk-server', 'operator'],
    body: signalBatchSchema,
    answers: durable('The batch is', telemetryReceiptSchema),
    problems: ['TELEMETRY_INVALID', 'TELEMETRY_TOO_LARGE'],
  },
  sendScores: {
    method: 'POST',
    path: SCORES_PATH,
    tag: 'sdk',
    summary: 'Scores of answers, from evaluators that run beside or after the application.',
    auth: ['ingest', 'sdk-server', 'operator', 'observer'],
    body: scoreBatchSchema,
    answers: durable('The scores are', scoreReceiptSchema),
    problems: ['TELEMETRY_INVALID', 'TELEMETRY_TOO_LARGE'],
  },
} as const satisfies Readonly<Record<string, Route>>;
