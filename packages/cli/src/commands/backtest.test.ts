import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandAnswer, PROBLEM_MEDIA_TYPE, problem } from '@rampart/api';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli } from '../cli.test.support.ts';

type Failed = { readonly error: { readonly code: string; readonly message: string; readonly remedy: string } };
type Abort = { readonly at: number; readonly metric: string; readonly isFalse: boolean; readonly realAbortAt?: number };
type Trial = { readonly aborts: readonly Abort[]; readonly missed: readonly { readonly at: number }[] };
type Found = {
  readonly differs: boolean;
  readonly replay: { readonly batches: number; readonly reproduced: number; readonly differences: readonly object[] };
  readonly original: Trial;
  readonly edited?: Trial;
};

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PLAN = `flag: new-checkout
version: build-1
preflight: []
baseline: { window: 2h }
stages:
  - { name: canary, percentage: 5, duration: 24h, gate: [ { metric: errorRate, limit: 1% } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h, gate: [] }
abortCriteria: [ { metric: errorRate, limit: 1% } ]
`;

/** A rollout that was aborted in its canary, and its plan in a file. */
async function aborted({ n = 640, bad = 64 } = {}): Promise<Cli & { readonly id: string; readonly at: number }> {
  const cli = openCli();
  writeFileSync(join(cli.dir, 'plan.yaml'), PLAN);
  const { data } = await cli.json<CommandAnswer>(['start', 'plan.yaml']);
  const { id } = data.rollout.state;
  cli.plane.run(id, 2 * HOUR, { n: 0, bad: 0, controlN: 12_800, controlBad: 2 });
  cli.plane.run(id, HOUR, { n: 640, bad: 0, controlN: 12_160, controlBad: 2 });
  // As many in each user bucket.
  cli.plane.run(id, HOUR, { n, bad, controlN: 19 * n, controlBad: 2 });
  const incident = cli.plane.view(id).state.incidents[0];
  if (incident === undefined) throw new Error('the rollout was not aborted');
  return { ...cli, id, at: incident.openedAt };
}

/** Writes the plan with one change. */
function edit({ dir }: Cli, from: string, to: string): void {
  writeFileSync(join(dir, 'edited.yaml'), PLAN.replaceAll(from, to));
}

/** Text without its line breaks and indents. */
const flat = (text: string) => text.replaceAll(/\s+/g, ' ');

