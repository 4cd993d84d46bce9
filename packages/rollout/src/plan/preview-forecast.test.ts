import { thresholdPassLogE } from '@rampart/stats';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../plan.ts';
import { poisson, randomOf } from './forecast/simulation.support.ts';
import type { Traffic } from './forecast/traffic.ts';
import { parsePlan } from './parse-plan.ts';
import { previewPlan } from './preview.ts';

const START = Date.parse('2026-11-23T09:00:00Z');
const DAY = 86_400_000;
const TRAFFIC: Traffic = {
  requestsPerDay: 1_000_000,
  errorRate: 0.001,
  users: 100_000,
  baselines: { userComplaints: 30 },
};

function planOf(text: string): Plan {
  const result = parsePlan(text);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.plan;
}

const guarded = (criteria: string, more = '') =>
  planOf(`flag: f
stages:
  - { name: canary, percentage: 5, duration: 48h, gate: [] }
  - { name: beta, percentage: 25, duration: 1w, gate: [] }
  - { name: ga, percentage: 100, holdback: 1 }
abortCriteria: ${criteria}
${more}`);
const guardOf = (criteria: string, traffic: Partial<Traffic> = {}, more = '') =>
  previewPlan(guarded(criteria, more), { ...TRAFFIC, ...traffic }, START).guards[0]!;

describe('what harm costs until a check finds it', () => {
  it('is near the exact mean of the reference, and one batch of it more', () => {
    const { harms, alpha } = guardOf('{ errorRate: 1x control }');
    // The last stage has the criterion as its gate too, which claims nothing new.
    expect(alpha).toBe(0.05);
    // `reference: statistics 4`: 10.7 and 4.6 excess errors at 2x and 5x with ln 20 nats. The late-onset mixture asks for ln 2
    // more, at 2.6 and 1.0 excess errors per nat; a batch of a minute has 35 requests.
    expect(harms.map(({ ratio }) => ratio)).toEqual([1.5, 2, 5]);
    expect(Math.abs(harms[1]!.excess / (10.7 + 2.6 * Math.log(2)) - 1)).toBeLessThan(0.15);
    expect(Math.abs(harms[2]!.excess / (4.6 + 1.0 * Math.log(2) + 35 * 0.004) - 1)).toBeLessThan(0.15);
    for (const harm of harms) expect(harm).toMatchObject({ foundIn: 'canary', isAllowed: false });
    expect(harms[1]!.people).toBeCloseTo(harms[1]!.excess, 0);
  });

  it('hardly depends on traffic, which only takes time', () => {
    const [busy, quiet] = [
      guardOf('{ errorRate: 1x control }'),
      guardOf('{ errorRate: 1x control }', { requestsPerDay: 100_000 }),
    ];
    // Some of it is found in beta only, where control is smaller.
    expect(quiet.harms[1]!.excess / busy.harms[1]!.excess).toBeGreaterThan(0.95);
    expect(quiet.harms[1]!.excess / busy.harms[1]!.excess).toBeLessThan(1.25);
    expect(quiet.harms[1]!.hours!).toBeGreaterThan(5 * busy.harms[1]!.hours!);
  });

  it('stays in a stage whose gate does not let it through, until a person is asked', () => {
    const gated = (limit: string) =>
      planOf(`flag: f
stages:
  - { name: canary, percentage: 1, duration: 24h, gate: [ { metric: errorRate, limit: ${limit} } ] }
  - { name: beta, percentage: 25, duration: 1w, gate: [] }
  - { name: ga, percentage: 100, holdback: 1 }
abortCriteria: { errorRate: 1x control }
`);
    const harmsOf = (limit: string) =>
      previewPlan(gated(limit), { requestsPerDay: 100_000, errorRate: 0.001 }, START).guards[0]!.harms[1]!;
    // 1,000 requests a day for three days: two or three excess errors.
    expect(harmsOf('1.5x control')).toMatchObject({ foundIn: null });
    expect(harmsOf('1.5x control').observations).toBeLessThan(3100);
    expect(harmsOf('3%')).toMatchObject({ foundIn: 'beta' });
  });

  it('grows with the design effect', () => {
    const one = guardOf('{ errorRate: 1x control }');
    const three = guardOf('{ errorRate: 1x control }', { designEffect: 3 });
    expect(three.harms[1]!.excess / one.harms[1]!.excess).toBeCloseTo(3, 0);
  });

  it('says what the plan allows, and what it does not find in time', () => {
    const { harms, detectable } = guardOf('{ errorRate: 0.004 }');
    expect(harms.map(({ isAllowed }) => isAllowed)).toEqual([true, true, false]);
    expect(harms[0]).toMatchObject({ foundIn: null, hours: null });
    expect(detectable.map(({ stage }) => stage)).toEqual(['canary', 'beta', 'ga']);
    expect(detectable.every(({ found }) => (found?.value ?? 0) > 0.004)).toBe(true);
  });

  it('of slow requests, money and lost requests is in their own unit', () => {
    const slow = guardOf('{ p99Latency: 2x baseline }', { baselines: { p99Latency: 1 } });
    expect(slow.harms[2]).toMatchObject({ value: 5, foundIn: 'canary' });
    const cost = guardOf('{ costPerQuery: 1.2x control }', { baselines: { costPerQuery: 0.2 } });
    expect(cost.harms[1]!.people).toBeNull();
    expect(cost.harms[1]!.excess).toBeCloseTo(0.2 * cost.harms[1]!.observations);
    const lost = guardOf('{ throughput: 0.8x control }');
    expect(lost.harms[1]!.value).toBe(0.5);
    expect(lost.harms[1]!.foundIn).toBe('canary');
    const converted = guardOf('{ conversion: not worse than control by 2% }', { baselines: { conversion: 0.1 } });
    expect(converted.harms[2]!.value).toBeCloseTo(0.02);
  });

  it('of counts is found by the one more than the limit allows', () => {
    const { harms, method, alpha } = guardOf('{ userComplaints: 10 per 24h }');
    expect(method).toBe('count in a sliding window');
    expect(alpha).toBe(0);
    expect(harms.map(({ foundIn }) => foundIn)).toEqual(['beta', 'beta', 'beta']);
    const many = guardOf('{ userComplaints: 10 per 24h }', { baselines: { userComplaints: 100 } });
    expect(many.harms[2]).toMatchObject({ foundIn: 'canary' });
    expect(many.harms[2]!.hours!).toBeLessThan(24);
    const own = guardOf('{ userComplaints: 100 per 24h }', {}, 'metrics: { userComplaints: { source: helpdesk } }\n');
    expect(own.harms[2]).toMatchObject({ foundIn: 'canary' });
  });

  it('is not told without traffic or today’s value', () => {
    expect(guardOf('{ errorRate: 1x control }', { requestsPerDay: 0 }).harms).toEqual([]);
    expect(guardOf('{ costPerQuery: $0.50 }').harms).toEqual([]);
    expect(guardOf('{ costPerQuery: 2x control }').detectable[0]!.found).toBeNull();
    expect(guardOf('{ faithfulness: 0.85 }', { requestsPerDay: 0 }).detectable[0]!.found).toBeNull();
    const unknown = guardOf('{ hallucinationRate: 15% }').detectable[0]!.found;
    expect(unknown).toMatchObject({ ratio: null });
    expect(unknown!.value).toBeGreaterThan(0.15);
  });
});

