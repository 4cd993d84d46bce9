import { unitReader } from './attribute.ts';
import type { Predicate } from './condition.ts';
import { type Decision, exposureDecision, type FlagParts, type OutcomeOf } from './exposure.ts';
import type { Flag, JsonValue, Ruleset } from './flag.ts';
import { frozenCopy, type JsonKind, kindOf } from './json.ts';
import { hashPrefix } from './murmur3.ts';
import { flagProblem, referenceProblem } from './parse.ts';
import { rulesDecision } from './rule.ts';
import { segmentPredicate } from './segment.ts';

/** A flag ready to be evaluated, or why it cannot be. */
export type CompiledFlag =
  | {
      readonly state: 'on';
      /** Type of all its values. */
      readonly kind: JsonKind;
      readonly decide: Decision;
    }
  | { readonly state: 'off' }
  | { readonly state: 'malformed'; readonly message: string };

/** A ruleset to evaluate against. Flags and segments are compiled on first use and kept. */
export type CompiledRuleset = {
  readonly ruleset: Ruleset;
  readonly flags: Map<string, CompiledFlag>;
  readonly segments: Map<string, Predicate>;
};

/**
 * Readies a ruleset for `evaluate`. Takes constant time: each flag is checked and compiled when it is first asked for. A
 * malformed flag harms only itself (PARSE_ERROR). Do not change the ruleset afterwards; compile the next revision anew.
 */
export function compile(ruleset: Ruleset): CompiledRuleset {
  return { ruleset, flags: new Map(), segments: new Map() };
}

/** The compiled flag; `undefined` when the ruleset has none under this key. */
export function compiledFlag(compiled: CompiledRuleset, key: string): CompiledFlag | undefined {
  return compiled.flags.get(key) ?? compileFlag(compiled, key);
}

function compileFlag(compiled: CompiledRuleset, key: string): CompiledFlag | undefined {
  const { flags } = compiled.ruleset;
  const flag = Object.hasOwn(flags, key) ? flags[key] : undefined;
  if (flag === undefined) return undefined;
  const result = soundOrMalformed(compiled, flag, key);
  compiled.flags.set(key, result);
  return result;
}

function soundOrMalformed(compiled: CompiledRuleset, flag: Flag, key: string): CompiledFlag {
  try {
    const message = problemOf(compiled, flag, key);
    if (message !== undefined) return { state: 'malformed', message };
    return flag.enabled ? soundFlag(compiled, flag) : { state: 'off' };
  } catch (error) {
    // What is left to throw is JSON nested deeper than the stack.
    return { state: 'malformed', message: `flags.${key}: nest it less deeply; received ${String(error)}` };
  }
}

function problemOf(compiled: CompiledRuleset, flag: Flag, key: string): string | undefined {
  return (
    flagProblem(flag, key) ?? referenceProblem(flag, compiled.ruleset.segments) ?? cycleProblem(compiled.ruleset, key)
  );
}

function soundFlag(compiled: CompiledRuleset, flag: Flag): CompiledFlag {
  const values = new Map(Object.entries(flag.variants).map(([variant, value]) => [variant, frozenCopy(value)]));
  const outcomeOf = outcomesOf(values);
  const parts: FlagParts = {
    outcomeOf,
    unitOf: unitReader(flag.bucketBy ?? 'targetingKey'),
    salt: hashPrefix(flag.salt ?? flag.key),
    segmentOf: (key) => segmentOf(compiled, key),
    defaultVariant: flag.defaultVariant,
    defaulted: outcomeOf(flag.defaultVariant, 'DEFAULT'),
  };
  const decide = killable(compiled, flag, parts, dependent(compiled, flag, parts, ownDecision(flag, parts)));
  return { state: 'on', kind: kindOf(flag.variants[flag.defaultVariant]) ?? 'null', decide };
}

function outcomesOf(values: ReadonlyMap<string, JsonValue>): OutcomeOf {
  return (variant, reason, place) => {
    const value = values.get(variant) ?? null;
    return Object.freeze(place === undefined ? { value, reason, variant } : { value, reason, variant, place });
  };
}

function ownDecision(flag: Flag, parts: FlagParts): Decision {
  const rules = flag.rules ?? [];
  const last = flag.exposure === undefined ? restDecision(rules.length, parts) : exposureDecision(flag.exposure, parts);
  return rules.length === 0 ? last : rulesDecision(rules, parts, last);
}

function restDecision(ruleCount: number, parts: FlagParts): Decision {
  const { defaulted } = parts;
  if (ruleCount > 0) return () => defaulted;
  const fixed = parts.outcomeOf(parts.defaultVariant, 'STATIC');
  return () => fixed;
}

/** Killed when the kill-switch flag serves `true`; one that is missing, off or malformed kills nothing. */
function killable(compiled: CompiledRuleset, flag: Flag, parts: FlagParts, decide: Decision): Decision {
  const killer = flag.killSwitch === undefined ? undefined : compiledFlag(compiled, flag.killSwitch);
  if (killer?.state !== 'on') return decide;
  const isKilled = killer.decide;
  const killed = parts.outcomeOf(flag.defaultVariant, 'DISABLED');
  return (context) => (isKilled(context).value === true ? killed : decide(context));
}

function dependent(compiled: CompiledRuleset, flag: Flag, parts: FlagParts, decide: Decision): Decision {
  const needed = (flag.prerequisites ?? []).map(({ flag: key, variant }) => {
    const other = compiledFlag(compiled, key);
    return { variant, decide: other?.state === 'on' ? other.decide : undefined };
  });
  if (needed.length === 0) return decide;
  return (context) => {
    for (const one of needed) if (one.decide?.(context).variant !== one.variant) return parts.defaulted;
    return decide(context);
  };
}

function segmentOf(compiled: CompiledRuleset, key: string): Predicate {
  const known = compiled.segments.get(key);
  if (known !== undefined) return known;
  const predicate = segmentPredicate(compiled.ruleset.segments[key] ?? { key });
  compiled.segments.set(key, predicate);
  return predicate;
}

/** A flag that can reach itself over kill switches and prerequisites has no answer; the flags that ask for it have. */
function cycleProblem(ruleset: Ruleset, key: string): string | undefined {
  const seen = new Set<string>();
  const open = [...dependenciesOf(ruleset, key)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === key) return `flags.${key}: break the circle; received a flag that needs itself to be decided`;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...dependenciesOf(ruleset, next));
  }
  return undefined;
}

function dependenciesOf(ruleset: Ruleset, key: string): readonly string[] {
  const flag = Object.hasOwn(ruleset.flags, key) ? ruleset.flags[key] : undefined;
  if (flag === undefined || flagProblem(flag, key) !== undefined) return [];
  const prerequisites = (flag.prerequisites ?? []).map((prerequisite) => prerequisite.flag);
  return flag.killSwitch === undefined ? prerequisites : [flag.killSwitch, ...prerequisites];
}
