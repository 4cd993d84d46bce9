import type { HistoryAnswer, HistoryQuery, HistorySource } from '@rampart/connectors';
import { binOf } from '@rampart/rollout';

/** What a fake history answers of one metric for one part; steps of a part end at `at`. */
type Recorded = (query: HistoryQuery, ends: readonly number[]) => HistoryAnswer;

/** A history in memory; change `recorded` while it is in use. `asked` counts questions. */
export type FakeHistory = HistorySource & { recorded: Recorded; asked: number };

/** Of every step 100 requests, one of them bad, all of 0.2 s. */
export const CALM: Recorded = ({ metric }, ends) => ({
  kind: 'value',
  warnings: [],
  points: ends.map((at) => ({
    metric: metric.name,
    at,
    count: 100,
    sum: metric.kind === 'proportion' ? 1 : 20,
    sumSquares: metric.kind === 'proportion' ? 1 : 4,
    ...(metric.kind === 'quantile' && { bins: [[binOf(0.2), 100]] as const }),
  })),
});

export function fakeHistory(recorded: Recorded = CALM): FakeHistory {
  const fake: FakeHistory = {
    name: 'past',
    recorded,
    asked: 0,
    async *read(query) {
      fake.asked += 1;
      const { fromAt, toAt, stepMs, partSteps } = query;
      for (let from = fromAt; from < toAt; from += partSteps * stepMs) {
        const to = Math.min(toAt, from + partSteps * stepMs);
        const answer = fake.recorded(
          query,
          Array.from({ length: (to - from) / stepMs }, (_, index) => from + (index + 1) * stepMs),
        );
        yield answer;
        if (answer.kind === 'error') return;
      }
    },
  };
  return fake;
}
