import { describe, expect, it } from 'vitest';
import { BATCH_MS, bothArms, Drive, HOUR_MS, MINUTE_MS, planOf, seriesOf } from '../arbitraries.contract.ts';
import type { RolloutConfig } from '../plan/plan-schema.ts';
import { waitingFor } from './tick-advance.ts';

const ERRORS = { metric: 'errorRate', limit: '2%' };
const LIES = { metric: 'hallucinationRate', limit: '5%' };
const GA = { name: 'ga', percentage: 100, duration: 'permanent', monitor: '1h' };
const BOTH = ['errorRate', 'hallucinationRate'];

/** In a canary that asks for some checks, every metric of the plan measured from the baseline on. */
function canary(stage: object, rest: object = {}): Drive {
  const stages = [
    { name: 'canary', percentage: 50, duration: '4h', ...stage },
    { name: 'wide', percentage: 60, duration: '24h', gate: [ERRORS] },
    GA,
  ];
  const parts = { abortCriteria: { errorRate: '2%' }, killSwitch: undefined, alerts: {}, exit: [], stages, ...rest };
  const drive = new Drive(planOf(parts as unknown as Partial<RolloutConfig>));
  drive.command({ type: 'Start' });
  drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' });
  while (drive.state.phase === 'baseline') measure(drive, BATCH_MS, BOTH);
  return drive;
}

/** Healthy evidence of some metrics and no others, until the stage ends. */
function measure(drive: Drive, forMs: number, metrics: readonly string[], bad = 0.001): void {
  const { phase, stage } = drive.state;
  const isThere = () => drive.state.phase === phase && drive.state.stage?.index === stage?.index;
  for (let left = forMs; left > 0 && isThere(); left -= BATCH_MS) {
    const turn = drive.batches.length;
    const series = metrics.flatMap((metric) => bothArms(drive.state, metric, bad, 0.001, true, turn));
    drive.tick(Math.min(left, BATCH_MS), { series });
  }
}

const waits = (drive: Drive) => waitingFor(drive.state, drive.judgement, drive.now);
const index = (drive: Drive) => drive.state.stage?.index;

describe('fresh evidence after a gap', () => {
  it.each(['0s', '2h'])('is that of every metric of the gate (lag %s), not of the source alone', (lag) => {
    const drive = canary({ gate: [ERRORS, LIES] }, { metrics: { hallucinationRate: { lag } } });
    measure(drive, 3.8 * HOUR_MS, BOTH);
    drive.now += 30 * MINUTE_MS;
    measure(drive, (lag === '0s' ? 1 : 2) * HOUR_MS + BATCH_MS, ['errorRate']);
    expect(drive.all('SightReturned')).toHaveLength(1);
    expect(waits(drive)).toEqual(['fresh evidence for gate:hallucinationRate:5%']);
    measure(drive, BATCH_MS, BOTH);
    expect(index(drive)).toBe(1);
  });

  it('lasts as long as the lag of the slowest metric', () => {
    const drive = canary({ gate: [ERRORS, LIES] }, { metrics: { hallucinationRate: { lag: '2h' } } });
    measure(drive, 3.8 * HOUR_MS, BOTH);
    drive.now += 30 * MINUTE_MS;
    measure(drive, 2 * HOUR_MS, BOTH);
    expect(waits(drive)).toEqual(['a fresh window of evidence: 4 min more']);
    measure(drive, BATCH_MS, BOTH);
    expect(index(drive)).toBe(1);
  });

  it('of one metric may be as old as its own lag allows, not that of the slowest', () => {
    const drive = canary(
      { duration: '24h', gate: [ERRORS, LIES] },
      {
        abortCriteria: { errorRate: '2%', userComplaints: '100 per 24h' },
        metrics: { userComplaints: { lag: '12h' } },
      },
    );
    measure(drive, 12 * HOUR_MS, BOTH);
    measure(drive, 2.4 * HOUR_MS, ['errorRate']);
    expect(drive.state.blindSince).toBeUndefined();
    measure(drive, BATCH_MS, ['errorRate']);
    expect(drive.state.blindSince).toBeDefined();
    expect(drive.judgement?.verdicts.find(({ metric }) => metric === 'hallucinationRate')).toMatchObject({
      status: 'no-data',
      note: 'no hallucinationRate from exposed queries for 2 h 28 min',
    });
  });

  it('of an optional check is not waited for once that is unmeasured', () => {
    const drive = canary({ gate: [ERRORS, { ...LIES, optional: true }] });
    measure(drive, 3.8 * HOUR_MS, BOTH);
    drive.now += 30 * MINUTE_MS;
    measure(drive, HOUR_MS + BATCH_MS, ['errorRate']);
    expect(waits(drive)).toEqual(['fresh evidence for gate:hallucinationRate:5%']);
    measure(drive, BATCH_MS, ['errorRate']);
    expect(index(drive)).toBe(1);
  });

  it('cannot come from gaps alone: a source seen now and then holds the stage, and neither ends nor aborts it', () => {
    const drive = canary({ gate: [ERRORS] });
    for (let count = 0; count < 100; count += 1) {
      drive.tick(6 * MINUTE_MS, { series: bothArms(drive.state, 'errorRate', 0.001, 0.001) });
    }
    expect(drive.state).toMatchObject({ phase: 'exposing', stage: { index: 0, servedMs: 0 }, incidents: [] });
  });

  it('cannot come from complaints alone, which arrive by another way than the telemetry', () => {
    const drive = canary(
      { gate: [ERRORS], duration: '30h' },
      { abortCriteria: { errorRate: '2%', userComplaints: '1000 per 24h' } },
    );
    measure(drive, 28 * HOUR_MS, BOTH);
    for (let count = 0; count < 45 && index(drive) === 0; count += 1) {
      drive.tick(BATCH_MS, { occurrences: [{ metric: 'userComplaints', at: drive.now, count: 1 }] });
    }
    expect(index(drive)).toBe(0);
  });
});

