import type { Condition, Flag, Segment } from '@rampart/flags';
import { z } from 'zod';
import { jsonValueSchema, keySchema, nameSchema, textSchema } from './primitive-schema.ts';

const FULL_WEIGHT = 100_000;
const MAX_LIST = 10_000;

const attribute = nameSchema;

/** One comparison of an attribute of the evaluation context. */
export const conditionSchema = z
  .discriminatedUnion('operator', [
    z.strictObject({ attribute, operator: z.enum(['equals', 'notEquals']), value: jsonValueSchema }),
    z.strictObject({
      attribute,
      operator: z.enum(['oneOf', 'notOneOf']),
      value: z.array(jsonValueSchema).max(MAX_LIST),
    }),
    z.strictObject({ attribute, operator: z.enum(['contains', 'startsWith', 'endsWith']), value: textSchema }),
    z.strictObject({
      attribute,
      operator: z.enum(['lessThan', 'atMost', 'greaterThan', 'atLeast']),
      value: z.number(),
    }),
    z.strictObject({
      attribute,
      operator: z.enum(['semverEquals', 'semverLessThan', 'semverAtMost', 'semverGreaterThan', 'semverAtLeast']),
      value: nameSchema,
    }),
    z.strictObject({ attribute, operator: z.enum(['before', 'after']), value: z.union([nameSchema, z.number()]) }),
  ])
  .describe('One comparison of an attribute of the evaluation context.') satisfies z.ZodType<Condition>;

const conditions = z.array(conditionSchema).max(100);

/** A named rule over the evaluation context. */
export const segmentSchema = z
  .strictObject({
    key: keySchema,
    description: textSchema.optional(),
    all: conditions.optional(),
    any: z.array(conditions).max(100).optional(),
  })
  .describe('A named rule over the evaluation context.') satisfies z.ZodType<Segment>;

const splitSchema = z
  .array(z.strictObject({ variant: keySchema, weight: z.int().min(0).max(FULL_WEIGHT) }))
  .max(100)
  .refine((parts) => parts.reduce((total, part) => total + part.weight, 0) <= FULL_WEIGHT, {
    message: `expected weights that sum to at most ${FULL_WEIGHT} (thousandths of a percent)`,
  });

const ruleSchema = z.strictObject({
  segments: z.array(keySchema).max(100).optional(),
  conditions: conditions.optional(),
  serve: z.union([z.strictObject({ variant: keySchema }), z.strictObject({ split: splitSchema })]),
});

const flagShape = z.strictObject({
  key: keySchema,
  description: textSchema.optional(),
  enabled: z.boolean(),
  variants: z.record(keySchema, jsonValueSchema),
  defaultVariant: keySchema,
  salt: nameSchema.optional(),
  bucketBy: nameSchema.optional(),
  killSwitch: keySchema.optional(),
  prerequisites: z
    .array(z.strictObject({ flag: keySchema, variant: keySchema }))
    .max(100)
    .optional(),
  rules: z.array(ruleSchema).max(1000).optional(),
});

type FlagInput = z.output<typeof flagShape>;
type Fault = { readonly path: readonly (string | number)[]; readonly message: string };

/** A flag as people write it: all but `exposure`, which belongs to the rollout. */
export const flagSchema = flagShape
  .check((context) => {
    for (const fault of [
      ...variantFaults(context.value),
      ...ruleFaults(context.value),
      ...referenceFaults(context.value),
    ]) {
      context.issues.push({ code: 'custom', message: fault.message, path: [...fault.path], input: context.value });
    }
  })
  .describe('A feature flag, without what a rollout adds to it.') satisfies z.ZodType<Flag>;

const kindOf = (value: unknown): string => (Array.isArray(value) || value === null ? 'object' : typeof value);

function variantFaults(flag: FlagInput): readonly Fault[] {
  const names = Object.keys(flag.variants);
  const kinds = [...new Set(Object.values(flag.variants).map(kindOf))];
  const known = names.includes(flag.defaultVariant);
  return [
    ...(names.length === 0 || names.length > 100
      ? [{ path: ['variants'], message: `expected 1 to 100 variants, received ${names.length}` }]
      : []),
    ...(kinds.length > 1
      ? [{ path: ['variants'], message: `expected values of one type, received ${kinds.join(' and ')}` }]
      : []),
    ...(known ? [] : [{ path: ['defaultVariant'], message: `expected one of ${names.join(', ')}` }]),
  ];
}

function ruleFaults(flag: FlagInput): readonly Fault[] {
  const names = Object.keys(flag.variants);
  return (flag.rules ?? []).flatMap((rule, index) => {
    const served = 'variant' in rule.serve ? [rule.serve.variant] : rule.serve.split.map((part) => part.variant);
    return served
      .filter((variant) => !names.includes(variant))
      .map((variant) => ({
        path: ['rules', index, 'serve'],
        message: `expected variants among ${names.join(', ')}, received ${JSON.stringify(variant)}`,
      }));
  });
}

function referenceFaults(flag: FlagInput): readonly Fault[] {
  const message = 'expected another flag';
  return [
    ...(flag.killSwitch === flag.key ? [{ path: ['killSwitch'], message }] : []),
    ...(flag.prerequisites ?? []).flatMap((needed, index) =>
      needed.flag === flag.key ? [{ path: ['prerequisites', index, 'flag'], message }] : [],
    ),
  ];
}

/** A flag as it is served: with what a running rollout adds. */
export const servedFlagSchema = flagShape
  .extend({
    exposure: z
      .object({
        rollout: z.string(),
        attempt: z.int(),
        epoch: z.int(),
        treatment: z.string(),
        control: z.string(),
        layers: z.array(z.object({ segment: z.string().optional(), weight: z.int() })),
        metrics: z.record(z.string(), z.enum(['sum', 'histogram'])),
        reportEveryMs: z.number().positive().optional(),
      })
      .optional(),
  })
  .describe('A flag as an SDK evaluates it.') satisfies z.ZodType<Flag>;

/** All flags and segments of one environment at one revision. */
export const rulesetSchema = z.object({
  schema: z.literal(1),
  environment: z.string(),
  revision: z.int(),
  flags: z.record(z.string(), servedFlagSchema),
  segments: z.record(z.string(), segmentSchema),
});
