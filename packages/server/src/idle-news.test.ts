import type { RolloutState } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { createIdleNews } from './idle-news.ts';

describe('that nobody came', () => {
  it('is news of a rollout again after a fifth of the silence that counts as blindness, however many processes say so', () => {
    const rollout = { id: 'r', plan: { timeScale: 1 } } as RolloutState;
    const news = createIdleNews(() => rollout);
    expect(news.of(['r', 'r'], 0)).toEqual(['r']);
    news.heard(['r'], 0);
    expect(news.of(['r', 'r'], 59_999)).toEqual([]);
    expect(news.of(['r', 'r'], 60_000)).toEqual(['r']);
  });
});
