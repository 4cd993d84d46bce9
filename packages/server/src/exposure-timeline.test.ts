import { type EventRecord, parsePlan, type RolloutEvent } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { NO_EXPOSURE, withRecords } from './exposure-timeline.ts';

const result = parsePlan(`
flag: checkout
stages:
  - { name: internal, audience: team, percentage: 100, duration: 24h }
  - { name: canary, percentage: 5, duration: 24h }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
`);
if (!result.ok) throw new Error('the plan is refused');
const { plan } = result;

const entered = (index: number, epoch: number, layers: { segment?: string; weight: number }[]): RolloutEvent => ({
  ...{ type: 'StageEntered', index, name: `${index}`, layers, epoch, durationMs: 1, why: 'a test' },
});
const team = { segment: 'team', weight: 100_000 };
const EVENTS: readonly (readonly [at: number, event: RolloutEvent])[] = [
  [10, { type: 'RolloutCreated', id: 'checkout-1', plan, warnings: [] }],
  [20, { type: 'BaselineStarted' }],
  [30, entered(0, 1, [team])],
  [35, { type: 'RolloutHeld', reason: 'lunch' }],
  [40, entered(1, 2, [team, { weight: 5_000 }])],
  [
    50,
    {
      ...{ type: 'RolloutAborted', kind: 'person', reason: 'x', incident: 1, stage: 'canary', epoch: 3, failed: [] },
      ...{ people: { treatment: 0, control: 0, targeted: 0 }, metrics: [] },
    },
  ],
  [60, { type: 'AttemptStarted', attempt: 2, version: 'b', statistics: 2 }],
  [70, entered(2, 4, [team, { weight: 100_000 }])],
];
const RECORDS: readonly EventRecord[] = EVENTS.map(([at, event], i) => ({ version: i + 1, at, by: 'ana', event }));

describe('the exposure of a rollout over time', () => {
  it('changes with each stage, not with a hold, and has nothing to ask for while it is aborted', () => {
    const { spans } = withRecords(NO_EXPOSURE, RECORDS);
    expect(spans.map(({ fromAt, toAt, epoch }) => [fromAt, toAt, epoch])).toEqual([
      [20, 30, 0],
      [30, 40, 1],
      [40, 50, 2],
      ...spans.slice(3).map(({ fromAt, toAt, epoch }) => [fromAt, toAt, epoch]),
    ]);
    expect(spans.some(({ fromAt, toAt = 51 }) => fromAt <= 55 && toAt > 55)).toBe(false);
    expect(spans.at(-1)).toEqual({ fromAt: 70, epoch: 4, stratum: 100_000, isUniform: true, isAudience: false });
  });

  it('says what a source must know: nobody, an audience alone, a split, everyone', () => {
    const { spans } = withRecords(NO_EXPOSURE, RECORDS);
    expect(spans.slice(0, 3).map(({ stratum, isUniform, isAudience }) => [stratum, isUniform, isAudience])).toEqual([
      [0, true, false],
      [100_000, false, true],
      [5_000, false, false],
    ]);
  });

  it('is the same read at once or event by event', () => {
    const whole = withRecords(NO_EXPOSURE, RECORDS);
    const parts = RECORDS.reduce((before, record) => withRecords(before, [record]), NO_EXPOSURE);
    expect(parts).toEqual(whole);
  });
});
