import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalOf, decimalToNumber, decimalToUnits, parseDecimal, parsePercentage, printDecimal } from './decimal.ts';

describe('decimals', () => {
  it('reads and prints any finite number back to itself', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const decimal = decimalOf(value)!;
        expect(decimalToNumber(decimal)).toBe(value === 0 ? 0 : value);
        expect(Number(printDecimal(decimal))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('refuses what is not a decimal', () => {
    for (const text of ['', '1.', '.5', '1,5', '0x1', 'NaN', '1e9999', '1'.repeat(61)]) {
      expect(parseDecimal(text), text).toBeUndefined();
    }
    expect(decimalOf(Number.NaN)).toBeUndefined();
  });

  it('prints plainly, with as many digits after the point as asked', () => {
    expect(printDecimal(parseDecimal('1e-7')!)).toBe('0.0000001');
    expect(printDecimal(parseDecimal('1.2e3')!)).toBe('1200');
    expect(printDecimal(parseDecimal('-0.5')!, 2)).toBe('-0.50');
    expect(printDecimal(parseDecimal('3')!, 2)).toBe('3.00');
  });

  it('counts units exactly and says when a value is finer', () => {
    expect(decimalToUnits(parseDecimal('0.3')!, -3)).toBe(300n);
    expect(decimalToUnits(parseDecimal('2e1')!, -3)).toBe(20_000n);
    expect(decimalToUnits(parseDecimal('0.0004')!, -3)).toBeUndefined();
  });
});

describe('percentages', () => {
  it('come out in thousandths of a percent, from numbers and texts alike', () => {
    for (const [input, weight] of [
      [0.5, 500],
      ['0.5', 500],
      ['0.5%', 500],
      [' 0.5 %', 500],
      [100, 100_000],
      [0.001, 1],
    ] as const) {
      expect(parsePercentage(input, 1)).toEqual({ ok: true, weight });
    }
  });

  it('are exact for every weight', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (weight) => {
        expect(parsePercentage(weight / 1000, 1)).toEqual({ ok: true, weight });
      }),
    );
  });

  it('are refused with a code when finer than 0.001 %, out of range or not a number', () => {
    const codeOf = (input: number | string, least: 0 | 1 = 1) => {
      const result = parsePercentage(input, least);
      return result.ok ? 'ok' : result.code;
    };
    expect(codeOf(0.0001)).toBe('percentage-too-fine');
    expect(codeOf(101)).toBe('percentage-out-of-range');
    expect(codeOf(100.0001)).toBe('percentage-out-of-range');
    expect(codeOf(0)).toBe('percentage-out-of-range');
    expect(codeOf(0, 0)).toBe('ok');
    expect(codeOf(-1, 0)).toBe('percentage-out-of-range');
    expect(codeOf('half')).toBe('invalid-percentage');
  });
});
