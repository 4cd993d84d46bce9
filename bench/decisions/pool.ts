import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Experiment, Outcomes } from './experiment.ts';
import type { Done, Piece } from './work.ts';

/** Runs in one piece of work: small enough for all cores to end together. */
const PIECE = 20;

function piecesOf(experiments: readonly Experiment[], scale: number): Piece[] {
  return experiments.flatMap(({ name, runs }) => {
    const wanted = Math.max(2, Math.round(runs * scale));
    return Array.from({ length: Math.ceil(wanted / PIECE) }, (_, index) => ({
      name,
      from: index * PIECE,
      to: Math.min(wanted, (index + 1) * PIECE),
    }));
  });
}

/** A process that takes pieces until none is left. */
async function work(queue: Piece[], onDone: (done: Done) => void): Promise<void> {
  const script = fileURLToPath(new URL('./work.ts', import.meta.url));
  // Plain JSON would turn "never", which is Infinity, into null.
  const child = fork(script, [], { execArgv: process.execArgv, serialization: 'advanced' });
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

/** Outcomes by the experiment's name; the same for any number of cores. */
export type Results = ReadonlyMap<string, Outcomes>;

/**
 * Runs all experiments on all cores, progress on stderr.
 *
 * @param scale part of each experiment's runs to do, 1 for all.
 */
export async function runAll(experiments: readonly Experiment[], scale: number): Promise<Results> {
  const queue = piecesOf(experiments, scale);
  const total = queue.length;
  const rows = new Map<string, (readonly number[])[]>(experiments.map(({ name }) => [name, []]));
  let finished = 0;
  const onDone = ({ piece, rows: found }: Done) => {
    const all = rows.get(piece.name);
    found.forEach((row, index) => {
      if (all) all[piece.from + index] = row;
    });
    finished += 1;
    process.stderr.write(`\r${finished} of ${total} pieces, now ${piece.name}`.padEnd(60));
  };
  await Promise.all(Array.from({ length: Math.min(total, availableParallelism()) }, () => work(queue, onDone)));
  process.stderr.write('\n');
  return new Map(experiments.map((one) => [one.name, byColumn(one, rows.get(one.name) ?? [])]));
}

function byColumn({ columns }: Experiment, rows: readonly (readonly number[])[]): Outcomes {
  return Object.fromEntries(columns.map(({ key }, index) => [key, Float64Array.from(rows, (row) => row[index])]));
}
