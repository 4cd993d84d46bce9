import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeControlPlane, TOKEN, URL_OF_FAKE } from './fake-control-plane.test.support.ts';
import type { Io } from './io.ts';
import { runCli } from './run-cli.ts';

/** What a run of the command line left behind. */
export type Run = { readonly code: number; readonly out: string; readonly err: string };

/** A command line in a directory of its own, with a fake control plane. */
export type Cli = {
  readonly dir: string;
  readonly plane: FakeControlPlane;
  readonly run: (argv: readonly string[], change?: Partial<Io>) => Promise<Run>;
  /** Runs with `--json` and gives the document. */
  readonly json: <T>(
    argv: readonly string[],
    change?: Partial<Io>,
  ) => Promise<{ readonly code: number; readonly data: T }>;
};

/** Opens a command line whose home is a fresh directory. */
export function openCli(): Cli {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-cli-'));
  const plane = new FakeControlPlane();
  const run: Cli['run'] = async (argv, change = {}) => {
    let out = '';
    let err = '';
    const never = new AbortController().signal;
    const io: Io = {
      stdout: (text) => {
        out += text;
      },
      stderr: (text) => {
        err += text;
      },
      stdin: () => Promise.reject(new Error('nothing is typed here')),
      isTty: false,
      columns: () => 80,
      call: 'rampart',
      env: { HOME: dir, RAMPART_URL: URL_OF_FAKE, RAMPART_TOKEN: TOKEN },
      cwd: dir,
      fetch: plane.fetch,
      now: () => plane.now,
      sleep: () => Promise.resolve(),
      interrupted: () => never,
      startServer: () => Promise.reject(new Error('no server is started here')),
      serveMcp: () => Promise.reject(new Error('no MCP is served here')),
      ...change,
    };
    const code = await runCli(argv, io);
    return { code, out, err };
  };
  const json: Cli['json'] = async (argv, change) => {
    const { code, out, err } = await run([...argv, '--json'], change);
    if (err !== '') throw new Error(`--json wrote to standard error: ${err}`);
    return { code, data: JSON.parse(out) };
  };
  return { dir, plane, run, json };
}
