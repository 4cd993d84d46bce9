import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layAxis } from './axis.ts';

describe('layAxis', () => {
  it('lays values that can hardly be told apart', () => {
    const axis = layAxis({ label: '' }, [-5e-324, 5e-324], 0, 400);
    expect(axis.ticks.length).toBeGreaterThan(1);
    expect(axis.at(0)).toBeGreaterThanOrEqual(0);
  });

  it('keeps every finite value between its ends and in order', () => {
    const finite = fc.double({ min: -1e9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 20 }), (values) => {
        const axis = layAxis({ label: '' }, values, 0, 400);
        const places = values.toSorted((a, b) => a - b).map((value) => axis.at(value) ?? Number.NaN);
        for (const place of places) expect(place).toBeGreaterThanOrEqual(-1e-6);
        for (const place of places) expect(place).toBeLessThanOrEqual(400 + 1e-6);
        for (let i = 1; i < places.length; i += 1) expect(places[i]).toBeGreaterThanOrEqual(places[i - 1]);
      }),
    );
  });

  it('includes 0 on a linear axis and begins there', () => {
    const axis = layAxis({ label: '' }, [5, 10], 0, 400);
    expect(axis.at(0)).toBe(0);
    expect(axis.origin).toBe(0);
  });

  it('spans whole powers of ten on a log axis and shows nothing at or below 0', () => {
    const axis = layAxis({ label: '', scale: 'log' }, [3, 200, -1, 0], 0, 300);
    expect([axis.at(1), axis.at(10), axis.at(1000)].map((x) => Math.round(x ?? -1))).toEqual([0, 100, 300]);
    expect(axis.at(0)).toBeUndefined();
    expect(axis.at(-1)).toBeUndefined();
  });

  it('writes ticks the way it is told', () => {
    const axis = layAxis({ label: '', domain: [0, 1], format: (share) => `${share * 100} %` }, [], 0, 200);
    expect(axis.ticks.map(({ text }) => text)).toContain('100 %');
  });

  it('has an axis for one value, and for none', () => {
    for (const values of [[], [0], [Number.NaN]]) {
      expect(layAxis({ label: '' }, values, 0, 100).at(1)).toBe(100);
      expect(layAxis({ label: '', scale: 'log' }, values, 0, 100).at(10)).toBeCloseTo(100);
    }
  });
});
