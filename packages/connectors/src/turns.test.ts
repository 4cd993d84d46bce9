import { describe, expect, it } from 'vitest';
import { createTurns } from './turns.ts';

describe('turns', () => {
  it('does works of one key one after the other, also after one that failed, and lets other keys pass', async () => {
    const inTurn = createTurns();
    const done: string[] = [];
    const first = Promise.withResolvers<void>();
    const works = [
      inTurn('a', async () => {
        await first.promise;
        done.push('a1');
        throw new Error('no');
      }).catch(() => undefined),
      inTurn('a', async () => void done.push('a2')),
      inTurn('b', async () => void done.push('b')),
    ];
    await works[2];
    expect(done).toEqual(['b']);
    first.resolve();
    await Promise.all(works);
    expect(done).toEqual(['b', 'a1', 'a2']);
  });
});
