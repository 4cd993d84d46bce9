import { logSumExp } from './special.ts';

/**
 * Log e-value that also finds harm which starts late: half the weight on the process that runs from the start of the
 * rollout, 1/2 / (j (j+1)) on the one restarted at the j-th restart. Restarts still to come hold the rest at an e-value
 * of 1, so their number need not be known.
 *
 * @param logEs log e-values: first from the start, then one per restart in order; a process without data has 0.
 */
export function lateOnsetLogE(logEs: readonly number[]): number {
  const [start = 0, ...restarts] = logEs;
  return liveOnsetLogE(
    start,
    restarts.map((logE, k) => ({ index: k + 1, logE })),
    restarts.length,
  );
}

/** A process restarted at the `index`-th restart, from 1, and its log e-value. */
export type LiveRestart = { readonly index: number; readonly logE: number };

/**
 * As `lateOnsetLogE`, from the restarts that are still kept: one that was dropped counts as an e-value of 0, which only costs
 * power.
 *
 * @param start log e-value from the start. @param live restarts kept, each once. @param restarts number of restarts so far.
 */
export function liveOnsetLogE(start: number, live: readonly LiveRestart[], restarts: number): number {
  const restarted = live.map(({ index, logE }) => Math.log(0.5 / (index * (index + 1))) + logE);
  return logSumExp([Math.log(0.5) + start, ...restarted, Math.log(0.5 / (restarts + 1))]);
}
