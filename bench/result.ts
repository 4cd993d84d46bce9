/** What one benchmark found. */
export type BenchResult = {
  readonly name: string;
  /** Ours divided by what it is compared with, in the same run: below 1 is better than the other. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Absolute figures; the unit stands in the key. */
  readonly figures: Readonly<Record<string, number | object>>;
};