describe('the chance of a false abort', () => {
  const KILL =
    'killSwitch: { flag: k, trip: [ { metric: errorRate, limit: 5% }, { metric: costPerQuery, limit: 2x baseline }, { metric: throughput, limit: 0.5x baseline } ] }\n';

  it('adds what comparisons may at most, and what plain rules will', () => {
    const baselines = { costPerQuery: 0.2, throughput: 100, userComplaints: 2 };
    const { falseAborts, guards, warnings } = previewPlan(
      guarded('{ errorRate: 1x control, userComplaints: 10 per 24h }', KILL),
      { ...TRAFFIC, baselines },
      START,
    );
    expect(falseAborts).toMatchObject({ comparisons: 0.05, killTrips: 0.05, telemetryMissing: 0.001 });
    expect(falseAborts.plainRules!).toBeGreaterThan(0);
    expect(falseAborts.total).toBeLessThan(1);
    expect(guards[0]).toMatchObject({ alpha: 0.025, plainRule: [] });
    expect(guards[2]!.plainRule!.map(({ stage }) => stage)).toEqual(['canary', 'beta', 'ga']);
    expect(warnings.filter((text) => text.includes('stops a harmless feature'))).toEqual([]);
  });

  it('is certain, and said, where today is beyond a limit', () => {
    const beyond = previewPlan(guarded('{ errorRate: 1% }', KILL), { ...TRAFFIC, errorRate: 0.03 }, START);
    expect(beyond.falseAborts).toMatchObject({ comparisons: 1, killTrips: 0.05, total: 1 });
    expect(beyond.guards.map(({ isBeyond }) => isBeyond)).toEqual([true, false, false, false]);
    expect(beyond.warnings).toContain("errorRate: the rollout will be aborted: today's 3 % is beyond 1 %");
    const tripped = previewPlan(guarded('{ errorRate: 1x control }', KILL), { ...TRAFFIC, errorRate: 0.06 }, START);
    expect(tripped.falseAborts).toMatchObject({ comparisons: 0.05, killTrips: 1, total: 1 });
    expect(tripped.warnings).toContain("errorRate: the kill switch will be tripped: today's 6 % is beyond 5 %");
    const byHand = KILL.replace('flag: k,', 'flag: k, autoTrip: false,');
    const asked = previewPlan(guarded('{ errorRate: 1x control }', byHand), { ...TRAFFIC, errorRate: 0.06 }, START);
    expect(asked.falseAborts).toMatchObject({ killTrips: 0 });
  });

  it('warns of plain rules that are likely to stop a harmless feature', () => {
    const text = guarded(
      '{ userComplaints: 10 per 24h }',
      'killSwitch: { flag: k, trip: { errorRate: 5% } }\n'.replace(
        '{ errorRate: 5% }',
        '[ { metric: errorRate, limit: 5%, minSample: 10 } ]',
      ),
    );
    const { warnings } = previewPlan(
      text,
      { ...TRAFFIC, requestsPerDay: 100_000, baselines: { userComplaints: 9 } },
      START,
    );
    expect(warnings).toEqual([
      expect.stringMatching(
        /^userComplaints: the count limit stops a harmless feature with a chance of \d+ %: raise its limit$/,
      ),
      expect.stringMatching(
        /^errorRate: the plain rule of the kill trip stops a harmless feature with a chance of \d+ %: raise/,
      ),
    ]);
  });

  it('warns of rules on quantiles and on shares that should not fall, where a window is small', () => {
    const kill =
      'killSwitch: { flag: k, trip: [ { metric: p99Latency, limit: 2x baseline, minSample: 50 }, { metric: conversion, limit: 5% } ] }\n';
    const baselines = { p99Latency: 1, conversion: 0.1 };
    const { guards, warnings } = previewPlan(
      guarded('{ errorRate: 1x control }', kill),
      { ...TRAFFIC, baselines },
      START,
    );
    // One slow request among 99 is more than 1 %.
    expect(guards[1]!.plainRule!.map(({ chance }) => chance > 0.9)).toEqual([true, false, false]);
    expect(guards[2]!.plainRule!.map(({ chance }) => chance > 0.9)).toEqual([false, true, true]);
    expect(warnings).toHaveLength(2);
  });

  it('says what is not known, and leaves kill trips to people who trip them', () => {
    const plan = guarded('{ errorRate: 1x control }', KILL);
    expect(previewPlan(plan, { requestsPerDay: 1000 }, START).falseAborts.plainRules).toBeNull();
    const byHand = { ...plan, killSwitch: { ...plan.killSwitch!, autoTrip: false } };
    expect(previewPlan(byHand, TRAFFIC, START).falseAborts).toMatchObject({ killTrips: 0, plainRules: 0 });
    const counted = guarded('{ userComplaints: 10 per 24h }');
    expect(previewPlan(counted, TRAFFIC, START).falseAborts.comparisons).toBe(0);
    expect(previewPlan({ ...plan, metrics: {} }, TRAFFIC, START).guards).toEqual([]);
  });

  it('has none of a plain rule on too few observations', () => {
    const quiet = guardOf(
      '{ errorRate: 1x control }',
      { requestsPerDay: 1000, baselines: { faithfulness: 0.9 } },
      'killSwitch: { flag: k, trip: [ { metric: faithfulness, limit: 0.85 } ] }\n',
    );
    expect(quiet.tier).toBe('abort');
    const { guards } = previewPlan(
      guarded(
        '{ errorRate: 1x control }',
        'killSwitch: { flag: k, trip: [ { metric: faithfulness, limit: 0.85 }, { metric: errorRate, limit: 2x control } ] }\n',
      ),
      { ...TRAFFIC, requestsPerDay: 1000, baselines: { faithfulness: 0.9 } },
      START,
    );
    expect(guards[1]!.plainRule!.map(({ chance }) => chance)).toEqual([0, 0, 0]);
    expect(guards[2]!.plainRule!.map(({ chance }) => chance)).toEqual([0, 0, 0]);
  });
});

