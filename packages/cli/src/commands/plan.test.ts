import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlanIssue, PlanPreview } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli } from '../cli.test.support.ts';
import { LONG_PLAN, SHORT_PLAN } from '../example-plans.ts';

type Checked = {
  readonly ok: boolean;
  readonly issues: readonly PlanIssue[];
  readonly error?: { readonly code: string; readonly exitCode: number };
  readonly preview?: PlanPreview;
  readonly plan?: { readonly flag: string };
};

/** The short form as people paste it: declared, not exported. */
const VERBATIM = `const rolloutConfig = {
  flagName: 'feature-xyz',
  stages: [
    { name: 'internal', percentage: 0.5, duration: '24h' }, { name: 'canary', percentage: 5, duration: '48h' },
    { name: 'beta', percentage: 25, duration: '1w' },       { name: 'ga', percentage: 100, duration: 'permanent' } ],
  abortCriteria: { errorRate: 0.01, p99Latency: 2.0, userComplaints: 10 },   // >1 %, >2x baseline, >10 in 24 h
  killSwitch: { flag: 'ai-feature-xyz-killswitch', autoTrip: true,
    tripConditions: { errorRate: 0.05, hallucinationRate: 0.15, costPerQuery: 0.50 } } };
`;
const STAGES = `[{ name: 'canary', percentage: 5, duration: '48h', gate: [{ metric: 'errorRate', limit: '1%' }] }, { name: 'ga', percentage: 100 }]`;

function given(text: string, file: string): Cli {
  const cli = openCli();
  writeFileSync(join(cli.dir, file), text);
  return cli;
}

describe('rampart validate', () => {
  it('takes both examples of `rampart init`, offline', async () => {
    for (const [text, file] of [
      [LONG_PLAN, 'a.yaml'],
      [SHORT_PLAN, 'a.ts'],
    ] as const) {
      const { run, plane } = given(text, file);
      const { code, out } = await run(['validate', file], { env: {} });
      expect(code).toBe(0);
      expect(out).toContain(`${file} is valid`);
      expect(plane.seen).toEqual([]);
    }
  });

  it('says file, line and column of each mistake, and shows the line', async () => {
    const text =
      'flag: x\nstages:\n  - { name: canary, percentage: 5, duraton: 48h }\n  - { name: ga, percentage: 100 }\n';
    const { run, json } = given(text, 'plan.yaml');
    const { code, out, err } = await run(['validate', 'plan.yaml']);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toContain('plan.yaml:3:36: error unknown-key');
    expect(out).toContain('did you mean "duration"?');
    const [shown, caret] = out.split('\n').slice(2, 4);
    expect(caret?.indexOf('^')).toBe(shown?.indexOf('duraton'));
    expect((await json<Checked>(['validate', 'plan.yaml'])).data).toMatchObject({
      ok: false,
      issues: [{ file: 'plan.yaml', line: 3, column: 36, code: 'unknown-key' }],
      error: { code: 'PLAN_INVALID', exitCode: 1 },
    });
  });

  it('says the place of a syntax error', async () => {
    const { run } = given('flag: x\nstages: [\n', 'plan.json');
    const { code, out } = await run(['validate', 'plan.json']);
    expect(code).toBe(1);
    expect(out).toMatch(/plan\.json:\d+:\d+: error syntax/);
  });

  it('reads a plan from standard input', async () => {
    const { run } = openCli();
    expect(await run(['validate', '-'], { stdin: () => Promise.resolve(LONG_PLAN) })).toMatchObject({ code: 0 });
  });

  it.each([
    ['plan.ts', `export default { flag: 'new' as string, stages: ${STAGES} };`],
    ['plan.mts', `export const config = { flag: 'new', stages: ${STAGES} } as const;`],
    ['plan.js', `export const rolloutConfig = { flag: 'new', stages: ${STAGES} };`],
    ['plan.mjs', `export default { flag: 'new', stages: ${STAGES} };`],
    ['pasted.ts', VERBATIM.replace('feature-xyz', 'new')],
    ['pasted.js', VERBATIM.replace('feature-xyz', 'new')],
  ])('runs the module %s', async (file, text) => {
    const { json } = given(text, file);
    const { code, data } = await json<Checked>(['validate', file]);
    expect(code).toBe(0);
    expect(data.plan?.flag).toBe('new');
  });

  it('names the path of a mistake in a module, which has no lines', async () => {
    const { run } = given(`export default { flag: 'new', stages: [{ name: 'ga', percentage: 120 }] };`, 'plan.ts');
    const { code, out } = await run(['validate', 'plan.ts']);
    expect(code).toBe(1);
    expect(out).toContain('plan.ts: stages[0].percentage: error percentage-out-of-range');
  });

  it.each([
    ['plan.ts', 'export const other = 1;', 'PLAN_EXPORT_MISSING', 1],
    ['plan.ts', 'throw new Error("no luck");', 'PLAN_MODULE_FAILED', 1],
    ['plan.mjs', 'export default {', 'PLAN_MODULE_FAILED', 1],
    ['plan.txt', LONG_PLAN, 'FILE_KIND_UNKNOWN', 2],
  ])('refuses %s holding %j with %s', async (file, text, error, exitCode) => {
    const { json } = given(text, file);
    expect(await json<Checked>(['validate', file])).toMatchObject({ code: exitCode, data: { error: { code: error } } });
  });

  it('says when there is no such file, or it is a directory', async () => {
    const { json } = openCli();
    for (const file of ['nothing.yaml', 'nothing.ts']) {
      expect(await json<Checked>(['validate', file])).toMatchObject({
        code: 2,
        data: { error: { code: 'FILE_MISSING' } },
      });
    }
    const { json: inside, dir } = openCli();
    const change = { cwd: join(dir, '..') };
    const name = dir.split('/').at(-1)!;
    writeFileSync(join(dir, 'x.yaml'), '');
    expect(await inside<Checked>(['validate', `${name}/x.yaml/y.yaml`], change)).toMatchObject({
      code: 2,
      data: { error: { code: 'FILE_UNREADABLE' } },
    });
  });
});

