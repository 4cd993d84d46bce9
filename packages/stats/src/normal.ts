const LOG_ROOT_TWO_PI = 0.5 * Math.log(2 * Math.PI);
const FRACTION_TERMS = 80;
const FRACTION_BELOW = -4;
const COMPLEMENT_ABOVE = 6;
/** From here on the log of the distribution function is below the last digit of z²/2. */
const CERTAIN_ABOVE = 9;

/** Log of the standard normal distribution function, for any z; keeps its digits in both tails. */
export function logNormalCdf(z: number): number {
  if (z > COMPLEMENT_ABOVE) return Math.log1p(-Math.exp(logNormalCdf(-z)));
  if (z < FRACTION_BELOW) return logScaledNormalCdf(z) - (z * z) / 2;
  return Math.log(0.5 + Math.exp(-(z * z) / 2 - LOG_ROOT_TWO_PI) * centralSeries(z));
}

/** `logNormalCdf(z) + z^2/2`, without the cancellation of two large numbers when z is far below 0. */
export function logScaledNormalCdf(z: number): number {
  if (z > CERTAIN_ABOVE) return (z * z) / 2;
  if (z >= FRACTION_BELOW) return logNormalCdf(z) + (z * z) / 2;
  return -LOG_ROOT_TWO_PI - Math.log(tailFraction(-z));
}

/** Sum of z^(2k+1) / (1 * 3 * 5 * ... (2k+1)). */
function centralSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let odd = 3; Math.abs(term) > Math.abs(sum) * 1e-17; odd += 2) {
    term *= (z * z) / odd;
    sum += term;
  }
  return sum;
}

/** Density over upper tail: `x + 1/(x + 2/(x + 3/...))`. */
function tailFraction(x: number): number {
  let fraction = x;
  for (let k = FRACTION_TERMS; k >= 1; k -= 1) fraction = x + k / fraction;
  return fraction;
}

/**
 * The standard normal value with nearly the same tail probability as a Student t value (Wallace 1959, "Bounds on normal
 * approximations to Student's and the chi-square distributions"); off by less than 0.001 for 15 degrees and |t| < 3.
 *
 * @param t any value. @param nu degrees of freedom, > 0.
 */
export function wallaceZ(t: number, nu: number): number {
  return Math.sign(t) * ((8 * nu + 1) / (8 * nu + 3)) * Math.sqrt(nu * Math.log1p((t * t) / nu));
}
