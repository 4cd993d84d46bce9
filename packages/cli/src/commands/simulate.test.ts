import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Summary } from '@rampart/simulate';
import { describe, expect, it } from 'vitest';
import { openCli } from '../cli.test.support.ts';

const PLAN = `flag: new-checkout
version: build-1
stages:
  - { name: canary, percentage: 10, duration: 2h, gate: [ { metric: errorRate, limit: control + 0.5% } ] }
  - { name: beta, percentage: 50, duration: 22h, gate: [ { stage: canary } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 2h }
abortCriteria: [ { metric: errorRate, limit: 1% }, { metric: p99Latency, limit: 2x baseline } ]
`;
const QUICK = ['--requests-per-day', '2000000', '--batch', '5m', '--until', 'ga'];

type Answer = {
  readonly summary: Summary;
  readonly runs: readonly unknown[];
  readonly world: unknown;
  readonly error?: { readonly code: string; readonly message: string };
};

function given() {
  const cli = openCli();
  writeFileSync(join(cli.dir, 'plan.yaml'), PLAN);
  return cli;
}

describe('rampart simulate', () => {
  it('tells outcomes, errors and times, for people', async () => {
    const { run } = given();
    const { code, out, err } = await run([
      'simulate',
      'plan.yaml',
      '--runs',
      '3',
      '--scenario',
      'regression',
      ...QUICK,
    ]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('3 simulated rollouts');
    expect(out).toContain('errorRate 0.1 % today, 1.5 % for those who see the feature');
    expect(out).toMatch(/aborted in canary .*3 of 3 \(100 %;/);
    expect(out).toMatch(/false aborts .*0 of 3/);
    expect(out).toMatch(/harm found .*3 of 3/);
    expect(out).toMatch(/[123] +0 +errorRate breaches /);
    expect(out).toContain('aborted after the first exposure');
  });

  it('of a healthy feature tells when the last stage is reached', async () => {
    const { run } = given();
    const { out } = await run(['simulate', 'plan.yaml', '--runs', '2', '--scenario', 'healthy,diurnal', ...QUICK]);
    expect(out).toMatch(/completed .*2 of 2/);
    expect(out).toContain('last stage reached after the first exposure');
    expect(out).not.toContain('harm found');
  });

  it('gives the same answer for the same seed on one thread and on several', async () => {
    const { json } = given();
    const argv = ['simulate', 'plan.yaml', '--runs', '5', '--seed', '7', '--effect', 'errorRate=20x', '--onset', '1h'];
    const [one, several] = [
      await json<Answer>([...argv, '--threads', '1', ...QUICK]),
      await json<Answer>([...argv, '--threads', '2', ...QUICK]),
    ];
    expect(one.data.runs).toHaveLength(5);
    expect(several.data).toEqual(one.data);
    const other = await json<Answer>([...argv.map((word) => (word === '7' ? '8' : word)), ...QUICK]);
    expect(other.data.runs).not.toEqual(one.data.runs);
  });

  it('writes both charts as one drawing', async () => {
    const { run, dir } = given();
    const { code, out } = await run(['simulate', 'plan.yaml', '--runs', '2', '--svg', 'runs.svg', ...QUICK]);
    expect(code).toBe(0);
    expect(out).toContain('Chart: runs.svg');
    const svg = readFileSync(join(dir, 'runs.svg'), 'utf8');
    expect(svg.match(/<svg /g)).toHaveLength(3);
    expect(svg).toContain('new-checkout: when simulated rollouts end');
    const failed = await run(['simulate', 'plan.yaml', '--runs', '1', '--svg', 'no/such/place.svg', ...QUICK]);
    expect(failed).toMatchObject({ code: 2, err: expect.stringContaining('FILE_UNREADABLE') });
  });

  it('shows its progress on a terminal, on standard error', async () => {
    const { run } = given();
    const { out, err } = await run(['simulate', 'plan.yaml', '--runs', '2', ...QUICK], { isTty: true });
    expect(err).toContain('2 of 2 rollouts, 0 s left');
    expect(out).not.toContain('left');
  });

  it('tells what was done when it is stopped', async () => {
    const { run, json } = given();
    const stop = AbortSignal.abort();
    const { err } = await run(['simulate', 'plan.yaml', '--runs', '9', ...QUICK], { interrupted: () => stop });
    expect(err).toContain('It was stopped before the first run was done.');
    let asked = 0;
    const later = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };
    Object.defineProperty(later, 'aborted', {
      get: () => {
        asked += 1;
        return asked > 2;
      },
    });
    const { data } = await json<Answer>(['simulate', 'plan.yaml', '--runs', '9', '--threads', '1', ...QUICK], {
      interrupted: () => later as unknown as AbortSignal,
    });
    expect(data.summary.runs).toBe(2);
  });

  it.each([
    [
      '--scenario',
      'healthy,late',
      'received scenarios healthy and late, which contradict each other; give one of them',
    ],
    ['--scenario', 'doom', 'received scenario "doom"; give one of healthy'],
    ['--effect', 'speed=2x', 'the plan has no metric speed; it has errorRate'],
    ['--baseline', 'errorRate=2', 'errorRate=2 cannot be'],
    ['--batch', '6m', '--batch 360 s is longer than evidence may be silent, 300 s'],
  ])('refuses %s %s with what was received', async (option, value, message) => {
    const { json } = given();
    const { code, data } = await json<Answer>(['simulate', 'plan.yaml', option, value]);
    expect(code).toBe(2);
    expect(data.error).toMatchObject({ code: 'SIMULATION_INVALID', message: expect.stringContaining(message) });
  });

  it('says what it assumes of the site, and takes the error rate as plan does', async () => {
    const { run } = given();
    const quick = ['simulate', 'plan.yaml', '--runs', '1', ...QUICK];
    const { out } = await run(quick);
    expect(out).toContain('not given, so assumed: errorRate 0.1 %, p99Latency 400 ms');
    expect(out).toContain('assumed: latencies are log-normal with spread 1');
    const told = await run([...quick, '--error-rate', '0.2%', '--effect', 'errorRate=2x']);
    expect(told.out).toContain('errorRate 0.2 % today, 0.4 % for those who see the feature');
    expect(told.out).toContain('not given, so assumed: p99Latency 400 ms');
  });

  it('says what runs wait for that come to no end', async () => {
    const { run, dir } = given();
    const gate = 'conversion, limit: not worse than control by 0.1%';
    writeFileSync(join(dir, 'stuck.yaml'), PLAN.replace('errorRate, limit: control + 0.5%', gate));
    const { out } = await run(['simulate', 'stuck.yaml', '--runs', '1', '--users', '1000', '--batch', '5m']);
    expect(out).toMatch(/STUCK +IN +WAITING FOR/);
    expect(out).toMatch(/1 +canary +conversion not worse than control by 0.1%: too few observations to begin with/);
    expect(out).toContain('UNFINISHED');
  });

  it('takes batches that fit a plan in fast time', async () => {
    const { run, dir } = given();
    writeFileSync(join(dir, 'fast.yaml'), `timeScale: 0.01\n${PLAN}`);
    const { code, out } = await run(['simulate', 'fast.yaml', '--runs', '1', '--override', 'a test', '--until', 'ga']);
    expect(code).toBe(0);
    expect(out).toContain('one batch every 600 ms');
  });

  it('refuses an effect that is no factor, and a plan with errors', async () => {
    const { json, dir } = given();
    expect((await json<Answer>(['simulate', 'plan.yaml', '--effect', 'errorRate=2'])).data.error?.code).toBe('USAGE');
    writeFileSync(join(dir, 'bad.yaml'), 'flag: x\n');
    expect(await json<Answer>(['simulate', 'bad.yaml'])).toMatchObject({
      code: 1,
      data: { error: { code: 'PLAN_INVALID' } },
    });
  });
});
