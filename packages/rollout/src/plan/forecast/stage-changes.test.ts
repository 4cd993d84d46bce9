import { describe, expect, it } from 'vitest';
import type { Plan } from '../../plan.ts';
import { parsePlan } from '../parse-plan.ts';
import { previewPlan } from '../preview.ts';
import { loosenedCheck, roundedUp } from './loosened-check.ts';
import { checkOf } from './simulation.support.ts';
import { type StageProposal, stageProposal } from './stage-changes.ts';
import type { Traffic } from './traffic.ts';

const TRAFFIC: Traffic = { requestsPerDay: 100_000, errorRate: 0.004, baselines: { userComplaints: 2 } };

function planOf(text: string): Plan {
  const result = parsePlan(text);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.plan;
}

const stageText = (more: string) => `flag: f
stages:
  - { name: internal, ${more} }
  - { name: canary, percentage: 20, duration: 48h, gate: [] }
  - { name: ga, percentage: 100 }
abortCriteria: { errorRate: 0.05 }
`;
const SETTINGS = {
  percentage: 'percentage: 0.5',
  duration: 'duration: 24h',
  gate: 'gate: [ { metric: errorRate, limit: 1 % } ]',
};
type Settings = typeof SETTINGS;
const textOf = (settings: Settings) => stageText(Object.values(settings).join(', '));

function proposalOf(text: string, traffic = TRAFFIC): StageProposal | undefined {
  const plan = planOf(text);
  return plan.stages[0] && stageProposal(plan.stages[0], 0, { plan, traffic });
}

describe('the proposal for a gate that cannot tell in time', () => {
  const proposal = proposalOf(textOf(SETTINGS));

  it('has the smallest change of each kind', () => {
    expect(proposal?.changes.map(({ kind, text }) => [kind, text])).toEqual([
      ['duration', expect.stringMatching(/^duration: [56]d$/)],
      ['percentage', expect.stringMatching(/^percentage: [23]\.\d$/)],
      ['limit', expect.stringMatching(/^gate: \[ \{ metric: errorRate, limit: [12]\.\d+ % \} \]$/)],
    ]);
    expect(proposal?.recommended).toBe(proposal?.changes[1]);
  });

  it.each(['duration', 'percentage', 'limit'] as const)('can be pasted into the plan: %s', (kind) => {
    const change = proposal?.changes.find((one) => one.kind === kind);
    const key = kind === 'limit' ? 'gate' : kind;
    const changed = planOf(textOf({ ...SETTINGS, [key]: change?.text ?? '' }));
    expect(previewPlan(changed, TRAFFIC, 0).stages[0]?.warnings).toEqual([]);
    expect(proposalOf(textOf({ ...SETTINGS, [key]: change?.text ?? '' }))).toBeUndefined();
  });

  it('is minimal: a little less is not enough', () => {
    expect(proposalOf(textOf({ ...SETTINGS, duration: 'duration: 96h' }))).toBeDefined();
    expect(proposalOf(textOf({ ...SETTINGS, percentage: 'percentage: 2' }))).toBeDefined();
  });

  it('recommends time where twice the stage is enough', () => {
    const near = proposalOf(textOf({ ...SETTINGS, duration: 'duration: 72h' }));
    expect(near?.recommended?.kind).toBe('duration');
    expect(near?.why).toContain('exposes nobody more');
  });

  it('recommends time where no percentage is enough', () => {
    const gate = 'gate: [ { metric: userComplaints, limit: 10 per 6d } ]';
    const late = proposalOf(textOf({ ...SETTINGS, gate }));
    expect(late).toMatchObject({ recommended: { text: 'duration: 6d' }, changes: [{ kind: 'duration' }] });
    expect(late?.why).toContain('no percentage');
  });

  it('recommends a wider limit where the expected value is beyond it', () => {
    const beyond = proposalOf(textOf(SETTINGS), { ...TRAFFIC, errorRate: 0.02 });
    expect(beyond?.recommended?.text).toMatch(/limit: \d\.\d %/);
    expect(beyond?.changes).toHaveLength(1);
  });

  it('takes a longer and larger stage where neither is enough alone', () => {
    const gate = 'gate: [ { metric: errorRate, limit: 1x control, margin: 1.03x } ]';
    const settings = { percentage: 'percentage: 0.5', duration: 'duration: 1h', gate };
    const traffic = { ...TRAFFIC, requestsPerDay: 3_000_000 };
    const both = proposalOf(textOf(settings), traffic);
    expect(both).toMatchObject({ changes: [{ kind: 'both' }], why: 'neither is enough alone' });
    const [duration = '', percentage = ''] = both?.recommended?.text.split(', ') ?? [];
    expect(proposalOf(textOf({ percentage, duration, gate }), traffic)).toBeUndefined();
  });

  it('says when no change is enough', () => {
    const gate = 'gate: [ { metric: errorRate, limit: 1.5x control } ]';
    const all = proposalOf(stageText(`percentage: 19.9, ${SETTINGS.duration}, ${gate}`), {
      ...TRAFFIC,
      errorRate: 1e-9,
    });
    expect(all).toMatchObject({ changes: [], recommended: null, why: expect.stringContaining('{ confirm: … }') });
  });

  it('is absent without traffic, and shorter than an hour in minutes', () => {
    expect(proposalOf(textOf(SETTINGS), { requestsPerDay: 0 })).toBeUndefined();
    const busy = proposalOf(textOf({ ...SETTINGS, duration: 'duration: 2m' }), {
      ...TRAFFIC,
      requestsPerDay: 30_000_000,
    });
    expect(busy?.changes[0]?.text).toMatch(/^duration: \d+m$/);
  });

  it('leaves out what is optional and has nothing to compare with', () => {
    const compared = (optional: string) =>
      proposalOf(
        `flag: f\nstages: [ { name: team, audience: t, percentage: 100, duration: 1d, gate: [ { metric: errorRate, limit: 2x control${optional} } ] }, { name: ga, percentage: 100 } ]\n`,
        { ...TRAFFIC, audiences: { t: 0.1 } },
      );
    expect(compared('')).toBeDefined();
    expect(compared(', optional: true')).toBeUndefined();
  });
});

