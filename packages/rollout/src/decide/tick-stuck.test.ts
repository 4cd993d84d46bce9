import { describe, expect, it } from 'vitest';
import { AGENT, ANA, BATCH_MS, BEN, Drive, HOUR_MS, MINUTE_MS, planOf } from '../arbitraries.contract.ts';
import { RAMPART } from '../principal.ts';

const DAY_MS = 24 * HOUR_MS;
const stuck = (drive: Drive) => drive.all('RolloutStuck');

describe('a rollout that could go on by time', () => {
  it('is told of once per stage when it waits for longer than 24 h, with what it waits for', () => {
    const drive = new Drive().reach('canary').serve(24 * HOUR_MS);
    expect(stuck(drive)).toEqual([]);
    const servedAt = drive.state.stage!.enteredAt + HOUR_MS;
    drive.serve(2 * HOUR_MS);
    expect(stuck(drive)).toEqual([
      { type: 'RolloutStuck', since: servedAt, waitingFor: ['confirmation "No critical bugs"'] },
    ]);
    drive.serve(2 * DAY_MS);
    expect(stuck(drive)).toHaveLength(1);
    drive.command({ type: 'Approve', item: 'No critical bugs' }, BEN);
    drive.serve(BATCH_MS);
    expect(drive.state, 'the next stage begins anew').toMatchObject({ stage: { index: 1 } });
    expect(drive.state.stuckAt).toBeUndefined();
  });

  it('waits as long as the plan says', () => {
    const drive = new Drive(planOf({ stuckAfter: '2h' })).reach('canary').serve(3 * HOUR_MS + BATCH_MS);
    expect(stuck(drive)).toHaveLength(1);
  });

  it('is not told of while a person holds it with a reason, and is when Rampart does', () => {
    const held = new Drive().reach('canary').serve(2 * HOUR_MS);
    held.command({ type: 'Hold', reason: 'back on Monday' });
    held.serve(2 * DAY_MS);
    expect(stuck(held)).toEqual([]);
    const own = new Drive().reach('canary').serve(2 * HOUR_MS);
    own.command({ type: 'Hold', reason: 'errorRate breaches 1%' }, RAMPART);
    own.serve(25 * HOUR_MS);
    expect(stuck(own)).toMatchObject([
      { waitingFor: ['held by rampart: errorRate breaches 1%', 'confirmation "No critical bugs"'] },
    ]);
  });

  it('is not told of while its calendar is closed, and is when it opens and something is still missing', () => {
    const drive = new Drive(planOf({ calendar: { freeze: ['2026-01-06..2026-01-09'] } })).reach('canary');
    drive.serve(80 * HOUR_MS);
    expect(stuck(drive)).toEqual([]);
    drive.serve(48 * HOUR_MS);
    expect(stuck(drive)).toMatchObject([{ waitingFor: ['confirmation "No critical bugs"'] }]);
  });

  it('is not told of when its calendar opens and only the last word of a gate has grown old meanwhile', () => {
    const calendar = { freeze: ['2026-01-06..2026-01-09'] };
    const drive = new Drive(planOf({ calendar, gates: [{ signal: 'window', every: '10m' }] })).reach('canary');
    drive.command({ type: 'Approve', item: 'No critical bugs' }, BEN);
    drive.serve(2 * HOUR_MS);
    drive.now = Date.UTC(2026, 0, 5, 23);
    drive.command({ type: 'AnswerGate', gate: 'window', open: true, why: 'it answered 200' }, RAMPART);
    while (drive.now < Date.UTC(2026, 0, 10)) drive.serve(BATCH_MS);
    drive.serve(BATCH_MS);
    expect(drive.state.stage?.index).toBe(0);
    expect(stuck(drive)).toEqual([]);
    drive.serve(25 * HOUR_MS);
    expect(stuck(drive)[0]?.waitingFor[0], 'nobody answered for another day').toMatch(
      /^gate window, which is asked anew/,
    );
  });

  it('is told of when an agent holds it and nobody looks, also before the first stage', () => {
    const drive = new Drive().reach('canary');
    drive.command({ type: 'Hold', reason: 'odd latency' }, AGENT);
    drive.serve(25 * HOUR_MS);
    expect(stuck(drive)[0]?.waitingFor[0]).toBe('held by agent:ops: odd latency');
    const early = new Drive();
    early.command({ type: 'Start' });
    early.command({ type: 'Hold', reason: 'wait for me' }, AGENT);
    early.command({ type: 'Approve', item: 'launch-readiness', evidence: 'OPS-1' }, BEN);
    for (let count = 0; count < 5; count += 1) early.serve(BATCH_MS);
    expect(early.state).toMatchObject({ phase: 'baseline', baseline: {} });
    early.tick(25 * HOUR_MS);
    expect(stuck(early)).toMatchObject([{ waitingFor: ['held by agent:ops: wait for me'] }]);
  });

  it('is told of when a gate stays closed, in whatever words it says so', () => {
    const drive = new Drive(planOf({ gates: [{ signal: 'error-budget', when: 'during' }] })).begin();
    for (let count = 0; count < 30; count += 1) {
      const why = count % 2 === 0 ? 'it answered 503' : 'it did not answer within 10 s';
      drive.command({ type: 'AnswerGate', gate: 'error-budget', open: false, why }, RAMPART);
      drive.serve(HOUR_MS);
    }
    expect(stuck(drive)).toHaveLength(1);
  });

  it('is not told of while it is blind: that has an alert of its own', () => {
    const drive = new Drive().reach('canary').serve(2 * HOUR_MS);
    for (let count = 0; count < 30; count += 1) drive.tick(HOUR_MS);
    expect(stuck(drive)).toEqual([]);
    expect(drive.all('BlindLimitReached')).toHaveLength(1);
  });

  it('is told of when a gate keeps its time from being served', () => {
    const drive = new Drive(planOf({ gates: [{ signal: 'error-budget', when: 'during' }] })).begin();
    drive.command({ type: 'AnswerGate', gate: 'error-budget', open: false, why: 'spent' }, RAMPART);
    drive.serve(25 * HOUR_MS);
    expect(stuck(drive)[0]?.waitingFor).toContain('gate error-budget, which is closed: spent');
  });
});

