import type { ApiClient } from '@rampart/api';
import { type BacktestResult, openBacktest, type Plan } from '@rampart/rollout';
import type { Progress } from './progress.ts';

/** Reads a rollout's events and, page by page, its evidence, and runs it again: by its own plan and an edited one. */
export async function backtestRollout(
  client: ApiClient,
  id: string,
  edited: Plan | undefined,
  progress: Progress,
): Promise<BacktestResult> {
  const backtest = openBacktest(await client.listEvents(id), edited);
  let after = 0;
  for (;;) {
    const { batches, throughSeq } = await client.listEvidence(id, after);
    for (const batch of batches) backtest.feed(batch);
    after = batches.at(-1)?.seq ?? throughSeq;
    progress.show(throughSeq === 0 ? 1 : after / throughSeq);
    if (after >= throughSeq) break;
  }
  progress.end();
  return backtest.finish();
}
