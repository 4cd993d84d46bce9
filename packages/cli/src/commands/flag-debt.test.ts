import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandAnswer, RolloutView } from '@rampart/api';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli } from '../cli.test.support.ts';
import type { Search } from '../references/find-references.ts';

const HOUR = 3_600_000;
const PLAN = `flag: checkout
version: build-1
owners: { operator: team-web }
preflight: []
baseline: { window: 2h }
stages:
  - { name: canary, percentage: 5, duration: 1h, gate: [ { metric: errorRate, limit: 40% } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h, gate: [] }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
next: { command: feedback }
`;

/** A rollout in its quiet weeks. */
async function atGa(): Promise<Cli & { readonly id: string }> {
  const cli = openCli();
  writeFileSync(join(cli.dir, 'plan.yaml'), PLAN);
  const { data } = await cli.json<CommandAnswer>(['start', 'plan.yaml', '--override', 'a test']);
  const { id } = data.rollout.state;
  cli.plane.run(id, 2 * HOUR, { n: 0, bad: 0, controlN: 2000, controlBad: 2 });
  for (let left = 10; left > 0 && cli.plane.view(id).state.phase !== 'monitoring'; left -= 1)
    cli.plane.run(id, HOUR / 2, { n: 100, bad: 0, controlN: 1900, controlBad: 2 });
  return { ...cli, id };
}
const quiet = ({ plane, id }: { plane: Cli['plane']; id: string }, hours: number) =>
  plane.run(id, hours * HOUR, { n: 2000, bad: 2, controlN: 0, controlBad: 0 });

function write(dir: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
}

const SOURCES = {
  'src/shop.ts': `import { CHECKOUT_FLAG } from './flags.ts';\nif (client.boolean('checkout', false)) pay();\n// checkout is nice\nuse(CHECKOUT_FLAG);\n`,
  'src/flags.ts': `export const CHECKOUT_FLAG = 'checkout';\nexport const CHECKOUT_FLAGS = 'checkout-2';\n`,
  'src/Flags.java': `  public static final String CHECKOUT = "checkout";\n  int NOT_CHECKOUT = 1;\n`,
  'app.py': 'CHECKOUT: Final = "checkout"\nflags = {"checkout": True}\n',
  'deploy/values.yaml': 'flags:\n  - checkout   # new\n  name: checkout\nother: checkout page\n',
  'go/main.go': 'if client.Bool(ctx, `checkout`, false) {\n',
  'image.bin': Buffer.from("\0\0'checkout'"),
  'bundle.js': `/* ${'x'.repeat(2 * 1024 * 1024)} */ 'checkout'`,
  'node_modules/dep/index.js': `f('checkout')`,
  'dist/out.js': `f('checkout')`,
  '.gitignore': 'dist/\nnode_modules/\n*.log\n',
  'debug.log': `'checkout'`,
  'packages/a/.gitignore': '!debug.log\nlocal/\n',
  'packages/a/debug.log': `'checkout'`,
  'packages/a/local/x.ts': `'checkout'`,
};
const FOUND = [
  'app.py:1 definition',
  'app.py:2 key',
  'deploy/values.yaml:2 setting',
  'deploy/values.yaml:3 setting',
  'go/main.go:1 key',
  'packages/a/debug.log:1 key',
  'src/Flags.java:1 definition',
  'src/flags.ts:1 definition',
  'src/shop.ts:1 constant',
  'src/shop.ts:2 key',
  'src/shop.ts:4 constant',
];
const placesOf = ({ references }: Search) => references.map(({ file, line, kind }) => `${file}:${line} ${kind}`);

