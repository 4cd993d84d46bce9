import { thresholdPassLogE } from '@rampart/stats';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../plan.ts';
import type { Traffic } from './forecast/traffic.ts';
import { parsePlan } from './parse-plan.ts';
import { previewPlan } from './preview.ts';

const START = Date.parse('2026-11-23T09:00:00Z');
const DAY = 86_400_000;

function planOf(text: string): Plan {
  const result = parsePlan(text);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.plan;
}

const SHORT = `flagName: f
stages:
  - { name: internal, percentage: 0.5, duration: 24h }
  - { name: canary, percentage: 5, duration: 48h }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: { errorRate: 0.01, userComplaints: 10 }
`;

/** Preview of one check at 10 % of everyone for a day. */
function checkOf(check: string, traffic: Partial<Traffic> = {}, metrics = '') {
  const text = `flag: f\n${metrics}stages:\n  - { name: canary, percentage: 10, duration: 1d, gate: [ { ${check} } ] }\n  - { name: ga, percentage: 100, gate: [] }\n`;
  return previewPlan(planOf(text), { requestsPerDay: 1_000_000, ...traffic }, START).stages[0]!.checks[0]!;
}

describe('a preview', () => {
  it('gives the earliest dates, shares and requests of each stage', () => {
    const preview = previewPlan(planOf(SHORT), { requestsPerDay: 100_000, errorRate: 0.004 }, START);
    expect(
      preview.stages.map(({ name, startsAt, endsAt, share, requestsPerDay }) => [
        name,
        startsAt,
        endsAt,
        share,
        requestsPerDay,
      ]),
    ).toEqual([
      ['internal', START, START + DAY, 0.005, 500],
      ['canary', START + DAY, START + 3 * DAY, 0.05, 5000],
      ['ga', START + 3 * DAY, null, 1, 100_000],
    ]);
  });

  it('warns where a stage is too short for a pass, with the numbers', () => {
    const preview = previewPlan(planOf(SHORT), { requestsPerDay: 100_000, errorRate: 0.004 }, START);
    expect(preview.warnings).toHaveLength(1);
    expect(preview.warnings[0]).toMatch(
      /^internal: errorRate: at 0\.5 % you will see 500 requests a day; a likely pass needs 2,\d{3}; 5\.\d days, but the stage lasts 24 h$/,
    );
    expect(preview.stages[0]!.checks[0]).toMatchObject({
      metric: 'errorRate',
      limit: '1 %',
      expected: 0.004,
      validity: 'asymptotic',
    });
    expect(preview.stages[1]!.checks[0]!.warning).toBeUndefined();
  });

  it('keeps the calendar', () => {
    const plan = planOf(`${SHORT}calendar: { advance: 'Mon-Thu 09:00-16:00 UTC', freeze: [2026-11-24..2026-11-30] }\n`);
    const preview = previewPlan(plan, { requestsPerDay: 100_000 }, Date.parse('2026-11-23T18:00:00Z'));
    expect(preview.stages.map(({ startsAt }) => startsAt)).toEqual([
      Date.parse('2026-12-01T09:00:00Z'),
      Date.parse('2026-12-02T09:00:00Z'),
      Date.parse('2026-12-07T09:00:00Z'),
    ]);
    const never = {
      ...plan,
      calendar: { advance: { ...plan.calendar.advance!, days: [] }, freeze: [], timeZone: 'UTC' },
    };
    expect(previewPlan(never, { requestsPerDay: 1 }, START).stages.map(({ startsAt }) => startsAt)).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('counts an audience only when its size is known, and keeps earlier stages in', () => {
    const plan = planOf(`flag: f
stages:
  - { name: team, audience: team, percentage: 100, duration: 1d }
  - { name: canary, percentage: 5, duration: 1d }
  - { name: pro, audience: pro, percentage: 50, duration: 1d }
  - { name: ga, percentage: 100 }
abortCriteria: { errorRate: 1% }
`);
    const shares = (traffic: Traffic) => previewPlan(plan, traffic, START).stages.map(({ share }) => share);
    expect(shares({ requestsPerDay: 1000 })).toEqual([null, 0.05, null, 1]);
    const known = shares({ requestsPerDay: 1000, audiences: { team: 0.01, pro: 0.2 } });
    expect(known[0]).toBeCloseTo(0.01);
    expect(known[2]).toBeCloseTo(0.05 + 0.2 * 0.45);
    expect(previewPlan(plan, { requestsPerDay: 1000, errorRate: 0.001 }, START).stages[0]).toMatchObject({
      audience: 'team',
      requestsPerDay: null,
      checks: [{ hoursNeeded: null }],
    });
  });

  it('says when the expected value is beyond the limit already', () => {
    const high = checkOf('metric: errorRate, limit: 1%', { errorRate: 0.03 });
    expect(high).toMatchObject({ isBeyond: true, observations: null, hoursNeeded: null });
    expect(high.warning).toBe('canary: errorRate is expected at 3 %, beyond its limit 1 %: it cannot pass');
    expect(checkOf('metric: faithfulness, limit: 0.85', { baselines: { faithfulness: 0.8 } }).isBeyond).toBe(true);
  });

  it('says that a multiple of nothing has nothing to compare, not that it is broken', () => {
    const none = checkOf('metric: errorRate, limit: 1.5x control', { errorRate: 0 });
    expect(none).toMatchObject({ isBeyond: false, isImpossible: true });
    expect(none.warning).toMatch(/^canary: errorRate cannot pass: at 0 today there are no events to compare/);
    const counts = checkOf('metric: supportTickets, limit: 2x control', { baselines: { supportTickets: 0 } });
    expect(counts.why).toContain('no events to compare');
    // The bound of a baseline is above 0, and so can be passed; so can an amount.
    expect(checkOf('metric: errorRate, limit: 2x baseline', { errorRate: 0 }).isBeyond).toBe(false);
    expect(checkOf('metric: errorRate, limit: control + 1%', { errorRate: 0 }).passChance).toBeGreaterThan(0.99);
  });

  it('tells waits and lengths in units a person reads', () => {
    const at = (limit: string, more = '', requestsPerDay = 100_000) => {
      const text = `flag: f\n${more}stages:\n  - { name: canary, percentage: 5, duration: 24h, gate: [ { metric: errorRate, limit: ${limit} } ] }\n  - { name: ga, percentage: 100 }\n`;
      return previewPlan(planOf(text), { requestsPerDay, errorRate: 0.001 }, START).warnings[0];
    };
    expect(at('1%', 'timeScale: 0.0001\n')).toMatch(/; 3\.\d hours, but the stage lasts 8 s$/);
    expect(at('1%', 'timeScale: 0.0001\n', 10_000_000)).toMatch(/; 3 minutes, but the stage lasts 8 s$/);
    expect(at('1.02x control')).toMatch(/; \d+ years, but the stage lasts 24 h$/);
  });

  it('leaves out checks of metrics the plan does not carry', () => {
    const plan = planOf(SHORT);
    expect(previewPlan({ ...plan, metrics: {} }, { requestsPerDay: 1 }, START).stages[0]!.checks).toEqual([]);
  });
});

describe('the chance to pass with hardly an event', () => {
  const at = (requestsPerDay: number, errorRate?: number) =>
    checkOf('metric: errorRate, limit: 1%', { requestsPerDay, ...(errorRate !== undefined && { errorRate }) });

  it('needs exactly as many observations as the method, and a few more to be likely', () => {
    const { observations, likelyObservations } = at(5000);
    expect(thresholdPassLogE(0, observations!, 0.01)).toBeGreaterThanOrEqual(Math.log(20));
    expect(thresholdPassLogE(0, observations! - 1, 0.01)).toBeLessThan(Math.log(20));
    expect(likelyObservations! - observations!).toBeGreaterThan(0);
    expect(likelyObservations! / observations!).toBeLessThan(1.05);
  });

  it('is not 0 where requests vary, and that of the sum over their numbers', () => {
    // 500 requests a day where 535 are needed: Poisson numbers reach them on one day of sixteen.
    expect(at(5000).passChance).toBeCloseTo(0.06, 1);
    expect(at(3000).passChance).toBeLessThan(0.001);
    // Summed over both distributions: 3.6 % at 500 requests, 29 % at 535, 68 % at 1,000 of 0.2 %.
    expect(Math.abs(at(5000, 0.001).passChance! - 0.036)).toBeLessThan(0.015);
    expect(Math.abs(at(5350, 0.001).passChance! - 0.293)).toBeLessThan(0.06);
    expect(Math.abs(at(10_000, 0.002).passChance! - 0.676)).toBeLessThan(0.05);
  });
});

describe('the evidence a check needs', () => {
  it('of a share against a number: less, the lower the share', () => {
    const at = (errorRate: number) => checkOf('metric: errorRate, limit: 1%', { errorRate }).observations!;
    expect(at(0.001)).toBeLessThan(at(0.004));
    expect(at(0.004)).toBeLessThan(at(0.008));
    const best = checkOf('metric: errorRate, limit: 1%');
    expect(best.observations).toBeLessThan(at(0.001));
    expect(best.why).toBe('at best, with no bad event at all');
    expect(checkOf('metric: errorRate, limit: 1%', { errorRate: 0.0099999 })).toMatchObject({
      observations: null,
      why: 'too close to the limit to pass in any time',
    });
  });

  it('of a share against control: more, the closer the line', () => {
    const at = (limit: string) => checkOf(`metric: errorRate, limit: ${limit}`, { errorRate: 0.001 }).observations!;
    expect(at('2x control')).toBeLessThan(at('1.5x control'));
    // The pass line of a limit at the reference is 1.5x.
    expect(at('1x control')).toBe(at('1.5x control'));
    // `reference: statistics 4`: about 36,000 requests at 0.1 % and a margin of 1.5, plentiful control.
    expect(at('1.5x control')).toBeGreaterThan(30_000);
    expect(at('1.5x control')).toBeLessThan(60_000);
    expect(checkOf('metric: errorRate, limit: 2x control')).toMatchObject({
      observations: null,
      why: expect.stringContaining("give today's errorRate"),
    });
    // Treatment alone within the offset has half of the evidence, and the comparison the other half.
    const [offset, alone] = ['control + 1%', '1%'].map(
      (limit) => checkOf(`metric: errorRate, limit: ${limit}`, { errorRate: 0 }).observations!,
    );
    expect(offset! / alone!).toBeGreaterThan(1.1);
    expect(offset! / alone!).toBeLessThan(1.5);
  });

  it('of a share against baseline, also one that should not fall', () => {
    expect(checkOf('metric: errorRate, limit: 2x baseline', { errorRate: 0.001 }).observations).toBeGreaterThan(1000);
    const conversion = (limit: string) =>
      checkOf(`metric: conversion, limit: ${limit}`, { baselines: { conversion: 0.3 }, perDay: { user: 50_000 } });
    expect(conversion('not worse than baseline by 5%').observations).toBeGreaterThan(100);
    expect(conversion('not worse than control by 5%').observations).toBeGreaterThan(100);
    expect(conversion('10%').observations).toBeGreaterThan(1);
    expect(conversion('not worse than control by 1%').warning).toMatch(/users a day/);
    expect(checkOf('metric: conversion, limit: 10%').why).toBe(
      'at best, with no bad event at all; give the users per day (--users) to know its times',
    );
    expect(checkOf('metric: conversion, limit: 10%').hoursNeeded).toBeNull();
    expect(
      checkOf('metric: conversion, limit: not worse than baseline by 40%', { baselines: { conversion: 0.3 } }).why,
    ).toContain('outside 0 to 100 %');
  });

  it('of a quantile: exceedances, with an assumed tail', () => {
    const at = (limit: string) => checkOf(`metric: p99Latency, limit: ${limit}`, { baselines: { p99Latency: 1 } });
    expect(at('1.5x control').observations!).toBeGreaterThan(at('2x control').observations!);
    // The bounds of the baseline cost a little.
    expect(at('2x baseline').observations!).toBeGreaterThanOrEqual(at('2s').observations!);
    expect(at('2x baseline').observations!).toBeLessThan(1.1 * at('2s').observations!);
    // Twice a bound, and a second beyond one, are nearly the same.
    expect(at('baseline + 1000ms').observations! / at('2x baseline').observations!).toBeCloseTo(1, 1);
    expect(at('2x baseline').why).toContain('log-normal');
    expect(checkOf('metric: p99Latency, limit: 2x baseline').observations).toBe(at('2x baseline').observations);
    expect(checkOf('metric: p99Latency, limit: 2s').why).toBe('at best, with nothing beyond the limit');
    expect(checkOf('metric: p99Latency, limit: baseline + 1s').observations).toBeNull();
    expect(checkOf('metric: p99Latency, limit: 0.9x baseline')).toMatchObject({
      observations: null,
      why: 'too close to the limit to pass in any time',
    });
    const slow = checkOf(
      'metric: low, limit: 0.5x baseline',
      {},
      'metrics: { low: { kind: quantile, harm: lower, quantile: 0.01 } }\n',
    );
    expect(slow.observations).not.toBeUndefined();
  });

  it('of a mean or a ratio: by its assumed spread', () => {
    const cost = (limit: string) =>
      checkOf(`metric: costPerQuery, limit: ${limit}`, { baselines: { costPerQuery: 0.2 } });
    // Its burn-in, and what the design effect of 64 buckets shows by chance.
    expect(cost('$0.50').observations).toBe(54);
    expect(cost('1.5x control').observations!).toBeGreaterThan(cost('1.5x baseline').observations!);
    expect(checkOf('metric: costPerQuery, limit: $0.50').why).toContain("give today's costPerQuery");
    const score = checkOf('metric: faithfulness, limit: 0.85', { baselines: { faithfulness: 0.9 } });
    expect(score).toMatchObject({ why: 'assumes the widest spread a score can have' });
    expect(score.warning).toBeUndefined();
    expect(checkOf('metric: faithfulness, limit: 0.85', { baselines: { faithfulness: 1 } })).toMatchObject({
      // Its burn-in: the core takes values to vary by a twentieth of the limit at least.
      observations: 54,
      why: expect.stringContaining('widest spread'),
    });
    expect(
      checkOf('metric: faithfulness, limit: 0.85', { baselines: { faithfulness: 0.86 }, requestsPerDay: 1000 }).warning,
    ).toMatch(/100 queries a day/);
  });

  it('of rates and counts', () => {
    const rate = checkOf('metric: throughput, limit: 0.8x baseline');
    expect(rate.observations!).toBeGreaterThan(150);
    expect(rate.observations!).toBeLessThan(300);
    expect(checkOf('metric: throughput, limit: 100 per second').observations).toBeNull();
    expect(
      checkOf('metric: throughput, limit: 100 per second', { baselines: { throughput: 200 } }).observations,
    ).toBeGreaterThan(1);
    expect(checkOf('metric: userComplaints, limit: 10 per 24h')).toMatchObject({
      hoursNeeded: 24,
      validity: 'plain rule',
      method: 'count in a sliding window',
    });
    const late = checkOf('metric: userComplaints, limit: 10 per 24h', {}, 'metrics: { userComplaints: { lag: 6h } }\n');
    expect(late).toMatchObject({ hoursNeeded: 30, hoursLikely: 30, passChance: 0 });
    expect(checkOf('metric: supportTickets, limit: no spike').hoursNeeded).toBeNull();
    const tickets = checkOf('metric: supportTickets, limit: no spike', { baselines: { supportTickets: 20 } });
    // 2 tickets a day in treatment.
    expect(tickets.hoursNeeded).toBeCloseTo((tickets.observations! / 2) * 24, -2);
    expect(tickets.warning).toMatch(
      /^canary: supportTickets needs \d\d\.\d days for a likely pass, but the stage lasts 24 h$/,
    );
  });

  it('grows with the design effect, and says what the source cannot', () => {
    const base = checkOf('metric: errorRate, limit: 1%', { errorRate: 0.004 });
    const sourced = checkOf(
      'metric: errorRate, limit: 1%',
      { errorRate: 0.004 },
      'metrics: { errorRate: { source: prometheus, designEffect: 2 } }\n',
    );
    expect(sourced.validity).toBe('assumes independent requests');
    // Of independent requests, the effect that Rampart estimates itself takes 7 %; a declared one is taken as it is.
    expect(sourced.observations! / base.observations!).toBeCloseTo(2 / 1.07, 1);
  });
});
