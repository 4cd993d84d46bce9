import type { EventRecord, RolloutEvent } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { exposuresOf } from './exposure-log.ts';

const record = (at: number, event: object): EventRecord => ({
  version: at,
  at,
  by: 'rampart',
  event: event as RolloutEvent,
});

describe('the exposures of a rollout', () => {
  it('follow from its events, over an abort and the next attempt', () => {
    const layers = [{ weight: 5_000 }];
    const records = [
      record(1, { type: 'PreflightStarted', items: [] }),
      record(2, { type: 'AttemptStarted', attempt: 1 }),
      record(3, { type: 'BaselineStarted' }),
      record(4, { type: 'StageEntered', epoch: 1, layers }),
      record(5, { type: 'RolloutHeld', reason: 'x' }),
      record(6, { type: 'RolloutAborted', epoch: 2 }),
      record(7, { type: 'AttemptStarted', attempt: 2 }),
      record(8, { type: 'StageEntered', epoch: 3, layers }),
    ];
    expect(exposuresOf(records)).toEqual([
      { fromAt: 3, epoch: 0, attempt: 1, layers: [] },
      { fromAt: 4, epoch: 1, attempt: 1, layers },
      { fromAt: 6, epoch: 2, attempt: 1, layers: [] },
      { fromAt: 8, epoch: 3, attempt: 2, layers },
    ]);
  });

  it('are none before the baseline', () => {
    expect(exposuresOf([record(1, { type: 'PreflightStarted', items: [] })])).toEqual([]);
  });
});
