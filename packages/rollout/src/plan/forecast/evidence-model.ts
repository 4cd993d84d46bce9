import type { EventBank } from './event-bank.ts';

/** Events among trials, judged by a grid. Functions are of treatment's true value, in the metric's unit. */
export type EventsModel = {
  readonly kind: 'events';
  readonly bank: EventBank;
  /** Trials per observation of treatment. */
  readonly trials: (value: number) => number;
  /** Share of events among the trials, in (0, 1). */
  readonly share: (value: number) => number;
};

/** An estimate that is nearly normal, judged by the half-normal mixture (b1). */
export type NormalModel = {
  readonly kind: 'normal';
  /** Distance of the truth from the limit, positive where this side is right. */
  readonly gap: (value: number) => number;
  /** Standard deviation of the estimate times the root of treatment's observations. */
  readonly deviation: (value: number) => number;
  /** Effect worth finding (see `oneSidedMeanLogE`). */
  readonly tau: number;
  /** Observations of treatment before the method may speak. */
  readonly burnIn: (value: number) => number;
  /** Degrees of freedom of the spread where it is taken over user buckets; absent: known well. */
  readonly degrees?: number;
};

/** How evidence of one side of a check grows with treatment's observations. */
export type SideModel = {
  /** The first to reach its threshold decides. */
  readonly models: readonly (EventsModel | NormalModel)[];
  /** Parts that share the evidence evenly; what a part says counts for that much less. */
  readonly parts: 1 | 2;
  /**
   * Evidence that the core takes off for the design effect it estimates, as a factor on observations: no estimate counts
   * as less than 1, so even independent requests show a little more. Default: 1.
   */
  readonly caution?: number;
  /** What the numbers assume. */
  readonly why?: string;
};
