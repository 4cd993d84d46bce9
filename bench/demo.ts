import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { BenchResult } from './result.ts';

const DEFAULT_SEEDS = 20;

type Ending = { readonly seed: number; readonly exitCode: number; readonly seconds: number; readonly outcome: unknown };

async function runDemo(seed: number): Promise<Ending> {
  const command = fileURLToPath(new URL('../packages/cli/bin/rampart.js', import.meta.url));
  const startedAt = performance.now();
  const child = spawn(process.execPath, [command, 'demo', '--seed', String(seed), '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>]);
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  return { seed, exitCode, seconds, outcome: output === '' ? null : JSON.parse(output) };
}

/** The demo itself, under real HTTP traffic, once per seed. `SEEDS` sets their number. Default: 20; each takes about 75 s. */
export async function run(): Promise<BenchResult> {
  const seeds = Number(process.env.SEEDS ?? DEFAULT_SEEDS);
  const endings: Ending[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const ending = await runDemo(seed);
    endings.push(ending);
    process.stderr.write(`seed ${seed}: exit ${ending.exitCode} after ${ending.seconds} s\n`);
  }
  const right = endings.filter((one) => one.exitCode === 0).length;
  const longest = Math.max(...endings.map((one) => one.seconds));
  return { name: 'demo', ratios: {}, figures: { runs: seeds, right, longestSeconds: longest, endings } };
}
