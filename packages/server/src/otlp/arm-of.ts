import { type Arm, type ExposureLayer, FULL_WEIGHT, USER_BUCKETS } from '@rampart/flags';
import type { Plan } from '@rampart/rollout';
import { type Attributes, numberOf, textOf } from './attributes.ts';
import { exposureOfEpoch, type PastExposure, type Placed, placeInTime } from './exposure-log.ts';
import type { KeyValue } from './wire-table.ts';

/** A rollout that reads telemetry, as the receiver needs it. */
export type ReadingRollout = {
  readonly id: string;
  readonly plan: Plan;
  readonly exposures: readonly PastExposure[];
};

/** Where observations belong. `bucket` is the user's, -1 where the data do not say. */
export type Place = {
  readonly rollout: ReadingRollout;
  readonly attempt: number;
  readonly epoch: number;
  readonly stratum: number;
  readonly arm: Arm;
  readonly bucket: number;
  /** Observations of several exposures: which seconds were whose is not known, so no rate is read from them. */
  readonly isMixed: boolean;
};

/** When the observations were made, epoch ms. */
export type Interval = { readonly fromAt: number; readonly toAt: number };

/** Attributes that say which variant of which flag was served, newest names first. */
export const FLAG_ATTRIBUTES = {
  key: ['feature_flag.key'],
  variant: ['feature_flag.result.variant', 'feature_flag.variant'],
  reason: ['feature_flag.result.reason', 'feature_flag.evaluation.reason'],
} as const;

const FLAG_KEYS: readonly string[] = FLAG_ATTRIBUTES.key;

/** Attributes of Rampart's own, each optional: what its OpenFeature provider gives as flag metadata, and the user's bucket. */
export const RAMPART_ATTRIBUTES = {
  bucket: 'rampart.bucket',
  arm: 'rampart.arm',
  epoch: 'rampart.epoch',
  stratum: 'rampart.stratum',
} as const;

/** The flags that a decoded request names anywhere. */
export function flagsIn(request: unknown, into: Set<string> = new Set()): ReadonlySet<string> {
  if (typeof request !== 'object' || request === null) return into;
  const { key, value } = request as KeyValue;
  if (key !== undefined && FLAG_KEYS.includes(key) && value?.stringValue !== undefined) into.add(value.stringValue);
  // A request is as deep as the messages of OTLP, of which none that is read holds itself.
  for (const inner of Object.values(request)) flagsIn(inner, into);
  return into;
}

/** Why observations of a flag in rollout cannot be counted. */
export type Misplaced = { readonly why: string };

/**
 * Where the observations of an interval belong; undefined when their attributes name no rollout, or people in neither
 * arm: nothing is wrong then. @returns `Misplaced` when they name one and still cannot be counted
 */
export function placeOf(
  attributes: Attributes,
  rollouts: readonly ReadingRollout[],
  interval: Interval,
): Place | Misplaced | undefined {
  const key = textOf(attributes, FLAG_ATTRIBUTES.key);
  const rollout = key === undefined ? undefined : rollouts.find(({ plan }) => plan.flag === key);
  if (rollout === undefined) return undefined;
  const variant = textOf(attributes, FLAG_ATTRIBUTES.variant);
  const { treatment, control } = rollout.plan;
  if (variant !== treatment && variant !== control) {
    const received = variant === undefined ? 'no feature_flag.result.variant' : `variant "${variant.slice(0, 80)}"`;
    return { why: `flag ${key} comes with ${received}; its rollout knows "${treatment}" and "${control}"` };
  }
  const time = timeOf(attributes, rollout, interval, variant === treatment);
  if (time === undefined) return { why: `flag ${key} has data from before its rollout measured anything` };
  const arm = armOf(attributes, variant === treatment, time.exposure.layers);
  if (arm === undefined) return undefined;
  if ('why' in arm) return { why: `flag ${key}: ${arm.why}` };
  const { attempt, epoch } = time.exposure;
  return { rollout, attempt, epoch, ...arm, bucket: bucketOf(attributes), isMixed: time.isMixed };
}

