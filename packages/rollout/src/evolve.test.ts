import { describe, expect, it } from 'vitest';
import { Drive, START_AT } from './arbitraries.contract.ts';
import { evolve, replay } from './evolve.ts';
import { currentStageName } from './evolve-records.ts';

const record = (event: Parameters<typeof evolve>[1]['event']) => ({ version: 9, at: START_AT, by: 'ana', event });

describe('the state that events make', () => {
  it('is nothing for no events, and needs a creation first', () => {
    expect(replay([])).toBeUndefined();
    expect(() => evolve(undefined, record({ type: 'BaselineStarted' }))).toThrow(
      /begins with RolloutCreated, not BaselineStarted/,
    );
  });

  it('takes every event in every state', () => {
    const { state } = new Drive();
    for (const event of [
      { type: 'StageExtended', byMs: 1, reason: 'x' },
      { type: 'PrincipalAsked', question: 'x', undecided: [] },
      { type: 'SightLost', since: 0, why: 'x' },
      { type: 'RolloutHeld', reason: 'x' },
    ] as const) {
      expect(evolve(state, record(event))).toMatchObject({ phase: 'draft', version: 9 });
    }
  });

  it('names the stage, or the phase where there is none', () => {
    expect(currentStageName(new Drive().state)).toBe('draft');
    expect(currentStageName(new Drive().reach('canary').state)).toBe('canary');
  });
});
