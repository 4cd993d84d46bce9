import { PROBLEM_CODES, PROBLEMS } from './problem-table.ts';
import type { Route } from './route.ts';
import { baselineRequestSchema, baselinesFilterSchema, baselinesViewSchema } from './schema/baseline-schema.ts';
import { commandAnswerSchema } from './schema/rollout-schema.ts';

const PATH = '/v1/rollouts/:id/baselines';

/** Routes of the baselines of a rollout. */
export const BASELINE_ROUTES = {
  listBaselines: {
    method: 'GET',
    path: PATH,
    tag: 'rollouts',
    summary: 'Every version of the baseline of a rollout, oldest first.',
    auth: ['admin', 'operator', 'observer', 'analyst', 'approver', 'viewer'],
    query: baselinesFilterSchema,
    answers: [{ status: 200, description: 'The baselines.', schema: baselinesViewSchema }],
    problems: ['ROLLOUT_UNKNOWN'],
  },
  captureBaseline: {
    method: 'POST',
    path: PATH,
    tag: 'rollouts',
    summary: 'Takes the baseline anew, from history or from control of the running stage. May take minutes.',
    auth: ['admin', 'operator', 'observer', 'analyst', 'approver'],
    headers: { 'Idempotency-Key': 'The same key gives the same answer again, without doing it twice.' },
    body: baselineRequestSchema,
    answers: [
      {
        status: 200,
        description: 'What it led to.',
        schema: commandAnswerSchema,
        headers: { ETag: 'Version of the rollout, in double quotes.' },
      },
    ],
    problems: PROBLEM_CODES.filter((code) => PROBLEMS[code].place === 'command'),
  },
} as const satisfies Readonly<Record<string, Route>>;
