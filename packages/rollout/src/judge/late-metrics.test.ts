import { describe, expect, it } from 'vitest';
import { BATCH_MS, bothArms, Drive, HOUR_MS, planOf } from '../arbitraries.contract.ts';

/** A canary of two days that watches errors as they happen, and ratings that come half a day later and complaints that come a day later. */
const plan = () =>
  planOf({
    metrics: {
      rating: { kind: 'mean', unit: 'score', harm: 'lower', lag: '12h' },
      userComplaints: { lag: '24h' },
    },
    stages: [
      { name: 'canary', percentage: 5, duration: '48h', gate: [{ metric: 'errorRate', limit: '1%' }] },
      { name: 'ga', percentage: 100, duration: 'permanent', monitor: '48h' },
    ],
    abortCriteria: [
      { metric: 'errorRate', limit: '2%' },
      { metric: 'rating', limit: 0.5 },
      { metric: 'userComplaints', limit: '10 per 12h' },
    ],
  });

const statusOf = (drive: Drive, metric: string) =>
  drive.judgement?.verdicts.find((one) => one.metric === metric && one.tier === 'abort')?.status;

/** Time in which one metric alone arrives. */
function serveOnly(drive: Drive, metric: string, forMs: number): void {
  for (let left = forMs; left > 0; left -= BATCH_MS) {
    drive.tick(BATCH_MS, { series: bothArms(drive.state, metric, 0.8, 0.8) });
  }
}

/** Time in which errors and ratings arrive. */
function serveBoth(drive: Drive, forMs: number): void {
  for (let left = forMs; left > 0; left -= BATCH_MS) {
    const ratings = bothArms(drive.state, 'rating', 0.8, 0.8, true, drive.batches.length);
    drive.tick(BATCH_MS, { series: [...bothArms(drive.state, 'errorRate', 0.001, 0.001), ...ratings] });
  }
}

describe('a metric that comes late', () => {
  it('is not missed before its lag is over, and then is', () => {
    const drive = new Drive(plan()).begin();
    drive.serve(12 * HOUR_MS);
    expect(statusOf(drive, 'rating')).toBe('insufficient');
    // As long again, as what comes late may come in lumps.
    drive.serve(13 * HOUR_MS);
    expect(statusOf(drive, 'rating')).toBe('no-data');
    expect(drive.state.phase).toBe('exposing');
  });

  it('does not excuse one that is due at once', () => {
    const drive = new Drive(plan()).begin();
    drive.serve(HOUR_MS);
    expect(statusOf(drive, 'errorRate')).not.toBe('no-data');
    serveOnly(drive, 'rating', 6 * HOUR_MS);
    expect(statusOf(drive, 'errorRate')).toBe('no-data');
  });

  it('of complaints passes a window only once its last complaint can have arrived', () => {
    const drive = new Drive(plan()).begin();
    serveBoth(drive, 13 * HOUR_MS);
    expect(statusOf(drive, 'userComplaints')).toBe('inconclusive');
    serveBoth(drive, 24 * HOUR_MS);
    expect(statusOf(drive, 'userComplaints')).toBe('pass');
  });

  it('of complaints aborts by when they happened, not by when they were told', () => {
    const drive = new Drive(plan()).begin();
    drive.serve(20 * HOUR_MS);
    const at = drive.now - 15 * HOUR_MS;
    const late = (count: number, happenedAt: number) =>
      drive.tick(BATCH_MS, {
        series: bothArms(drive.state, 'errorRate', 0.001, 0.001),
        occurrences: [{ metric: 'userComplaints', at: happenedAt, count }],
      });
    late(6, at);
    late(5, at + 13 * HOUR_MS);
    expect(drive.state.phase).toBe('exposing');
    late(5, at + HOUR_MS);
    expect(drive.state.incidents[0]?.verdict?.metric).toBe('userComplaints');
  });
});
