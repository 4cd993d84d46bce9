import { randomGamma, randomNormal } from 'd3-random';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Random numbers of one simulated run. */
export type Chance = {
  /** Uniform in (0, 1). */
  readonly uniform: () => number;
  /** Events among n trials of chance p. */
  readonly binomial: (n: number, p: number) => number;
  readonly poisson: (mean: number) => number;
  readonly normal: () => number;
  /** Gamma with mean `shape` (scale 1). */
  readonly gamma: (shape: number) => number;
};

/** Above this mean, counting from 0 upward would take long; the normal approximation takes over. */
const LARGE_MEAN = 200;

/** Chance with a seed: run `run` of experiment `name` is the same on every machine and on any number of cores. */
export function chanceOf(seed: number, name: string, run: number): Chance {
  const generator = xoroshiro128plus(hash(`${seed}/${name}/${run}`));
  // The generator starts from few bits of state; its first numbers of near seeds are alike.
  for (let i = 0; i < 32; i += 1) generator.next();
  const uniform = () => ((generator.next() >>> 0) + 0.5) / 2 ** 32;
  const normal = randomNormal.source(uniform)(0, 1);
  const gamma = memoOfLast((shape) => randomGamma.source(uniform)(shape));
  return {
    uniform,
    normal,
    gamma: (shape) => gamma(shape)(),
    binomial: (n, p) => binomial(n, p, uniform, normal),
    poisson: (mean) => {
      if (mean <= LARGE_MEAN) return invert(uniform(), mean, Math.exp(-mean), (k) => mean / k);
      return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
    },
  };
}

/** Keeps what was made for the last argument: a sampler is made anew only when its parameter changes. */
function memoOfLast<Made>(make: (argument: number) => Made): (argument: number) => Made {
  let last: { readonly argument: number; readonly made: Made } | undefined;
  return (argument) => {
    if (last?.argument !== argument) last = { argument, made: make(argument) };
    return last.made;
  };
}

function binomial(n: number, p: number, uniform: () => number, normal: () => number): number {
  if (n <= 0 || p <= 0) return 0;
  if (p > 0.5) return n - binomial(n, 1 - p, uniform, normal);
  if (n * p > LARGE_MEAN) {
    return Math.min(n, Math.max(0, Math.round(n * p + Math.sqrt(n * p * (1 - p)) * normal())));
  }
  const odds = p / (1 - p);
  return Math.min(
    n,
    invert(uniform(), n * p, Math.exp(n * Math.log1p(-p)), (k) => ((n - k + 1) / k) * odds),
  );
}

/** Inverse of a distribution on 0, 1, 2, …: `first` is the chance of 0, `ratio(k)` that of k over that of k - 1. */
function invert(u: number, mean: number, first: number, ratio: (k: number) => number): number {
  let k = 0;
  let chance = first;
  let rest = u - chance;
  // Beyond the mean a vanishing chance is the end of the tail; below it, it is the beginning.
  while (rest > 0 && (k < mean || chance > 1e-12)) {
    k += 1;
    chance *= ratio(k);
    rest -= chance;
  }
  return k;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value | 0;
}
