import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, formatDuration, HOUR_MS, parseDuration, WEEK_MS } from './duration.ts';

describe('durations', () => {
  it.each([
    ['24h', DAY_MS],
    ['48h', 2 * DAY_MS],
    ['1w', WEEK_MS],
    ['2w', 2 * WEEK_MS],
    ['30m', 1_800_000],
    ['30 min', 1_800_000],
    ['10s', 10_000],
    ['1d', DAY_MS],
    ['500ms', 500],
    ['1d12h', 36 * HOUR_MS],
    [' 1d 12h 5m ', 36 * HOUR_MS + 300_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
  ])('reads %s', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each(['', '24', 'permanent', '1y', '-1h', '1h-', 'h', '0.5ms', '9999999w', '1h'.repeat(40)])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('prints one number and one unit', () => {
    expect(formatDuration(DAY_MS)).toBe('24 h');
    expect(formatDuration(2 * DAY_MS)).toBe('48 h');
    expect(formatDuration(3 * DAY_MS)).toBe('3 d');
    expect(formatDuration(WEEK_MS)).toBe('1 w');
    expect(formatDuration(90 * 60_000)).toBe('90 min');
    expect(formatDuration(1500)).toBe('1500 ms');
    expect(formatDuration(0)).toBe('0 ms');
  });

  it('reads back what it prints', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 * WEEK_MS }),
        fc.constantFrom(1, 1000, 60_000, HOUR_MS),
        (count, unit) => {
          const durationMs = (count * unit) % (1000 * WEEK_MS);
          expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
        },
      ),
    );
  });
});
