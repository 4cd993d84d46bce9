import { describe, expect, it } from 'vitest';
import { batchMsOf, tickMsOf } from './reconciler.ts';

describe('the pace of the loop', () => {
  it('closes batches after a minute of plan time, between 200 ms and 60 s of real time', () => {
    expect([1, 0.5, 0.01, 0.000_1].map(batchMsOf)).toEqual([60_000, 30_000, 600, 200]);
  });

  it('looks every second, and as often as batches close in short demos', () => {
    expect([1, 0.01, 0.000_1].map(tickMsOf)).toEqual([1_000, 600, 200]);
  });
});
