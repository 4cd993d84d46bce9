import {
  type Check,
  finite,
  firstProblem,
  listOf,
  name,
  objectWith,
  oneOf,
  positive,
  problem,
  recordOf,
  text,
  wholeUpTo,
  yesOrNo,
} from './check.ts';
import { type Condition, type Flag, FULL_WEIGHT, type Ruleset, type Segment } from './flag.ts';
import { instantMs } from './instant.ts';
import { isRecord, kindOf } from './json.ts';
import { parseVersion } from './semver.ts';

/** A ruleset, or why the JSON is none: the first problem, with its path. */
export type ParsedRuleset =
  | { readonly ok: true; readonly ruleset: Ruleset }
  | { readonly ok: false; readonly message: string };

const count = wholeUpTo(Number.MAX_SAFE_INTEGER);
const weight = wholeUpTo(FULL_WEIGHT);

const jsonValue: Check = (value, path) =>
  kindOf(value) === undefined ? problem(path, 'a JSON value', value) : undefined;

const version: Check = (value, path) =>
  typeof value === 'string' && parseVersion(value) !== undefined
    ? undefined
    : problem(path, 'a semantic version such as 1.2.3', value);

const instant: Check = (value, path) =>
  Number.isNaN(instantMs(value)) ? problem(path, 'an instant: ISO 8601 text or epoch milliseconds', value) : undefined;

const VALUE_CHECKS: Readonly<Record<Condition['operator'], Check>> = {
  equals: jsonValue,
  notEquals: jsonValue,
  oneOf: listOf(jsonValue),
  notOneOf: listOf(jsonValue),
  contains: text,
  startsWith: text,
  endsWith: text,
  lessThan: finite,
  atMost: finite,
  greaterThan: finite,
  atLeast: finite,
  semverEquals: version,
  semverLessThan: version,
  semverAtMost: version,
  semverGreaterThan: version,
  semverAtLeast: version,
  before: instant,
  after: instant,
};
const VALUE_CHECK_BY_OPERATOR: ReadonlyMap<unknown, Check> = new Map(Object.entries(VALUE_CHECKS));

const conditionShape = objectWith({ attribute: name, operator: oneOf(...Object.keys(VALUE_CHECKS)) });

const condition: Check = (value, path) => {
  const found = conditionShape(value, path);
  if (found !== undefined || !isRecord(value)) return found;
  return VALUE_CHECK_BY_OPERATOR.get(value.operator)?.(value.value, `${path}.value`);
};

const segmentShape = objectWith(
  { key: name },
  { description: text, all: listOf(condition), any: listOf(listOf(condition)) },
);

const servedVariant = objectWith({ variant: name });
const servedSplit = objectWith({ split: listOf(objectWith({ variant: name, weight })) });
const serve: Check = (value, path) =>
  isRecord(value) && value.split !== undefined ? servedSplit(value, path) : servedVariant(value, path);

const exposure = objectWith(
  {
    rollout: name,
    attempt: count,
    epoch: count,
    treatment: name,
    control: name,
    layers: listOf(objectWith({ weight }, { segment: name })),
    metrics: recordOf(oneOf('sum', 'histogram')),
  },
  { reportEveryMs: positive },
);

const flagShape = objectWith(
  { key: name, enabled: yesOrNo, variants: recordOf(jsonValue), defaultVariant: name },
  {
    description: text,
    salt: text,
    bucketBy: name,
    killSwitch: name,
    prerequisites: listOf(objectWith({ flag: name, variant: name })),
    rules: listOf(objectWith({ serve }, { segments: listOf(name), conditions: listOf(condition) })),
    exposure,
  },
);

const rulesetShape = objectWith({
  schema: oneOf(1),
  environment: name,
  revision: count,
  flags: recordOf(objectWith({})),
  segments: recordOf(objectWith({})),
});

/** What is wrong with the segment kept under `key`, looked at alone; `undefined` when it is well-formed. */
function segmentProblem(segment: unknown, key: string): string | undefined {
  const path = `segments.${key}`;
  return segmentShape(segment, path) ?? keyProblem(segment, key, path);
}

