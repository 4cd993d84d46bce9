import fc from 'fast-check';
import type { Condition, Exposure, ExposureLayer, Flag, JsonValue, Rule, Ruleset, Segment } from './flag.ts';

const attribute = fc.constantFrom('country', 'plan', 'age', 'company.plan', 'constructor', 'targetingKey', 'groups');
const word = fc.constantFrom('DE', 'FR', 'pro', 'free', '1.2.3', '2026-01-01', 'user-1', '');
const segmentKey = fc.constantFrom('one', 'two', 'three');
const flagKey = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'toString');
const variantKey = fc.constantFrom('on', 'off', 'other');

/** Any JSON value (negative zero excepted, which JSON text does not keep). */
export const jsonArbitrary: fc.Arbitrary<JsonValue> = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

/** Any JSON object as context, often with attributes that the flags ask for. */
export const contextArbitrary = fc.oneof(
  fc.dictionary(fc.oneof(attribute, fc.string()), fc.oneof(word, fc.integer(), jsonArbitrary)),
  fc.record(
    {
      targetingKey: fc.oneof(word, fc.string(), fc.integer()),
      country: word,
      plan: word,
      company: fc.record({ plan: word }),
    },
    { requiredKeys: [] },
  ),
);

const conditionArbitrary: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ attribute, operator: fc.constantFrom('equals', 'notEquals'), value: fc.oneof(word, jsonArbitrary) }),
  fc.record({
    attribute,
    operator: fc.constantFrom('oneOf', 'notOneOf'),
    value: fc.array(fc.oneof(word, jsonArbitrary)),
  }),
  fc.record({ attribute, operator: fc.constantFrom('contains', 'startsWith', 'endsWith'), value: word }),
  fc.record({
    attribute,
    operator: fc.constantFrom('lessThan', 'atMost', 'greaterThan', 'atLeast'),
    value: fc.integer(),
  }),
  fc.record({
    attribute,
    operator: fc.constantFrom('semverEquals', 'semverLessThan', 'semverAtMost', 'semverGreaterThan', 'semverAtLeast'),
    value: fc.constantFrom('1.2.3', '2.0.0-rc.1'),
  }),
  fc.record({
    attribute,
    operator: fc.constantFrom('before', 'after'),
    value: fc.constantFrom('2026-01-01', 1_700_000_000_000),
  }),
);

const segmentArbitrary = fc.record(
  {
    key: segmentKey,
    description: fc.string(),
    all: fc.array(conditionArbitrary, { maxLength: 3 }),
    any: fc.array(fc.array(conditionArbitrary, { maxLength: 3 }), { maxLength: 3 }),
  },
  { requiredKeys: ['key'] },
);

/** One layer of an exposure, over the segments `one`, `two`, `three`. */
export const layerArbitrary: fc.Arbitrary<ExposureLayer> = fc.record(
  { segment: segmentKey, weight: fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.constantFrom(0, 100_000)) },
  { requiredKeys: ['weight'] },
);

const exposureArbitrary: fc.Arbitrary<Exposure> = fc.record({
  rollout: fc.constantFrom('rollout-1', 'rollout-2'),
  attempt: fc.integer({ min: 1, max: 3 }),
  epoch: fc.nat(9),
  treatment: fc.constant('on'),
  control: fc.constant('off'),
  layers: fc.array(layerArbitrary, { maxLength: 4 }),
  metrics: fc.dictionary(
    fc.constantFrom('errorRate', 'p99Latency'),
    fc.constantFrom('sum' as const, 'histogram' as const),
  ),
});

const ruleArbitrary: fc.Arbitrary<Rule> = fc.record(
  {
    segments: fc.array(segmentKey, { maxLength: 2 }),
    conditions: fc.array(conditionArbitrary, { maxLength: 2 }),
    serve: fc.oneof(
      fc.record({ variant: variantKey }),
      fc.record({ split: fc.array(fc.record({ variant: variantKey, weight: fc.nat(33_000) }), { maxLength: 3 }) }),
    ),
  },
  { requiredKeys: ['serve'] },
);

const variantsArbitrary = fc.oneof(
  fc.constant({ on: true, off: false, other: false }),
  fc.record({ on: fc.string(), off: fc.string(), other: fc.string() }),
  fc.record({ on: fc.integer(), off: fc.integer(), other: fc.integer() }),
  fc.constant({ on: { deep: [1] }, off: {}, other: [] }),
);

/** A well-formed flag; its kill switch and prerequisites may be missing or circular. */
export const flagArbitrary: fc.Arbitrary<Flag> = fc.record(
  {
    key: flagKey,
    enabled: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
    variants: variantsArbitrary,
    defaultVariant: variantKey,
    salt: fc.string(),
    bucketBy: fc.constantFrom('targetingKey', 'company.plan', 'age'),
    killSwitch: flagKey,
    prerequisites: fc.array(fc.record({ flag: flagKey, variant: variantKey }), { maxLength: 2 }),
    rules: fc.array(ruleArbitrary, { maxLength: 2 }),
    exposure: exposureArbitrary,
  },
  { requiredKeys: ['key', 'enabled', 'variants', 'defaultVariant'] },
);

/** The segments `one`, `two`, `three`, all there. */
export const segmentsArbitrary: fc.Arbitrary<Readonly<Record<string, Segment>>> = fc
  .tuple(segmentArbitrary, segmentArbitrary, segmentArbitrary)
  .map(([one, two, three]) => ({
    one: { ...one, key: 'one' },
    two: { ...two, key: 'two' },
    three: { ...three, key: 'three' },
  }));

/** A well-formed ruleset. */
export const rulesetArbitrary: fc.Arbitrary<Ruleset> = fc
  .record({ revision: fc.nat(), flags: fc.array(flagArbitrary, { maxLength: 5 }), segments: segmentsArbitrary })
  .map(({ revision, flags, segments }) => ({
    schema: 1,
    environment: 'test',
    revision,
    flags: Object.fromEntries(flags.map((flag) => [flag.key, flag])),
    segments,
  }));
