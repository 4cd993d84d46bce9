import { bisect } from './bisect.ts';
import { LENTZ_TINY, logBeta, logDifference } from './special.ts';

const CONVERGED = 1e-16;
const MAX_TERMS = 1_000_000;

/** Log of the integral of `t^(a-1) (1-t)^(b-1)` over [0, x] (not regularised), for a, b > 0 and x in [0, 1]. */
export function logLowerIncompleteBeta(a: number, b: number, x: number): number {
  const logs = { logX: Math.log(x), logRest: Math.log1p(-x) };
  if (x < (a + 1) / (a + b + 2)) return nearTail(a, b, x, logs);
  return logDifference(logBeta(a, b), nearTail(b, a, 1 - x, { logX: logs.logRest, logRest: logs.logX }));
}

/** Log of the integral of `t^(a-1) (1-t)^(b-1)` over [x, 1] (not regularised), for a, b > 0 and x in [0, 1]. */
export function logUpperIncompleteBeta(a: number, b: number, x: number): number {
  const logs = { logX: Math.log(x), logRest: Math.log1p(-x) };
  if (x < (a + 1) / (a + b + 2)) return logDifference(logBeta(a, b), nearTail(a, b, x, logs));
  return nearTail(b, a, 1 - x, { logX: logs.logRest, logRest: logs.logX });
}

/** The lower integral where its continued fraction converges fast: x not above the bulk of Beta(a, b). */
function nearTail(a: number, b: number, x: number, logs: { logX: number; logRest: number }): number {
  return a * logs.logX + b * logs.logRest - Math.log(a) + Math.log(betaFraction(a, b, x));
}

/** Lentz's method for the continued fraction of the incomplete beta function. */
function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || LENTZ_TINY);
  let value = d;
  let factor = 0;
  const step = (numerator: number) => {
    d = 1 / (1 + numerator * d || LENTZ_TINY);
    c = 1 + numerator / c || LENTZ_TINY;
    factor = c * d;
    value *= factor;
  };
  for (let m = 1; m <= MAX_TERMS && Math.abs(factor - 1) > CONVERGED; m += 1) {
    step((m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)));
    step((-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)));
  }
  return value;
}

/** Quantile of the Beta(a, b) distribution, for a, b > 0 and probability in [0, 1]. */
export function betaQuantile(probability: number, a: number, b: number): number {
  const target = Math.log(probability) + logBeta(a, b);
  return bisect((x) => logLowerIncompleteBeta(a, b, x) <= target, 0, 1);
}

/**
 * Upper confidence bound of a share after x events in n observations, for one look (Clopper & Pearson 1934).
 *
 * @param level chance in (0, 1) that the true share lies above the bound, at most.
 * @returns a share; 1 when every observation was an event or there was none.
 */
export function clopperPearsonUpper(x: number, n: number, level: number): number {
  return x >= n ? 1 : betaQuantile(1 - level, x + 1, n - x);
}

/**
 * Lower confidence bound of a share after x events in n observations, for one look (Clopper & Pearson 1934).
 *
 * @param level chance in (0, 1) that the true share lies below the bound, at most.
 * @returns a share; 0 without an event.
 */
export function clopperPearsonLower(x: number, n: number, level: number): number {
  return x <= 0 ? 0 : betaQuantile(level, x, n - x + 1);
}
