import { describe, expect, it } from 'vitest';
import { instantOf } from './instant-of.ts';

const AT = Date.parse('2026-11-23T05:00:00Z');

describe('instantOf', () => {
  it.each([
    ['ISO 8601', '2026-11-23T05:00:00Z'],
    ['an offset', '2026-11-23T06:00:00+01:00'],
    ['what PostgreSQL prints', '2026-11-23 05:00:00+00'],
    ['half hours as PostgreSQL prints them', '2026-11-23 10:30:00+05:30'],
    ['nanoseconds of a fraction', '2026-11-23T05:00:00.000000000Z'],
    ['no zone, which is UTC', '2026-11-23 05:00:00'],
    ['no seconds', '2026-11-23 05:00'],
    ['seconds', AT / 1000],
    ['milliseconds', AT],
    ['microseconds', AT * 1000],
    ['nanoseconds as a text', `${AT}000000`],
    ['seconds as a text', String(AT / 1000)],
    ['a date of JavaScript', new Date(AT)],
  ])('reads %s', (_, value) => {
    expect(instantOf(value)).toBe(AT);
  });

  it('reads a day as its begin in UTC', () => {
    expect(instantOf('2026-11-23')).toBe(AT - 5 * 3_600_000);
  });

  it.each(['noon', '', '2026-13-40', 12, Number.NaN, true, undefined, null, '2026', {}])(
    'takes %j for no instant',
    (value) => {
      expect(instantOf(value)).toBeUndefined();
    },
  );
});
