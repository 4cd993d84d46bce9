import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { TelemetryBatch } from '@rampart/api/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHECKOUT, ControlPlane, type Inbox, rulesetOf } from './control-plane.test.support.ts';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

const EVERYONE = { ...CHECKOUT, exposure: { ...CHECKOUT.exposure!, layers: [{ weight: 100_000 }] } };
const PROMPT = {
  ...EVERYONE,
  key: 'prompt',
  variants: { on: 'Be brief.', off: 'Be kind.' },
  exposure: { ...EVERYONE.exposure, metrics: { costPerQuery: 'sum', timeToFirstToken: 'histogram' } as const },
};

/** The program under a heading of the README. */
function programOf(heading: string): string {
  const section = README.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  const program = /```js\n([\s\S]+?)```/.exec(section)?.[1];
  if (program === undefined) throw new Error(`the README has no program under "${heading}"`);
  return program;
}

describe('the programs in the README', () => {
  let plane: ControlPlane;
  let running: ChildProcess | undefined;

  beforeEach(async () => {
    plane = await ControlPlane.start(rulesetOf(1, EVERYONE, PROMPT));
  });

  afterEach(async () => {
    running?.kill('SIGKILL');
    await plane.stop();
  });

  function run(heading: string, port = 0, more: NodeJS.ProcessEnv = {}) {
    const own = { RAMPART_URL: plane.url, RAMPART_SDK_TOKEN: 't', PORT: String(port) };
    const env = { ...process.env, ...own, ...more };
    const flags = ['--conditions=@rampart/source', '--input-type=module', '--eval', programOf(heading)];
    const child = spawn(process.execPath, flags, { cwd: PACKAGE, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running = child;
    return { child, ended: once(child, 'exit'), output: text(child.stdout), errors: text(child.stderr) };
  }

  it.each(['Express', 'Fastify'])('serve and report with %s, and end cleanly', async (heading) => {
    const port = await freePort();
    const program = run(heading, port);
    expect(await answerFrom(`http://localhost:${port}`, program.ended)).toBe('new checkout');
    program.child.kill('SIGTERM');
    const [code] = await program.ended;
    expect({ code, errors: await program.errors }).toEqual({ code: 0, errors: '' });
    expect(metricsOf(plane.batches)).toEqual(['assigned', 'errorRate', 'p99Latency', 'reported', 'throughput']);
  });

  it('evaluate and track with OpenFeature', async () => {
    const program = run('OpenFeature');
    const [code] = await program.ended;
    expect({ code, errors: await program.errors }).toEqual({ code: 0, errors: '' });
    expect(await program.output).toBe('new checkout\n');
    expect(metricsOf(plane.batches)).toEqual(['assigned', 'conversion', 'reported']);
  });

  it('measure calls of models', async () => {
    const answer = { model: 'gpt-4o-mini', choices: [{}], usage: { prompt_tokens: 1000, completion_tokens: 100 } };
    const model = createHttpServer((_, response) => void response.end(JSON.stringify(answer))).listen(0, '127.0.0.1');
    await once(model, 'listening');
    const program = run('Calls of models', 0, { MODEL_URL: `http://127.0.0.1:${portOf(model)}` });
    const [code] = await program.ended;
    model.close();
    expect({ code, errors: await program.errors }).toEqual({ code: 0, errors: '' });
    expect(metricsOf(plane.batches)).toEqual(['assigned', 'costPerQuery', 'reported']);
    expect(plane.batches.all[0]).toMatchObject({ priceBook: 'genai-prices 0.1.8' });
  });

  it('stamp metrics with OpenTelemetry', async () => {
    const program = run('OpenTelemetry');
    const [code] = await program.ended;
    expect({ code, errors: await program.errors }).toEqual({ code: 0, errors: '' });
    expect(await program.output).toMatch(/'feature_flag.key': 'checkout',\s+'feature_flag.result.variant': 'on'/);
  });

  it('report on other work', async () => {
    const program = run('Other work');
    const [code] = await program.ended;
    expect({ code, errors: await program.errors }).toEqual({ code: 0, errors: '' });
    expect(metricsOf(plane.batches)).toEqual(['assigned', 'costPerQuery', 'reported', 'timeToFirstToken']);
  });
});

function metricsOf(batches: Inbox<TelemetryBatch>): readonly string[] {
  return [...new Set(batches.all.flatMap(({ series }) => series.map(({ metric }) => metric)))].sort();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Asks until the program listens; gives up when it ended instead. */
async function answerFrom(url: string, ended: Promise<unknown>): Promise<string> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    try {
      const response = await fetch(url, { headers: { 'x-user': 'anna', connection: 'close' } });
      return await response.text();
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return 'the program ended before it answered';
}
