import { describe, expect, it } from 'vitest';
import { bucketOf } from './bucket.ts';
import { compile } from './compile.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationContext } from './evaluation.ts';
import type { ExposureLayer, Flag, JsonValue, Ruleset, Segment } from './flag.ts';

const base: Flag = { key: 'f', enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' };
const segments: Readonly<Record<string, Segment>> = {
  team: { key: 'team', all: [{ attribute: 'email', operator: 'endsWith', value: '@example.com' }] },
  pro: { key: 'pro', all: [{ attribute: 'plan', operator: 'equals', value: 'pro' }] },
};

function serve<T extends JsonValue>(flags: readonly Partial<Flag>[], context: EvaluationContext, fallback: T) {
  const whole = flags.map((flag): Flag => ({ ...base, ...flag }));
  const ruleset: Ruleset = {
    schema: 1,
    environment: 'test',
    revision: 7,
    flags: Object.fromEntries(whole.map((flag) => [flag.key, flag])),
    segments,
  };
  return evaluate(compile(ruleset), whole[0]!.key, fallback, context);
}

const withLayers = (layers: readonly ExposureLayer[]): Partial<Flag> => ({
  exposure: { rollout: 'r', attempt: 2, epoch: 5, treatment: 'on', control: 'off', layers, metrics: {} },
});
const place = (arm: string, stratum: number) => ({ rollout: 'r', attempt: 2, epoch: 5, arm, stratum });

/** A unit whose bucket for flag `f` lies in [from, to). */
const unitIn = (from: number, to: number): string => {
  for (let user = 0; ; user++) {
    const bucket = bucketOf('f', `user-${user}`);
    if (bucket >= from && bucket < to) return `user-${user}`;
  }
};

describe('a flag without targeting', () => {
  it('serves its default variant as STATIC', () => {
    expect(serve([{}], {}, true)).toEqual({ value: false, reason: 'STATIC', variant: 'off' });
  });

  it('gives the fallback when it is unknown, malformed, switched off or of another type', () => {
    expect(
      evaluate(compile({ schema: 1, environment: 'test', revision: 7, flags: {}, segments }), 'f', 'mine', {}),
    ).toEqual({
      value: 'mine',
      reason: 'ERROR',
      errorCode: 'FLAG_NOT_FOUND',
      errorMessage: "create flag 'f' or correct its key; received revision 7 of 'test' without it",
    });
    expect(serve([{ defaultVariant: 'up' }], {}, true)).toMatchObject({
      value: true,
      reason: 'ERROR',
      errorCode: 'PARSE_ERROR',
    });
    expect(serve([{ enabled: false }], {}, true)).toEqual({ value: true, reason: 'DISABLED' });
    expect(serve([{}], {}, 'text')).toEqual({
      value: 'text',
      reason: 'ERROR',
      errorCode: 'TYPE_MISMATCH',
      errorMessage: "pass a fallback of type boolean for flag 'f'; received one of type string",
    });
  });

  it('gives any type to a `null` fallback, and a `null` value to no other', () => {
    expect(serve([{}], {}, null).value).toBe(false);
    const nothing = { variants: { off: null } };
    expect(serve([nothing], {}, null)).toEqual({ value: null, reason: 'STATIC', variant: 'off' });
    expect(serve([nothing], {}, {})).toMatchObject({ errorCode: 'TYPE_MISMATCH' });
  });

  it('shares results that nobody can change, detached from the ruleset', () => {
    const off = { list: [1] };
    const flag = { ...base, variants: { off } };
    const compiled = compile({ schema: 1, environment: 'test', revision: 7, flags: { f: flag }, segments });
    const first = evaluate(compiled, 'f', {}, {});
    off.list.push(2);
    expect(evaluate(compiled, 'f', {}, {})).toBe(first);
    expect(first.value).toEqual({ list: [1] });
    expect(Object.isFrozen(first) && Object.isFrozen(first.value)).toBe(true);
  });

  it('takes a context that throws as INVALID_CONTEXT', () => {
    const rules = [
      { conditions: [{ attribute: 'plan', operator: 'equals', value: 'pro' }], serve: { variant: 'on' } },
    ] as const;
    const hostile = Object.defineProperty({}, 'plan', {
      get: () => {
        throw new Error('no');
      },
    });
    const errorMessage = 'pass a plain JSON object as the context; received Error: no';
    expect(serve([{ rules }], hostile, true)).toMatchObject({
      value: true,
      errorCode: 'INVALID_CONTEXT',
      errorMessage,
    });
  });

  it('takes JSON nested deeper than the stack as PARSE_ERROR', () => {
    let deep: JsonValue = {};
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(serve([{ variants: { off: deep } }], {}, {})).toMatchObject({ errorCode: 'PARSE_ERROR' });
  });
});

describe('a kill switch', () => {
  const killed = { value: false, reason: 'DISABLED', variant: 'off' };
  const kill = (changes: Partial<Flag>): Partial<Flag> => ({ key: 'kill', ...changes });
  const feature: Partial<Flag> = { killSwitch: 'kill', rules: [{ serve: { variant: 'on' } }] };

  it('serves the default variant when it is true, before any rule', () => {
    expect(serve([feature, kill({ defaultVariant: 'on' })], {}, true)).toEqual(killed);
    expect(serve([feature, kill({})], {}, false).value).toBe(true);
  });

  it('is evaluated for the same context', () => {
    const forTeam = kill({ rules: [{ segments: ['team'], serve: { variant: 'on' } }] });
    expect(serve([feature, forTeam], { email: 'a@example.com' }, true)).toEqual(killed);
    expect(serve([feature, forTeam], { email: 'a@elsewhere.com' }, false).value).toBe(true);
  });

  it('wins over an exposure, and then there is no place', () => {
    const exposed = { ...withLayers([{ weight: 100_000 }]), killSwitch: 'kill' };
    expect(serve([exposed, kill({ defaultVariant: 'on' })], { targetingKey: 'u' }, true)).toEqual(killed);
  });

  it('kills nothing when it is missing, off, malformed or not boolean', () => {
    for (const other of [
      { key: 'other' },
      kill({ defaultVariant: 'on', enabled: false }),
      kill({ defaultVariant: 'up' }),
      kill({ variants: { off: 'true' } }),
    ]) {
      expect(serve([feature, other], {}, false).value).toBe(true);
    }
  });
});

describe('prerequisites', () => {
  const feature = { prerequisites: [{ flag: 'p', variant: 'on' }], rules: [{ serve: { variant: 'on' } }] } as const;

  it('serve the default variant unless each serves the variant named', () => {
    const unmet = { value: false, reason: 'DEFAULT', variant: 'off' };
    expect(serve([feature, { key: 'p', defaultVariant: 'on' }], {}, true)).toMatchObject({ value: true });
    expect(serve([feature, { key: 'p' }], {}, true)).toEqual(unmet);
    expect(serve([feature, { key: 'p', defaultVariant: 'on', enabled: false }], {}, true)).toEqual(unmet);
    expect(serve([feature], {}, true)).toEqual(unmet);
  });

  it('are PARSE_ERROR for every flag on a circle, and unmet for a flag that only leads to it', () => {
    const circle: Partial<Flag>[] = [
      { key: 'x', prerequisites: [{ flag: 'y', variant: 'on' }] },
      { key: 'y', killSwitch: 'x', prerequisites: [{ flag: 'y2', variant: 'on' }] },
      {
        key: 'y2',
        prerequisites: [
          { flag: 'y3', variant: 'on' },
          { flag: 'nowhere', variant: 'on' },
        ],
      },
      { key: 'y3' },
    ];
    const errorMessage = 'flags.x: break the circle; received a flag that needs itself to be decided';
    expect(serve(circle, {}, true)).toMatchObject({ errorCode: 'PARSE_ERROR', errorMessage });
    expect(serve(circle.toReversed(), {}, true)).toMatchObject({ reason: 'STATIC' });
    expect(serve([circle[1]!, circle[0]!, ...circle.slice(2)], {}, true)).toMatchObject({ errorCode: 'PARSE_ERROR' });
    const leading = { prerequisites: [{ flag: 'x', variant: 'on' }] };
    expect(serve([leading, ...circle], {}, true)).toEqual({ value: false, reason: 'DEFAULT', variant: 'off' });
    expect(serve([{ key: 'self', killSwitch: 'self' }], {}, true)).toMatchObject({ errorCode: 'PARSE_ERROR' });
  });
});

describe('rules', () => {
  it('serve the first that matches, else the default variant as DEFAULT', () => {
    const flag: Partial<Flag> = {
      variants: { a: 'a', b: 'b', off: 'off' },
      rules: [
        {
          segments: ['team'],
          conditions: [{ attribute: 'plan', operator: 'equals', value: 'pro' }],
          serve: { variant: 'a' },
        },
        { segments: ['team'], serve: { variant: 'b' } },
      ],
    };
    const email = 'a@example.com';
    expect(serve([flag], { email, plan: 'pro' }, '')).toEqual({ value: 'a', reason: 'TARGETING_MATCH', variant: 'a' });
    expect(serve([flag], { email }, '').variant).toBe('b');
    expect(serve([flag], {}, '')).toEqual({ value: 'off', reason: 'DEFAULT', variant: 'off' });
  });

  it('split the bucket line from its low end and give the rest the default variant', () => {
    const split = [
      { variant: 'a', weight: 20_000 },
      { variant: 'b', weight: 30_000 },
    ];
    const flag: Partial<Flag> = { variants: { a: 1, b: 2, off: 0 }, rules: [{ serve: { split } }] };
    const at = (from: number, to: number) => serve([flag], { targetingKey: unitIn(from, to) }, 9);
    expect(at(0, 20_000)).toEqual({ value: 1, reason: 'SPLIT', variant: 'a' });
    expect(at(20_000, 50_000)).toEqual({ value: 2, reason: 'SPLIT', variant: 'b' });
    expect(at(50_000, 100_000)).toEqual({ value: 0, reason: 'SPLIT', variant: 'off' });
    expect(serve([flag], {}, 9)).toEqual({ value: 0, reason: 'DEFAULT', variant: 'off' });
  });

  it('go before the exposure and give no place', () => {
    const flag = { ...withLayers([{ weight: 100_000 }]), rules: [{ segments: ['team'], serve: { variant: 'off' } }] };
    expect(serve([flag], { targetingKey: 'u', email: 'a@example.com' }, true).place).toBeUndefined();
    expect(serve([flag], { targetingKey: 'u' }, true).place).toEqual(place('treatment', 100_000));
  });
});

describe('exposure', () => {
  const low = unitIn(0, 5_000);
  const high = unitIn(30_000, 100_000);

  it('splits everyone at the weight', () => {
    const flag = withLayers([{ weight: 5_000 }]);
    expect(serve([flag], { targetingKey: low }, true)).toEqual({
      value: true,
      reason: 'SPLIT',
      variant: 'on',
      place: place('treatment', 5_000),
    });
    expect(serve([flag], { targetingKey: high }, true)).toEqual({
      value: false,
      reason: 'SPLIT',
      variant: 'off',
      place: place('control', 5_000),
    });
  });

  it('takes exactly the buckets below the weight, in a layer as in a part of a split', () => {
    const bucket = bucketOf('f', low);
    const splitAt = (weight: number): Partial<Flag> => ({ rules: [{ serve: { split: [{ variant: 'on', weight }] } }] });
    for (const flagAt of [(weight: number) => withLayers([{ weight }]), splitAt]) {
      expect(serve([flagAt(bucket)], { targetingKey: low }, true).value).toBe(false);
      expect(serve([flagAt(bucket + 1)], { targetingKey: low }, true).value).toBe(true);
    }
  });

  it('puts each unit in the stratum of the largest weight that applies to it', () => {
    const flag = withLayers([{ weight: 5_000 }, { segment: 'pro', weight: 25_000 }]);
    expect(serve([flag], { targetingKey: high, plan: 'pro' }, true).place).toEqual(place('control', 25_000));
    expect(serve([flag], { targetingKey: low, plan: 'pro' }, true).place).toEqual(place('treatment', 25_000));
    expect(serve([flag], { targetingKey: high }, true).place).toEqual(place('control', 5_000));
  });

  it('targets a whole segment, with or without a unit, before any split', () => {
    const flag = withLayers([
      { weight: 5_000 },
      { segment: 'team', weight: 100_000 },
      { segment: 'pro', weight: 100_000 },
    ]);
    const targeted = { value: true, reason: 'TARGETING_MATCH', variant: 'on', place: place('targeted', 100_000) };
    expect(serve([flag], { targetingKey: high, email: 'a@example.com' }, true)).toEqual(targeted);
    expect(serve([flag], { plan: 'pro' }, true)).toEqual(targeted);
    expect(serve([flag], { targetingKey: high }, true).place).toEqual(place('control', 5_000));
  });

  it('gives everyone treatment at full weight, and everyone control at weight 0', () => {
    expect(serve([withLayers([{ weight: 100_000 }])], { targetingKey: high }, false).place).toEqual(
      place('treatment', 100_000),
    );
    expect(serve([withLayers([{ weight: 0 }])], { targetingKey: low }, true)).toEqual({
      value: false,
      reason: 'SPLIT',
      variant: 'off',
      place: place('control', 0),
    });
  });

  it('measures everyone as control of stratum 0 while it has no layer', () => {
    expect(serve([withLayers([])], { targetingKey: low }, true)).toEqual({
      value: false,
      reason: 'DEFAULT',
      variant: 'off',
      place: place('control', 0),
    });
  });

  it('gives no place to a unit no layer takes, nor to a context without a unit', () => {
    const nobody = { value: false, reason: 'DEFAULT', variant: 'off' };
    expect(serve([withLayers([{ segment: 'pro', weight: 5_000 }])], { targetingKey: low }, true)).toEqual(nobody);
    for (const context of [{}, { targetingKey: '' }, { targetingKey: null } as unknown as EvaluationContext]) {
      expect(serve([withLayers([{ weight: 100_000 }])], context, true)).toEqual(nobody);
      expect(serve([withLayers([])], context, true)).toEqual(nobody);
    }
  });

  it('buckets by the attribute and the salt the flag names; numbers count as their text', () => {
    const flag = { ...withLayers([{ weight: 50_000 }]), bucketBy: 'account', salt: 'fresh' };
    for (let account = 0; account < 50; account++) {
      const expected = bucketOf('fresh', String(account)) < 50_000;
      expect(serve([flag], { targetingKey: 'same', account }, false).value).toBe(expected);
      expect(serve([flag], { account: String(account) }, false).value).toBe(expected);
    }
  });
});
