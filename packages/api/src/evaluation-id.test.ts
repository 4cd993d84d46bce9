import { describe, expect, it } from 'vitest';
import { evaluationIdOf, parseEvaluationId } from './evaluation-id.ts';

describe('an evaluation id', () => {
  it('stands for a place and gives it back', () => {
    const place = {
      rollout: 'chat-v2.x-1',
      attempt: 2,
      epoch: 3,
      stratum: 5000,
      arm: 'treatment',
      bucket: 63,
    } as const;
    expect(evaluationIdOf(place)).toBe('chat-v2.x-1/2/3/5000/treatment/63');
    expect(parseEvaluationId(evaluationIdOf(place))).toEqual(place);
  });

  it.each([
    '',
    'a',
    'r/1/2/5000/treated/1',
    'r/1/2/5000/control/-1',
    'r/1/2/5000/control/1/2',
    'r r/1/2/3/control/1',
    'r/0/2/3/control/1',
    'r/1/2/100001/control/1',
    'r/1/2/3/control/64',
  ])('is not %j', (text) => {
    expect(parseEvaluationId(text)).toBeUndefined();
  });
});