describe('rampart backtest of a rollout', () => {
  it('makes every decision again, and shows when it aborted', async () => {
    const cli = await aborted();
    const { code, data } = await cli.json<Found>(['backtest', cli.id]);
    expect(code).toBe(0);
    expect(data.replay).toMatchObject({ batches: 120, differences: [] });
    expect(data.replay.reproduced).toBeGreaterThan(3);
    expect(data.original.aborts).toMatchObject([
      { at: cli.at, realAbortAt: cli.at, metric: 'errorRate', isFalse: false },
    ]);
    const { out } = await cli.run(['backtest']);
    expect(flat(out)).toMatch(
      /✔ new-checkout-1: 120 batches of evidence run again; all \d+ decisions of Rampart came out exactly/,
    );
    expect(flat(out)).toMatch(
      /aborted Mon 2026-01-05 \d\d:\d\d UTC for errorRate in canary \(errorRate breaches 1%\): as it was/,
    );
    expect(flat(out)).toContain('0 false alarms in');
  });

  it('says so where the evidence was removed, in place of a replay without it', async () => {
    const cli = await aborted();
    const gone = problem('EVIDENCE_PRUNED', 'Batch 1 of the 120 is gone: none is kept.');
    const headers = { 'content-type': PROBLEM_MEDIA_TYPE };
    const { code, data } = await cli.json<Failed>(['backtest', cli.id], {
      fetch: async (url, init) =>
        String(url).includes('/evidence')
          ? new Response(JSON.stringify(gone), { status: gone.status, headers })
          : cli.plane.fetch(url, init),
    });
    expect([code, data.error]).toMatchObject([1, { code: 'EVIDENCE_PRUNED', message: gone.detail }]);
    expect(data.error.remedy).toContain('--retention');
  });

  it('sets an edited plan beside it: what it would have missed', async () => {
    const cli = await aborted();
    edit(cli, 'limit: 1%', 'limit: 40%');
    const { data } = await cli.json<Found>(['backtest', '--plan', 'edited.yaml']);
    expect(data).toMatchObject({ differs: true, edited: { aborts: [], missed: [{ at: cli.at }] } });
    const { out, code } = await cli.run(['backtest', '--plan', 'edited.yaml']);
    expect(code).toBe(0);
    expect(flat(out)).toContain('misses the abort of Mon 2026-01-05');
    expect(flat(out)).toMatch(/errorRate +abort +1% +✖ fails Mon 2026-01-05 \d\d:\d\d UTC +–/);
    expect(flat(out)).toMatch(/errorRate +abort +40% +– +/);
    expect(flat(out)).toContain('at the exposure the rollout really had');
  });

  it('says how much earlier a stricter plan would have aborted, and which stages it does not know', async () => {
    // 1.4 %: not so far beyond 1 % that a single batch would show it.
    const cli = await aborted({ n: 4480, bad: 64 });
    edit(cli, 'limit: 1%', 'limit: 0.2%');
    const { data } = await cli.json<Found>(['backtest', cli.id, '--plan', 'edited.yaml']);
    expect(data.edited?.aborts[0]?.at).toBeLessThan(cli.at);
    const { out } = await cli.run(['backtest', cli.id, '--plan', 'edited.yaml']);
    expect(flat(out)).toContain('min earlier than it was');
    edit(cli, 'name: canary', 'name: first');
    const other = await cli.run(['backtest', cli.id, '--plan', 'edited.yaml']);
    expect(flat(other.out)).toContain('The edited plan has no stage canary');
  });

  it('names the stages of gates, and says that the edited plan is for another flag', async () => {
    const cli = await aborted();
    edit(cli, 'gate: [ { metric: errorRate, limit: 1% } ]', 'gate: [ { metric: errorRate, limit: 0.01% } ]');
    writeFileSync(join(cli.dir, 'other.yaml'), PLAN.replace('new-checkout', 'search').replace('1%', '2%'));
    const { out } = await cli.run(['backtest', '--plan', 'edited.yaml']);
    expect(flat(out)).toMatch(/errorRate gate of canary 1% /);
    expect(flat(out)).toMatch(/errorRate gate of canary 0.01% /);
    expect(flat(out)).toContain('waits for errorRate 0.01%');
    expect(flat(out)).not.toContain('gate:errorRate');
    expect(flat(out)).not.toContain('is for');
    const other = await cli.run(['backtest', '--plan', 'other.yaml']);
    expect(flat(other.out)).toContain('The edited plan is for search, this rollout is of new-checkout.');
  });

  it('fails on a difference when asked to: for CI', async () => {
    const cli = await aborted();
    edit(cli, 'limit: 1%', 'limit: 40%');
    const codeOf = async (...argv: readonly string[]) => (await cli.run(['backtest', ...argv])).code;
    expect(await codeOf('--fail-on-difference')).toBe(0);
    expect(await codeOf('--fail-on-difference', '--plan', 'edited.yaml')).toBe(1);
    // Evidence that is no longer what was decided on.
    const run = cli.plane.runs.get(cli.id);
    run?.batches.splice(60, 60);
    expect(await codeOf('--fail-on-difference')).toBe(1);
    const { out } = await cli.run(['backtest']);
    expect(flat(out)).toMatch(/✖ .*came out otherwise/);
    expect(flat(out)).toMatch(/recorded RolloutAborted, now SightLost/);
  });

  it('tells its progress on standard error, on a terminal in one line', async () => {
    const cli = await aborted();
    const { err } = await cli.run(['backtest'], { isTty: true });
    expect(err).toContain('\revidence of new-checkout-1: 83 %');
    expect(err.endsWith('\r\u001B[2K')).toBe(true);
  });

  it('lists what is wrong in an edited plan', async () => {
    const cli = await aborted();
    edit(cli, 'limit: 1%', 'limit: much');
    const { code, out } = await cli.run(['backtest', '--plan', 'edited.yaml']);
    expect(code).toBe(1);
    expect(flat(out)).toContain('invalid-limit');
  });
});

