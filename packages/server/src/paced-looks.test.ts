import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPacedLooks } from './paced-looks.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Looks that take so long, and those begun so far. */
function looksOf(tookMs: number) {
  const begun: string[] = [];
  const looks = createPacedLooks(async (id) => {
    begun.push(id);
    await new Promise((done) => setTimeout(done, tookMs));
  });
  return { ...looks, begun };
}

describe('looks that telemetry leads to', () => {
  it('come at once after a rest, and then see together what arrives within 20 ms', async () => {
    const { ask, begun } = looksOf(0);
    ask('a');
    expect(begun).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(5);
    for (let i = 0; i < 50; i += 1) ask('a');
    await vi.advanceTimersByTimeAsync(10);
    expect(begun).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(20);
    expect(begun).toEqual(['a', 'a']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(begun).toEqual(['a', 'a']);
  });

  it('take turns over the rollouts that wait, and rest three times as long as they took', async () => {
    const { ask, begun } = looksOf(50);
    ask('a');
    ask('b');
    ask('c');
    await vi.advanceTimersByTimeAsync(60);
    ask('a');
    expect(begun).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(130);
    expect(begun).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(200);
    expect(begun).toEqual(['a', 'b', 'c', 'a']);
  });

  it('end with the one under way when they are stopped', async () => {
    const { ask, stop, begun } = looksOf(50);
    for (const id of ['a', 'b', 'c']) ask(id);
    await vi.advanceTimersByTimeAsync(210);
    expect(begun).toEqual(['a', 'b']);
    const stopped = stop();
    await vi.advanceTimersByTimeAsync(100);
    await stopped;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toEqual(['a', 'b']);
  });
});