describe('rampart plan', () => {
  const START = ['--start', '2026-01-05T09:00Z'];

  it('shows date, share, gate, evidence, time and validity of each stage', async () => {
    const { run } = given(LONG_PLAN, 'plan.yaml');
    const { code, out } = await run([
      'plan',
      'plan.yaml',
      '--requests-per-day',
      '100000',
      '--error-rate',
      '0.2%',
      ...START,
    ]);
    expect(code).toBe(0);
    expect(out).toContain('1. internal  1 %, at least 24 h, 1,000 requests a day');
    expect(out).toContain('Mon 2026-01-05 09:00 UTC to Tue 2026-01-06 09:00 UTC');
    expect(out).toMatch(/errorRate {2,}control \+ 0\.5 % +0\.2 % +[\d,]+ +\S+ h +\d+ %/);
    expect(out).toContain('score over user buckets (f2)');
    expect(out).toContain('asymptotic');
    expect(out).toContain('confirm: No critical bugs');
    expect(out).toMatch(/! internal: errorRate: at 1 % you will see 1,000 requests a day/);
  });

  it('proposes what can be pasted into the plan, and then has nothing to propose', async () => {
    const stage = (more: string) =>
      `flag: x\nstages:\n  - { name: canary, percentage: 5, ${more}, gate: [ { metric: errorRate, limit: 1% } ] }\n  - { name: ga, percentage: 100 }\n`;
    const argv = ['plan', 'plan.yaml', '--requests-per-day', '20000', '--error-rate', '0.3%', ...START];
    const { out } = await given(stage('duration: 24h'), 'plan.yaml').run(argv);
    const proposal = /→ (duration: \d+h) {2}\(it exposes nobody more/.exec(out)?.[1] ?? '';
    expect(proposal).not.toBe('');
    expect(out).toMatch(/or percentage: \d/);
    expect(out).toMatch(/or gate: \[ \{ metric: errorRate, limit: 1\.\d %/);
    const { out: changed } = await given(stage(proposal), 'plan.yaml').run(argv);
    expect(changed).not.toContain('→');
    expect(changed).not.toContain('! canary');
  });

  it('says what harm costs, and how often a harmless feature is stopped', async () => {
    const { run } = given(LONG_PLAN.replace('limit: 1%', 'limit: 1x control'), 'plan.yaml');
    const argv = ['plan', 'plan.yaml', '--requests-per-day', '1000000', '--error-rate', '0.2%', ...START];
    const { out } = await run([...argv, '--users', '50000'], { columns: () => 140 });
    expect(out).toMatch(/errorRate +1x control +\d+ in \d.* h/);
    expect(out).toMatch(/abort criterion; 1\.5x meets \d+ people/);
    expect(out).toMatch(/A harmless feature is stopped with a chance of at most \d/);
    expect(out).toContain('everyone has it: Thu 2026-01-15 09:00 UTC at best');
    const clustered = await run([...argv, '--design-effect', '3'], { columns: () => 140 });
    const excess = (text: string) => Number(/errorRate +1x control +(\d+) in/.exec(text)?.[1]);
    expect(excess(clustered.out)).toBeGreaterThan(2 * excess(out));
    expect(await run([...argv, '--design-effect', '0.5'])).toMatchObject({ code: 2 });
  });

  it('is the preview itself with --json', async () => {
    const { json } = given(SHORT_PLAN, 'plan.ts');
    const traffic = ['--requests-per-day', '5000', '--error-rate', '0.004', '--baseline', 'p99Latency=0.8'];
    const { data } = await json<Checked>(['plan', 'plan.ts', ...traffic, ...START]);
    expect(data.preview).toMatchObject({ flag: 'new-checkout', startAt: Date.parse('2026-01-05T09:00Z') });
    expect(data.preview?.stages[1]).toMatchObject({ name: 'canary', share: 0.05, requestsPerDay: 250 });
    const latency = data.preview?.stages[1]?.checks.find(({ metric }) => metric === 'p99Latency');
    expect(latency?.expected).toBe(0.8);
  });

  it('says that times need the traffic', async () => {
    const { run } = given(LONG_PLAN, 'plan.yaml');
    const { code, out } = await run(['plan', 'plan.yaml']);
    expect(code).toBe(0);
    expect(out).toContain('--requests-per-day N');
    expect(out).not.toContain('requests a day');
  });

  it('reads percentages of today, and refuses what cannot be or is not in the plan', async () => {
    const { run, json } = given(LONG_PLAN, 'plan.yaml');
    const shown = async (value: string) => (await run(['plan', 'plan.yaml', '--baseline', value, ...START])).out;
    expect(await shown('errorRate=0.2%')).toBe(await shown('errorRate=0.002'));
    for (const wrong of ['errorRate=20', 'errorRate=-1', 'errorrate=0.1']) {
      const { code, data } = await json<Checked>(['plan', 'plan.yaml', '--baseline', wrong]);
      expect({ code, error: data.error?.code }).toEqual({ code: 2, error: 'TRAFFIC_INVALID' });
    }
    expect(await run(['plan', 'plan.yaml', '--audience', 'crew=2'])).toMatchObject({ code: 2 });
    expect(await run(['plan', 'plan.yaml', '--baseline', 'errorRate=x%'])).toMatchObject({ code: 2 });
  });

  it('says what is certain today, and expects no date of an unknown traffic', async () => {
    const plan = `flag: x\nstages: [{ name: a, percentage: 5, duration: 24h, gate: [{ metric: throughput, limit: 0.9x control }] }, { name: ga, percentage: 100 }]\nabortCriteria: { errorRate: 1% }\n`;
    const { run } = given(plan, 'plan.yaml');
    const wide = { columns: () => 200 };
    const { out: unknown } = await run(['plan', 'plan.yaml', ...START], wide);
    expect(unknown).toContain('at best; what to expect follows from the traffic');
    const { out } = await run(['plan', 'plan.yaml', '--requests-per-day', '100000', '--error-rate', '3%'], wide);
    expect(out).toContain('but it will be aborted: see below');
    expect(out).toContain("! errorRate: the rollout will be aborted: today's 3 % is beyond 1 %");
    expect(out).toMatch(/at most 100 %: comparisons of gates and abort criteria 100 %, as today is\s+beyond a limit/);
    const busy = await run(['plan', 'plan.yaml', '--requests-per-day', '10000000'], wide);
    // Where lower is worse, what is found lies below today.
    expect(busy.out).toMatch(/throughput {2}0\.9x control .* 0\.8\d*x/);
  });

  it('names no file of a plan that came from standard input', async () => {
    const stdin = () => Promise.resolve(LONG_PLAN);
    const { run } = given(LONG_PLAN, 'plan.yaml');
    expect((await run(['plan', '-'], { stdin })).out).toMatch(
      /Next: save the plan as FILE, then .*rampart start FILE$/m,
    );
    expect((await run(['validate', '-'], { stdin })).out).toContain('plan FILE --requests-per-day N');
  });

  it('refuses a plan with mistakes as validate does', async () => {
    const { run } = given('flag: x\n', 'plan.yaml');
    const { code, out } = await run(['plan', 'plan.yaml']);
    expect(code).toBe(1);
    expect(out).toMatch(/plan\.yaml:1:1: error missing-key/);
  });

  it.each([80, 120])('fits %i columns', async (columns) => {
    const { run } = given(LONG_PLAN, 'plan.yaml');
    const argv = ['plan', 'plan.yaml', '--requests-per-day', '100000', '--error-rate', '0.2%'];
    const { out } = await run(argv, { columns: () => columns });
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  });
});

describe('rampart init', () => {
  it('writes a plan that is valid and says what comes next', async () => {
    const { run } = openCli();
    const { code, out } = await run(['init']);
    expect(code).toBe(0);
    expect(out).toContain('rampart validate rampart.plan.yaml');
    expect(await run(['validate', 'rampart.plan.yaml'])).toMatchObject({ code: 0 });
    expect(await run(['init', '--short'])).toMatchObject({ code: 0 });
    expect(await run(['validate', 'rampart.plan.ts'])).toMatchObject({ code: 0 });
  });

  it('writes only to endings under which a plan is found again', async () => {
    const { run } = openCli();
    expect(await run(['init', 'plan.toml'])).toMatchObject({ code: 2, err: expect.stringContaining('.yaml or .yml') });
    expect(await run(['init', 'plan.yaml', '--short'])).toMatchObject({
      code: 2,
      err: expect.stringMatching('.ts or'),
    });
  });

  it('never replaces a file unasked', async () => {
    const { run, json } = given('mine', 'rampart.plan.yaml');
    expect(await json<Checked>(['init'])).toMatchObject({ code: 1, data: { error: { code: 'FILE_EXISTS' } } });
    expect(await run(['init', '--force'])).toMatchObject({ code: 0 });
    expect(await run(['validate', 'rampart.plan.yaml'])).toMatchObject({ code: 0 });
  });
});

describe('rampart schema', () => {
  it('prints the JSON Schema of a plan', async () => {
    const { run } = openCli();
    const { code, out } = await run(['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ type: 'object', required: expect.arrayContaining(['stages']) });
  });
});
