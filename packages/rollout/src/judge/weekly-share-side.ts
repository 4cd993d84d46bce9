import { type LinearBank, logSumExp, thresholdBank } from '@rampart/stats';
import type { Metric } from '../plan.ts';
import type { Side } from './line.ts';
import type { MetricBatch } from './prepared-batch.ts';
import type { Rhythm } from './rhythm.ts';
import { addShares, SHARE_SIZE, shareCount, shareEffect, shareLacks, showShare } from './share-side.ts';
import { eachExposed, type SideJudge } from './side-judge.ts';
import { type Sums, since, type Tally } from './tally.ts';

/** A limit that moves with the hour of the week, in (0, 0.5] at every hour. `key`: what tells it from another. */
export type WeeklyLine = { readonly key: string; readonly lineAt: Rhythm };

/** The banks of a moving line by the line itself: there are as many as hours. */
function banksOf(side: 'above' | 'below'): (line: number) => LinearBank {
  const known = new Map<number, LinearBank>();
  return (line) => {
    const bank = known.get(line) ?? thresholdBank(line, side);
    known.set(line, bank);
    return bank;
  };
}

/** Adds the log likelihood ratios of a batch against the line of its hour: each batch stands against its own line. */
function addRatios(into: Tally, batch: MetricBatch, { first, second }: LinearBank): void {
  let [n, x] = [0, 0];
  eachExposed(batch, ({ totals }) => {
    n += totals.n;
    x += totals.x;
  });
  for (let g = 0; g < first.length; g += 1) into[SHARE_SIZE + g] += first[g] * x + second[g] * (n - x);
}

/** Log of the weighted average of the grid's likelihood ratios, each to the power of 1 / effect. */
function mixtureOf(logRatio: (g: number) => number, logWeights: Sums): number {
  return logSumExp(logWeights.map((weight, g) => weight + logRatio(g)));
}

/**
 * Exposed units' share against a baseline that is replayed at the same hour of the week (a4): the threshold grid (a3) with a
 * line per batch. Log likelihood ratios of batches add up, whatever each one's line, and are divided by the users' design effect.
 */
export function weeklyShareSide(metric: Metric, side: Side, { key, lineAt }: WeeklyLine): SideJudge {
  const direction = (metric.harm === 'higher') === (side === 'fail') ? 'above' : 'below';
  const bankOf = banksOf(direction);
  const { logWeights } = thresholdBank(0.5, direction);
  return {
    method: 'threshold grid (a3) against the baseline of the same hour (a4), design effect of users',
    stream: {
      key: `${metric.name} ${side} ${key}`,
      size: SHARE_SIZE + logWeights.length,
      add(into, batch, { at }) {
        addShares(into, batch);
        addRatios(into, batch, bankOf(lineAt(at)));
      },
    },
    lacks: (sums) => shareLacks(sums, side, 0),
    logE(sums, earlier) {
      if (shareLacks(sums, side, 0) !== undefined) return 0;
      const effect = shareEffect(sums, earlier, metric, side);
      return mixtureOf((g) => since(sums, SHARE_SIZE + g, earlier) / effect, logWeights);
    },
    atMost(sums, earlier) {
      let most = 0;
      for (let g = 0; g < logWeights.length; g += 1) most = Math.max(most, since(sums, SHARE_SIZE + g, earlier));
      return most;
    },
    count: shareCount,
    show: (sums) => showShare(sums, metric, side),
  };
}
