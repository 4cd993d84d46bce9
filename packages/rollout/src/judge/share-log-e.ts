import { thresholdLogE, thresholdPassLogE } from '@rampart/stats';

/**
 * Log e-value that a share lies above (or below) a line, by the threshold grid (a3). The grid bets on multiples of the
 * line, so it looks at the rarer of events and non-events: a conversion of 10 % and a success rate of 99 % both have power.
 *
 * @param x events, 0 <= x <= n. @param line in [0, 1]; at its ends there is no evidence either way.
 */
export function shareLogE(x: number, n: number, line: number, direction: 'above' | 'below'): number {
  if (line <= 0 || line >= 1) return 0;
  const isRare = line <= 0.5;
  const [events, limit] = isRare ? [x, line] : [n - x, 1 - line];
  return isRare === (direction === 'above') ? thresholdLogE(events, n, limit) : thresholdPassLogE(events, n, limit);
}
