import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli, type Run } from '../cli.test.support.ts';
import { readCredentials, writeCredentials } from '../config.ts';
import type { StartServer } from '../control-plane.ts';
import type { Io } from '../io.ts';
import { startControlPlane } from '../start-control-plane.ts';

/** Serves for as long as `use` takes, then stops as Ctrl-C would. */
async function whileServing(cli: Cli, argv: readonly string[], env: Io['env'], use: () => Promise<void>): Promise<Run> {
  const stop = new AbortController();
  const started = Promise.withResolvers<void>();
  const startServer: StartServer = async (options) => {
    const plane = await startControlPlane({ ...options, logAsJson: false });
    // The command writes the credentials before it next yields to anything slower than a promise.
    setImmediate(started.resolve);
    return plane;
  };
  const served = cli.run(['serve', '--port', '0', ...argv], { env, startServer, interrupted: () => stop.signal });
  await Promise.race([started.promise, served]);
  try {
    await use();
  } finally {
    stop.abort();
  }
  return served;
}

const real = (env: Io['env']) => ({ env, fetch: globalThis.fetch });

describe('rampart serve', () => {
  it('writes credentials at the first start, so that later commands just work', async () => {
    const cli = openCli();
    const env = { HOME: cli.dir };
    await cli.run(['init']);
    const { code, out } = await whileServing(cli, [], env, async () => {
      const { code: started, out: told } = await cli.run(['start', 'rampart.plan.yaml'], real(env));
      expect([started, told]).toEqual([0, expect.stringContaining('rampart approve new-checkout-1 launch-readiness')]);
      expect((await cli.run(['status'], real(env))).out).toContain('New checkout  preflight');
      expect((await cli.run(['list'], real(env))).out).toContain('new-checkout-1');
      expect(await cli.run(['approve', 'nonsense'], real(env))).toMatchObject({
        code: 1,
        err: expect.stringContaining('ITEM_UNKNOWN'),
      });
      expect(await cli.run(['segment', 'set', 'team', '--when', 'plan equals pro'], real(env))).toMatchObject({
        code: 0,
      });
      expect(await cli.run(['abort', '--reason', 'enough'], real(env))).toMatchObject({ code: 0 });
      expect(await cli.run(['status', '--watch'], real(env))).toMatchObject({ code: 1 });
      expect((await cli.run(['incident', 'show'], real(env))).out).toContain('# Incident 1');
    });
    expect(code).toBe(0);
    expect(out).toContain(join(cli.dir, '.rampart'));
    expect(out).toContain('rampart init');
    const stored = readCredentials(env);
    expect(stored).toMatchObject({
      token: expect.stringMatching(/^rmp_admin_/),
      sdkToken: expect.stringMatching(/^rmp_sdk-server_/),
    });
    expect(out).not.toContain(stored?.token);
  });

  it('keeps the credentials of another server, and shows the new ones instead', async () => {
    const cli = openCli();
    const env = { HOME: cli.dir };
    writeCredentials(env, { url: 'https://rampart.example.com', token: 'rmp_theirs' });
    const { out } = await whileServing(cli, [], env, () => Promise.resolve());
    expect(out).toMatch(/export RAMPART_URL=http:\S+ RAMPART_TOKEN=rmp_admin_/);
    expect(readCredentials(env)?.token).toBe('rmp_theirs');
  });

  it('says that the port is taken', async () => {
    const cli = openCli();
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as AddressInfo;
    const { code, err } = await cli.run(['serve', '--port', String(port)], { startServer: startControlPlane });
    other.close();
    expect(code).toBe(1);
    expect(err).toContain(`error PORT_IN_USE: Port ${port}`);
  });

  it('says that the directory cannot be used', async () => {
    const cli = openCli();
    writeFileSync(join(cli.dir, 'taken'), '');
    const { code, err } = await cli.run(['serve', '--port', '0', '--data', 'taken/data'], {
      startServer: startControlPlane,
    });
    expect(code).toBe(1);
    expect(err).toContain('error DATA_DIR_UNUSABLE: The directory');
  });
});

describe('bin/rampart.js', () => {
  it('runs from the sources of a checkout', () => {
    const bin = fileURLToPath(new URL('../../bin/rampart.js', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [bin, '--version'], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});
