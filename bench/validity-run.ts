import { seedOfRun, simulateRollout } from '@rampart/simulate';
import { BATCH_MS, isWrong, validityCells } from './validity-cells.ts';

/** Runs [from, to) of one cell. */
export type Piece = { readonly name: string; readonly from: number; readonly to: number };
/** How many of them went wrong, and how many ended early for another reason. */
export type Done = { readonly piece: Piece; readonly wrong: number; readonly why: Readonly<Record<string, number>> };

const cells = new Map(validityCells().map((cell) => [cell.name, cell]));

process.on('message', (piece: Piece) => {
  const cell = cells.get(piece.name);
  if (cell === undefined) throw new Error(`received no known cell: '${piece.name}'`);
  let wrong = 0;
  const why: Record<string, number> = {};
  for (let run = piece.from; run < piece.to; run += 1) {
    const result = simulateRollout(cell.plan, cell.simulated, seedOfRun(1, run), {
      batchMs: BATCH_MS,
      longestMs: cell.longestMs,
      until: cell.side === 'false pass' ? 'ga' : 'complete',
      undecided: cell.side === 'false pass' ? 'stop' : 'proceed',
    });
    if (isWrong(cell, result)) wrong += 1;
    const reason = result.abort?.reason ?? result.outcome;
    why[reason] = (why[reason] ?? 0) + 1;
  }
  process.send?.({ piece, wrong, why } satisfies Done);
});