function timeOf(
  attributes: Attributes,
  { exposures }: ReadingRollout,
  interval: Interval,
  isTreatment: boolean,
): Placed | undefined {
  const epoch = numberOf(attributes, [RAMPART_ATTRIBUTES.epoch]);
  const said = epoch === undefined ? undefined : exposureOfEpoch(exposures, epoch);
  if (said !== undefined) return { exposure: said, isMixed: false };
  const placed = placeInTime(exposures, interval);
  const isBeforeFirst = isTreatment && placed?.isMixed && placed.exposure.layers.length === 0;
  // Nobody had the treatment when the interval began, so all of this is of the exposure after.
  const next = isBeforeFirst ? exposures.findLast(({ fromAt }) => fromAt < interval.toAt) : undefined;
  return next === undefined ? placed : { exposure: next, isMixed: true };
}

function bucketOf(attributes: Attributes): number {
  const bucket = numberOf(attributes, [RAMPART_ATTRIBUTES.bucket]);
  return bucket !== undefined && Number.isInteger(bucket) && bucket >= 0 && bucket < USER_BUCKETS ? bucket : -1;
}

type ArmAndStratum = { readonly arm: Arm; readonly stratum: number };

/** Arm and stratum: as Rampart's provider said, else as the reason of the evaluation says, else as the layers leave no doubt. */
function armOf(
  attributes: Attributes,
  isTreatment: boolean,
  layers: readonly ExposureLayer[],
): ArmAndStratum | Misplaced | undefined {
  const shares = [...new Set(layers.filter(isSplit).map(({ weight }) => weight))];
  const said = saidBy(attributes, layers);
  if (said !== undefined) return said;
  // Nobody is exposed: everyone is control. Who still has the treatment is on the way back to it.
  if (layers.length === 0) return isTreatment ? undefined : { arm: 'control', stratum: 0 };
  const placement = placementOf(attributes, layers);
  if (placement === 'targeted') return isTreatment ? { arm: 'targeted', stratum: FULL_WEIGHT } : undefined;
  if (placement === 'outside') return undefined;
  if (placement === 'unknown') {
    return { why: 'the audience and the random split cannot be told apart; add feature_flag.result.reason' };
  }
  const [stratum] = shares;
  if (stratum === undefined) return undefined;
  if (shares.length > 1) return { why: `audiences have different shares; add ${RAMPART_ATTRIBUTES.stratum}` };
  return { arm: isTreatment ? 'treatment' : 'control', stratum };
}

function isSplit({ segment, weight }: ExposureLayer): boolean {
  return segment === undefined || weight < FULL_WEIGHT;
}

function saidBy(attributes: Attributes, layers: readonly ExposureLayer[]): ArmAndStratum | undefined {
  const arm = attributes.get(RAMPART_ATTRIBUTES.arm);
  const stratum = numberOf(attributes, [RAMPART_ATTRIBUTES.stratum]);
  if (arm !== 'treatment' && arm !== 'control' && arm !== 'targeted') return undefined;
  const isKnown = layers.some(({ weight }) => weight === stratum) || (stratum === 0 && layers.length === 0);
  return isKnown && stratum !== undefined ? { arm, stratum } : undefined;
}

/** How the flag came to its variant: by the split, by an audience, or by neither. */
function placementOf(
  attributes: Attributes,
  layers: readonly ExposureLayer[],
): 'split' | 'targeted' | 'outside' | 'unknown' {
  const reason = textOf(attributes, FLAG_ATTRIBUTES.reason)?.toLowerCase();
  if (reason === 'split') return 'split';
  if (reason === 'targeting_match') return 'targeted';
  if (reason === 'default' || reason === 'disabled' || reason === 'error') return 'outside';
  const hasTargets = layers.some((layer) => !isSplit(layer));
  const hasSplit = layers.some(isSplit);
  if (hasTargets && hasSplit) return 'unknown';
  return hasTargets ? 'targeted' : 'split';
}
