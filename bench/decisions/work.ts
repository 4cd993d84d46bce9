import { EXPERIMENTS } from './sections.ts';

/** A piece of work: runs [from, to) of an experiment. */
export type Piece = { readonly name: string; readonly from: number; readonly to: number };
/** What a piece gave: one row per run, one number per column. */
export type Done = { readonly piece: Piece; readonly rows: readonly (readonly number[])[] };

process.on('message', (piece: Piece) => {
  const experiment = EXPERIMENTS.find(({ name }) => name === piece.name);
  if (experiment === undefined) throw new Error(`received no known experiment: '${piece.name}'`);
  const rows = Array.from({ length: piece.to - piece.from }, (_, index) => experiment.simulate(piece.from + index));
  process.send?.({ piece, rows } satisfies Done);
});