describe('rampart flag references', () => {
  it('finds quoted keys, constants with their uses and values of configurations, without a server', async () => {
    const cli = openCli();
    write(join(cli.dir, 'repo'), SOURCES);
    cli.plane.isDown = true;
    const { code, data } = await cli.json<Search>(['flag', 'references', 'checkout', '--dir', 'repo']);
    expect(code).toBe(0);
    expect(placesOf(data)).toEqual(FOUND);
    expect(data).toMatchObject({ binary: 1, large: 1, isCut: false });
    const { out } = await cli.run(['flags', 'references', 'checkout', '--dir', 'repo']);
    expect(out).toContain(`src/shop.ts:2: if (client.boolean('checkout', false)) pay();`);
    expect(out).toContain(`src/shop.ts:4: use(CHECKOUT_FLAG); (constant CHECKOUT_FLAG)`);
    expect(out).toMatch(/11 references in \d+ files, not in 1 binary and 1 over 2 MB\.\n$/);
  });

  it('finds the same in a git work tree, whose index and ignored files it follows', async () => {
    const cli = openCli();
    const repo = join(cli.dir, 'repo');
    write(repo, { ...SOURCES, 'tracked-but-gone.ts': `'checkout'`, 'größe.ts': `f('checkout')` });
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repo, stdio: 'ignore' });
    git('init');
    git('add', '-A');
    rmSync(join(repo, 'tracked-but-gone.ts'));
    write(cli.dir, { 'outside.ts': `f('checkout')` });
    symlinkSync(join(cli.dir, 'outside.ts'), join(repo, 'link.ts'));
    write(repo, { 'untracked.ts': `f('checkout')` });
    const { data } = await cli.json<Search>(['flag', 'references', 'checkout', '--dir', 'repo']);
    expect(placesOf(data)).toEqual([...FOUND, 'größe.ts:1 key', 'untracked.ts:1 key'].toSorted());
    const inside = await cli.json<Search>(['flag', 'references', 'checkout', '--dir', 'repo/src']);
    expect(placesOf(inside.data)[0]).toBe('Flags.java:1 definition');
  });

  it('runs nothing that the configuration of a work tree names', async () => {
    const cli = openCli();
    const repo = join(cli.dir, 'repo');
    write(repo, { 'a.ts': `f('checkout')` });
    writeFileSync(join(cli.dir, 'monitor.sh'), `#!/bin/sh\ntouch '${join(cli.dir, 'ran')}'\n`, { mode: 0o700 });
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repo, stdio: 'ignore' });
    git('init');
    git('add', '-A');
    git('config', 'core.fsmonitor', join(cli.dir, 'monitor.sh'));
    expect((await cli.json<Search>(['flag', 'references', 'checkout', '--dir', 'repo'])).data.references).toHaveLength(
      1,
    );
    expect(existsSync(join(cli.dir, 'ran'))).toBe(false);
  });

  it('takes a key as it is written, whatever signs are in it', async () => {
    const cli = openCli();
    write(cli.dir, { 'a.ts': `f('a.b+c'); f('axb+c'); f("a.b+c'); f('a.b+cd')\n` });
    const { data } = await cli.json<Search>(['flag', 'references', 'a.b+c']);
    expect(data.references.map(({ line, column }) => [line, column])).toEqual([[1, 3]]);
  });

  it('fails a build for a key that was named, and for flags whose rollout is over', async () => {
    const cli = await atGa();
    write(join(cli.dir, 'repo'), { 'a.ts': `f('checkout')` });
    const argv = ['flag', 'references', '--dir', 'repo', '--fail-if-found'];
    expect((await cli.run([...argv, 'checkout'])).code).toBe(1);
    expect((await cli.run([...argv, 'other'])).code).toBe(0);
    expect((await cli.run(argv)).code, 'its rollout runs').toBe(0);
    await cli.run(['cancel', '--reason', 'x']);
    expect(await cli.run(argv)).toMatchObject({ code: 1, out: expect.stringContaining("a.ts:1: f('checkout')") });
    expect((await cli.run(['flag', 'references', '--dir', 'repo'])).code).toBe(0);
  });

  it('names a directory that is not there', async () => {
    const cli = openCli();
    const { code, err } = await cli.run(['flag', 'references', 'x', '--dir', 'nowhere']);
    expect([code, err]).toEqual([2, expect.stringContaining('nowhere cannot be read (ENOENT)')]);
  });

  it('keeps no more than it tells of many', async () => {
    const cli = openCli();
    write(cli.dir, { 'a.ts': `f('x')\n`.repeat(12_000) });
    const { data } = await cli.json<Search>(['flag', 'references', 'x']);
    expect([data.references.length, data.isCut]).toEqual([10_000, true]);
  });
});

