import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../event.ts';
import {
  DAY_MS,
  ERROR_CHECK,
  entered,
  type Happening,
  HOUR_MS,
  opening,
  recordsFrom,
  SAMPLE_PLAN,
  START_AT,
  sampleHappenings,
  snapshots,
  stateOf,
  verdict,
} from './arbitraries.contract.ts';
import { standingOf } from './standing.ts';

const NOW = START_AT + 5 * DAY_MS;
const standing = (happenings: readonly Happening[], now = NOW) => standingOf(stateOf(recordsFrom(happenings)), { now });
const judged = (status: 'fail' | 'inconclusive' | 'no-data'): Happening => [
  4 * DAY_MS,
  'rampart',
  { type: 'ChecksJudged', verdicts: [verdict({ status })], metrics: snapshots(0.1, 0.4) },
];

describe('standingOf', () => {
  it('proceeds once every check passes, and says how long is left to serve', () => {
    expect(standing(sampleHappenings())).toEqual({
      decision: 'proceed',
      why: ['every check passes; next: ga (100 %) in 5 d'],
    });
    expect(standing(sampleHappenings(), START_AT + 10 * DAY_MS).why).toEqual(['every check passes; next: ga (100 %)']);
  });

  it('names monitoring as what follows the last stage', () => {
    const last: Happening = [10 * DAY_MS, 'rampart', entered(3, 4)];
    const passing: Happening = [10 * DAY_MS, 'rampart', { type: 'ChecksJudged', verdicts: [verdict()], metrics: [] }];
    expect(standing([...sampleHappenings(), last, passing]).why).toEqual(['every check passes; next: monitoring']);
  });

  it.each(['fail', 'inconclusive', 'no-data'] as const)('holds while a required check is %s', (status) => {
    expect(standing([...sampleHappenings(), judged(status)])).toEqual({
      decision: 'hold',
      why: [`errorRate (1 %) is ${status}`],
    });
  });

  it('leaves an unmeasured optional check out, but not one that fails', () => {
    const optional = { ...ERROR_CHECK, optional: true };
    const plan = { ...SAMPLE_PLAN, stages: SAMPLE_PLAN.stages.map((stage) => ({ ...stage, gate: [optional] })) };
    expect(standing([...sampleHappenings(plan), judged('no-data')]).decision).toBe('proceed');
    expect(standing([...sampleHappenings(plan), judged('fail')]).decision).toBe('hold');
  });

  it('holds until every confirmation of the stage is given', () => {
    const passing: Happening = [HOUR_MS, 'rampart', { type: 'ChecksJudged', verdicts: [verdict()], metrics: [] }];
    const item = 'internal: No critical bugs';
    expect(standing([...opening(), passing]).why).toEqual(['not confirmed: No critical bugs']);
    const confirmed: Happening = [HOUR_MS, 'bo', { type: 'ItemAttested', list: 'confirmation', item }];
    expect(standing([...opening(), passing, confirmed]).decision).toBe('proceed');
  });

  it('holds once the time is served while the calendar is closed, and says that a principal was asked', () => {
    const freeze = [{ from: '2026-01-15', to: '2026-01-31' }];
    const plan = { ...SAMPLE_PLAN, calendar: { freeze, timeZone: 'UTC' } };
    expect(standing(sampleHappenings(plan), START_AT + 9 * DAY_MS).decision).toBe('proceed');
    expect(standing(sampleHappenings(plan), START_AT + 11 * DAY_MS).decision).toBe('hold');
    const asked: Happening = [5 * DAY_MS, 'rampart', { type: 'PrincipalAsked', question: 'go?', undecided: [] }];
    expect(standing([...sampleHappenings(), judged('inconclusive'), asked]).why).toEqual([
      'errorRate (1 %) is inconclusive',
      'a principal has been asked to decide',
    ]);
  });

  it('holds and gives every reason: blind, invalid data and a failing alert', () => {
    const at = 4 * DAY_MS;
    expect(
      standing([
        ...sampleHappenings(),
        [at, 'rampart', { type: 'SightLost', since: START_AT + at, why: 'source silent' }],
        [at, 'rampart', { type: 'DataFoundInvalid', why: 'split 60:40' }],
        [at, 'rampart', { type: 'AlertRaised', check: 'alert:x', verdict: verdict() }],
      ]),
    ).toEqual({
      decision: 'hold',
      why: ['no fresh evidence since 2026-01-09 09:00 UTC', 'data invalid: split 60:40', 'alert alert:x fails'],
    });
  });

  it('has nothing to decide before exposure, while monitoring and after the end', () => {
    const monitoring: readonly Happening[] = [
      ...sampleHappenings(),
      [9 * DAY_MS, 'rampart', { ...entered(3, 4), durationMs: 14 * DAY_MS } as RolloutEvent],
      [9 * DAY_MS, 'rampart', { type: 'MonitoringStarted', untilAt: START_AT }],
      [9 * DAY_MS, 'bo', { type: 'ItemAttested', list: 'exit', item: 'docs-updated' }],
    ];
    const end: Happening = [9 * DAY_MS, 'rampart', { type: 'RolloutCompleted', metrics: [], verdicts: [] }];
    expect(standing(opening().slice(0, 4))).toEqual({ why: ['in pre-flight, nobody is exposed'] });
    expect(standing(monitoring, START_AT + 9 * DAY_MS)).toEqual({
      why: ['monitoring before the exit gate, 14 d left; every exit item is given'],
    });
    expect(standing([...monitoring, end]).why).toEqual(['complete: the exit gate holds, nothing is left to decide']);
    const cancelled: Happening = [HOUR_MS, 'ana', { type: 'RolloutCancelled', reason: 'x' }];
    expect(standing([...opening(), cancelled])).toEqual({ why: ['cancelled, nobody is exposed'] });
  });

  it('says rollback for an aborted state even if no incident was recorded', () => {
    const state = { ...stateOf(recordsFrom(opening())), phase: 'aborted' as const };
    expect(standingOf(state, { now: NOW })).toEqual({ decision: 'rollback', why: [] });
  });
});
