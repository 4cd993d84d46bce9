import { describe, expect, it } from 'vitest';
import { planIn } from './plan-module.ts';

const plan = { flagName: 'f' };

describe('the plan of a module', () => {
  it('is what it exports as default, rolloutConfig or config', () => {
    expect(planIn({ default: plan, config: {} })).toBe(plan);
    expect(planIn({ rolloutConfig: plan })).toBe(plan);
    expect(planIn({ config: plan })).toBe(plan);
    expect(planIn({ other: plan })).toBeUndefined();
  });

  it('is none in a file that Node took for CommonJS and that exports nothing', () => {
    expect(planIn({ default: {}, 'module.exports': {} })).toBeUndefined();
    expect(planIn({ default: plan, 'module.exports': plan })).toBe(plan);
  });

  it('may be empty where someone exports it so: the plan says what is missing', () => {
    expect(planIn({ default: {} })).toEqual({});
  });
});