const PROMETHEUS_PLAN = `${PLAN}metrics:
  errorRate: { source: prometheus, bad: 'requests_total{code="500"}', total: requests_total }
`;
const START = Date.UTC(2026, 0, 5);

/** A Prometheus of one counter pair: 600 requests a minute, of which `badOf` fail; a fault lasts an hour. */
function prometheus(
  seen: Request[] = [],
  badOf = (minute: number) => (minute >= 300 && minute < 360 ? 30 : 1),
): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    seen.push(request.clone());
    const form = new URLSearchParams(await request.text());
    const [from, to, step] = ['start', 'end', 'step'].map((name) => Number(form.get(name)));
    if (from === undefined || to === undefined || step === undefined) throw new Error('a range was expected');
    const isBad = form.get('query')?.includes('500') === true;
    const valueAt = (seconds: number) => {
      const minute = Math.round((seconds * 1000 - START) / MINUTE);
      if (!isBad) return 600 * minute;
      return Array.from({ length: minute }, (_, i) => badOf(i)).reduce((sum, one) => sum + one, 0);
    };
    const values: [number, string][] = [];
    for (let at = from; at <= to; at += step) values.push([at, String(valueAt(at))]);
    return Response.json({ status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values }] } });
  };
}

function withHistory(text = PROMETHEUS_PLAN): Cli {
  const cli = openCli();
  writeFileSync(join(cli.dir, 'plan.yaml'), text);
  return cli;
}

const RANGE = ['backtest', '--plan', 'plan.yaml', '--prometheus', 'http://prometheus.test:9090'];
const ALL = [...RANGE, '--from', '2026-01-05', '--to', '2026-01-05T10:00Z', '--baseline', '2h'];

