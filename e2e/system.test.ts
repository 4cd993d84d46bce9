import { describe, expect, it } from 'vitest';
import { type Outcome, runSystem } from '../bench/system-rollouts.ts';
import { BASE_ERROR_RATE } from '../bench/system-users.ts';

/** `npm run bench -- system` is the full run. */
describe('rollouts through server, SDK and HTTP on a compressed clock', () => {
  it('goes on with a healthy one, aborts one that breaks, and loses no request', { timeout: 120_000 }, async () => {
    const outcomes: Outcome[] = [];
    const cases = [
      { group: 'healthy', form: 'control', errorRate: BASE_ERROR_RATE, seed: 1 },
      { group: 'broken', form: 'short', errorRate: 0.2, seed: 1 },
    ] as const;
    const complaints = await runSystem(cases, { stepMinutes: 120, longestDays: 2, quietDays: 15 }, (outcome) =>
      outcomes.push(outcome),
    );
    expect(complaints).toEqual([]);
    const [broken, healthy] = outcomes;
    expect(healthy).toMatchObject({ group: 'healthy', phase: 'exposing', harmful: 0 });
    expect(broken).toMatchObject({
      group: 'broken',
      phase: 'aborted',
      stage: 'internal',
      treatedAfterAbort: 0,
      tookEffect: true,
    });
    expect(broken!.harmful).toBeGreaterThan(0);
    for (const { placed, inEvidence, dropped } of outcomes) {
      expect(placed).toBeGreaterThan(100_000);
      expect(inEvidence).toBe(placed);
      expect(dropped).toBe(0);
    }
  });
});
