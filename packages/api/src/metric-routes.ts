import { ACTORS, type Route } from './route.ts';
import { metricTestResultSchema, metricTestSchema } from './schema/source-schema.ts';

/** Routes about where metrics come from. */
export const METRIC_ROUTES = {
  testMetric: {
    method: 'POST',
    path: '/v1/metrics/test',
    tag: 'rollouts',
    summary:
      'Asks the source of a metric once: the raw answer, what was understood, what each check would say. Changes nothing.',
    auth: ACTORS,
    body: metricTestSchema,
    answers: [{ status: 200, description: 'What was asked, answered and understood.', schema: metricTestResultSchema }],
    problems: ['PLAN_INVALID', 'ROLLOUT_UNKNOWN'],
  },
} as const satisfies Readonly<Record<string, Route>>;
