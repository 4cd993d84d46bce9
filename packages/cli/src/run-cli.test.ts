import { readFileSync } from 'node:fs';
import { problem } from '@rampart/api';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { openCli } from './cli.test.support.ts';
import { CLI_ERRORS } from './cli-error.ts';
import { createProgram } from './program.ts';

type Failed = { readonly error: { readonly code: string; readonly message: string; readonly exitCode: number } };

/** Path of every command: `[]`, `['issue']`, `['issue', 'add']`, … */
function pathsOf(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return [path, ...command.commands.flatMap((child) => pathsOf(child, [...path, child.name()]))];
}

function everyPath(): readonly (readonly string[])[] {
  const silent = { stdout: () => undefined, stderr: () => undefined, columns: () => 80 };
  const shell = { io: silent, perform: () => Promise.resolve() };
  // Only the tree is read: no command runs, so the rest of the io is never touched.
  return pathsOf(createProgram(shell as unknown as Parameters<typeof createProgram>[0], [], false));
}

describe('help', () => {
  it.each(everyPath().map((path) => [path.join(' '), path] as const))(
    'of "rampart %s" says what it takes',
    async (_, path) => {
      const { run } = openCli();
      const { code, out, err } = await run([...path, '--help']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain(`Usage: ${['rampart', ...path].join(' ')}`);
      expect(out).toContain('--json');
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  it('is what a bare command shows, and a bare group shows as a mistake', async () => {
    const { run } = openCli();
    expect(await run([])).toMatchObject({ code: 0, err: '' });
    expect(await run(['issue'])).toMatchObject({ code: 2, out: '' });
  });

  it('gives the version', async () => {
    const { run } = openCli();
    const { code, out } = await run(['--version']);
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('the flag of the version', () => {
  it('belongs to a subcommand it stands behind', async () => {
    const { run } = openCli();
    expect(await run(['--json', '-V'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d/) });
    expect(await run(['status', '--version'])).toMatchObject({ code: 2, out: '' });
    expect((await run(['retry', '--help'])).out.match(/--version/g)).toHaveLength(1);
  });
});

describe('wrong usage', () => {
  it.each([
    [['sttus'], 'Did you mean status?'],
    [['issue', 'ad'], 'Did you mean add?'],
    [['status', '--wacth'], 'Did you mean --watch?'],
    [['incident', 'asign', '1', 'bo'], 'Did you mean assign?'],
    [['hold'], '--reason'],
    [['validate'], 'file'],
    [['extend', '--reason', 'x', '--by', 'soon'], '"soon"; expected a duration'],
    [['decline', 'first', '--reason', 'x'], '"first"; expected the number'],
    [['start'], 'plan file'],
    [['start', 'plan.yaml', '--attest-all'], '--reason'],
    [['start', 'plan.yaml', '--time-scale', '2'], 'from'],
    [['token', 'create', '--kind', 'boss', '--name', 'x'], 'Allowed choices'],
    [['segment', 'set', 'team'], '--when'],
    [['segment', 'set', 'team', '--when', 'email'], 'attribute operator value'],
    [['plan', 'plan.yaml', '--start', 'soon'], 'expected a date'],
    [['plan', 'plan.yaml', '--error-rate', '4'], 'expected a share'],
    [['plan', 'plan.yaml', '--baseline', 'cost'], 'name=number'],
    [['serve', '--port', '99999'], 'expected a port'],
    [['incident', 'fix', '0', 'x'], 'whole number from 1'],
  ])('%j ends with 2 and says what to do', async (argv, said) => {
    const { run, plane } = openCli();
    const { code, out, err } = await run(argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(said);
    expect(err).toContain('--help');
    expect(err).toMatch(/^error USAGE: /);
    expect(plane.seen).toEqual([]);
  });

  it('is one JSON document with --json', async () => {
    const { json } = openCli();
    expect(await json<Failed>(['sttus'])).toMatchObject({
      code: 2,
      data: { error: { code: 'USAGE', exitCode: 2, message: expect.stringContaining('Did you mean status?') } },
    });
    expect((await json<Failed>(['issue'])).data.error.message).toBe('a subcommand is missing');
  });
});

describe('reaching a server', () => {
  it('that does not answer ends with 3, names the address and how to start one', async () => {
    const { run, json, plane } = openCli();
    plane.isDown = true;
    const { code, err } = await run(['list']);
    expect(code).toBe(3);
    expect(err).toContain('http://rampart.test:4180');
    expect(err).toContain('npx rampart serve');
    expect(await json<Failed>(['list'])).toMatchObject({ code: 3, data: { error: { code: 'UNREACHABLE' } } });
  });

  it('that is not there at all ends with 3, over real sockets', async () => {
    const { run } = openCli();
    const { code, err } = await run(['list', '--url', 'http://127.0.0.1:1', '--token', 'rmp_x'], {
      fetch: globalThis.fetch,
    });
    expect(code).toBe(3);
    expect(err).toContain('http://127.0.0.1:1 ');
  });

  it('without a token ends with 2 and says how to get one', async () => {
    const { run, dir } = openCli();
    const { code, err } = await run(['status'], { env: { HOME: dir } });
    expect(code).toBe(2);
    expect(err).toMatch(/NO_TOKEN.*127\.0\.0\.1:4180[\s\S]*rampart serve/);
  });

  it('without a token says that a server which was named is not there, before it asks for a token', async () => {
    const { run, dir, plane } = openCli();
    const env = { HOME: dir };
    expect(await run(['list', '--url', 'http://127.0.0.1:1'], { env })).toMatchObject({
      code: 3,
      err: expect.stringContaining('error UNREACHABLE'),
    });
    const asks = () => Promise.resolve(Response.json(problem('TOKEN_MISSING', 'No token.'), { status: 401 }));
    expect(await run(['list', '--url', 'http://127.0.0.1:1'], { env, fetch: asks })).toMatchObject({
      code: 2,
      err: expect.stringContaining('error NO_TOKEN'),
    });
    expect(plane.seen).toEqual([]);
  });

  it('with a token it does not know ends with 1', async () => {
    const { run } = openCli();
    const { code, err } = await run(['list', '--token', 'rmp_admin_other']);
    expect(code).toBe(1);
    expect(err).toContain('TOKEN_INVALID');
    expect(err).not.toContain('rmp_admin_other');
  });
});

describe('errors of the command line', () => {
  it.each(Object.keys(CLI_ERRORS))('%s stands in docs/errors.md, in its section', (code) => {
    const docs = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    expect(docs.split('## Command line')[1]).toContain(`| \`${code}\` `);
  });
});
