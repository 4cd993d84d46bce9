import { scaleLinear, scaleLog } from 'd3-scale';

/** How values of one direction are laid out and written. */
export type Axis = {
  /** What the values are, with their unit. */
  readonly label: string;
  /** A log axis leaves out values that are not above 0. Default: linear. */
  readonly scale?: 'linear' | 'log';
  /** Ends of the axis. Default: the data's; a linear axis then includes 0. */
  readonly domain?: readonly [number, number];
  /** Writes a value. Default: plain digits, as many as the ticks need. */
  readonly format?: (value: number) => string;
};

/** An axis laid over a length of the drawing. */
export type LaidAxis = {
  /** Where a value lies; undefined for one that the axis cannot show. */
  readonly at: (value: number) => number | undefined;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** Where the axis begins: 0 or its lower end. */
  readonly origin: number;
};

/** Least pixels between two ticks. */
const TICK_GAP = 56;
/** Values closer together than this are one: ticks between them would be numbers that cannot be told apart. */
const LEAST_RANGE = 1e-290;

/**
 * An axis over the pixels `from` to `to`.
 *
 * @param values what must fit, where the axis has no domain of its own; values that are not finite do not count.
 */
export function layAxis(axis: Axis, values: readonly number[], from: number, to: number): LaidAxis {
  const isLog = axis.scale === 'log';
  const shown = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
  const domain = axis.domain ?? (isLog ? logDomain(shown) : linearDomain(shown));
  const scale = (isLog ? scaleLog() : scaleLinear()).domain(domain).range([from, to]);
  if (axis.domain === undefined && !isLog) scale.nice();
  const count = Math.max(2, Math.floor(Math.abs(to - from) / TICK_GAP));
  const write = scale.tickFormat(count);
  const { format } = axis;
  const ticks = scale.ticks(count).map((value) => ({ value, text: write(value) }));
  return {
    at: (value) => (Number.isFinite(value) && (!isLog || value > 0) ? scale(value) : undefined),
    // A crowded log axis writes only some of its ticks; the others stay blank whatever the format.
    ticks: ticks
      .filter(({ text }) => text !== '')
      .map(({ value, text }) => ({ at: scale(value), text: format ? format(value) : text })),
    origin: scale(isLog ? domain[0] : Math.min(Math.max(0, domain[0]), domain[1])),
  };
}

function linearDomain(values: readonly number[]): readonly [number, number] {
  const [low, high] = extent([0, ...values]);
  return high - low < LEAST_RANGE ? [low, low + 1] : [low, high];
}

/** Whole powers of ten around the values. */
function logDomain(values: readonly number[]): readonly [number, number] {
  if (values.length === 0) return [1, 10];
  const [low, high] = extent(values);
  const from = Math.floor(Math.log10(low));
  return [10 ** from, 10 ** Math.max(from + 1, Math.ceil(Math.log10(high)))];
}

function extent(values: readonly number[]): readonly [number, number] {
  return values.reduce<readonly [number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}
