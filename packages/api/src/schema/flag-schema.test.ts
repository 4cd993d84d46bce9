import { describe, expect, it } from 'vitest';
import { checkBody } from '../check-body.ts';
import { flagSchema, segmentSchema, servedFlagSchema } from './flag-schema.ts';

const flag = (change: object = {}) => ({
  key: 'feature-xyz',
  enabled: true,
  variants: { on: true, off: false },
  defaultVariant: 'off',
  ...change,
});
const serve = (served: object) => flag({ rules: [{ serve: served }] });

describe('flagSchema', () => {
  it('takes a flag with everything a person may write', () => {
    const whole = flag({
      description: 'd',
      salt: 's',
      bucketBy: 'account',
      killSwitch: 'kill-xyz',
      prerequisites: [{ flag: 'other', variant: 'on' }],
      rules: [
        { segments: ['internal'], serve: { variant: 'on' } },
        {
          conditions: [
            { attribute: 'plan', operator: 'oneOf', value: ['pro', 3, null] },
            { attribute: 'app', operator: 'semverAtLeast', value: '2.0.0' },
            { attribute: 'since', operator: 'after', value: 1700000000000 },
          ],
          serve: { split: [{ variant: 'on', weight: 500 }] },
        },
      ],
    });
    expect(checkBody(flagSchema, whole)).toEqual(whole);
  });

  it.each([
    ['exposure, which belongs to the rollout', flag({ exposure: {} }), /"exposure"/],
    [
      'an unknown default',
      flag({ defaultVariant: 'blue' }),
      /defaultVariant: expected one of on, off, received "blue"/,
    ],
    ['values of two types', flag({ variants: { on: true, off: 'no' } }), /received boolean and string/],
    ['no variants', flag({ variants: {} }), /expected 1 to 100 variants/],
    ['a rule that serves an unknown variant', serve({ variant: 'blue' }), /rules\[0\].serve: .*received "blue"/],
    [
      'a split above everyone',
      serve({
        split: [
          { variant: 'on', weight: 60_000 },
          { variant: 'off', weight: 50_000 },
        ],
      }),
      /rules\[0\]/,
    ],
    ['a fraction of a thousandth', serve({ split: [{ variant: 'on', weight: 0.5 }] }), /rules\[0\]/],
    ['itself as kill switch', flag({ killSwitch: 'feature-xyz' }), /killSwitch: expected another flag/],
    [
      'itself as prerequisite',
      flag({ prerequisites: [{ flag: 'feature-xyz', variant: 'on' }] }),
      /prerequisites\[0\].flag/,
    ],
    ['a key with a slash', flag({ key: 'a/b' }), /key: expected 1 to 128 letters/],
  ])('refuses %s', (_, value, message) => {
    expect(() => checkBody(flagSchema, value)).toThrow(message);
  });

  it('refuses a variant nested too deep, without running out of stack', () => {
    const deep = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)) as unknown;
    expect(() => checkBody(flagSchema, flag({ variants: { on: deep, off: [] } }))).toThrow(/at most 16 levels deep/);
  });

  it('refuses an unknown operator by naming the ones there are', () => {
    const rules = [{ conditions: [{ attribute: 'a', operator: 'matches', value: '.*' }], serve: { variant: 'on' } }];
    expect(() => checkBody(flagSchema, flag({ rules }))).toThrow(/rules\[0\].conditions\[0\].operator/);
  });
});

describe('servedFlagSchema', () => {
  it('carries the exposure of a rollout', () => {
    const exposure = {
      rollout: 'r1',
      attempt: 1,
      epoch: 3,
      treatment: 'on',
      control: 'off',
      layers: [{ segment: 'internal', weight: 100_000 }, { weight: 5000 }],
      metrics: { errorRate: 'sum', p99Latency: 'histogram' },
    };
    expect(checkBody(servedFlagSchema, flag({ exposure }))).toEqual(flag({ exposure }));
  });
});

describe('segmentSchema', () => {
  it('takes all and any, and refuses a wrong value for an operator', () => {
    const segment = {
      key: 'internal',
      all: [{ attribute: 'email', operator: 'endsWith', value: '@example.com' }],
      any: [[{ attribute: 'age', operator: 'atLeast', value: 18 }], []],
    };
    expect(checkBody(segmentSchema, segment)).toEqual(segment);
    const wrong = { key: 'x', all: [{ attribute: 'age', operator: 'atLeast', value: '18' }] };
    expect(() => checkBody(segmentSchema, wrong)).toThrow(/all\[0\].value: .*expected number, received string/);
  });
});
