import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SimulatedRun } from './simulated-run.ts';
import { runShare, spreadOf, summarize } from './summarize.ts';

const RUN: SimulatedRun = {
  seed: 1,
  outcome: 'completed',
  stage: 'ga',
  afterMs: 100,
  timeToGaMs: 60,
  passed: [{ stage: 'canary', afterMs: 60, isFalse: false }],
  isFalsePass: false,
  isHarmed: false,
  exposed: 10,
  harmed: 0,
  excessEvents: 0,
  excess: {},
  batches: 3,
  events: [],
};
const ABORTED: SimulatedRun = {
  ...RUN,
  outcome: 'aborted',
  stage: 'canary',
  passed: [],
  isHarmed: true,
  detectionMs: 40,
  harmed: 4,
  abort: { kind: 'criterion', reason: 'errorRate breaches 1 %', isFalse: false },
};

describe('a summary', () => {
  it('counts outcomes, causes and stages', () => {
    const wrong: SimulatedRun = { ...ABORTED, isHarmed: false, abort: { ...ABORTED.abort!, isFalse: true } };
    const { detectionMs: _detected, ...undetected } = wrong;
    const summary = summarize(
      [RUN, ABORTED, undetected, { ...RUN, isFalsePass: true, isHarmed: true }],
      ['canary', 'ga'],
    );
    expect(summary).toMatchObject({
      runs: 4,
      falseAborts: { count: 1, of: 4, share: 0.25 },
      falsePasses: { count: 1, of: 4 },
      detected: { count: 1, of: 2 },
      detectionMs: { n: 1, median: 40 },
      causes: [{ cause: 'errorRate breaches 1 %', count: 2, isFalse: 1 }],
    });
    expect(summary.outcomes.aborted.count).toBe(2);
    expect(summary.stages).toMatchObject([
      { stage: 'canary', reached: 4, passed: 2, ended: { aborted: 2 } },
      { stage: 'ga', reached: 2, ended: { completed: 2 } },
    ]);
  });

  it('says what runs waited for that did not end by themselves', () => {
    const stuck: SimulatedRun = {
      ...RUN,
      outcome: 'unfinished',
      stage: 'canary',
      passed: [],
      waiting: ['a', 'b'],
      blindAfterMs: 30,
    };
    const { waits, stages } = summarize([stuck, RUN, { ...stuck, waiting: ['b'], blindAfterMs: 30 }], ['canary', 'ga']);
    expect(waits).toEqual([
      { stage: 'canary', waiting: 'b', count: 2, blindAfterMs: 30 },
      { stage: 'canary', waiting: 'a', count: 1, blindAfterMs: 30 },
    ]);
    expect(stages[0]?.ended.unfinished).toBe(2);
  });

  it('leaves out what no run has', () => {
    const summary = summarize([{ ...RUN, timeToGaMs: undefined as never }], ['ga']);
    expect(summary.detected).toBeUndefined();
    expect(summary.detectionMs).toBeUndefined();
    expect(summary.timeToGaMs).toBeUndefined();
    expect(() => summarize([], [])).toThrow(RangeError);
  });

  it('bounds shares exactly', () => {
    expect(runShare(0, 100)).toMatchObject({ low: 0 });
    // The rule of three, exactly: 1 - 0.025^(1/100).
    expect(runShare(0, 100).high).toBeCloseTo(1 - 0.025 ** 0.01, 9);
    expect(runShare(0, 0)).toEqual({ count: 0, of: 0, share: 0, low: 0, high: 1 });
  });

  it('bounds the median by values, and keeps quantiles in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 60 }), (values) => {
        const { p10, median, p90, most, medianLow, medianHigh } = spreadOf(values);
        expect([p10, median, p90, most]).toEqual([p10, median, p90, most].toSorted((a, b) => a - b));
        expect(medianLow).toBeLessThanOrEqual(median);
        expect(medianHigh).toBeGreaterThanOrEqual(median);
      }),
    );
    const hundred = spreadOf(Array.from({ length: 100 }, (_, index) => index + 1));
    // Order statistics 40 and 61 of 100 bound the median at 95 % (binomial).
    expect([hundred.medianLow, hundred.medianHigh]).toEqual([40, 61]);
  });
});
