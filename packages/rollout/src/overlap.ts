import { type ExposureLayer, FULL_WEIGHT } from '@rampart/flags';
import { weightOfEveryone } from './decide/exposure.ts';
import { formatValue } from './plan/format-limit.ts';
import type { Metric, Plan } from './plan.ts';

/** One of two rollouts that may share people: whom it exposes, how it picks them, and what it judges. */
export type OverlapParty = {
  readonly rollout: string;
  readonly flag: string;
  readonly layers: readonly ExposureLayer[];
  /** What its people are bucketed by: the salt, and the attribute that names the unit. */
  readonly salt: string;
  readonly bucketBy: string;
  readonly metrics: Plan['metrics'];
  readonly stage?: string;
  /** When it entered that stage, epoch ms. */
  readonly advancedAt?: number;
};

/** Another rollout that shares people and metrics with this one. Shares are in [0, 1]. */
export type Overlap = {
  readonly rollout: string;
  readonly flag: string;
  readonly stage?: string;
  readonly advancedAt?: number;
  /** Metrics of this rollout whose numbers the other may move. */
  readonly metrics: readonly string[];
  /** Estimated share of this rollout's treatment that is in the other's treatment too. Absent: their audiences differ, and nobody knows. */
  readonly share?: number;
  /** The same of this rollout's control. Absent: nobody knows, or there is no control. */
  readonly controlShare?: number;
  /** Whether the other's effect falls more on one arm than on the other: both split by the same bucket of the user. */
  readonly isConfounded: boolean;
};

/** How long an advance of another rollout is named as a possible cause of an abort, milliseconds, before scaling. */
const RECENT_MS = 3_600_000;

function widest(layers: readonly ExposureLayer[], accepts: (layer: ExposureLayer) => boolean): number {
  return Math.max(0, ...layers.filter(accepts).map(({ weight }) => weight)) / FULL_WEIGHT;
}

/** The layer that is compared: the random split of everyone, else the largest audience. */
function mainLayer(layers: readonly ExposureLayer[]): ExposureLayer | undefined {
  const everyone = weightOfEveryone(layers);
  if (everyone > 0) return { weight: everyone };
  return layers.toSorted((one, other) => other.weight - one.weight).find(({ weight }) => weight > 0);
}

type Shares = Pick<Overlap, 'share' | 'controlShare' | 'isConfounded'>;

/** Shares of the arms of one split that the other's exposure takes. `mine`, `theirs` in (0, 1]. */
function sharesOf(mine: number, theirs: number, isSameSplit: boolean): Shares {
  const hasControl = mine < 1;
  if (!isSameSplit) return { share: theirs, ...(hasControl && { controlShare: theirs }), isConfounded: false };
  const share = Math.min(1, theirs / mine);
  if (!hasControl) return { share, isConfounded: false };
  const controlShare = Math.max(0, theirs - mine) / (1 - mine);
  return { share, controlShare, isConfounded: share !== controlShare };
}

function peopleShared(mine: OverlapParty, other: OverlapParty): Shares | undefined {
  const main = mainLayer(mine.layers);
  if (main === undefined) return undefined;
  const isSameSplit = mine.salt === other.salt && mine.bucketBy === other.bucketBy;
  const certain = widest(other.layers, ({ segment }) => segment === undefined || segment === main.segment);
  if (certain > 0) return sharesOf(main.weight / FULL_WEIGHT, certain, isSameSplit);
  const possible = widest(other.layers, () => true);
  if (possible === 0) return undefined;
  return { isConfounded: isSameSplit && possible < 1 && main.weight < FULL_WEIGHT };
}

/** Whether two metrics count the same things: the same name and kind, or the same source asked the same way. */
function isSameMeaning(one: Metric, other: Metric): boolean {
  if (one.kind !== other.kind || one.unit !== other.unit) return false;
  if (one.name === other.name) return true;
  const hasBinding = Object.keys(one.binding).length > 0;
  return hasBinding && one.source === other.source && sameBinding(one) === sameBinding(other);
}

function sameBinding({ binding }: Metric): string {
  return JSON.stringify(Object.entries(binding).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * How another rollout that exposes people overlaps with this one; `undefined` where they share no people or no metric. Splits
 * by different salts (or units) are independent: the share of both arms is the other's weight. Splits by the same salt and
 * unit are nested on one line of buckets, and the other's effect falls on one arm more than on the other.
 */
export function overlapOf(mine: OverlapParty, other: OverlapParty): Overlap | undefined {
  if (mine.rollout === other.rollout) return undefined;
  const theirs = Object.values(other.metrics);
  const metrics = Object.values(mine.metrics).filter((one) => theirs.some((their) => isSameMeaning(one, their)));
  const shared = metrics.length === 0 ? undefined : peopleShared(mine, other);
  if (shared === undefined) return undefined;
  return {
    rollout: other.rollout,
    flag: other.flag,
    ...(other.stage !== undefined && { stage: other.stage }),
    ...(other.advancedAt !== undefined && { advancedAt: other.advancedAt }),
    metrics: metrics.map(({ name }) => name).toSorted(),
    ...shared,
  };
}

const percent = (share: number) => formatValue(share, 'ratio');

/** `checkout-1 (in beta)`. */
function whereOf({ rollout, stage }: Overlap): string {
  return stage === undefined ? rollout : `${rollout} (in ${stage})`;
}

/** Who of this rollout sees the other's new variant too. */
function sharedBy({ share, controlShare }: Overlap): string {
  if (share === undefined) return 'some people here, nobody knows how many, as audiences differ,';
  return `${percent(share)} of ${controlShare === undefined ? 'people here' : 'both arms alike'}`;
}

function confoundedBy({ share, controlShare }: Overlap): string {
  if (share === undefined || controlShare === undefined) return 'its people fall into one arm more than into the other';
  return `${percent(share)} of treatment and ${percent(controlShare)} of control see its new variant too`;
}

/** What an overlap means for the numbers of a rollout, in plain words without a full stop. */
export function describeOverlap(overlap: Overlap): string {
  const where = whereOf(overlap);
  return overlap.isConfounded
    ? `overlaps with ${where}, which picks people by the same salt: ${confoundedBy(overlap)}, so a difference between the arms may be its doing`
    : `overlaps with ${where}: ${sharedBy(overlap)} see its new variant too; comparisons with control stand, with more noise, but against a baseline or a fixed limit a change may be its doing`;
}

/** What an overlap means for one check: for its comparison with control, or for its line. */
export function overlapNote(overlap: Overlap, comparesArms: boolean): string {
  const where = whereOf(overlap);
  if (!comparesArms) return `a change may be the doing of ${where}, whose new variant ${sharedBy(overlap)} see too`;
  if (overlap.isConfounded) return `confounded with ${where}: ${confoundedBy(overlap)}`;
  return `${sharedBy(overlap)} see ${where} too: the comparison stands, with more noise`;
}

/**
 * Overlapping rollouts that had advanced within the hour (scaled) before `at`: what an abort then may be due to. Newest first.
 */
export function recentOverlaps(
  { overlaps = [], plan }: { readonly overlaps?: readonly Overlap[]; readonly plan: Plan },
  at: number,
): readonly Overlap[] {
  const since = at - RECENT_MS * plan.timeScale;
  const recent = overlaps.filter(
    ({ advancedAt }) => advancedAt !== undefined && advancedAt >= since && advancedAt <= at,
  );
  return recent.toSorted((one, other) => (other.advancedAt ?? 0) - (one.advancedAt ?? 0));
}
