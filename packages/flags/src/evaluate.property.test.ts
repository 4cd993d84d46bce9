import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contextArbitrary,
  flagArbitrary,
  jsonArbitrary,
  layerArbitrary,
  rulesetArbitrary,
  segmentsArbitrary,
} from './arbitraries.contract.ts';
import { compile } from './compile.ts';
import { evaluate } from './evaluate.ts';
import type { EvaluationContext } from './evaluation.ts';
import type { ExposureLayer, Flag, Ruleset, Segment } from './flag.ts';

const rulesetOf = (flag: Flag, segments: Readonly<Record<string, Segment>>): Ruleset => ({
  schema: 1,
  environment: 'test',
  revision: 1,
  flags: { [flag.key]: flag },
  segments,
});

const exposed = (
  layers: readonly ExposureLayer[],
  segments: Readonly<Record<string, Segment>>,
  context: EvaluationContext,
) => {
  const flag: Flag = {
    key: 'f',
    enabled: true,
    variants: { on: true, off: false },
    defaultVariant: 'off',
    exposure: { rollout: 'r', attempt: 1, epoch: 1, treatment: 'on', control: 'off', layers, metrics: {} },
  };
  return evaluate(compile(rulesetOf(flag, segments)), 'f', false, context).value;
};

describe('evaluate, whatever it is given', () => {
  it('never throws and answers the same twice, on any flags and any JSON context', () => {
    const fallback = fc.oneof(fc.boolean(), fc.string(), fc.integer(), fc.constant(null), fc.constant({}));
    fc.assert(
      fc.property(rulesetArbitrary, contextArbitrary, fallback, (ruleset, context, other) => {
        const compiled = compile(ruleset);
        for (const key of ['a', 'b', 'c', 'd', '__proto__', 'toString', 'nowhere']) {
          const first = evaluate(compiled, key, other, context as EvaluationContext);
          expect(evaluate(compiled, key, other, context as EvaluationContext)).toEqual(first);
          expect(first.reason === 'ERROR').toBe(first.errorCode !== undefined);
          expect(first.errorCode).not.toBe('INVALID_CONTEXT');
          expect(Object.isFrozen(first)).toBe(true);
          if (first.errorCode !== undefined) expect(first.value).toEqual(other);
          else if (other !== null) expect(typeof first.value).toBe(typeof other);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on JSON that is no flag and no context', () => {
    fc.assert(
      fc.property(jsonArbitrary, jsonArbitrary, jsonArbitrary, (flag, segment, context) => {
        const ruleset = { schema: 1, environment: 'x', revision: 1, flags: { f: flag }, segments: { one: segment } };
        const result = evaluate(compile(ruleset as unknown as Ruleset), 'f', 'mine', context as EvaluationContext);
        expect(result).toMatchObject({ value: 'mine', reason: 'ERROR', errorCode: 'PARSE_ERROR' });
      }),
    );
  });

  it('takes one damaged property of a sound flag as PARSE_ERROR or ignores it', () => {
    fc.assert(
      fc.property(
        flagArbitrary,
        segmentsArbitrary,
        fc.nat(),
        jsonArbitrary,
        contextArbitrary,
        (flag, segments, pick, junk, context) => {
          const keys = Object.keys(flag);
          const damaged = { ...flag, [keys[pick % keys.length]!]: junk } as Flag;
          const ruleset = { ...rulesetOf(flag, segments), flags: Object.fromEntries([[flag.key, damaged]]) };
          const result = evaluate(compile(ruleset), flag.key, null, context as EvaluationContext);
          expect([undefined, 'PARSE_ERROR']).toContain(result.errorCode);
        },
      ),
    );
  });
});

describe('exposure', () => {
  const layers = fc.array(layerArbitrary, { maxLength: 4 });

  it('removes nobody when a weight rises', () => {
    fc.assert(
      fc.property(
        layers,
        segmentsArbitrary,
        contextArbitrary,
        fc.nat(3),
        fc.nat(100_000),
        (before, segments, json, at, rise) => {
          const context = json as EvaluationContext;
          const after = before.map((layer, index) =>
            index === at ? { ...layer, weight: Math.min(100_000, layer.weight + rise) } : layer,
          );
          if (exposed(before, segments, context)) expect(exposed(after, segments, context)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('removes nobody when a layer is added', () => {
    fc.assert(
      fc.property(layers, layerArbitrary, segmentsArbitrary, contextArbitrary, (before, layer, segments, json) => {
        const context = json as EvaluationContext;
        if (exposed(before, segments, context)) expect(exposed([...before, layer], segments, context)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
