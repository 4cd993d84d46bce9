/**
 * How many times more a share varies because one user's requests move together: divide both the events and the
 * observations by it before a test that assumes independent requests.
 *
 * @param countPerBucket observations per hash bucket of users. @param sumPerBucket events per bucket, same order.
 * @returns >= 1: the variance between buckets over the binomial variance. 1 where no observation or every one was an
 *   event; the number of observations where all fell into one bucket, as they may be one user's.
 */
export function designEffect(countPerBucket: readonly number[], sumPerBucket: readonly number[]): number {
  const n = countPerBucket.reduce((sum, count) => sum + count, 0);
  const share = sumPerBucket.reduce((sum, events) => sum + events, 0) / n;
  if (!(share > 0 && share < 1)) return 1;
  const active = countPerBucket.filter((count) => count > 0).length;
  if (active < 2) return Math.max(1, n);
  const between = countPerBucket.reduce((sum, count, b) => sum + (sumPerBucket[b] - share * count) ** 2, 0);
  return Math.max(1, ((active / (active - 1)) * between) / (n * share * (1 - share)));
}
