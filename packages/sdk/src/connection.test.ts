import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { withTimeout } from './connection.ts';
import { ManualClock } from './manual-clock.test.support.ts';

describe('a request with a timeout', () => {
  it('leaves nothing behind on the signal of the client, however it ends', async () => {
    const clock = new ManualClock();
    const outer = new AbortController();
    expect(await withTimeout(clock, outer.signal, async () => 7)).toBe(7);
    await expect(withTimeout(clock, outer.signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
    expect(clock.pending).toEqual([]);
  });

  it('ends with the client, also when that was closed before', async () => {
    const outer = new AbortController();
    outer.abort(new Error('closed'));
    await withTimeout(new ManualClock(), outer.signal, async (signal) => {
      expect(signal.reason).toEqual(new Error('closed'));
    });
  });
});