describe('rampart flag cleanup', () => {
  it('gives the exit item and says when the flag goes', async () => {
    const cli = await atGa();
    const argv = ['flag', 'cleanup', 'checkout', '--by', '2026-03-01', '--task', 'https://t/1'];
    expect(await cli.run(argv)).toMatchObject({
      code: 0,
      out: expect.stringContaining('scheduled the removal of the flag'),
    });
    const { state } = cli.plane.view(cli.id);
    expect(state.cleanup).toMatchObject({ owner: 'team-web', link: 'https://t/1', dueAt: Date.UTC(2026, 2, 1) });
    expect(state.exit['flag-cleanup-scheduled']).toMatchObject({ by: 'ana' });
    const past = await cli.run(['flag', 'cleanup', 'checkout', '--by', '2025-03-01']);
    expect([past.code, past.err]).toEqual([2, expect.stringContaining('2025-03-01 is over')]);
  });
});

describe('rampart status', () => {
  it('lists the exit gate with what is missing and how to give it, then what follows', async () => {
    const cli = await atGa();
    const before = (await cli.run(['status'], { columns: () => 140 })).out;
    expect(before).toContain('Exit gate');
    expect(before).toMatch(/☐ ga-stable: waits for minimum duration of ga/);
    expect(before).toContain('✔ no-abort: attempt 1 reached 100 % without an abort');
    expect(before).toContain(`rampart approve ${cli.id} docs-updated --evidence LINK`);
    expect(before).toContain('rampart flag cleanup checkout --by DATE');
    expect(before).toContain('next: feedback is told once the rollout is complete');
    await cli.run(['approve', 'docs-updated', '--evidence', 'https://docs/1']);
    await cli.run(['approve', 'flag-cleanup-scheduled', '--evidence', '2026-03-01']);
    expect((await cli.run(['status'])).out).toContain('✔ flag-cleanup-scheduled: by ana: due 2026-03-01, by team-web');
    quiet(cli, 26);
    const { data } = await cli.json<RolloutView>(['status']);
    expect(data.state.phase).toBe('complete');
    const after = (await cli.run(['status', cli.id], { columns: () => 140 })).out;
    expect(after).not.toContain('Exit gate');
    expect(after).toContain('flag checkout is to be removed by Sun 2026-03-01 00:00 UTC, by team-web');
    expect(after).toContain('next: feedback is being told');
  });
});

describe('rampart flag stale', () => {
  it('shows why, since when and whose', async () => {
    const cli = openCli();
    expect((await cli.run(['flag', 'stale'])).out).toBe('No flag is stale.\n');
    cli.plane.stale = [
      {
        flag: 'checkout',
        findings: [{ reason: 'full', since: 0, evidence: 'rollout checkout-1 is complete, everyone has it' }],
        ageMs: 40 * 24 * HOUR,
        owner: 'team-web',
      },
    ];
    const { out } = await cli.run(['flag', 'stale', '--days', '14']);
    expect(out).toMatch(/checkout +full +40 d +team-web/);
    expect(out).toContain('rollout checkout-1 is complete, everyone has it');
    expect(cli.plane.seen.at(-1)?.path).toBe('/v1/flags/stale?days=14');
  });
});

describe('rampart stats', () => {
  it('says of every figure over how many it is, and that nothing is known of none', async () => {
    const empty = await openCli().run(['stats']);
    expect(empty.out).toContain('not known: over 0 rollouts');
    const cli = await atGa();
    quiet(cli, 2);
    await cli.run(['abort', '--reason', 'x']);
    const { out } = await cli.run(['stats', '--since', '90d']);
    expect(out).toMatch(/time to GA +median .* \(over 1 rollout\)/);
    expect(out).toMatch(/aborts +1 abort in 1 of 1 rollouts/);
    expect(out).toMatch(/by cause +person 1/);
    expect(out).toMatch(/breach to off +not known: over 0 aborts, 1 not confirmed/);
    const later = await cli.json<{ rollouts: number }>(['stats', '--since', '1h']);
    expect(later.data.rollouts).toBe(0);
  });
});