describe('a source that is there while nobody comes', () => {
  const IDLE = { idle: ['telemetry'] };

  it('lets the stage of a site with nights without traffic be served, and pages nobody', () => {
    const drive = canary({ gate: [ERRORS], duration: '3d' });
    for (let night = 0; night < 4 && index(drive) === 0; night += 1) {
      measure(drive, 12 * HOUR_MS, BOTH);
      for (let left = 12 * HOUR_MS; left > 0 && index(drive) === 0; left -= BATCH_MS) drive.tick(BATCH_MS, IDLE);
    }
    expect(index(drive)).toBe(1);
    expect(drive.all('SightLost')).toEqual([]);
  });

  it('proceeds with few requests, spread evenly over the day', () => {
    const drive = canary({ gate: [{ metric: 'errorRate', limit: '20%' }], duration: '7d' });
    for (let count = 0; count < 8 * 24 * 15 && index(drive) === 0; count += 1) {
      const place = { epoch: drive.state.epoch, stratum: 50_000 };
      const arm = count % 4 === 0 ? 'treatment' : 'control';
      const request = seriesOf('errorRate', arm, place, { n: 1, x: 0 }, false);
      const series = [{ ...request, bucket: [Math.floor(count / 4) % 64] }];
      drive.tick(BATCH_MS, count % 2 === 0 ? { series } : IDLE);
    }
    expect(drive.all('SightLost')).toEqual([]);
    expect(index(drive)).toBe(1);
  });

  it('never makes a check pass: a stage in which nobody came stays undecided', () => {
    const drive = canary({ gate: [ERRORS] });
    for (let count = 0; count < 90; count += 1) drive.tick(BATCH_MS, IDLE);
    expect(drive.state).toMatchObject({ phase: 'exposing', stage: { index: 0 }, incidents: [] });
    expect(drive.state.blindSince).toBeUndefined();
    expect(waits(drive)).toEqual(['evidence for gate:errorRate:2%']);
  });

  it('does not excuse a metric that goes missing while control is measured, nor one of another source', () => {
    const missing = canary({ gate: [ERRORS] });
    measure(missing, 2 * HOUR_MS, BOTH);
    for (let count = 0; count < 20; count += 1) {
      const control = bothArms(missing.state, 'errorRate', 0, 0.001).filter(({ arm }) => arm === 'control');
      missing.tick(BATCH_MS, { series: control, ...IDLE });
    }
    expect(missing.state.blindSince).toBeDefined();
    const other = canary({ gate: [ERRORS] });
    for (let count = 0; count < 20; count += 1) other.tick(BATCH_MS, { idle: ['prometheus'] });
    expect(other.state.blindSince).toBeDefined();
  });

  it('shows a fall of traffic to nothing where everyone is exposed, and none in hours that were always idle', () => {
    const plan = (limit: string) =>
      planOf({
        stages: [{ ...GA, monitor: '14d' }],
        abortCriteria: { throughput: limit },
        killSwitch: undefined,
        alerts: {},
        exit: [],
        baseline: { window: '48h' },
      } as unknown as Partial<RolloutConfig>);
    const day = (drive: Drive, hoursOpen: number) => {
      for (let at = 0; at < 24 * 15; at += 1) {
        if (at >= hoursOpen * 15) drive.tick(BATCH_MS, IDLE);
        else {
          const { epoch, phase } = drive.state;
          const place = { epoch, stratum: phase === 'baseline' ? 0 : 100_000 };
          const arm = phase === 'baseline' ? 'control' : 'treatment';
          drive.tick(BATCH_MS, { series: [seriesOf('throughput', arm, place, { n: 400, x: 400 }, true, at)] });
        }
      }
    };
    const drive = new Drive(plan('0.7x baseline'));
    drive.command({ type: 'Start' });
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' });
    day(drive, 12);
    day(drive, 12);
    drive.tick(BATCH_MS, { series: [seriesOf('throughput', 'control', { epoch: 0, stratum: 0 }, { n: 1, x: 1 })] });
    expect(drive.state.phase).toBe('monitoring');
    for (let count = 0; count < 3; count += 1) day(drive, 12);
    expect(drive.state).toMatchObject({ phase: 'monitoring', incidents: [] });
    day(drive, 0);
    expect(drive.state.phase, 'a Saturday, which the baseline has not seen').toBe('monitoring');
    day(drive, 0);
    expect(drive.state.phase).toBe('aborted');
  });
});

