const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
const STIRLING_FROM = 12;
/** B(2k) / (2k (2k-1)) for k = 1..7. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];
const CONVERGED = 1e-16;
const MAX_TERMS = 1_000_000;
/** Stands in for a denominator of 0 in Lentz's method. */
export const LENTZ_TINY = 1e-300;

/** Log of the sum of exponentials: `ln(sum e^v)`, without overflow; -Infinity for an empty list. */
export function logSumExp(values: readonly number[]): number {
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/** Log of a total less a part of it: `ln(e^total - e^part)` for part <= total. */
export function logDifference(total: number, part: number): number {
  const gap = part - total;
  return total + (gap > -Math.LN2 ? Math.log(-Math.expm1(gap)) : Math.log1p(-Math.exp(gap)));
}

/** What Stirling's series adds to `(x - 1/2) ln x - x + ln(2 pi)/2`, for x >= 12. */
function stirlingCorrection(x: number): number {
  const square = x * x;
  return STIRLING.reduceRight((sum, term) => sum / square + term, 0) / x;
}

/** Log of the gamma function, for x > 0. */
export function logGamma(x: number): number {
  let shifted = x;
  let product = 1;
  while (shifted < STIRLING_FROM) {
    product *= shifted;
    shifted += 1;
  }
  const series = (shifted - 0.5) * Math.log(shifted) - shifted + HALF_LOG_TWO_PI + stirlingCorrection(shifted);
  return series - Math.log(product);
}

/** Log of the beta function B(a, b), for a, b > 0; keeps its digits when the arguments are large or far apart. */
export function logBeta(a: number, b: number): number {
  const small = Math.min(a, b);
  const large = Math.max(a, b);
  const sum = a + b;
  if (large < STIRLING_FROM) return logGamma(small) + logGamma(large) - logGamma(sum);
  const shared = (large - 0.5) * Math.log1p(-small / sum) + stirlingCorrection(large) - stirlingCorrection(sum);
  if (small < STIRLING_FROM) return logGamma(small) + shared - small * Math.log(sum) + small;
  const ratio = (small - 0.5) * Math.log(small / sum) - 0.5 * Math.log(sum);
  return HALF_LOG_TWO_PI + ratio + shared + stirlingCorrection(small);
}

/** Log of the upper incomplete gamma function: `ln` of the integral of `t^(s-1) e^-t` over t > x, for s > 0, x >= 0. */
export function logUpperIncompleteGamma(s: number, x: number): number {
  if (x < s + 1) return logDifference(logGamma(s), s * Math.log(x) - x + Math.log(lowerGammaSeries(s, x)));
  return s * Math.log(x) - x + Math.log(upperGammaFraction(s, x));
}

function lowerGammaSeries(s: number, x: number): number {
  let term = 1 / s;
  let sum = term;
  for (let k = 1; k <= MAX_TERMS && term > sum * CONVERGED; k += 1) {
    term *= x / (s + k);
    sum += term;
  }
  return sum;
}

/** Lentz's method for `Gamma(s, x) / (x^s e^-x)`. */
function upperGammaFraction(s: number, x: number): number {
  let b = x + 1 - s;
  let c = 1 / LENTZ_TINY;
  let d = 1 / b;
  let value = d;
  let factor = 0;
  for (let k = 1; k <= MAX_TERMS && Math.abs(factor - 1) > CONVERGED; k += 1) {
    const numerator = -k * (k - s);
    b += 2;
    d = 1 / (numerator * d + b || LENTZ_TINY);
    c = b + numerator / c || LENTZ_TINY;
    factor = d * c;
    value *= factor;
  }
  return value;
}