describe('rampart backtest over Prometheus', () => {
  it('says when the plan would have aborted', async () => {
    const cli = withHistory();
    const { code, out } = await cli.run(ALL, { fetch: prometheus() });
    expect(code).toBe(0);
    expect(flat(out)).toContain('new-checkout over 10 h: Mon 2026-01-05 00:00 UTC to Mon 2026-01-05 10:00 UTC');
    expect(flat(out)).toMatch(
      /✖ would have aborted Mon 2026-01-05 05:\d\d UTC for errorRate \(errorRate breaches 1%\)/,
    );
    expect(flat(out)).toContain('unless something was wrong then: name such times with --incident FROM..TO');
    expect(flat(out)).toContain('This history does not know variants');
  });

  it('counts false alarms and incidents that were found where they are known', async () => {
    const cli = withHistory();
    const incident = '2026-01-05T05:00Z..2026-01-05T07:00Z';
    const { out } = await cli.run([...ALL, '--incident', incident], { fetch: prometheus() });
    expect(flat(out)).toMatch(/incident of Mon 2026-01-05 05:00 UTC: found after \d+ min by errorRate/);
    expect(flat(out)).toContain('0 false alarms in');
    const missed = '2026-01-05T03:00Z..2026-01-05T03:30Z';
    const strict = [...ALL, '--incident', missed, '--fail-on-difference'];
    const { out: other, code } = await cli.run(strict, { fetch: prometheus() });
    expect(code).toBe(1);
    expect(flat(other)).toContain('incident of Mon 2026-01-05 03:00 UTC: not found');
    expect(flat(other)).toContain(': false alarm');
  });

  it('sends the credentials of the environment, and headers', async () => {
    const cli = withHistory();
    const seen: Request[] = [];
    const env = { HOME: cli.dir, RAMPART_PROMETHEUS_TOKEN: 's3cret' };
    await cli.run([...ALL, '--header', 'X-Scope-OrgID: team'], { fetch: prometheus(seen), env });
    expect(seen[0]?.headers.get('authorization')).toBe('Bearer s3cret');
    expect(seen[0]?.headers.get('x-scope-orgid')).toBe('team');
    const basic = { HOME: cli.dir, RAMPART_PROMETHEUS_USER: 'ana', RAMPART_PROMETHEUS_PASSWORD: 'pass' };
    await cli.run(ALL, { fetch: prometheus(seen), env: basic });
    expect(seen.at(-1)?.headers.get('authorization')).toBe(`Basic ${Buffer.from('ana:pass').toString('base64')}`);
    const inUrl = ALL.map((word) => word.replace('//', '//bob:word@'));
    await cli.run(inUrl, { fetch: prometheus(seen) });
    expect(seen.at(-1)?.headers.get('authorization')).toBe(`Basic ${Buffer.from('bob:word').toString('base64')}`);
    expect(seen.at(-1)?.url).toBe('http://prometheus.test:9090/api/v1/query_range');
  });

  it('says that nothing was judged where nothing was recorded, and fails when asked to', async () => {
    const cli = withHistory();
    const fetch = async () => Response.json({ status: 'success', data: { resultType: 'matrix', result: [] } });
    const argv = [...RANGE, '--from', '2026-01-05', '--to', '2026-01-06', '--fail-on-difference'];
    for (const baseline of ['0', '2h']) {
      const { code, out } = await cli.run([...argv, '--baseline', baseline], { fetch });
      expect(code).toBe(1);
      expect(flat(out)).toContain('? nothing judged: nothing was recorded of any metric in this range');
      expect(out).not.toMatch(/would not have aborted|false alarm/);
    }
    const { code, data } = await cli.json<{ isJudged: boolean }>([...argv.slice(0, -1), '--baseline', '2h'], { fetch });
    expect([code, data.isJudged]).toEqual([0, false]);
  });

  it('reads moments as dates or as how long ago', async () => {
    const cli = withHistory();
    const { data } = await cli.json<{ fromAt: number; toAt: number; stepMs: number }>(
      [...RANGE, '--from', '10h', '--to', '1h', '--step', '5m', '--baseline', '0'],
      { fetch: prometheus(), now: () => START + 10 * HOUR },
    );
    expect(data).toMatchObject({ fromAt: START, toAt: START + 9 * HOUR, stepMs: 5 * MINUTE });
  });

  it.each([
    ['no plan', ['backtest', '--prometheus', 'http://p.test', '--from', '1d'], 'USAGE'],
    ['no beginning', RANGE, 'USAGE'],
    ['a rollout as well', [...ALL, 'new-checkout-1'], 'USAGE'],
    ['an address that is none', ALL.map((word) => word.replace('http', 'ftp')), 'USAGE'],
    ['a step that is too long', [...ALL, '--step', '10m'], 'USAGE'],
    ['a range that is none', [...RANGE, '--from', '1h', '--to', '2h'], 'USAGE'],
    ['a range that is all baseline', [...RANGE, '--from', '2026-01-05', '--to', '2026-01-06'], 'USAGE'],
    ['an incident that ends before it begins', [...ALL, '--incident', '2026-01-05T05:00Z..2026-01-05T04:00Z'], 'USAGE'],
    ['an incident that is no range', [...ALL, '--incident', 'yesterday'], 'USAGE'],
    ['a header without a name', [...ALL, '--header', 'secret'], 'USAGE'],
    ['a beginning without Prometheus', ['backtest', '--from', '1d'], 'USAGE'],
  ])('refuses %s', async (_, argv, expected) => {
    const cli = withHistory();
    const { code, data } = await cli.json<Failed>(argv, { fetch: prometheus() });
    expect([code, data.error.code]).toEqual([2, expected]);
    expect(data.error.message).not.toContain('secret');
  });

  it('says what to do where nothing is bound, and where nothing answers', async () => {
    const unbound = withHistory(PLAN);
    expect((await unbound.json<Failed>(ALL)).data.error.code).toBe('NOTHING_TO_BACKTEST');
    const cli = withHistory();
    const { code, data } = await cli.json<Failed>(ALL, { fetch: () => Promise.reject(new TypeError('fetch failed')) });
    expect([code, data.error.code]).toEqual([3, 'HISTORY_UNREACHABLE']);
    expect(data.error.message).toContain('Prometheus at http://prometheus.test:9090 does not answer');
    expect(data.error.remedy).not.toContain('TOKEN');
    const refused = await cli.json<Failed>(ALL, { fetch: () => Promise.resolve(new Response('', { status: 401 })) });
    expect([refused.code, refused.data.error.code]).toEqual([1, 'HISTORY_UNREADABLE']);
    expect(refused.data.error.message).toContain('at http://prometheus.test:9090');
    expect(refused.data.error.remedy).toContain('RAMPART_PROMETHEUS_TOKEN');
  });
});