describe('a count that is reported late', () => {
  it('passes once the whole window can have arrived', () => {
    const late = { metrics: { userComplaints: { lag: '1h' } } };
    const drive = canary({ duration: '2h', gate: [{ metric: 'userComplaints', limit: '10 per 2h' }] }, late);
    measure(drive, 2.4 * HOUR_MS, BOTH);
    expect(waits(drive)).toEqual(['evidence for gate:userComplaints:10per2h']);
    expect(drive.judgement?.verdicts.find(({ tier }) => tier === 'gate')).toMatchObject({
      status: 'inconclusive',
      wouldChange: '2160 s more without exceeding the limit',
    });
    measure(drive, HOUR_MS, BOTH);
    expect(drive.all('StagePassed')).toHaveLength(1);
    expect(drive.now - drive.records.find(({ event }) => event.type === 'StageEntered')!.at).toBe(3 * HOUR_MS);
  });
});

describe('complaints that are told late', () => {
  it('are held against the window in which they happened, as late as the lag allows', () => {
    const drive = canary(
      { gate: [ERRORS], duration: '24h' },
      { abortCriteria: { userComplaints: '10 per 1h' }, metrics: { userComplaints: { lag: '6h' } } },
    );
    const happenedAt = drive.now + 10 * MINUTE_MS;
    const tell = (count: number) => {
      const occurrences = [{ metric: 'userComplaints', at: happenedAt, count }];
      drive.tick(BATCH_MS, { series: bothArms(drive.state, 'errorRate', 0.001, 0.001), occurrences });
    };
    measure(drive, 5 * HOUR_MS, BOTH);
    tell(6);
    measure(drive, 20 * MINUTE_MS, BOTH);
    expect(drive.state.phase).toBe('exposing');
    tell(5);
    expect(drive.state.phase).toBe('aborted');
  });
});

describe('an undecided stage', () => {
  it('is neither extended nor asked about while blind', () => {
    const drive = canary({ gate: [{ metric: 'errorRate', limit: '1%' }], onInconclusive: 'extend', maxDuration: '8h' });
    measure(drive, 4 * HOUR_MS - 2 * BATCH_MS, BOTH, 0.01);
    drive.tick(9 * HOUR_MS);
    drive.tick(9 * HOUR_MS);
    expect(drive.all('StageExtended')).toEqual([]);
    expect(drive.all('PrincipalAsked')).toEqual([]);
    measure(drive, 3 * BATCH_MS, BOTH, 0.01);
    expect(drive.all('StageExtended'), 'once its time is served').toEqual([
      { type: 'StageExtended', byMs: 4 * HOUR_MS, reason: 'undecided: gate:errorRate:1%' },
    ]);
    measure(drive, 4 * HOUR_MS, BOTH, 0.01);
    expect(drive.all('StageExtended')).toHaveLength(1);
    expect(drive.all('PrincipalAsked'), 'no longer than its longest duration').toHaveLength(1);
  });
});
