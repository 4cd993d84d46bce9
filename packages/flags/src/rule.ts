import { bucketAfter } from './bucket.ts';
import { allPredicate, conditionPredicate, type Predicate } from './condition.ts';
import type { Decision, FlagParts } from './exposure.ts';
import type { Rule, SplitPart } from './flag.ts';

type CompiledRule = { readonly matches: Predicate; readonly serve: Decision };

/** Decision of the first rule that matches; `otherwise` decides when none does. */
export function rulesDecision(rules: readonly Rule[], parts: FlagParts, otherwise: Decision): Decision {
  const compiled = rules.map((rule) => compileRule(rule, parts));
  return (context) => {
    for (const rule of compiled) if (rule.matches(context)) return rule.serve(context);
    return otherwise(context);
  };
}

function compileRule(rule: Rule, parts: FlagParts): CompiledRule {
  const segments = (rule.segments ?? []).map(parts.segmentOf);
  const conditions = (rule.conditions ?? []).map(conditionPredicate);
  const matches = allPredicate([...segments, ...conditions]);
  if ('split' in rule.serve) return { matches, serve: splitDecision(rule.serve.split, parts) };
  const served = parts.outcomeOf(rule.serve.variant, 'TARGETING_MATCH');
  return { matches, serve: () => served };
}

function splitDecision(split: readonly SplitPart[], parts: FlagParts): Decision {
  const { unitOf, salt, defaulted, outcomeOf } = parts;
  let end = 0;
  const ends = split.map((part) => {
    end += part.weight;
    return { end, outcome: outcomeOf(part.variant, 'SPLIT') };
  });
  const rest = outcomeOf(parts.defaultVariant, 'SPLIT');
  return (context) => {
    const unit = unitOf(context);
    if (unit === undefined) return defaulted;
    const bucket = bucketAfter(salt, unit);
    for (const part of ends) if (bucket < part.end) return part.outcome;
    return rest;
  };
}