describe('before the first stage', () => {
  it('is told once in pre-flight and once at the baseline', () => {
    const drive = new Drive();
    drive.command({ type: 'Start' });
    drive.tick(23 * HOUR_MS);
    expect(stuck(drive)).toEqual([]);
    drive.tick(HOUR_MS);
    drive.tick(DAY_MS);
    expect(stuck(drive)).toMatchObject([{ waitingFor: ['pre-flight item "launch-readiness"'] }]);
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' });
    drive.tick(25 * HOUR_MS);
    drive.tick(25 * HOUR_MS);
    expect(stuck(drive).slice(1)).toMatchObject([{ waitingFor: ['the baseline: no evidence to take it from'] }]);
  });

  it('is told when the start waits for a gate', () => {
    const drive = new Drive(planOf({ gates: [{ signal: 'go', when: 'start' }] })).begin();
    drive.tick(25 * HOUR_MS);
    expect(stuck(drive)).toMatchObject([{ waitingFor: ['gate go, which has not answered yet'] }]);
  });
});

describe('an incident that nobody has taken on', () => {
  const aborted = (owners = {}) => {
    const drive = new Drive(planOf({ owners })).reach('canary');
    drive.command({ type: 'Abort', reason: 'x' });
    return drive;
  };
  const told = (drive: Drive) => drive.all('IncidentUnattended');

  it('is told of once after four hours, also where the plan assigned it', () => {
    for (const drive of [aborted(), aborted({ analyst: 'agent:triage' })]) {
      const openedAt = drive.now;
      drive.tick(4 * HOUR_MS - MINUTE_MS);
      expect(told(drive)).toEqual([]);
      drive.tick(MINUTE_MS);
      drive.tick(DAY_MS);
      expect(told(drive)).toEqual([{ type: 'IncidentUnattended', incident: 1, since: openedAt }]);
    }
  });

  it('is not told of once someone was assigned by hand, or found a cause', () => {
    const assigned = aborted();
    assigned.command({ type: 'AssignIncident', incident: 1, assignee: 'ben' });
    const known = aborted();
    known.command({ type: 'RecordRootCause', incident: 1, text: 'a cache' }, ANA);
    for (const drive of [assigned, known]) {
      drive.tick(DAY_MS);
      expect(told(drive)).toEqual([]);
    }
  });
});
