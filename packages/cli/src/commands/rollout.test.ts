import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { CommandAnswer, RolloutView } from '@rampart/api';
import type { EventRecord } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli } from '../cli.test.support.ts';

type Failed = {
  readonly error: { readonly code: string; readonly message: string; readonly issues?: readonly object[] };
};
type Status = RolloutView & { readonly events: readonly EventRecord[] };

const HOUR = 3_600_000;
const PLAN = `flag: new-checkout
title: New checkout
version: build-1
preflight: [launch-readiness, rollback-tested]
baseline: { window: 2h }
stages:
  - name: canary
    percentage: 5
    duration: 4h
    gate: [ { metric: errorRate, limit: control + 0.5% }, { confirm: No critical bugs } ]
  - { name: beta, percentage: 25, duration: 24h, gate: [ { stage: canary } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h, gate: [] }
abortCriteria: [ { metric: errorRate, limit: 1% } ]
killSwitch: { flag: new-checkout-kill, trip: [ { metric: errorRate, limit: 20% } ] }
`;
const QUIET = { n: 100, bad: 0, controlN: 1900, controlBad: 2 };
const BAD = { n: 100, bad: 8, controlN: 1900, controlBad: 2 };

/** Quiet evidence of 2,000 requests in the proportions of a share. */
function splitOf(share: number): typeof QUIET {
  const n = Math.round(2000 * share);
  return { n, bad: 0, controlN: 2000 - n, controlBad: share < 1 ? 2 : 0 };
}

function withPlan(): Cli {
  const cli = openCli();
  writeFileSync(join(cli.dir, 'plan.yaml'), PLAN);
  return cli;
}

/** A rollout in its first stage. */
async function inCanary(): Promise<Cli & { readonly id: string }> {
  const cli = withPlan();
  const { data } = await cli.json<CommandAnswer>([
    'start',
    'plan.yaml',
    '--attest-all',
    '--reason',
    'rehearsed on staging',
  ]);
  const { id } = data.rollout.state;
  cli.plane.run(id, 2 * HOUR, { ...QUIET, n: 0, bad: 0, controlN: 2000 });
  return { ...cli, id };
}

