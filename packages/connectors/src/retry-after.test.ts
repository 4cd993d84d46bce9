import { describe, expect, it } from 'vitest';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from './retry-after.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');

describe('retryAfterMs', () => {
  it.each([
    ['7', 7000],
    [' 0 ', 0],
    ['Fri, 02 Jan 2026 03:05:35 GMT', 90_000],
    ['Friday, 02-Jan-26 03:05:35 GMT', 90_000],
    ['Fri, 02 Jan 2026 03:00:00 GMT', 0],
    ['99999999999', MAX_RETRY_AFTER_MS],
    ['Fri, 02 Jan 2099 03:00:00 GMT', MAX_RETRY_AFTER_MS],
  ])('reads %j', (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });

  it.each([undefined, '', 'soon', '-5', '1.5', '2026-01-02', 'Fri, nonsense'])('takes %j for nothing', (header) => {
    expect(retryAfterMs(header, NOW)).toBeUndefined();
  });
});
