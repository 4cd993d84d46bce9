import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { type RampartServer, startServer } from '@rampart/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCli } from '../cli.test.support.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };
const PLAN =
  'flag: checkout\nstages: [ { name: canary, percentage: 5, duration: 2d }, { name: ga, percentage: 100, duration: permanent } ]\nabortCriteria: [ { metric: errorRate, limit: 2% } ]\n';

let dir: string;
let server: RampartServer;
let token: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rampart-mcp-'));
  server = await startServer({ dataDir: dir, port: 0, log: QUIET });
  token = server.firstToken?.admin ?? '';
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

/** `rampart mcp` as the process that a client starts, and what it wrote to standard error. */
async function connect(env: Readonly<Record<string, string>>, mode: 'auto' | 'legacy') {
  const transport = new StdioClientTransport({
    command: join(ROOT, 'node_modules/node/bin/node'),
    args: [join(ROOT, 'packages/cli/bin/rampart.js'), 'mcp'],
    env: { HOME: dir, ...env },
    stderr: 'pipe',
  });
  let err = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  const strange: Error[] = [];
  client.onerror = (error) => void strange.push(error);
  await client.connect(transport);
  return { client, err: () => err, strange };
}

describe('rampart mcp', () => {
  it.each(['auto', 'legacy'] as const)(
    'serves the official client (%s) over stdio, on the server of RAMPART_URL',
    async (mode) => {
      const { client, err, strange } = await connect({ RAMPART_URL: server.url, RAMPART_TOKEN: token }, mode);
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain('rollout_abort');
      const flag = `flag: ${mode}`;
      const plan = PLAN.replace('flag: checkout', flag);
      const made = await client.callTool({ name: 'rollout_create', arguments: { plan } });
      expect(made).toMatchObject({ structuredContent: { isCreated: true, rollout: { id: `${mode}-1` } } });
      const started = await client.callTool({ name: 'rollout_start', arguments: { rollout: `${mode}-1` } });
      expect(started).toMatchObject({ structuredContent: { rollout: { phase: 'preflight' } } });
      await client.close();
      // Nothing but the protocol was on standard output, and nothing went wrong.
      expect([strange, err()]).toEqual([[], '']);
    },
  );

  it('tells of a server that does not answer in each call, and goes on', async () => {
    const { client } = await connect({ RAMPART_URL: 'http://127.0.0.1:9', RAMPART_TOKEN: token }, 'auto');
    for (const name of ['rollout_list', 'rollout_list']) {
      const answer = await client.callTool({ name, arguments: {} });
      expect(answer).toMatchObject({ isError: true, structuredContent: { error: { code: 'UNREACHABLE' } } });
    }
    await client.close();
  });

  it('ends with NO_TOKEN before it serves where it has none, on standard error', async () => {
    const cli = openCli();
    const { code, out, err } = await cli.run(['mcp'], { env: { HOME: cli.dir } });
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('NO_TOKEN');
  });

  it('serves with the token of --token, until it is stopped', async () => {
    const cli = openCli();
    const seen: string[] = [];
    const { code, out } = await cli.run(['mcp', '--token', 'rmp_viewer_x_y'], {
      serveMcp: async (client) => {
        seen.push(typeof client.whoAmI);
        await client.listRollouts().catch(() => undefined);
      },
    });
    expect([code, out, seen, cli.plane.seen.map(({ token: used }) => used)]).toEqual([
      0,
      '',
      ['function'],
      ['rmp_viewer_x_y'],
    ]);
  });
});
