import { logGamma } from '@rampart/stats';
import { randomBinomial, randomGamma, randomNormal } from 'd3-random';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

const UNIFORM_STEP = 2 ** -32;
/** Means up to this are drawn by inversion, larger ones by transformed rejection. */
const LARGEST_INVERTED_MEAN = 10;

/**
 * Chance with a seed: the same seed gives the same draws on every machine. The frequent draws are written out here,
 * because a batch asks for each with a mean of its own and a library's samplers are made per mean.
 */
export type Chance = {
  /** In [0, 1). */
  readonly uniform: () => number;
  /** Standard normal. */
  readonly normal: () => number;
  /** Mean 1. */
  readonly exponential: () => number;
  /** Gamma of a shape above 0 and mean 1. */
  readonly gamma: (shape: number) => number;
  readonly poisson: (mean: number) => number;
  readonly binomial: (trials: number, share: number) => number;
};

/** Seed of run `index` (from 0) of a simulation: neighbours share nothing, and it does not matter which process runs it. */
export function seedOfRun(seed: number, index: number): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return (mixed ^ (mixed >>> 15)) | 0;
}

/** Transformed rejection with squeeze (Hörmann 1993, PTRS), for means of 10 or more. */
function poissonByRejection(mean: number, uniform: () => number): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const vr = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = uniform() - 0.5;
    const v = uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const bound = k * Math.log(mean) - mean - logGamma(k + 1);
    if (Math.log((v * inverseAlpha) / (a / (us * us) + b)) <= bound) return k;
  }
}

function poissonByInversion(mean: number, uniform: () => number): number {
  const least = Math.exp(-mean);
  let product = uniform();
  let count = 0;
  while (product > least) {
    count += 1;
    product *= uniform();
  }
  return count;
}

/** Opens the chance of a seed, a whole number. */
export function openChance(seed: number): Chance {
  const generator = xoroshiro128plus(seed);
  // 32 bits are enough to draw with, at half the price of 53.
  const uniform = () => (generator.next() >>> 0) * UNIFORM_STEP;
  // The state begins with few bits set; a few steps spread them.
  for (let step = 0; step < 16; step += 1) uniform();
  const normal = randomNormal.source(uniform)(0, 1);
  const gamma = randomGamma.source(uniform);
  const binomial = randomBinomial.source(uniform);
  return {
    uniform,
    normal,
    exponential: () => -Math.log(1 - uniform()),
    gamma: (shape) => gamma(shape, 1 / shape)(),
    poisson(mean) {
      if (!(mean > 0)) return 0;
      return mean <= LARGEST_INVERTED_MEAN ? poissonByInversion(mean, uniform) : poissonByRejection(mean, uniform);
    },
    binomial(trials, share) {
      if (!(share > 0) || trials <= 0) return 0;
      if (share >= 1) return trials;
      return binomial(trials, share)();
    },
  };
}