describe('the expected calendar', () => {
  const one = (gate: string, more = '') =>
    planOf(`flag: f
stages:
  - { name: canary, percentage: 5, duration: 24h, gate: [ ${gate} ]${more} }
  - { name: ga, percentage: 100 }
`);
  const datesOf = (plan: Plan, traffic: Partial<Traffic> = {}) => {
    const { stages, gaAt } = previewPlan(plan, { ...TRAFFIC, requestsPerDay: 100_000, ...traffic }, START);
    return { ...stages[0]!, gaAt };
  };
  const SLOW = '{ metric: errorRate, limit: 2x control }';

  it('waits for the evidence as long as it takes on average', () => {
    const plan = one('{ metric: errorRate, limit: 1% }');
    const { endsAt, expectedEndsAt, gaAt } = datesOf(plan, { requestsPerDay: 20_000, errorRate: 0.003 });
    expect(endsAt).toBe(START + DAY);
    expect(gaAt).toEqual({ best: START + DAY, expected: expectedEndsAt });
    // 1,000 requests a day at 0.3 %: the core's pass side, looked at from the end of the first day on.
    const random = randomOf(4);
    let days = 0;
    const runs = 1000;
    for (let run = 0; run < runs; run += 1) {
      let [n, x] = [1000, poisson(random, 3)];
      while (thresholdPassLogE(x / 1.07, n / 1.07, 0.01) < Math.log(20) && n < 3000) {
        n += 20;
        x += poisson(random, 0.06);
      }
      days += n / 1000 / runs;
    }
    expect(Math.abs((expectedEndsAt! - START) / DAY / days - 1)).toBeLessThan(0.1);
  });

  it('adds whole durations where the stage is extended', () => {
    const held = datesOf(one(SLOW), { requestsPerDay: 200_000 }).expectedEndsAt!;
    const extended = datesOf(one(SLOW, ', onInconclusive: extend'), { requestsPerDay: 200_000 }).expectedEndsAt!;
    expect(extended).toBeGreaterThan(held);
    expect(extended).toBeLessThan(held + DAY);
  });

  it('ends with a person where a gate takes longer than the stage may, or never passes', () => {
    expect(datesOf(one('{ metric: errorRate, limit: 1.2x control }'))).toMatchObject({
      expectedEndsAt: null,
      askedAfterMs: 3 * DAY,
      gaAt: { best: START + DAY, expected: null },
    });
    const never = datesOf(one('{ metric: errorRate, limit: 0.1% }', ', maxDuration: 2d'));
    expect(never).toMatchObject({ expectedEndsAt: null, askedAfterMs: 2 * DAY });
  });

  it('says of a stage without control that a comparison cannot pass', () => {
    const plan = planOf(`flag: f
stages:
  - { name: team, audience: t, percentage: 100, duration: 24h, gate: [ ${SLOW} ] }
  - { name: ga, percentage: 100 }
`);
    const { stages } = previewPlan(plan, { ...TRAFFIC, audiences: { t: 0.1 } }, START);
    expect(stages[0]!.warnings).toEqual([expect.stringMatching(/^team: errorRate cannot pass: nobody is in control/)]);
    expect(stages[0]!.checks[0]!.detectable).toBeNull();
  });

  it('judges rates and counts of everyone against the baseline where nobody is in control', () => {
    const plan = planOf(`flag: f
baseline: { window: 7d }
metrics: { supportTickets: { source: helpdesk } }
stages:
  - { name: canary, percentage: 5, duration: 5d, gate: [ { metric: supportTickets, limit: no spike }, { metric: throughput, limit: 10 per second } ] }
  - { name: ga, percentage: 100 }
`);
    const { checks } = datesOf(plan, { baselines: { supportTickets: 40, throughput: 12 } });
    expect(checks[0]!.hoursNeeded!).toBeLessThan(24);
    expect(checks[1]!.observations!).toBeGreaterThan(50);
    const few = datesOf(plan, { baselines: { supportTickets: 0.5, throughput: 12 } }).checks[0]!;
    expect(few).toMatchObject({ isImpossible: true, why: expect.stringContaining('too few events') });
    const unknown = datesOf(plan, { baselines: { throughput: 12 } }).checks[0]!;
    expect(unknown).toMatchObject({ isImpossible: false });
  });

  it('knows quantiles of the low end, and quantiles with an amount on top of control', () => {
    const text = (check: string) =>
      `flag: f\nmetrics: { speed: { kind: quantile, harm: lower, quantile: 0.01 } }\nstages: [ { name: c, percentage: 5, duration: 1d, gate: [ { ${check} } ] }, { name: ga, percentage: 100 } ]\n`;
    const traffic = { baselines: { speed: 10, p99Latency: 1 } };
    expect(
      datesOf(planOf(text('metric: speed, limit: 0.5x baseline')), traffic).checks[0]!.observations!,
    ).toBeGreaterThan(100);
    expect(
      datesOf(planOf(text('metric: speed, limit: 0.5x control')), traffic).checks[0]!.detectable!.value,
    ).toBeLessThan(5);
    const offset = datesOf(planOf(text('metric: p99Latency, limit: control + 500ms')), traffic).checks[0]!;
    expect(offset.observations!).toBeGreaterThan(100);
    expect(offset.method).toContain('score over user buckets');
  });
});
