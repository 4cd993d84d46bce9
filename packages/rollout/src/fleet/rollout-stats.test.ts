import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANA, BATCH_MS, BEN, Drive, HOUR_MS, happen, happening, MINUTE_MS } from '../arbitraries.contract.ts';
import { RAMPART } from '../principal.ts';
import { addFact, factsAt, type RolloutFacts } from './rollout-facts.ts';
import { rolloutStatsOf } from './rollout-stats.ts';

const factsOf = ({ records }: Drive): RolloutFacts => records.reduce(addFact, factsAt(records[0]?.at ?? 0));
const statsOf = (...drives: Drive[]) => rolloutStatsOf(drives.map(factsOf), Math.max(...drives.map(({ now }) => now)));

function completed(): Drive {
  const drive = new Drive().reach('ga');
  drive.command({ type: 'Approve', item: 'docs-updated' });
  drive.serve(2 * HOUR_MS);
  expect(drive.state.phase).toBe('complete');
  return drive;
}

function aborted(): Drive {
  const drive = new Drive().reach('wide');
  drive.command({ type: 'Abort', reason: 'x', people: { treatment: 250, control: 760, targeted: 3 } });
  return drive;
}

describe('statistics about rollouts', () => {
  it('say nothing of no rollout', () => {
    const stats = rolloutStatsOf([], 0);
    expect(stats).toMatchObject({ rollouts: 0, timeToGa: { n: 0 }, breachToOff: { n: 0, unconfirmed: 0 }, stages: [] });
    expect(stats.spared).toEqual({ n: 0, unknown: 0, people: 0, low: 0, high: 0 });
  });

  it('measure the time to GA and in each stage over those that came so far', () => {
    const [one, other] = [completed(), aborted()];
    const stats = statsOf(one, other);
    expect(stats).toMatchObject({ rollouts: 2, outcomes: { running: 1, complete: 1, cancelled: 0 } });
    const start = one.records.find(({ event }) => event.type === 'AttemptStarted')?.at ?? 0;
    const ga = one.records.find(({ event }) => event.type === 'MonitoringStarted')?.at ?? 0;
    expect(stats.timeToGa).toEqual({ n: 1, medianMs: ga - start, p90Ms: ga - start });
    expect(stats.stages.map(({ stage, n }) => [stage, n])).toEqual([
      ['canary', 2],
      ['wide', 2],
      ['ga', 1],
    ]);
    expect(stats.stages[0]?.medianMs).toBeGreaterThanOrEqual(HOUR_MS);
  });

  it('count aborts by cause and stage, and the time to off', () => {
    const drive = aborted();
    drive.now += 3_000;
    const [one, other] = [drive, aborted()];
    one.command({ type: 'ConfirmEffect', incident: 1, acknowledged: 2, connected: 2 }, RAMPART);
    expect(statsOf(one, other)).toMatchObject({
      aborts: { n: 2, rollouts: 2, byCause: { person: 2 }, byStage: { wide: 2 } },
      breachToOff: { n: 1, medianMs: 3_000, p90Ms: 3_000, unconfirmed: 1 },
    });
  });

  it('estimate who was spared from those measured without it, beside what the split says', () => {
    const { spared, exposedToAborted } = statsOf(aborted());
    expect(exposedToAborted).toEqual({ n: 1, people: 253 });
    // 250 at 25 %: 750 without it, give or take 1.96 times the root of 250 x 0.75 / 0.25².
    expect(spared).toEqual({ n: 1, unknown: 0, people: 760, low: 643, high: 857 });
  });

  it('spare nobody at 100 %, and do not guess where only an audience was exposed', () => {
    const ga = new Drive().reach('ga');
    ga.command({ type: 'Abort', reason: 'x', people: { treatment: 900, control: 0, targeted: 0 } });
    expect(statsOf(ga).spared).toEqual({ n: 1, unknown: 0, people: 0, low: 0, high: 0 });
    const facts = { ...factsOf(aborted()) };
    const { split: _split, ...abort } = facts.aborts[0]!;
    expect(rolloutStatsOf([{ ...facts, aborts: [abort] }], 0).spared).toMatchObject({ n: 0, unknown: 1, people: 0 });
  });

  it('say what rollouts stood still for, and how long people were waited for', () => {
    const drive = new Drive();
    drive.command({ type: 'Start' });
    drive.now += 30 * MINUTE_MS;
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' }, BEN);
    drive.serve(4 * BATCH_MS);
    drive.command({ type: 'Hold', reason: 'look' });
    drive.serve(20 * MINUTE_MS);
    drive.command({ type: 'Resume' });
    drive.tick(8 * MINUTE_MS);
    drive.command({ type: 'Abort', reason: 'x' });
    drive.now += HOUR_MS;
    drive.command({ type: 'RecordFix', incident: 1, text: 'fixed' });
    drive.command({ type: 'Retry', version: 'v2' }, ANA);
    const { holds, waits, retries } = statsOf(drive);
    expect(holds).toMatchObject({
      person: { n: 1, rollouts: 1, totalMs: 20 * MINUTE_MS },
      blind: { n: 1, rollouts: 1, totalMs: 8 * MINUTE_MS },
    });
    expect(waits).toEqual({
      'pre-flight': { n: 1, rollouts: 1, totalMs: 30 * MINUTE_MS },
      hold: { n: 1, rollouts: 1, totalMs: 20 * MINUTE_MS },
      fix: { n: 1, rollouts: 1, totalMs: HOUR_MS },
    });
    expect(retries).toEqual({ n: 1, needed: 1 });
  });

  it('leave out rollouts created before the time asked for', () => {
    const facts = factsOf(aborted());
    expect(rolloutStatsOf([facts], facts.createdAt, facts.createdAt + 1)).toMatchObject({
      rollouts: 0,
      aborts: { n: 0 },
    });
    expect(rolloutStatsOf([facts], facts.createdAt, facts.createdAt).rollouts).toBe(1);
  });

  it('agree with the state, whatever happened', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const drive = new Drive().begin();
        for (const one of happenings) happen(drive, one);
        const { state, now } = drive;
        const stats = rolloutStatsOf([factsOf(drive)], now);
        expect(stats.aborts.n).toBe(state.incidents.length);
        expect(stats.overrides.n).toBe(state.overrides.length);
        expect(stats.retries).toEqual({ n: 1, needed: state.attempt > 1 ? 1 : 0 });
        const ended = state.history.filter(({ endedAt }) => endedAt !== undefined);
        expect(stats.stages.reduce((sum, { n }) => sum + n, 0)).toBe(ended.length);
        for (const { totalMs } of [...Object.values(stats.holds), ...Object.values(stats.waits)])
          expect(totalMs).toBeGreaterThanOrEqual(0);
        const { people, low, high } = stats.spared;
        expect(Math.min(people, low)).toBeGreaterThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(low);
      }),
      { numRuns: 60 },
    );
  });
});
