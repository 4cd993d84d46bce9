import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonArbitrary, rulesetArbitrary } from './arbitraries.contract.ts';
import { equalJson } from './json.ts';
import { parseRuleset } from './parse.ts';

const flag = { key: 'f', enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' };
const exposure = { rollout: 'r', attempt: 1, epoch: 0, treatment: 'on', control: 'off', layers: [], metrics: {} };
const withFlag = (changes: object) => ({
  schema: 1,
  environment: 'production',
  revision: 3,
  flags: { f: { ...flag, ...changes } },
  segments: { team: { key: 'team', all: [{ attribute: 'email', operator: 'endsWith', value: '@example.com' }] } },
});
const withCondition = (condition: unknown) =>
  withFlag({ rules: [{ conditions: [condition], serve: { variant: 'on' } }] });
const messageOf = (json: unknown) => {
  const parsed = parseRuleset(json);
  return parsed.ok ? 'accepted' : parsed.message;
};

describe('parseRuleset', () => {
  it('gives back any ruleset that was printed', () => {
    fc.assert(
      fc.property(rulesetArbitrary, (ruleset) => {
        const parsed = parseRuleset(JSON.parse(JSON.stringify(ruleset)));
        expect(parsed.ok && equalJson(parsed.ruleset, ruleset)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses JSON that is no ruleset, and never throws', () => {
    fc.assert(
      fc.property(jsonArbitrary, (json) => {
        expect(parseRuleset(json).ok).toBe(false);
      }),
    );
    expect(messageOf(undefined)).toBe('ruleset: give an object; received nothing');
  });

  it('keeps what a newer server adds', () => {
    expect(messageOf({ ...withFlag({ later: 1 }), later: true })).toBe('accepted');
  });

  it.each([
    [{ ...withFlag({}), schema: 2 }, 'ruleset.schema: give one of 1; received 2'],
    [{ ...withFlag({}), environment: '' }, "ruleset.environment: give a text that is not empty; received ''"],
    [
      { ...withFlag({}), revision: -1 },
      'ruleset.revision: give a whole number from 0 to 9007199254740991; received -1',
    ],
    [{ ...withFlag({}), flags: [] }, 'ruleset.flags: give an object; received a list of 0'],
    [{ ...withFlag({}), flags: { f: null } }, 'ruleset.flags.f: give an object; received null'],
    [{ ...withFlag({}), flags: { g: flag } }, "flags.g.key: give 'g', as it is filed; received 'f'"],
    [
      { ...withFlag({}), segments: { s: { key: 's', any: [[{}]] } } },
      'segments.s.any[0][0].attribute: give a text that is not empty; received nothing',
    ],
    [withFlag({ enabled: 'yes' }), "flags.f.enabled: give true or false; received 'yes'"],
    [withFlag({ salt: {} }), 'flags.f.salt: give a text; received an object'],
    [withFlag({ rules: {} }), 'flags.f.rules: give a list; received an object'],
    [withFlag({ variants: { on: true, off: undefined } }), 'flags.f.variants.off: give a JSON value; received nothing'],
    [
      withFlag({ variants: { on: true, off: 'no' } }),
      "flags.f.variants: give values of one type; received 'boolean and string'",
    ],
    [withFlag({ variants: {} }), "flags.f: give a variant among none, as there are none; received 'off'"],
    [withFlag({ defaultVariant: 'toString' }), "flags.f: give a variant among on, off; received 'toString'"],
    [withFlag({ rules: [{ serve: { variant: 'up' } }] }), "flags.f: give a variant among on, off; received 'up'"],
    [
      withFlag({
        rules: [
          {
            serve: {
              split: [
                { variant: 'on', weight: 60_000 },
                { variant: 'off', weight: 60_000 },
              ],
            },
          },
        ],
      }),
      'flags.f.rules[0].serve.split: give weights of 100000 in all at most; received 120000',
    ],
    [
      withFlag({ exposure: { ...exposure, layers: [{ weight: 0.5 }] } }),
      'flags.f.exposure.layers[0].weight: give a whole number from 0 to 100000; received 0.5',
    ],
    [
      withFlag({ exposure: { ...exposure, metrics: { m: 'mean' } } }),
      "flags.f.exposure.metrics.m: give one of sum, histogram; received 'mean'",
    ],
    [
      withFlag({ exposure: { ...exposure, reportEveryMs: 0 } }),
      'flags.f.exposure.reportEveryMs: give a number above 0; received 0',
    ],
    [
      withFlag({ exposure: { ...exposure, layers: [{ segment: 'x', weight: 1 }] } }),
      "flags.f: add segment 'x' to the ruleset or stop naming it; received a ruleset without it",
    ],
    [
      withCondition({ attribute: 'v', operator: 'semverEquals', value: 'v1' }),
      "flags.f.rules[0].conditions[0].value: give a semantic version such as 1.2.3; received 'v1'",
    ],
    [
      withCondition({ attribute: 'v', operator: 'after', value: 'soon' }),
      "flags.f.rules[0].conditions[0].value: give an instant: ISO 8601 text or epoch milliseconds; received 'soon'",
    ],
    [
      withCondition({ attribute: 'v', operator: 'atMost', value: '1' }),
      "flags.f.rules[0].conditions[0].value: give a number; received '1'",
    ],
    [
      withFlag({ description: 'x', bucketBy: 'y'.repeat(50), killSwitch: 7 }),
      'flags.f.killSwitch: give a text that is not empty; received 7',
    ],
  ])('refuses %#: says where, what to give and what came', (json, message) => {
    expect(messageOf(json)).toBe(message);
  });

  it('names the operators it knows and cuts long values short', () => {
    const message = messageOf(withCondition({ attribute: 'v', operator: 'x'.repeat(90), value: 1 }));
    expect(message).toMatch(/operator: give one of equals, .*after; received 'x{39}…$/);
  });
});
