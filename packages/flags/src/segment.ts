import { allPredicate, anyPredicate, conditionPredicate, type Predicate } from './condition.ts';
import type { Condition, Segment } from './flag.ts';

/**
 * Predicate of a segment: all of `all`, or one whole group of `any`. A list without conditions takes nobody, so that a
 * segment somebody has begun and not filled never exposes everyone. The segment must be well-formed.
 */
export function segmentPredicate(segment: Segment): Predicate {
  const groups = [segment.all ?? [], ...(segment.any ?? [])];
  return anyPredicate(groups.filter((group) => group.length > 0).map(groupPredicate));
}

function groupPredicate(conditions: readonly Condition[]): Predicate {
  return allPredicate(conditions.map(conditionPredicate));
}
