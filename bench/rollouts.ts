import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { proportionInterval } from '@rampart/stats';
import type { BenchResult } from './result.ts';
import type { Outcome, Pair } from './rollouts-run.ts';

const DEFAULT_SEEDS = 1000;

/** Runs the seeds from, from + step, … up to `last` in a process of its own. */
async function runShare(from: number, step: number, last: number, onDone: () => void): Promise<readonly Pair[]> {
  const script = fileURLToPath(new URL('./rollouts-run.ts', import.meta.url));
  const child = fork(script, [String(from), String(step), String(last)], { execArgv: process.execArgv });
  const pairs: Pair[] = [];
  child.on('message', (pair: Pair) => {
    pairs.push(pair);
    onDone();
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) =>
      code === 0 ? resolve(pairs) : reject(new Error(`a simulation ended with code ${code}`)),
    );
  });
}

function share(outcomes: readonly Outcome[], phase: string) {
  const x = outcomes.filter((one) => one.phase === phase).length;
  const { low, high } = proportionInterval(x, outcomes.length, 0.05);
  return { count: x, of: outcomes.length, share: x / outcomes.length, low, high };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function reasons(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { why } of outcomes) counts[why] = (counts[why] ?? 0) + 1;
  return counts;
}

function summary(outcomes: readonly Outcome[], wanted: string) {
  return {
    [wanted]: share(outcomes, wanted),
    medianSeconds: median(outcomes.map((one) => one.seconds)),
    medianPeopleExposedAtAbort: median(outcomes.map((one) => one.people)),
    reasons: reasons(outcomes),
  };
}

/** The two rollouts of the demo through the pure core on a virtual clock, one run per seed. `SEEDS` sets their number. Default: 1,000. */
export async function run(): Promise<BenchResult> {
  const seeds = Number(process.env.SEEDS ?? DEFAULT_SEEDS);
  const processes = Math.min(seeds, availableParallelism());
  let done = 0;
  const onDone = () => {
    done += 1;
    if (done % 10 === 0) process.stderr.write(`\r${done} of ${seeds} seeds`);
  };
  const shares = Array.from({ length: processes }, (_, index) => runShare(index + 1, processes, seeds, onDone));
  const pairs = (await Promise.all(shares)).flat();
  process.stderr.write('\n');
  const [healthy, bad] = [pairs.map((pair) => pair.healthy), pairs.map((pair) => pair.bad)];
  return {
    name: 'rollouts',
    ratios: {},
    figures: { healthy: summary(healthy, 'complete'), bad: summary(bad, 'aborted') },
  };
}
