import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandAnswer } from '@rampart/api';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli } from '../cli.test.support.ts';

const HOUR = 3_600_000;
const PLAN = `flag: new-checkout
preflight: [launch-readiness]
baseline: { window: 2h }
stages:
  - { name: canary, percentage: 5, duration: 4h, gate: [ { metric: errorRate, limit: control + 0.5% } ] }
  - { name: beta, percentage: 25, duration: 24h, gate: [ { stage: canary } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h, gate: [] }
abortCriteria: [ { metric: errorRate, limit: 1% } ]
`;

async function started(): Promise<Cli & { readonly id: string }> {
  const cli = openCli();
  writeFileSync(join(cli.dir, 'plan.yaml'), PLAN);
  const argv = ['start', 'plan.yaml', '--attest-all', '--reason', 'rehearsed'];
  const { data } = await cli.json<CommandAnswer>(argv);
  return { ...cli, id: data.rollout.state.id };
}

/** A rollout in its first stage, whose control fails five times as often since. */
async function inCanary(): Promise<Cli & { readonly id: string }> {
  const cli = await started();
  cli.plane.run(cli.id, 2 * HOUR, { n: 0, bad: 0, controlN: 2000, controlBad: 2 });
  cli.plane.run(cli.id, HOUR, { n: 100, bad: 0, controlN: 1900, controlBad: 10 });
  return cli;
}

describe('rampart baseline show', () => {
  it('prints values, bounds, sample sizes and origin', async () => {
    const { run } = await inCanary();
    const { code, out } = await run(['baseline', 'show'], { columns: () => 140 });
    expect(code).toBe(0);
    expect(out).toContain('Baseline 1 of new-checkout-1, captured Mon 2026-01-05 11:00 UTC by rampart');
    expect(out).toMatch(/METRIC +VALUE +LOW – HIGH +COUNT +SOURCE +WINDOW +VERSION/);
    expect(out).toMatch(/errorRate +0\.1 % +0\.00\d+ % – 0\.4\d+ % +120,000 +live +2 h to Mon 2026-01-05 11:00 UTC +1/);
  });

  it('gives the same as JSON', async () => {
    const { json } = await inCanary();
    const { data } = await json<{ rollout: string; metrics: readonly object[] }>(['baseline', 'show', '1']);
    expect(data).toMatchObject({ rollout: 'new-checkout-1', by: 'rampart', baseline: { version: 1, source: 'live' } });
    expect(data.metrics[0]).toMatchObject({ metric: 'errorRate', unit: 'ratio', count: 120_000, source: 'live' });
  });

  it('says when there is none, and which there are', async () => {
    const before = await started();
    const none = await before.run(['baseline', 'show']);
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('new-checkout-1 has no baseline yet.')]);
    const { run } = await inCanary();
    const other = await run(['baseline', 'show', '7']);
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('has no baseline 7; it has 1.')]);
    expect((await run(['baseline', 'show', 'first'])).code).toBe(2);
  });
});

describe('rampart baseline capture', () => {
  it('takes a new version of control, shows how far it is, and tells what follows', async () => {
    const { run, plane, id } = await inCanary();
    const before = plane.view(id).state;
    const { code, out, err } = await run(['baseline', 'capture', '--reason', 'Monday is not Sunday']);
    expect(code).toBe(0);
    expect(out).toContain('re-captured the baseline (version 2)');
    expect(out).toContain('Monday is not Sunday');
    expect(err).toContain('history of prometheus: 50 %');
    const { state } = plane.view(id);
    expect(state.layers).toEqual(before.layers);
    expect(state.baseline).toMatchObject({ version: 2, metrics: { errorRate: { count: 57_000 } } });
  });

  it('needs a reason', async () => {
    const { run } = await inCanary();
    const { code, err } = await run(['baseline', 'capture']);
    expect([code, err]).toEqual([2, expect.stringContaining('--reason')]);
  });

  it('says why it is refused', async () => {
    const cli = await started();
    const { code, err } = await cli.run(['baseline', 'capture', '--reason', 'early']);
    expect([code, err]).toEqual([1, expect.stringContaining('WRONG_PHASE')]);
  });
});

describe('rampart baseline diff', () => {
  it('compares the baseline in force with control now', async () => {
    const { run } = await inCanary();
    const { code, out } = await run(['baseline', 'diff'], { columns: () => 140 });
    expect(code).toBe(0);
    expect(out).toMatch(/METRIC +VERSION 1 +NOW +CHANGE +BOUNDS +COUNTS/);
    expect(out).toMatch(/errorRate +0\.1 % +0\.526 % +\+426\.3 % +outside +120,000 \/ 57,000/);
    expect(out).toContain('1 metric outside the bounds of version 1.');
  });

  it('compares two versions, also as JSON', async () => {
    const { run, json } = await inCanary();
    await run(['baseline', 'capture', '--reason', 'new']);
    const { data } = await json<{ changes: readonly object[] }>(['baseline', 'diff', '1', '2']);
    expect(data.changes).toMatchObject([{ metric: 'errorRate', isOutside: true, unit: 'ratio' }]);
    const same = await run(['baseline', 'diff', '2', '2']);
    expect(same.out).toContain('Nothing lies outside the bounds.');
  });
});
