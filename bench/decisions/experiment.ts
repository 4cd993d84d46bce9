/** Seed of every simulation. */
export const SEED = 20250101;

/** One way to decide that an experiment compares. */
export type Column = {
  readonly key: string;
  readonly name: string;
  /** Rampart's own. Default: false. */
  readonly isOurs?: boolean;
  /** Models a product whose formula is not public. Default: false. */
  readonly isModel?: boolean;
};

/** A simulation that runs many times and says, for each run and each way to decide, when it fired. */
export type Experiment = {
  readonly name: string;
  /** Runs at full size. */
  readonly runs: number;
  readonly columns: readonly Column[];
  /** When each column fired, in the experiment's unit (minutes unless its report says otherwise); Infinity for never. */
  readonly simulate: (run: number) => readonly number[];
};

/** What the runs of an experiment gave: by column, one number per run. */
export type Outcomes = Readonly<Record<string, Float64Array>>;

/** A share with its standard error. */
export type Share = { readonly share: number; readonly se: number };

/** How often it fired within the horizon. */
export function firedShare(times: Float64Array): Share {
  const share = times.filter(Number.isFinite).length / times.length;
  // With no case, or nothing else, the usual formula would claim certainty: half a case stands in.
  const inside = Math.min(Math.max(share, 0.5 / times.length), 1 - 0.5 / times.length);
  return { share, se: Math.sqrt((inside * (1 - inside)) / times.length) };
}

/** A mean with its standard error. */
export type Mean = { readonly mean: number; readonly se: number };

/** Mean of a function of each run's time. */
export function meanOf(times: Float64Array, of: (time: number) => number): Mean {
  const values = times.map(of);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, se: Math.sqrt(variance / values.length) };
}

/** The middle value; Infinity where most runs never fired. */
export function medianOf(times: Float64Array): number {
  return times.toSorted()[Math.floor(times.length / 2)];
}
