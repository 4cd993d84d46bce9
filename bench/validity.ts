import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { clopperPearsonLower, clopperPearsonUpper } from '@rampart/stats';
import type { BenchResult } from './result.ts';
import { type Cell, validityCells } from './validity-cells.ts';
import type { Done, Piece } from './validity-run.ts';

const FULL_RUNS = 2000;
const PIECE = 50;
/** What the core promises: at most this share goes wrong, whenever one looks. */
const PROMISED = 0.05;
const STANDARD_ERRORS = 3;

type Tally = { runs: number; wrong: number; readonly why: Record<string, number> };

/** A process that takes pieces until none is left. */
async function work(queue: Piece[], onDone: (done: Done) => void): Promise<void> {
  const script = fileURLToPath(new URL('./validity-run.ts', import.meta.url));
  const child = fork(script, [], { execArgv: process.execArgv });
  const next = () => {
    const piece = queue.shift();
    if (piece === undefined) child.disconnect();
    else child.send(piece);
  };
  child.on('message', (done: Done) => {
    onDone(done);
    next();
  });
  next();
  return new Promise((resolve, reject) => {
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`a simulation ended with code ${code}; its error stands above`)),
    );
  });
}

async function runAll(cells: readonly Cell[], runs: number): Promise<ReadonlyMap<string, Tally>> {
  const queue = cells.flatMap(({ name }) =>
    Array.from({ length: Math.ceil(runs / PIECE) }, (_, index) => ({
      name,
      from: index * PIECE,
      to: Math.min(runs, (index + 1) * PIECE),
    })),
  );
  const total = queue.length;
  const tallies = new Map<string, Tally>(cells.map(({ name }) => [name, { runs: 0, wrong: 0, why: {} }]));
  let finished = 0;
  const onDone = ({ piece, wrong, why }: Done) => {
    const tally = tallies.get(piece.name);
    if (tally === undefined) return;
    tally.runs += piece.to - piece.from;
    tally.wrong += wrong;
    for (const [reason, count] of Object.entries(why)) tally.why[reason] = (tally.why[reason] ?? 0) + count;
    finished += 1;
    process.stderr.write(`\r${finished} of ${total} pieces, now ${piece.name}`.padEnd(110));
  };
  await Promise.all(Array.from({ length: Math.min(total, availableParallelism()) }, () => work(queue, onDone)));
  process.stderr.write('\n');
  return tallies;
}

const most = (runs: number) => PROMISED + STANDARD_ERRORS * Math.sqrt((PROMISED * (1 - PROMISED)) / runs);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function section(side: Cell['side'], cells: readonly Cell[], tallies: ReadonlyMap<string, Tally>): string {
  const rows = cells
    .filter((cell) => cell.side === side)
    .map(({ name, method, world }) => {
      const { runs = 0, wrong = 0 } = tallies.get(name) ?? {};
      const [low, high] = [clopperPearsonLower(wrong, runs, 0.025), clopperPearsonUpper(wrong, runs, 0.025)];
      const verdict = wrong / runs <= most(runs) ? '' : ' **above the bound**';
      return `| ${method} | ${world} | ${wrong} of ${runs} | ${percent(wrong / runs)} (${percent(low)} to ${percent(high)})${verdict} |`;
    });
  const head = `| what judges | world | ${side}s | share (95 % interval) |\n| --- | --- | --- | --- |`;
  return [head, ...rows].join('\n');
}

function reportOf(cells: readonly Cell[], tallies: ReadonlyMap<string, Tally>, runs: number): string {
  return [
    '# Validity: how often the core is wrong where it must not be',
    'Written by `npm run bench -- validity`. Every row is the real core (decide, gates, statistics) on a virtual clock, looked at every five minutes.',
    `The bound for ${runs} runs is 5 % + 3 standard errors = ${percent(most(runs))}.`,
    '## False aborts',
    'Treatment is exactly at the limit (for `1x control`: as good as control), or better. Rows of single methods last one day where they do not say nine; plans run two days, the beneficial one nine. 1,000,000 requests a day, 40,000 users (2,000 in treatment), 5 % in treatment.',
    section('false abort', cells, tallies),
    '## False passes',
    "Treatment does harm exactly at the gate's limit, and the gate may open at any look from the first hour to the 24th.",
    section('false pass', cells, tallies),
    '',
  ].join('\n\n');
}

/**
 * False aborts and false passes of every method and of whole plans, in worlds that have misled others. `RUNS` sets the runs per
 * cell, `ONLY` picks cells by a part of their name. Default: 2,000 of all, which also writes `bench/validity.md`.
 */
export async function run(): Promise<BenchResult> {
  const runs = Number(process.env.RUNS ?? FULL_RUNS);
  if (!(runs > 0)) throw new Error(`received RUNS='${process.env.RUNS}'; set it to a number above 0`);
  const only = process.env.ONLY ?? '';
  const cells = validityCells().filter(({ name }) => name.includes(only));
  if (cells.length === 0) throw new Error(`received ONLY='${only}', which is part of no cell's name`);
  const tallies = await runAll(cells, runs);
  if (runs >= FULL_RUNS && only === '') {
    await writeFile(new URL('./validity.md', import.meta.url), reportOf(cells, tallies, runs));
  } else process.stderr.write('Not all cells with all runs: bench/validity.md was not written\n');
  const shares = cells.map(({ name }) => [name, (tallies.get(name)?.wrong ?? 0) / runs] as const);
  const beyond = shares.filter(([, share]) => share > most(runs));
  return {
    name: 'validity',
    ratios: { 'worst cell / bound': Math.max(...shares.map(([, share]) => share)) / most(runs) },
    figures: {
      runs,
      bound: most(runs),
      beyondBound: beyond.length,
      cells: Object.fromEntries(
        cells.map(({ name }) => [name, { wrong: tallies.get(name)?.wrong ?? 0, ended: tallies.get(name)?.why ?? {} }]),
      ),
    },
  };
}
