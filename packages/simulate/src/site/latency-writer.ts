import { binOf, upperEdgeOf } from '@rampart/rollout';
import { logNormalCdf } from '@rampart/stats';
import { type AliasTable, aliasTable } from '../chance/alias-table.ts';
import type { Chance } from '../chance/chance.ts';
import { normalQuantile } from '../chance/normal-quantile.ts';
import type { MetricModel } from '../world/world.ts';
import type { CellSums } from './cell.ts';
import type { Interest } from './interest.ts';
import { type Observer, placeOfEvent } from './observer.ts';

type LatencyModel = Extract<MetricModel, { kind: 'quantile' }>;

/** Bins above the tail's begin that are told apart: four octaves, then all is one. */
const TAIL_BINS = 64;
/** The tail begins where today this many times the share beyond the quantile lies above. */
const TAIL_TIMES = 3;
/** A line relative to the baseline may lie a little below the one that today's value gives. */
const LINE_MARGIN = 0.9;

/** Values of one distribution beyond the bulk: what share of all lies there, and in which bins. */
type Tail = { readonly share: number; readonly bulkBin: number; readonly bins: AliasTable };

const above = (z: number) => Math.exp(logNormalCdf(-z));

/** Lower edge of the tail: only values that a check may tell apart are drawn one by one. */
function tailEdge(model: LatencyModel, leastLine: number): number {
  const share = Math.min(0.5, TAIL_TIMES * (1 - model.quantile));
  const z = normalQuantile(model.quantile) - normalQuantile(1 - share);
  return Math.min(model.level * Math.exp(-model.sigma * z), leastLine * LINE_MARGIN);
}

function tailOf(model: LatencyModel, factor: number, firstBin: number): Tail {
  const mu = Math.log(model.level * factor) - model.sigma * normalQuantile(model.quantile);
  const beyond = (bin: number) => above((Math.log(upperEdgeOf(bin)) - mu) / model.sigma);
  const weights = Float64Array.from({ length: TAIL_BINS }, (_, index) =>
    Math.max(0, beyond(firstBin + index - 1) - (index === TAIL_BINS - 1 ? 0 : beyond(firstBin + index))),
  );
  const share = beyond(firstBin - 1);
  // Without any weight nothing is ever drawn from the table.
  if (!(share > 0)) weights[0] = 1;
  return { share, bulkBin: Math.min(firstBin - 1, binOf(Math.exp(mu))), bins: aliasTable(weights) };
}

/** Writes the latencies of a crowd's observations as a histogram; `factor` multiplies today's. */
export type LatencyWriter = (observer: Observer, factor: number) => void;

/**
 * The tails of one metric by factor; bin 0 of each is the histogram's `firstBin`. Below `firstPlaced` only the number of values
 * matters, whoever's they are.
 */
export type LatencyTails = {
  readonly firstBin: number;
  readonly firstPlaced: number;
  readonly at: (factor: number) => Tail;
};

/** The tails of a model: each made once, shared by all writers of a metric. */
export function latencyTails(model: LatencyModel, { leastLine, usesControl }: Interest): LatencyTails {
  const firstBin = binOf(tailEdge(model, leastLine)) + 1;
  const known = new Map<number, Tail>();
  const at = (factor: number) => {
    const before = known.get(factor);
    if (before !== undefined) return before;
    const made = tailOf(model, factor, firstBin);
    known.set(factor, made);
    return made;
  };
  // A cut at control's quantile may lie anywhere in the tail.
  const firstPlaced = usesControl ? firstBin : Math.max(firstBin, binOf(leastLine * LINE_MARGIN));
  return { firstBin, firstPlaced, at };
}

/** Share of values beyond `level`, the value at the quantile today, when all are multiplied by `factor`. */
export function shareBeyond(model: LatencyModel, factor: number): number {
  return above(normalQuantile(model.quantile) - Math.log(factor) / model.sigma);
}

/**
 * Opens the writer of a latency of a crowd. Values of the bulk stand together below the tail (in one bucket: no cut lies
 * there, so that only their number matters).
 */
export function latencyWriter(sums: CellSums, tails: LatencyTails, chance: Chance): LatencyWriter {
  const { bins } = sums;
  return (observer, factor) => {
    const { count } = observer;
    if (bins === undefined || count === 0) return;
    sums.isDirty = true;
    const tail = tails.at(factor);
    const drawn = Math.min(Math.floor(count), chance.poisson(count * tail.share));
    for (let index = 0; index < drawn; index += 1) {
      const bin = tails.firstBin + tail.bins.draw(chance);
      bins.bucket.push(bin < tails.firstPlaced ? 0 : placeOfEvent(observer, chance));
      bins.bin.push(bin);
      bins.count.push(1);
    }
    if (count === drawn) return;
    bins.bucket.push(0);
    bins.bin.push(tail.bulkBin);
    bins.count.push(count - drawn);
  };
}
