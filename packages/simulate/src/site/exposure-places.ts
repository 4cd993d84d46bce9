import { type Arm, type ExposureLayer, FULL_WEIGHT } from '@rampart/flags';

/** Where a part of a population stands: positions [from, to) of the split, in [0, 1]. */
export type Place = { readonly arm: Arm; readonly stratum: number; readonly from: number; readonly to: number };

/**
 * Where the users of a segment (or, without one, the rest of everyone) stand under these layers, as `@rampart/flags`
 * places them: targeted by a whole layer of their segment; else split at the largest weight that applies to them, which is
 * their stratum; all in control of stratum 0 while nobody is exposed; nowhere where no layer is theirs.
 */
export function placesOf(layers: readonly ExposureLayer[], segment: string | undefined): readonly Place[] {
  if (layers.length === 0) return [{ arm: 'control', stratum: 0, from: 0, to: 1 }];
  const own = layers.filter((layer) => layer.segment === undefined || layer.segment === segment);
  if (own.some((layer) => layer.segment !== undefined && layer.weight === FULL_WEIGHT)) {
    return [{ arm: 'targeted', stratum: FULL_WEIGHT, from: 0, to: 1 }];
  }
  if (own.length === 0) return [];
  const stratum = Math.max(...own.map((layer) => layer.weight));
  const cut = stratum / FULL_WEIGHT;
  const places: readonly Place[] = [
    { arm: 'treatment', stratum, from: 0, to: cut },
    { arm: 'control', stratum, from: cut, to: 1 },
  ];
  return places.filter(({ from, to }) => to > from);
}