describe('a wider limit', () => {
  const wider = (text: string, factor: number) => {
    const { check, metric } = checkOf(text);
    return loosenedCheck(check, metric, factor)?.text;
  };

  it.each([
    ['metric: errorRate, limit: 1%', '{ metric: errorRate, limit: 1.5 % }'],
    ['metric: faithfulness, limit: 0.9', '{ metric: faithfulness, limit: 0.6 }'],
    ['metric: errorRate, limit: control + 0.5%', '{ metric: errorRate, limit: control + 0.75 % }'],
    ['metric: errorRate, limit: 1.5x control', '{ metric: errorRate, limit: 1.8x control }'],
    ['metric: throughput, limit: 0.8x baseline', '{ metric: throughput, limit: 0.7x baseline }'],
    ['metric: errorRate, limit: 1x control', '{ metric: errorRate, limit: 1x control, margin: 1.8x }'],
    ['metric: conversion, limit: 1x control', '{ metric: conversion, limit: 1x control, margin: 3% }'],
    ['metric: costPerQuery, limit: $0.50', '{ metric: costPerQuery, limit: $0.75 }'],
  ])('of %s is %s', (text, expected) => {
    expect(wider(text, 1.5)).toBe(expected);
    expect(checkOf(expected.slice(2, -2)).check.metric).toBe(checkOf(text).check.metric);
  });

  it('does not exist beyond 100 %, below 0, for counts, or where an improvement is asked', () => {
    expect(wider('metric: errorRate, limit: 60%', 2)).toBeUndefined();
    expect(wider('metric: throughput, limit: 0.5x baseline', 2)).toBeUndefined();
    expect(wider('metric: userComplaints, limit: 10 per 24h', 2)).toBeUndefined();
    expect(wider('metric: errorRate, limit: 0.5x control', 2)).toBeUndefined();
  });

  it('is rounded away from 0', () => {
    expect([0, 0.0123, 1.2, 1.21, -0.0212, 999].map(roundedUp)).toEqual([0, 0.013, 1.2, 1.3, -0.022, 1000]);
  });
});