/** What is wrong with the flag kept under `key`, looked at alone; `undefined` when it is well-formed. */
export function flagProblem(flag: unknown, key: string): string | undefined {
  const path = `flags.${key}`;
  return flagShape(flag, path) ?? keyProblem(flag, key, path) ?? flagMeaningProblem(flag as Flag, path);
}

/** What is wrong with the segments that a well-formed flag names; `undefined` when all are there and well-formed. */
export function referenceProblem(flag: Flag, segments: Ruleset['segments']): string | undefined {
  const used = [
    ...(flag.rules ?? []).flatMap((rule) => rule.segments ?? []),
    ...(flag.exposure?.layers ?? []).flatMap((layer) => layer.segment ?? []),
  ];
  return firstProblem(used.entries(), (key) =>
    Object.hasOwn(segments, key)
      ? segmentProblem(segments[key], key)
      : `flags.${flag.key}: add segment '${key}' to the ruleset or stop naming it; received a ruleset without it`,
  );
}

/**
 * A ruleset from unknown JSON (a persisted file, a bootstrap, the network). Unknown properties are kept, every flag and
 * segment must be well-formed, and every segment that is named must be there. The object given is returned, not a copy.
 */
export function parseRuleset(json: unknown): ParsedRuleset {
  const shapeProblem = rulesetShape(json, 'ruleset');
  if (shapeProblem !== undefined) return { ok: false, message: shapeProblem };
  // The JSON edge: from here on the checks below are what makes the type true.
  const ruleset = json as Ruleset;
  const message =
    firstProblem(Object.entries<Segment>(ruleset.segments), segmentProblem) ??
    firstProblem(
      Object.entries<Flag>(ruleset.flags),
      (flag, key) => flagProblem(flag, key) ?? referenceProblem(flag, ruleset.segments),
    );
  return message === undefined ? { ok: true, ruleset } : { ok: false, message };
}

function keyProblem(entry: unknown, key: string, path: string): string | undefined {
  return isRecord(entry) && entry.key === key
    ? undefined
    : problem(`${path}.key`, `'${key}', as it is filed`, (entry as Flag).key);
}

function flagMeaningProblem(flag: Flag, path: string): string | undefined {
  return kindsProblem(flag, path) ?? variantsProblem(flag, path) ?? splitsProblem(flag, path);
}

function kindsProblem(flag: Flag, path: string): string | undefined {
  const kinds = new Set(Object.values(flag.variants).map(kindOf));
  return kinds.size > 1 ? problem(`${path}.variants`, 'values of one type', [...kinds].join(' and ')) : undefined;
}

function variantsProblem(flag: Flag, path: string): string | undefined {
  const unknown = usedVariants(flag).find((variant) => !Object.hasOwn(flag.variants, variant));
  if (unknown === undefined) return undefined;
  return problem(
    path,
    `a variant among ${Object.keys(flag.variants).join(', ') || 'none, as there are none'}`,
    unknown,
  );
}

function usedVariants(flag: Flag): readonly string[] {
  const served = (flag.rules ?? []).flatMap((rule) =>
    'split' in rule.serve ? rule.serve.split.map((part) => part.variant) : [rule.serve.variant],
  );
  const exposed = flag.exposure === undefined ? [] : [flag.exposure.treatment, flag.exposure.control];
  return [flag.defaultVariant, ...served, ...exposed];
}

function splitsProblem(flag: Flag, path: string): string | undefined {
  return firstProblem((flag.rules ?? []).entries(), (rule, index) => {
    const parts = 'split' in rule.serve ? rule.serve.split : [];
    const total = parts.reduce((sum, part) => sum + part.weight, 0);
    if (total <= FULL_WEIGHT) return undefined;
    return problem(`${path}.rules[${index}].serve.split`, `weights of ${FULL_WEIGHT} in all at most`, total);
  });
}
