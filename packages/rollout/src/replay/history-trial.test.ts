import { describe, expect, it } from 'vitest';
import { binOf } from '../evidence.ts';
import { parsePlan } from '../plan/parse-plan.ts';
import { type HistoryOptions, openHistoryTrial, type RecordedSeries, type RecordedStep } from './history-trial.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 0, 5);

function planOf(text: string) {
  const result = parsePlan(text);
  if (!result.ok) throw new Error(result.issues.map(({ message }) => message).join('; '));
  return result.plan;
}

const PLAN = planOf(`
flag: checkout
stages:
  - { name: canary, percentage: 5, duration: 24h, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 1% }, { metric: p99Latency, limit: 2x baseline }, { metric: userComplaints, limit: 10 per 24h } ]
`);

type Minute = Omit<RecordedStep, 'fromAt' | 'toAt'>;

/** A history of one step a minute. */
function historyOf(
  minutes: number,
  minute: (index: number) => Minute,
  options: Partial<HistoryOptions> = {},
  plan = PLAN,
) {
  const trial = openHistoryTrial(plan, { baselineMs: 0, incidents: [], ...options });
  for (let i = 0; i < minutes; i += 1) {
    const fromAt = START + i * MINUTE;
    trial.feed({ fromAt, toAt: fromAt + MINUTE, ...minute(i) });
  }
  return trial.finish();
}

const errors = (count: number, bad: number, more: Partial<RecordedSeries> = {}): RecordedSeries => ({
  metric: 'errorRate',
  count,
  sum: bad,
  sumSquares: bad,
  ...more,
});

const latencies = (seconds: number): RecordedSeries => ({
  metric: 'p99Latency',
  count: 100,
  sum: 100 * seconds,
  sumSquares: 100 * seconds ** 2,
  bins: [[binOf(seconds), 100]],
});

describe('a history held against a plan', () => {
  it('remembers how far a check got when its evidence ends', () => {
    const { checks } = historyOf(180, (i) => ({ series: i < 60 ? [errors(2, 0)] : [] }));
    const check = checks.find(({ metric, tier }) => metric === 'errorRate' && tier === 'abort');
    expect(check).toMatchObject({ status: 'no-data', furthest: 'inconclusive' });
    expect(check).not.toHaveProperty('firstPassAt');
  });

  it('that is healthy raises nothing, and passes the gate', () => {
    const result = historyOf(6 * 60, (i) => ({ series: [errors(1000, i % 2)] }));
    expect([result.aborts, result.alarms]).toEqual([[], []]);
    expect(result.judgedMs).toBe(6 * HOUR);
    const gate = result.checks.find(({ tier }) => tier === 'gate');
    expect(gate?.firstPassAt).toBeGreaterThan(START);
  });

  it('says when it would have aborted, and counts it as false unless something was known to be wrong then', () => {
    const fault = (i: number): Minute => ({ series: [errors(1000, i >= 120 && i < 180 ? 60 : 1)] });
    const blind = historyOf(240, fault);
    expect(blind.aborts[0]).toMatchObject({ kind: 'criterion', metric: 'errorRate', isFalse: true });
    const at = blind.aborts[0]!.at;
    expect(at).toBeGreaterThan(START + 120 * MINUTE);
    expect(at).toBeLessThan(START + 180 * MINUTE);
    const incidents = [{ fromAt: START + 120 * MINUTE, toAt: START + 180 * MINUTE }];
    const known = historyOf(240, fault, { incidents });
    expect(known.aborts.map(({ isFalse }) => isFalse)).toEqual(known.aborts.map(() => false));
    expect(known.incidents).toEqual([{ ...incidents[0], abortedAt: at, metric: 'errorRate' }]);
    const elsewhere = { fromAt: START, toAt: START + MINUTE };
    expect(historyOf(240, fault, { incidents: [elsewhere] }).incidents).toEqual([elsewhere]);
  });

  it('pauses for the cooldown after an abort, then begins with fresh statistics', () => {
    const result = historyOf(300, () => ({ series: [errors(1000, 60)] }));
    const times = result.aborts.map(({ at }) => at);
    expect(times.length).toBeGreaterThan(2);
    for (const [i, at] of times.slice(1).entries()) expect(at - times[i]!).toBeGreaterThan(PLAN.retry.cooldownMs);
    expect(result.aborts.map(({ attempt }) => attempt)).toEqual(times.map((_, i) => i + 1));
    expect(result.judgedMs).toBeLessThan(300 * MINUTE);
  });

  it('freezes its first part as the baseline, and judges relative limits against that', () => {
    const plan = PLAN;
    const result = historyOf(
      240,
      (i) => ({ series: [latencies(i < 120 ? 0.2 : 0.9)] }),
      { baselineMs: 90 * MINUTE },
      plan,
    );
    expect(result.baseline?.metrics.p99Latency?.value).toBeCloseTo(0.2, 1);
    expect(result.aborts[0]).toMatchObject({ metric: 'p99Latency' });
    expect(result.aborts[0]!.at).toBeGreaterThan(START + 120 * MINUTE);
    const without = historyOf(240, (i) => ({ series: [latencies(i < 120 ? 0.2 : 0.9)] }));
    expect(without.aborts).toEqual([]);
    expect(without.baseline).toBeUndefined();
  });

  it('compares variants where the history tells them apart', () => {
    const plan = planOf(`
flag: checkout
stages:
  - { name: canary, percentage: 50, duration: 24h, gate: [ { metric: errorRate, limit: 1.5x control } ] }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 50% } ]
`);
    const both = (treated: number) => () => ({
      series: [errors(1000, treated, { arm: 'treatment' }), errors(1000, 20, { arm: 'control' })],
    });
    const options = { split: 50_000 };
    expect(historyOf(240, both(20), options, plan).aborts).toEqual([]);
    const worse = historyOf(240, both(60), options, plan);
    expect(worse.aborts[0]).toMatchObject({ kind: 'gate', metric: 'errorRate' });
    expect(worse.aborts[0]?.reason).toContain('1.5x control');
  });

  it('counts occurrences in their windows, and steps in which nothing was recorded', () => {
    const result = historyOf(60, (i) =>
      i < 10 || i > 20
        ? {
            series: [errors(100, 0)],
            occurrences: i === 30 ? [{ metric: 'userComplaints', at: START + 30 * MINUTE, count: 11 }] : [],
          }
        : { series: [] },
    );
    expect(result.silentSteps).toBe(11);
    expect(result.aborts[0]).toMatchObject({ metric: 'userComplaints' });
  });
});
