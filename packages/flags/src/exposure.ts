import type { UnitReader } from './attribute.ts';
import { bucketAfter } from './bucket.ts';
import { anyPredicate, type Predicate } from './condition.ts';
import type { Arm, Evaluation, EvaluationContext, Reason } from './evaluation.ts';
import { type Exposure, type ExposureLayer, FULL_WEIGHT } from './flag.ts';
import type { HashPrefix } from './murmur3.ts';

/** What a flag serves to a context. */
export type Decision = (context: EvaluationContext) => Evaluation;

/** Gives the shared frozen result of a variant. */
export type OutcomeOf = (variant: string, reason: Reason, place?: Evaluation['place']) => Evaluation;

/** What the parts of one flag share when they are compiled. */
export type FlagParts = {
  readonly outcomeOf: OutcomeOf;
  readonly unitOf: UnitReader;
  readonly salt: HashPrefix;
  readonly segmentOf: (key: string) => Predicate;
  readonly defaultVariant: string;
  /** The default variant with the reason DEFAULT. */
  readonly defaulted: Evaluation;
};

type SplitLayer = {
  readonly matches: Predicate;
  readonly weight: number;
  readonly treatment: Evaluation;
  readonly control: Evaluation;
};

/**
 * Decision of a rollout's exposure. Targeted layers go first and need no unit. Then the largest weight of the split
 * layers that match is the threshold; it is the unit's stratum. No layers at all means that the rollout exposes nobody
 * now (baseline, or aborted): every unit is control in stratum 0, so that it can be measured.
 */
export function exposureDecision(exposure: Exposure, parts: FlagParts): Decision {
  const { unitOf, salt, defaulted } = parts;
  const targets = exposure.layers.filter(isTargeted).map((layer) => matcher(layer, parts));
  const splits = splitLayers(exposure, parts);
  const targeted = placed(exposure, parts, 'targeted', FULL_WEIGHT, 'TARGETING_MATCH');
  const unmatched =
    exposure.layers.length === 0
      ? placed(exposure, parts, 'control', 0, 'DEFAULT')
      : parts.outcomeOf(exposure.control, 'DEFAULT');
  const bySplit: Decision = (context) => {
    const unit = unitOf(context);
    if (unit === undefined) return defaulted;
    for (const layer of splits) {
      if (layer.matches(context)) return bucketAfter(salt, unit) < layer.weight ? layer.treatment : layer.control;
    }
    return unmatched;
  };
  if (targets.length === 0) return bySplit;
  const isTarget = anyPredicate(targets);
  return (context) => (isTarget(context) ? targeted : bySplit(context));
}

function isTargeted(layer: ExposureLayer): boolean {
  return layer.segment !== undefined && layer.weight === FULL_WEIGHT;
}

/** Largest weight first: the first layer that matches gives the threshold. */
function splitLayers(exposure: Exposure, parts: FlagParts): readonly SplitLayer[] {
  return exposure.layers
    .filter((layer) => !isTargeted(layer))
    .toSorted((left, right) => right.weight - left.weight)
    .map((layer) => ({
      matches: matcher(layer, parts),
      weight: layer.weight,
      treatment: placed(exposure, parts, 'treatment', layer.weight, 'SPLIT'),
      control: placed(exposure, parts, 'control', layer.weight, 'SPLIT'),
    }));
}

function matcher(layer: ExposureLayer, parts: FlagParts): Predicate {
  return layer.segment === undefined ? () => true : parts.segmentOf(layer.segment);
}

function placed(exposure: Exposure, parts: FlagParts, arm: Arm, stratum: number, reason: Reason): Evaluation {
  const { rollout, attempt, epoch } = exposure;
  const variant = arm === 'control' ? exposure.control : exposure.treatment;
  return parts.outcomeOf(variant, reason, Object.freeze({ rollout, attempt, epoch, arm, stratum }));
}
