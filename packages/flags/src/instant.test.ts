import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantMs } from './instant.ts';

describe('instantMs', () => {
  it('reads what toISOString prints, over the years 0 to 9999', () => {
    const epochMs = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
    fc.assert(
      fc.property(epochMs, (ms) => {
        expect(instantMs(new Date(ms).toISOString())).toBe(ms);
      }),
    );
  });

  it('takes a date, a missing offset as UTC, offsets, and numbers as they are', () => {
    const noon = Date.UTC(2026, 1, 28, 12);
    expect(instantMs('2026-02-28')).toBe(Date.UTC(2026, 1, 28));
    expect(instantMs('2026-02-28T12:00')).toBe(noon);
    expect(instantMs('2026-02-28T12:00:00.5Z')).toBe(noon + 500);
    expect(instantMs('2026-02-28T14:30:00+02:30')).toBe(noon);
    expect(instantMs('2026-02-28T07:00:00-0500')).toBe(noon);
    expect(instantMs('2024-02-29')).toBe(Date.UTC(2024, 1, 29));
    expect(instantMs('2026-04-30')).toBe(Date.UTC(2026, 3, 30));
    expect(instantMs(noon)).toBe(noon);
  });

  it('gives NaN for what is no instant', () => {
    const wrong = [
      '',
      'yesterday',
      '2026-13-01',
      '2026-02-29',
      '1900-02-29',
      '2026-04-31',
      '2026-01-01T24:00',
      '2026-01-01T00:60',
    ];
    for (const value of [
      ...wrong,
      '2026-01-01T00:00:61Z',
      '2026-01-01T00:00+99',
      Number.NaN,
      null,
      undefined,
      {},
      true,
    ]) {
      expect(instantMs(value)).toBeNaN();
    }
  });
});