describe('rampart start', () => {
  it('makes a rollout, enters pre-flight and says what to approve', async () => {
    const { run, plane } = withPlan();
    const { code, out, err } = await run(['start', 'plan.yaml']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('rampart approve new-checkout-1 launch-readiness');
    expect(plane.view('new-checkout-1').state.phase).toBe('preflight');
    expect(plane.seen[0]?.body).toMatchObject({ text: PLAN, file: 'plan.yaml' });
  });

  it('gives every item with the reason when asked to', async () => {
    const { json, plane } = withPlan();
    const { code, data } = await json<CommandAnswer>(['start', 'plan.yaml', '--attest-all', '--reason', 'rehearsed']);
    expect(code).toBe(0);
    expect(data.rollout.state.phase).toBe('baseline');
    const { preflight } = plane.view('new-checkout-1').state;
    expect(Object.values(preflight).map((item) => item?.note)).toEqual(['rehearsed', 'rehearsed']);
    expect(data.events.filter(({ event }) => event.type === 'ItemAttested')).toHaveLength(2);
  });

  it('sends a module as JSON, and passes time scale and override on', async () => {
    const { run, plane, dir } = openCli();
    const stop = `abortCriteria: [{ metric: 'errorRate', limit: '1%' }]`;
    writeFileSync(
      join(dir, 'plan.ts'),
      `export default { flag: 'f', stages: [{ name: 'ga', percentage: 100 }], ${stop} };`,
    );
    expect(await run(['start', 'plan.ts'])).toMatchObject({ code: 1, out: expect.stringContaining('day-one') });
    expect(plane.seen).toEqual([]);
    const { code } = await run(['start', 'plan.ts', '--override', 'an empty flag', '--time-scale', '0.001']);
    expect(code).toBe(0);
    const body = plane.seen[0]?.body as { text: string };
    expect(JSON.parse(body.text)).toMatchObject({ flag: 'f' });
    expect(body).toMatchObject({ override: 'an empty flag', timeScale: 0.001 });
    expect(body).not.toHaveProperty('file');
  });

  it('refuses a plan with mistakes without asking the server', async () => {
    const { run, plane, dir } = openCli();
    writeFileSync(join(dir, 'plan.yaml'), 'flag: x\n');
    expect(await run(['start', 'plan.yaml'])).toMatchObject({ code: 1 });
    expect(plane.seen).toEqual([]);
  });

  it('starts a draft that exists', async () => {
    const { run, plane } = withPlan();
    await plane.fetch('http://rampart.test:4180/v1/rollouts', {
      method: 'POST',
      body: JSON.stringify({ text: PLAN }),
      headers: { authorization: `Bearer ${(await import('../fake-control-plane.test.support.ts')).TOKEN}` },
    });
    expect(plane.view('new-checkout-1').state.phase).toBe('draft');
    expect(await run(['start', '--rollout', 'new-checkout'])).toMatchObject({ code: 0 });
    expect(plane.view('new-checkout-1').state.phase).toBe('preflight');
  });
});

describe('rampart status', () => {
  it.each([60, 80, 120])('fits %i columns in every phase', async (columns) => {
    const { run, plane, id } = await inCanary();
    const io = { columns: () => columns };
    const pages = [await run(['status'], io)];
    plane.run(id, HOUR, QUIET);
    pages.push(await run(['status'], io));
    plane.run(id, HOUR, BAD);
    pages.push(await run(['status'], io));
    for (const { code, out } of pages) {
      expect(code).toBe(0);
      const long = out.split('\n').filter((line) => line.length > columns);
      // A command to copy is never broken.
      expect(long.filter((line) => !line.startsWith('  rampart '))).toEqual([]);
    }
  });

  it('goes on showing what was measured after an abort', async () => {
    const { run, plane, id } = await inCanary();
    plane.run(id, HOUR, BAD);
    plane.run(id, HOUR, { n: 0, bad: 0, controlN: 2000, controlBad: 2 });
    const { out } = await run(['status'], { columns: () => 140 });
    expect(out).toMatch(/Check that ended the attempt[\s\S]*errorRate +abort +✖ fail +8(\.\d+)? %/);
    expect(out).toMatch(/Metrics at the abort[\s\S]*errorRate +✖ fail +8(\.\d+)? %/);
  });

  it('shows stages, checks, what it waits for, events and what to type next', async () => {
    const { run, plane, id } = await inCanary();
    plane.run(id, HOUR, QUIET);
    const { out } = await run(['status'], { columns: () => 140 });
    expect(out).toMatch(/New checkout {2}exposing/);
    expect(out).toContain('version build-1 · attempt 1 of 4 · new-checkout-1');
    expect(out).toMatch(/▶ canary 5 % +beta 25 % +ga 100 %/);
    expect(out).toMatch(/1 h, 3 h left/);
    expect(out).toMatch(/errorRate +gate +✔ pass .*control 0\.\d+ % .* to .*3,000 \/ 57,000 +asymptotic/);
    expect(out).toContain('changes with: ');
    expect(out).toContain('Waiting for\n  minimum duration of canary: 3 h to serve\n  confirmation "No critical bugs"');
    expect(out).toMatch(/Rampart entered stage canary/);
    expect(out).toContain("rampart approve new-checkout-1 'No critical bugs'");
  });

  it('is the view with its events with --json', async () => {
    const { json, id } = await inCanary();
    const { data } = await json<Status>(['status', 'new-checkout']);
    expect(data.state).toMatchObject({ id, phase: 'exposing' });
    expect(data.events[0]?.event.type).toBe('RolloutCreated');
    expect(data.waitingFor.length).toBeGreaterThan(0);
  });

  it('has colours on a terminal only, and none with NO_COLOR, --no-color or --json', async () => {
    const { run, dir } = await inCanary();
    const isPlain = (text: string) => stripVTControlCharacters(text) === text;
    expect(isPlain((await run(['status'])).out)).toBe(true);
    expect(isPlain((await run(['status'], { isTty: true })).out)).toBe(false);
    expect(isPlain((await run(['status', '--no-color'], { isTty: true })).out)).toBe(true);
    expect(isPlain((await run(['status', '--json'], { isTty: true })).out)).toBe(true);
    const env = { HOME: dir, RAMPART_URL: 'http://rampart.test:4180', RAMPART_TOKEN: 'x', NO_COLOR: '1' };
    expect(isPlain((await run(['status'], { isTty: true, env })).err)).toBe(true);
  });

  it('shows text of others without what could move the cursor', async () => {
    const { run } = await inCanary();
    await run(['hold', '--reason', 'look\u001B[2J\r\nhere']);
    const { out } = await run(['status']);
    expect(out).toContain('held by ana: look');
    expect(out).not.toContain('\u001B');
  });
});

describe('rampart status --watch', () => {
  /** Lets an hour pass at each look. */
  const passing = (cli: Cli, id: string, evidence: (stage: number) => typeof QUIET) => {
    let looks = 0;
    const sleep = () => {
      looks += 1;
      if (looks > 80) throw new Error(`the rollout goes on: ${cli.plane.view(id).waitingFor.join('; ')}`);
      cli.plane.run(id, HOUR, evidence(cli.plane.view(id).state.stage?.index ?? 0));
      return Promise.resolve();
    };
    return { sleep };
  };

  it('ends with 1 when the rollout is aborted, having printed each event once', async () => {
    const cli = await inCanary();
    const { code, out } = await cli.run(
      ['status', '--watch'],
      passing(cli, cli.id, () => BAD),
    );
    expect(code).toBe(1);
    expect(out.match(/entered stage canary/g)).toHaveLength(1);
    expect(out.match(/set exposure to 0/g)).toHaveLength(1);
  });

  it('ends with 0 when it is complete, as one document with --json', async () => {
    const cli = await inCanary();
    for (const item of ['No critical bugs', 'docs-updated', 'flag-cleanup-scheduled']) await cli.run(['approve', item]);
    const shares = [0.05, 0.25, 1];
    const { code, data } = await cli.json<Status>(
      ['status', '--watch'],
      passing(cli, cli.id, (stage) => splitOf(shares[stage] ?? 1)),
    );
    expect(data.state.phase).toBe('complete');
    expect(code).toBe(0);
  });

  it('does not tell to watch what is being watched', async () => {
    const cli = await inCanary();
    const interrupted = () => AbortSignal.abort();
    const { out } = await cli.run(['status', '-w'], { isTty: true, interrupted });
    expect(out).not.toContain('status --watch');
    expect((await cli.run(['status'], { call: 'npx rampart' })).out).toContain('npx rampart status --watch');
  });

  it('redraws on a terminal, and ends with 0 on Ctrl-C', async () => {
    const cli = await inCanary();
    const stop = new AbortController();
    let looks = 0;
    const sleep = () => {
      looks += 1;
      if (looks === 3) stop.abort();
      return Promise.resolve();
    };
    const { code, out } = await cli.run(['status', '-w'], { isTty: true, sleep, interrupted: () => stop.signal });
    expect(code).toBe(0);
    expect(out.split('\u001B[H\u001B[J')).toHaveLength(5);
  });

  it('waits for a server that is away and goes on', async () => {
    const cli = await inCanary();
    let looks = 0;
    const sleep = () => {
      looks += 1;
      cli.plane.isDown = looks === 1;
      if (looks > 20) throw new Error('it goes on');
      if (looks === 2) cli.plane.run(cli.id, HOUR, BAD);
      return Promise.resolve();
    };
    const { code, out, err } = await cli.run(['status', '--watch'], { sleep });
    expect(code).toBe(1);
    expect(err).toContain('Trying again');
    expect(out).toContain('set exposure to 0');
  });
});

describe('steering a rollout', () => {
  it.each([
    [['hold', '--reason', 'lunch'], { type: 'Hold', reason: 'lunch' }],
    [['extend', '--reason', 'few users', '--by', '2d'], { type: 'Extend', reason: 'few users', byMs: 48 * HOUR }],
    [['proceed', '--reason', 'sure'], { type: 'Proceed', reason: 'sure' }],
    [['abort'], { type: 'Abort', reason: 'no reason given' }],
    [['kill', '--reason', 'fire'], { type: 'Kill', reason: 'fire' }],
    [['cancel', '--reason', 'not wanted'], { type: 'Cancel', reason: 'not wanted' }],
    [['approve', 'No critical bugs', '--note', 'ok'], { type: 'Approve', item: 'No critical bugs', note: 'ok' }],
    [['approve', 'new-checkout', 'No critical bugs'], { type: 'Approve', item: 'No critical bugs' }],
    [['issue', 'add', 'Slow', '--severity', 'minor'], { type: 'AddIssue', title: 'Slow', severity: 'minor' }],
    [['resume'], { type: 'Resume' }],
    [['rearm', '--reason', 'safe'], { type: 'Rearm', reason: 'safe' }],
    [['retry', '--version', 'b2', '--reason', 'x'], { type: 'Retry', version: 'b2', reason: 'x' }],
    [['retry', '--release', 'b2', '--people', 'fresh'], { type: 'Retry', version: 'b2', people: 'fresh' }],
    [['decline', '2', '--reason', 'no'], { type: 'Decline', proposal: 2, reason: 'no' }],
    [['incident', 'assign', '1', 'bo'], { type: 'AssignIncident', incident: 1, assignee: 'bo' }],
    [['incident', 'root-cause', '1', 'x'], { type: 'RecordRootCause', incident: 1, text: 'x' }],
    [
      ['incident', 'fix', '1', 'x', '--reference', 'pr'],
      { type: 'RecordFix', incident: 1, text: 'x', reference: 'pr' },
    ],
    [['incident', 'resolve', '1'], { type: 'ResolveIncident', incident: 1 }],
    [['issue', 'close', '1'], { type: 'ChangeIssue', number: 1, status: 'closed' }],
  ])('%j sends exactly that command', async (argv, body) => {
    const { run, plane } = await inCanary();
    const { code } = await run(argv);
    const sent = plane.seen.findLast(({ method, path }) => method === 'POST' && path.endsWith('/commands'));
    expect(sent?.body).toEqual(body);
    expect([0, 1]).toContain(code);
  });

  it('tells a refusal with its code, what to do and exit code 1', async () => {
    const { run, json } = await inCanary();
    const { code, out, err } = await run(['approve', 'nonsense']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/error ITEM_UNKNOWN: .*"No critical bugs"/);
    expect(err).toContain('`rampart status` lists them');
    expect(await json<Failed>(['resume'])).toMatchObject({ code: 1, data: { error: { code: 'NOT_HELD' } } });
  });

  it('goes from an abort over fix and retry to the next attempt', async () => {
    const { run, plane, id } = await inCanary();
    await run(['kill', '--reason', 'wrong prices']);
    expect(plane.view(id).state).toMatchObject({ phase: 'aborted', killed: true });
    const { out } = await run(['status'], { columns: () => 140 });
    for (const next of ['incident show 1', "incident root-cause 1 'what went wrong'", 'rearm']) {
      expect(out).toContain(`rampart ${next}`);
    }
    expect(out).not.toContain('rampart retry');
    expect((await run(['incident', 'list'])).out).toContain('wrong prices');
    expect((await run(['incident', 'show'])).out).toMatch(/^# Incident 1/);
    await run(['rearm', '--reason', 'fixed']);
    expect((await run(['status'])).out).toContain(`rampart retry ${id} --version NEW-VERSION --reason …`);
    await run(['incident', 'fix', '1', 'prices rounded']);
    expect((await run(['status'])).out).toMatch(/rampart retry \S+ --version NEW-VERSION\n/);
    plane.now += 2 * HOUR;
    expect(await run(['retry', '--release', 'build-2'])).toMatchObject({ code: 0 });
    expect(plane.view(id).state).toMatchObject({ attempt: 2, killed: false });
  });

  it('does not tell to retry once the attempts are used up', async () => {
    const { run, plane, id } = await inCanary();
    const { limit } = plane.view(id).state.plan.retry;
    for (let attempt = 1; attempt <= limit + 1; attempt += 1) {
      await run(['abort']);
      const { out } = await run(['status']);
      expect(out.includes('rampart retry')).toBe(attempt <= limit);
      plane.now += 48 * HOUR;
      await run(['retry', '--reason', 'once more']);
    }
  });

  it('keeps issues', async () => {
    const { run, json } = await inCanary();
    expect((await run(['issue', 'list'])).out).toContain('has no issues');
    await run(['issue', 'add', 'Slow on Safari', '--link', 'https://example.com/1']);
    await run(['issue', 'monitor', '1']);
    const { out } = await run(['issue', 'list']);
    expect(out).toMatch(/1 +major +monitoring/);
    expect(out).toContain('Slow on Safari');
    const { data } = await json<{ issues: readonly { status: string }[] }>(['issue', 'list']);
    expect(data.issues[0]?.status).toBe('monitoring');
  });

  it('prints the report, or writes it', async () => {
    const { run, json, dir } = await inCanary();
    expect((await run(['report'])).out).toMatch(/^# Rollout Report: New checkout/);
    expect((await json<{ markdown: string }>(['report'])).data.markdown).toContain('# Rollout Report');
    expect(await run(['report', '--out', 'report.md'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(dir, 'report.md'), 'utf8')).toContain('# Rollout Report');
    expect(await run(['report', '--format', 'html', '--out', 'report.html'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(dir, 'report.html'), 'utf8')).toBe('<!doctype html>\n');
    const printed = JSON.parse((await run(['report', '--format', 'json'])).out);
    expect(printed).toMatchObject({ schema: 1, kind: 'report' });
    expect((await json<{ document: unknown }>(['report', '--format', 'json'])).data.document).toEqual(printed);
    expect((await run(['report', '--out', '/nowhere/report.md'])).err).toContain('FILE_UNREADABLE');
    expect((await run(['report', '--format', 'pdf'])).code).toBe(2);
  });
});

describe('which rollout is meant', () => {
  it('is the only active one, or the newest of a flag', async () => {
    const { run, json } = await inCanary();
    expect((await json<Failed>(['status', 'other'])).data.error).toMatchObject({
      code: 'ROLLOUT_NOT_FOUND',
      message: expect.stringContaining('new-checkout-1 (new-checkout, exposing)'),
    });
    await run(['start', 'plan.yaml']);
    expect(await json<Failed>(['status'])).toMatchObject({ code: 2, data: { error: { code: 'ROLLOUT_AMBIGUOUS' } } });
    expect((await json<Status>(['status', 'new-checkout-1'])).data.state.id).toBe('new-checkout-1');
    await run(['cancel', 'new-checkout-2', '--reason', 'by mistake']);
    expect((await json<Status>(['status'])).data.state.id).toBe('new-checkout-1');
    expect((await run(['list'])).out).not.toContain('new-checkout-2');
    expect((await run(['list', '--all'])).out).toMatch(/new-checkout-2 +new-checkout +cancelled/);
  });

  it('is said to be none when there is none', async () => {
    const { json, run } = openCli();
    expect(await json<Failed>(['status'])).toMatchObject({ code: 1, data: { error: { code: 'NO_ROLLOUT' } } });
    expect(await run(['list'])).toMatchObject({ code: 0, out: expect.stringContaining('No rollout is active') });
  });
});
