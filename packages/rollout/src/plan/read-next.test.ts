import { describe, expect, it } from 'vitest';
import { START_AT } from '../arbitraries.contract.ts';
import { planFromObject } from './parse-plan.ts';
import type { RolloutConfig } from './plan-schema.ts';
import { handoversOf } from './read-next.ts';

const read = (next: unknown) =>
  planFromObject(
    {
      flag: 'f',
      stages: [
        { name: 'canary', percentage: 5, duration: '48h' },
        { name: 'ga', percentage: 100, duration: 'permanent' },
      ],
      abortCriteria: { errorRate: 0.01 },
      next,
    } as RolloutConfig,
    { now: START_AT },
  );

const URL = 'https://feedback.example.com/hooks/rampart';

describe('next', () => {
  it('is one step or several, a webhook or a command', () => {
    const one = read({ command: 'feedback' });
    expect(one.ok && handoversOf(one.plan)).toEqual([{ name: 'feedback', command: 'feedback' }]);
    const several = read([{ name: 'ingest', webhook: URL, secretRef: 'FEEDBACK_SECRET' }, { command: 'feedback' }]);
    expect(several.ok && handoversOf(several.plan)).toEqual([
      { name: 'ingest', webhook: URL, secretRef: 'FEEDBACK_SECRET' },
      { name: 'feedback', command: 'feedback' },
    ]);
  });

  it('of a plan that was stored in another form is no step', () => {
    expect(handoversOf({ next: { run: 'rm -rf /' } })).toEqual([]);
    expect(handoversOf({ next: 'feedback' })).toEqual([]);
    expect(handoversOf({})).toEqual([]);
  });

  it.each([
    ['neither', {}, 'missing-key', 'next'],
    ['both', { webhook: URL, secretRef: 'S', command: 'x' }, 'conflicting-keys', 'next.command'],
    ['a webhook without a secret', { webhook: URL }, 'missing-key', 'next.webhook'],
    ['something that is no URL', { webhook: 'feedback', secretRef: 'S' }, 'wrong-type', 'next.webhook'],
    ['a secret for a command', { command: 'x', secretRef: 'S' }, 'misplaced-key', 'next.secretRef'],
    ['two of one name', [{ command: 'x' }, { command: 'x' }], 'conflicting-keys', 'next[1].name'],
    ['arguments of a command', { command: 'x', args: ['rm'] }, 'unknown-key', 'next.args'],
  ])('is refused with %s', (_, next, code, path) => {
    const result = read(next);
    expect(result).toMatchObject({
      ok: false,
      issues: expect.arrayContaining([expect.objectContaining({ code, path })]),
    });
  });
});
