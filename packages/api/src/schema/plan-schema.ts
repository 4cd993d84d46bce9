import type { Check, ExternalGate, MetricJudge, Plan, PlanIssue, PreflightCheck } from '@rampart/rollout';
import { z } from 'zod';
import { jsonValueSchema } from './primitive-schema.ts';
import { tierSchema } from './verdict-schema.ts';

const milliseconds = z.number().describe('Milliseconds.');
const day = z.string().describe('YYYY-MM-DD');

const limitSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('absolute'), value: z.number() }),
  z.object({
    kind: z.literal('relative'),
    reference: z.enum(['control', 'baseline']),
    ratio: z.number(),
    offset: z.number(),
  }),
  z.object({ kind: z.literal('count'), count: z.number(), windowMs: milliseconds }),
]);

/** One metric against one limit. */
export const checkSchema = z
  .object({
    id: z.string(),
    tier: tierSchema,
    metric: z.string(),
    limit: limitSchema,
    passLimit: limitSchema.optional(),
    text: z.string().describe('The limit as the author of the plan wrote it.'),
    optional: z.boolean(),
    attribution: z.enum(['any', 'required']),
    weight: z.number(),
  })
  .describe('One metric against one limit.') satisfies z.ZodType<Check>;

const metricSchema = z.object({
  name: z.string(),
  kind: z.enum(['proportion', 'mean', 'ratio', 'quantile', 'rate', 'count']),
  unit: z.enum(['ratio', 'seconds', 'USD', 'tokens', 'perSecond', 'events', 'score', 'value']),
  harm: z.enum(['higher', 'lower']),
  quantile: z.number().optional(),
  per: z.string(),
  source: z.string(),
  binding: z.record(z.string(), jsonValueSchema),
  lagMs: milliseconds,
  designEffect: z.number(),
});

const judgeSchema = z.object({
  goldenSet: z.string(),
  items: z.int(),
  expected: z.union([z.number(), z.literal('labels')]),
  tolerance: z.number(),
  maxAgeMs: milliseconds,
  budget: z.number().optional().describe('USD.'),
}) satisfies z.ZodType<MetricJudge>;

const externalGateSchema = z.object({
  name: z.string(),
  when: z.enum(['start', 'advance', 'during', 'rollback']),
  ask: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('webhook'),
      url: z.string(),
      secretRef: z.string().optional(),
      timeoutMs: milliseconds,
    }),
    z.object({
      kind: z.literal('signal'),
      signal: z.string(),
      maxAgeMs: milliseconds.optional(),
      initially: z.enum(['open', 'closed']),
    }),
  ]),
  everyMs: milliseconds,
}) satisfies z.ZodType<ExternalGate>;

const stageSchema = z.object({
  name: z.string(),
  audience: z.string().optional(),
  weight: z.number().describe('Share of the audience in thousandths of a percent.'),
  durationMs: z.number().nullable(),
  maxDurationMs: z.number().nullable(),
  gate: z.array(checkSchema),
  confirmations: z.array(z.string()),
  external: z.array(externalGateSchema).optional(),
  onFail: z.enum(['fix', 'rollback', 'hold', 'extend']),
  onInconclusive: z.enum(['hold', 'extend']),
});

const preflightCheckSchema = z.object({
  by: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('hook'), hook: z.string() }),
      z.object({ kind: z.literal('url'), url: z.string(), expect: z.int().optional() }),
      z.object({ kind: z.literal('query'), source: z.string(), query: z.string() }),
      z.object({ kind: z.literal('link') }),
    ])
    .optional(),
  maxAgeMs: milliseconds.optional(),
  withinMs: milliseconds.optional(),
}) satisfies z.ZodType<PreflightCheck>;

const calendarSchema = z.object({
  advance: z
    .object({ days: z.array(z.int()), fromMinute: z.int(), toMinute: z.int(), timeZone: z.string() })
    .optional(),
  freeze: z.array(z.object({ from: day, to: day })),
  timeZone: z.string(),
});

const trackerSchema = z.object({
  name: z.string(),
  project: z.string().optional(),
  title: z.string(),
  priority: z.int(),
  labels: z.array(z.string()),
  state: z.string(),
});

/** A plan with every default filled in. */
export const planSchema = z
  .object({
    flag: z.string(),
    title: z.string(),
    version: z.string(),
    environment: z.string(),
    timeScale: z.number(),
    treatment: z.string(),
    control: z.string(),
    owners: z.object({
      operator: z.string().optional(),
      observer: z.string().optional(),
      analyst: z.string().optional(),
      stakeholders: z.array(z.string()),
    }),
    preflight: z.array(z.string()),
    preflightChecks: z.record(z.string(), preflightCheckSchema).optional(),
    baseline: z.object({ windowMs: milliseconds, historyMs: milliseconds.optional() }),
    metrics: z.record(z.string(), metricSchema),
    judges: z.record(z.string(), judgeSchema).optional(),
    stages: z.array(stageSchema),
    abortCriteria: z.array(checkSchema),
    alerts: z.array(checkSchema),
    killSwitch: z
      .object({
        flag: z.string(),
        autoTrip: z.boolean(),
        trips: z.array(checkSchema.extend({ windowMs: milliseconds, minSample: z.number() })),
      })
      .optional(),
    retry: z.object({ cooldownMs: milliseconds, limit: z.number(), people: z.enum(['same', 'fresh']) }),
    calendar: calendarSchema,
    gates: z.array(externalGateSchema).optional(),
    stuckAfterMs: milliseconds.optional(),
    blindLimitMs: milliseconds,
    onBlind: z.enum(['hold', 'rollback']),
    monitorMs: milliseconds,
    exit: z.array(z.string()),
    alpha: z.number(),
    beta: z.number(),
    fourEyes: z.boolean(),
    notify: z.array(
      z.object({
        channel: z.string(),
        events: z.array(z.string()).optional(),
        severity: z.array(z.enum(['page', 'warn', 'info'])).optional(),
        audience: z.array(z.enum(['on-call', 'stakeholders'])).optional(),
        digestMs: milliseconds.optional(),
      }),
    ),
    tracker: trackerSchema.optional(),
    next: jsonValueSchema.optional(),
    override: z.string().optional(),
  })
  .describe('A plan with every default filled in.') satisfies z.ZodType<Plan>;

/** One thing wrong, or doubtful, in a plan. */
export const planIssueSchema = z.object({
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  message: z.string(),
  path: z.string(),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
}) satisfies z.ZodType<PlanIssue>;
