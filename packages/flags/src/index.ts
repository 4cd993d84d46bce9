export { unitReader } from './attribute.ts';
export { bucketOf, USER_BUCKETS, userBucketOf } from './bucket.ts';
export { type CompiledRuleset, compile } from './compile.ts';
export { evaluate, type ValueFor } from './evaluate.ts';
export type { Arm, ErrorCode, Evaluation, EvaluationContext, ExposurePlace, Reason } from './evaluation.ts';
export {
  type Aggregation,
  type Condition,
  type Exposure,
  type ExposureLayer,
  type Flag,
  FULL_WEIGHT,
  type JsonValue,
  type Rule,
  type Ruleset,
  type RulesetPatch,
  type Segment,
  type SplitPart,
} from './flag.ts';
export { equalJson } from './json.ts';
export { murmur3 } from './murmur3.ts';
export { type ParsedRuleset, parseRuleset } from './parse.ts';
export { applyPatch, diffRulesets } from './patch.ts';
