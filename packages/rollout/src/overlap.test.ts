import { bucketOf, FULL_WEIGHT } from '@rampart/flags';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_MS, Drive, HOUR_MS, planOf } from './arbitraries.contract.ts';
import { renderIncident } from './documents/incident.ts';
import { describeOverlap, type Overlap, type OverlapParty, overlapNote, overlapOf, recentOverlaps } from './overlap.ts';
import { RAMPART } from './principal.ts';
import { openReplay } from './replay/replay-rollout.ts';

const { metrics } = planOf();

function party(rollout: string, weight: number, parts: Partial<OverlapParty> = {}): OverlapParty {
  const split = { salt: rollout, bucketBy: 'targetingKey', layers: [{ weight }] };
  return { rollout, flag: rollout, metrics, ...split, ...parts };
}

describe('overlapOf', () => {
  it('of independent splits takes the same share of both arms: nothing is confounded', () => {
    expect(overlapOf(party('a', 5_000), party('b', 25_000, { stage: 'beta', advancedAt: 7 }))).toEqual({
      ...{ rollout: 'b', flag: 'b', stage: 'beta', advancedAt: 7, metrics: ['errorRate'] },
      ...{ share: 0.25, controlShare: 0.25, isConfounded: false },
    });
  });

  it('of splits by one salt is nested, and falls on one arm', () => {
    const salt = { salt: 'both' };
    expect(overlapOf(party('a', 5_000, salt), party('b', 25_000, salt))).toMatchObject({
      ...{ share: 1, isConfounded: true },
      controlShare: expect.closeTo(20 / 95, 12),
    });
    expect(overlapOf(party('a', 25_000, salt), party('b', 5_000, salt))).toMatchObject({ share: 0.2, controlShare: 0 });
    expect(overlapOf(party('a', 25_000, salt), party('b', FULL_WEIGHT, salt))).toMatchObject({ isConfounded: false });
    const perAccount = { salt: 'both', bucketBy: 'account' };
    expect(overlapOf(party('a', 5_000, salt), party('b', 25_000, perAccount))).toMatchObject({ isConfounded: false });
  });

  it('is none without people or metrics in common', () => {
    expect(overlapOf(party('a', 5_000), party('b', 0))).toBeUndefined();
    expect(overlapOf(party('a', 5_000), party('a', 5_000))).toBeUndefined();
    const { errorRate } = metrics;
    const other = errorRate && { conversion: { ...errorRate, name: 'conversion' } };
    expect(overlapOf(party('a', 5_000), party('b', 5_000, { metrics: other ?? {} }))).toBeUndefined();
  });

  it('knows a metric under another name by what it asks its source', () => {
    const { errorRate } = metrics;
    if (errorRate === undefined) throw new Error('the plan has no errorRate');
    const bound = { ...errorRate, source: 'prometheus', binding: { bad: 'x', total: 'y' } };
    const mine = { failures: { ...bound, name: 'failures', binding: { total: 'y', bad: 'x' } } };
    const theirs = { errors: { ...bound, name: 'errors' } };
    expect(overlapOf(party('a', 1, { metrics: mine }), party('b', 1, { metrics: theirs }))?.metrics).toEqual([
      'failures',
    ]);
    const elsewhere = { errors: { ...bound, name: 'errors', source: 'another' } };
    expect(overlapOf(party('a', 1, { metrics: mine }), party('b', 1, { metrics: elsewhere }))).toBeUndefined();
  });

  it('of different audiences is possible, and nobody knows how large', () => {
    const overlap = overlapOf(
      party('a', 0, { layers: [{ segment: 'team', weight: FULL_WEIGHT }] }),
      party('b', 0, { layers: [{ segment: 'beta', weight: 50_000 }] }),
    );
    expect(overlap).toMatchObject({ isConfounded: false });
    expect(overlap).not.toHaveProperty('share');
    const team = { layers: [{ segment: 'team', weight: 20_000 }] };
    expect(
      overlapOf(party('a', 0, team), party('b', 0, { layers: [{ segment: 'team', weight: 30_000 }] })),
    ).toMatchObject({
      share: 0.3,
    });
  });

  it('gives the shares that real bucketing gives', () => {
    const users = Array.from({ length: 20_000 }, (_, user) => `user-${user}`);
    const weight = fc.integer({ min: 5_000, max: 95_000 });
    fc.assert(
      fc.property(weight, weight, fc.boolean(), (mine, theirs, isSame) => {
        const [one, other] = ['a', isSame ? 'a' : 'b'];
        const overlap = overlapOf(party('x', mine, { salt: one }), party('y', theirs, { salt: other }));
        const treated = users.filter((user) => bucketOf(one, user) < mine);
        const control = users.filter((user) => bucketOf(one, user) >= mine);
        const shareOf = (arm: readonly string[]) =>
          arm.filter((user) => bucketOf(other, user) < theirs).length / arm.length;
        // Arms have 900 users or more: six standard deviations of a share are 0.1 at most.
        expect(overlap?.share).toBeCloseTo(shareOf(treated), 0);
        expect(Math.abs((overlap?.share ?? 0) - shareOf(treated))).toBeLessThan(0.1);
        expect(Math.abs((overlap?.controlShare ?? 0) - shareOf(control))).toBeLessThan(0.1);
      }),
      { numRuns: 30 },
    );
  });
});

