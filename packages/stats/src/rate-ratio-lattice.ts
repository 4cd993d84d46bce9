import { EQUAL_WEIGHTS, hasBothArms, mixtureLogE, type TwoArmCounts } from './rate-ratio.ts';
import { batchLogLikelihood, type RateRatioInterval } from './rate-ratio-interval.ts';

const STEPS_PER_OCTAVE = 8;
/** Steps that stand for the ratios 1.25, 1.5, 2, 3, 5, 10 (within 4 %). */
const GRID_STEPS = [3, 5, 8, 13, 19, 27];
const REACH = 27;
/** Null ratios from 2^-7 to 2^7. */
const NULL_STEPS = 7 * STEPS_PER_OCTAVE;
const EDGE = NULL_STEPS + REACH;

/** Ratios of rates the lattice knows: 2^(j/8), rising, about 1/1300 to 1300. */
export const LATTICE_RATIOS: readonly number[] = Array.from(
  { length: 2 * EDGE + 1 },
  (_, index) => 2 ** ((index - EDGE) / STEPS_PER_OCTAVE),
);

/** Log likelihood of the data at each of `LATTICE_RATIOS`: all that is kept, however many batches there were. */
export type RateRatioLattice = readonly number[];

/** The lattice before the first batch. */
export function emptyLattice(): RateRatioLattice {
  return LATTICE_RATIOS.map(() => 0);
}

/** The lattice after one more batch; a batch with an empty arm changes nothing. */
export function updateLattice(state: RateRatioLattice, batch: TwoArmCounts): RateRatioLattice {
  if (!hasBothArms(batch)) return state;
  return state.map((sum, index) => sum + batchLogLikelihood(batch, Math.log(LATTICE_RATIOS[index])));
}

/**
 * Estimate and confidence sequence of the ratio of rates from the lattice. The ends are the nearest refuted lattice
 * points outside, so the interval is at most one step (9 %) wider on each side than the exact one on its grid; 0 and
 * Infinity where nothing from 1/128 to 128 is refuted. An estimate beyond the lattice is given as 0 or Infinity.
 */
export function latticeInterval(state: RateRatioLattice, alpha: number): RateRatioInterval {
  const threshold = Math.log(2 / alpha);
  const refuted = (index: number, sign: 1 | -1) => {
    const gains = GRID_STEPS.map((step) => state[index + sign * step] - state[index]);
    return mixtureLogE(gains, EQUAL_WEIGHTS) >= threshold;
  };
  const nulls = Array.from({ length: 2 * NULL_STEPS + 1 }, (_, k) => k + REACH);
  const low = nulls.findLast((index) => refuted(index, 1));
  const high = nulls.find((index) => refuted(index, -1));
  return {
    ratio: mostLikely(state),
    low: low === undefined ? 0 : LATTICE_RATIOS[low],
    high: high === undefined ? Number.POSITIVE_INFINITY : LATTICE_RATIOS[high],
  };
}

/** Top of the parabola through the best lattice point and its neighbours. */
function mostLikely(state: RateRatioLattice): number | undefined {
  const best = state.indexOf(Math.max(...state));
  if (state[best] === 0 && state[best + 1] === 0) return undefined;
  if (best === 0) return 0;
  if (best === state.length - 1) return Number.POSITIVE_INFINITY;
  const [before, top, after] = [state[best - 1], state[best], state[best + 1]];
  const shift = (0.5 * (before - after)) / (before - 2 * top + after);
  return 2 ** ((best + shift - EDGE) / STEPS_PER_OCTAVE);
}
