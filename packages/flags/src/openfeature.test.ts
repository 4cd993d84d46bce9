import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile } from './compile.ts';
import { evaluate } from './evaluate.ts';
import type { Condition, Flag, JsonValue } from './flag.ts';

type SpecFlag = {
  disabled?: boolean;
  variants: Record<string, JsonValue>;
  defaultVariant?: string | null;
  contextEvaluator?: string;
};
const file = new URL('../../../../shared/conformance/openfeature/test-flags.json', import.meta.url);
const present = existsSync(file);
const specFlags: Record<string, SpecFlag> = present ? JSON.parse(readFileSync(file, 'utf8')) : {};

/** The two forms of expression that the specification's flags use. */
const CONDITIONS: Readonly<Record<string, readonly Condition[]>> = {
  "email == 'ballmer@macrosoft.com' ? 'zero' : ''": [
    { attribute: 'email', operator: 'equals', value: 'ballmer@macrosoft.com' },
  ],
  "!customer && email == 'ballmer@macrosoft.com' && age > 10 ? 'internal' : ''": [
    { attribute: 'customer', operator: 'notEquals', value: true },
    { attribute: 'email', operator: 'equals', value: 'ballmer@macrosoft.com' },
    { attribute: 'age', operator: 'greaterThan', value: 10 },
  ],
};

/** A flag without a default variant has no counterpart: ours must have one. */
const mapped = Object.entries(specFlags).flatMap(([key, flag]): Flag[] => {
  const { disabled = false, variants, defaultVariant, contextEvaluator } = flag;
  if (typeof defaultVariant !== 'string') return [];
  const variant = contextEvaluator?.includes("'internal'") ? 'internal' : 'zero';
  const rules =
    contextEvaluator === undefined ? [] : [{ conditions: CONDITIONS[contextEvaluator]!, serve: { variant } }];
  return [{ key, enabled: !disabled, variants, defaultVariant, rules }];
});
const compiled = compile({
  schema: 1,
  environment: 'openfeature',
  revision: 1,
  flags: Object.fromEntries(mapped.map((flag) => [flag.key, flag])),
  segments: {},
});
const ballmer = { email: 'ballmer@macrosoft.com' };
const fallbacks: Readonly<Record<string, JsonValue>> = {
  boolean: true,
  string: 'hi',
  integer: 1,
  float: 0.1,
  object: { a: 1 },
};
const zeros: Readonly<Record<string, JsonValue>> = { boolean: false, string: '', integer: 0, float: 0, object: {} };

// The specification's flags lie beside the repository and are absent from a plain clone.
describe.skipIf(!present)("the flags of OpenFeature's evaluation suite", () => {
  it('are all mapped but the two without a default variant', () => {
    expect(Object.keys(specFlags).filter((key) => !compiled.ruleset.flags[key])).toEqual([
      'null-default-flag',
      'undefined-default-flag',
    ]);
  });

  it('resolve values with variant and reason STATIC', () => {
    const template = { showImages: true, title: 'Check out these pics!', imagesPerPage: 100 };
    expect(evaluate(compiled, 'boolean-flag', false, {})).toEqual({ value: true, variant: 'on', reason: 'STATIC' });
    expect(evaluate(compiled, 'string-flag', 'bye', {})).toEqual({
      value: 'hi',
      variant: 'greeting',
      reason: 'STATIC',
    });
    expect(evaluate(compiled, 'integer-flag', 1, {})).toEqual({ value: 10, variant: 'ten', reason: 'STATIC' });
    expect(evaluate(compiled, 'float-flag', 0.1, {})).toEqual({ value: 0.5, variant: 'half', reason: 'STATIC' });
    expect(evaluate(compiled, 'object-flag', {}, {})).toEqual({
      value: template,
      variant: 'template',
      reason: 'STATIC',
    });
  });

  it.each(Object.keys(fallbacks))('resolve the zero value of %s: STATIC, TARGETING_MATCH, DEFAULT', (type) => {
    const value = zeros[type];
    const at = (key: string, context: object) => evaluate(compiled, `${type}-${key}`, fallbacks[type]!, { ...context });
    expect(at('zero-flag', {})).toMatchObject({ value, reason: 'STATIC' });
    expect(at('targeted-zero-flag', ballmer)).toMatchObject({ value, reason: 'TARGETING_MATCH' });
    expect(at('targeted-zero-flag', { email: 'ballmer@none.com' })).toMatchObject({ value, reason: 'DEFAULT' });
    expect(at('targeted-zero-flag', {})).toMatchObject({ value, reason: 'DEFAULT' });
  });

  it.each(Object.keys(fallbacks))('give the fallback for a %s that is missing, disabled or of another type', (type) => {
    const value = fallbacks[type]!;
    const wrong = type === 'boolean' ? 'string-flag' : 'boolean-flag';
    expect(evaluate(compiled, 'non-existent-flag', value, {})).toMatchObject({
      value,
      reason: 'ERROR',
      errorCode: 'FLAG_NOT_FOUND',
    });
    expect(evaluate(compiled, wrong, value, {})).toMatchObject({ value, reason: 'ERROR', errorCode: 'TYPE_MISMATCH' });
    expect(evaluate(compiled, `${type}-disabled-flag`, value, {})).toEqual({ value, reason: 'DISABLED' });
  });

  it('resolve the complex targeting', () => {
    expect(evaluate(compiled, 'complex-targeted', '', { ...ballmer, age: 11, customer: false }).value).toBe('INTERNAL');
    expect(evaluate(compiled, 'complex-targeted', '', { ...ballmer, age: 11, customer: true }).value).toBe('EXTERNAL');
  });
});