const OTHER: Overlap = {
  ...{ rollout: 'g-1', flag: 'g', stage: 'beta', metrics: ['errorRate'] },
  ...{ share: 0.25, controlShare: 0.25, isConfounded: false },
};

describe('describeOverlap', () => {
  it('says what the overlap means for the numbers', () => {
    expect(describeOverlap(OTHER)).toBe(
      'overlaps with g-1 (in beta): 25 % of both arms alike see its new variant too; comparisons with control stand, with more noise, but against a baseline or a fixed limit a change may be its doing',
    );
    expect(describeOverlap({ ...OTHER, share: 1, controlShare: 0.05, isConfounded: true })).toContain(
      '100 % of treatment and 5 % of control see its new variant too, so a difference between the arms may be its doing',
    );
    const { share: _share, controlShare: _control, ...unknown } = OTHER;
    expect(describeOverlap(unknown)).toContain('some people here, nobody knows how many, as audiences differ,');
  });
});

describe('a rollout that overlaps', () => {
  it('says so in the note of each verdict that it concerns, and replays to the same decisions', () => {
    const drive = new Drive(planOf()).reach('canary');
    drive.command({ type: 'RecordOverlaps', overlaps: [OTHER] }, RAMPART);
    drive.serve(2 * BATCH_MS);
    const notes = drive.judgement?.verdicts.map(({ note }) => note) ?? [];
    expect(notes.length).toBeGreaterThan(0);
    const absolute = 'a change may be the doing of g-1 (in beta), whose new variant 25 % of both arms alike see too';
    const relative = '25 % of both arms alike see g-1 (in beta) too: the comparison stands, with more noise';
    for (const note of notes) expect([absolute, relative]).toContain(note);
    expect(new Set(notes).size).toBe(2);
    const confounded = { ...OTHER, share: 1, controlShare: 0.05, isConfounded: true };
    expect(overlapNote(confounded, true)).toMatch(/^confounded with g-1 \(in beta\): 100 % of treatment/);
    drive.command({ type: 'RecordOverlaps', overlaps: [] }, RAMPART);
    expect(drive.state).not.toHaveProperty('overlaps');
    drive.serve(2 * BATCH_MS);
    expect(drive.judgement?.verdicts.some(({ note }) => note?.includes('g-1'))).toBe(false);
    const replay = openReplay(drive.records);
    for (const { batch } of drive.batches) replay.feed(batch);
    expect(replay.finish().differences).toEqual([]);
  });

  it('is written to only where something has changed, and by Rampart alone', () => {
    const drive = new Drive(planOf()).reach('canary');
    drive.command({ type: 'RecordOverlaps', overlaps: [OTHER] }, RAMPART);
    const { version } = drive.state;
    drive.command({ type: 'RecordOverlaps', overlaps: [{ ...OTHER }] }, RAMPART);
    expect(drive.state.version).toBe(version);
    expect(drive.command({ type: 'RecordOverlaps', overlaps: [] })).toMatchObject({ ok: false, code: 'FORBIDDEN' });
  });

  it('names in the incident whoever had advanced within the hour before the abort', () => {
    const drive = new Drive(planOf()).reach('canary');
    const advanced = (rollout: string, agoMs: number) => ({ ...OTHER, rollout, advancedAt: drive.now - agoMs });
    const overlaps = [advanced('old-1', 2 * HOUR_MS), advanced('new-1', 10 * 60_000)];
    drive.command({ type: 'RecordOverlaps', overlaps }, RAMPART);
    expect(recentOverlaps(drive.state, drive.now).map(({ rollout }) => rollout)).toEqual(['new-1']);
    drive.command({ type: 'Abort', reason: 'errors' });
    expect(drive.state.incidents[0]?.overlapping).toMatchObject([{ rollout: 'new-1' }]);
    const document = renderIncident(drive.records, drive.state, 1, { now: drive.now });
    expect(document).toContain(
      'It may be the doing of another rollout: new-1 advanced to beta 10 min before and may move errorRate.',
    );
  });
});
