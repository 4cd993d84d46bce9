import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rulesetArbitrary } from './arbitraries.contract.ts';
import { equalJson } from './json.ts';
import { applyPatch, diffRulesets } from './patch.ts';

describe('a patch', () => {
  it('turns any ruleset into any other of its environment, also after a trip through JSON', () => {
    fc.assert(
      fc.property(rulesetArbitrary, rulesetArbitrary, (from, to) => {
        const patch = JSON.parse(JSON.stringify(diffRulesets(from, to)));
        expect(equalJson(applyPatch(from, patch), to)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is empty between equal rulesets, and leaves untouched entries the same objects', () => {
    fc.assert(
      fc.property(rulesetArbitrary, (ruleset) => {
        const patch = diffRulesets(ruleset, JSON.parse(JSON.stringify(ruleset)));
        expect([patch.flags, patch.segments]).toEqual([{}, {}]);
        expect(applyPatch(ruleset, patch)?.segments.one).toBe(ruleset.segments.one);
      }),
    );
  });

  it('does not apply to another revision', () => {
    fc.assert(
      fc.property(rulesetArbitrary, (ruleset) => {
        const patch = { ...diffRulesets(ruleset, ruleset), fromRevision: ruleset.revision + 1 };
        expect(applyPatch(ruleset, patch)).toBeUndefined();
      }),
    );
  });
});
