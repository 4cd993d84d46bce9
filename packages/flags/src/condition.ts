import { attributeReader } from './attribute.ts';
import type { EvaluationContext } from './evaluation.ts';
import type { Condition, JsonValue } from './flag.ts';
import { instantMs } from './instant.ts';
import { equalJson } from './json.ts';
import { compareVersions, parseVersion } from './semver.ts';

/** Whether a context matches. */
export type Predicate = (context: EvaluationContext) => boolean;

type Test = (actual: JsonValue | undefined) => boolean;

/** Up to this many values a linear search is faster than hashing the text for a set. */
const LINEAR_SEARCH = 8;

/**
 * Predicate of one condition. Values are never converted: the text `'5'` is not the number 5, and an attribute of a type
 * that the operator does not know never matches. `contains` finds text in text, or an element in a list.
 * The condition must be well-formed (`parse.ts` checks it).
 */
export function conditionPredicate(condition: Condition): Predicate {
  const read = attributeReader(condition.attribute);
  const test = testOf(condition);
  return (context) => test(read(context));
}

/** Predicate that asks for all conditions; true for none. */
export function allPredicate(predicates: readonly Predicate[]): Predicate {
  const [first, second] = predicates;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (predicates.length === 2) return (context) => first(context) && second(context);
  return (context) => predicates.every((matches) => matches(context));
}

/** Predicate that asks for one condition at least; false for none. */
export function anyPredicate(predicates: readonly Predicate[]): Predicate {
  const [first, second] = predicates;
  if (first === undefined) return () => false;
  if (second === undefined) return first;
  if (predicates.length === 2) return (context) => first(context) || second(context);
  return (context) => predicates.some((matches) => matches(context));
}

function testOf(condition: Condition): Test {
  switch (condition.operator) {
    case 'equals':
      return equalTest(condition.value);
    case 'notEquals':
      return not(equalTest(condition.value));
    case 'oneOf':
      return memberTest(condition.value);
    case 'notOneOf':
      return not(memberTest(condition.value));
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return textTest(condition.operator, condition.value);
    case 'lessThan':
    case 'atMost':
    case 'greaterThan':
    case 'atLeast':
      return numberTest(condition.operator, condition.value);
    case 'before':
    case 'after':
      return instantTest(condition.operator, condition.value);
    default:
      return versionTest(condition.operator, condition.value);
  }
}

function not(test: Test): Test {
  return (actual) => !test(actual);
}

function equalTest(value: JsonValue): Test {
  if (typeof value !== 'object' || value === null) return (actual) => actual === value;
  return (actual) => equalJson(actual, value);
}

function memberTest(values: readonly JsonValue[]): Test {
  if (values.some((value) => typeof value === 'object' && value !== null)) {
    return (actual) => values.some((value) => equalJson(actual, value));
  }
  if (values.length <= LINEAR_SEARCH) {
    return (actual) => {
      for (let index = 0; index < values.length; index++) if (values[index] === actual) return true;
      return false;
    };
  }
  const set: ReadonlySet<JsonValue | undefined> = new Set(values);
  return (actual) => set.has(actual);
}

function textTest(operator: 'contains' | 'startsWith' | 'endsWith', value: string): Test {
  if (operator === 'startsWith') return (actual) => typeof actual === 'string' && actual.startsWith(value);
  if (operator === 'endsWith') return (actual) => typeof actual === 'string' && actual.endsWith(value);
  return (actual) => (typeof actual === 'string' || Array.isArray(actual)) && actual.includes(value);
}

function numberTest(operator: 'lessThan' | 'atMost' | 'greaterThan' | 'atLeast', value: number): Test {
  switch (operator) {
    case 'lessThan':
      return (actual) => typeof actual === 'number' && actual < value;
    case 'atMost':
      return (actual) => typeof actual === 'number' && actual <= value;
    case 'greaterThan':
      return (actual) => typeof actual === 'number' && actual > value;
    default:
      return (actual) => typeof actual === 'number' && actual >= value;
  }
}

function instantTest(operator: 'before' | 'after', value: string | number): Test {
  const limitMs = instantMs(value);
  // A comparison with NaN is false: no instant, no match.
  if (operator === 'before') return (actual) => instantMs(actual) < limitMs;
  return (actual) => instantMs(actual) > limitMs;
}

type VersionOperator = 'semverEquals' | 'semverLessThan' | 'semverAtMost' | 'semverGreaterThan' | 'semverAtLeast';

const VERSION_ORDERS: Readonly<Record<VersionOperator, (order: number) => boolean>> = {
  semverEquals: (order) => order === 0,
  semverLessThan: (order) => order < 0,
  semverAtMost: (order) => order <= 0,
  semverGreaterThan: (order) => order > 0,
  semverAtLeast: (order) => order >= 0,
};

function versionTest(operator: VersionOperator, value: string): Test {
  const limit = parseVersion(value);
  const accepts = VERSION_ORDERS[operator];
  return (actual) => {
    const version = typeof actual === 'string' ? parseVersion(actual) : undefined;
    return version !== undefined && limit !== undefined && accepts(compareVersions(version, limit));
  };
}
