import { describe, expect, it } from 'vitest';
import type { Verdict } from '../verdict.ts';
import {
  ERROR_CHECK,
  entered,
  type Happening,
  HOUR_MS,
  opening,
  recordsFrom,
  verdict,
} from './arbitraries.contract.ts';
import { evidenceChart, exposureChart, intervalChart } from './document-charts.ts';
import type { Block, DocumentChart } from './page.ts';

const chartOf = (block: Block | undefined): DocumentChart | undefined =>
  block?.kind === 'chart' ? block.chart : undefined;
const pointsOf = (block: Block | undefined) => chartOf(block)?.series[0]?.points ?? [];
const judged = (after: number, rest: Partial<Verdict> = {}): Happening => [
  after,
  'rampart',
  { type: 'ChecksJudged', verdicts: [verdict(rest)], metrics: [] },
];

describe('the chart of exposure', () => {
  it('rises at each stage, falls at the end, and holds in between', () => {
    const cancelled: Happening = [5 * HOUR_MS, 'ana', { type: 'RolloutCancelled', reason: 'moot' }];
    const resumed: Happening = [6 * HOUR_MS, 'ana', { type: 'RolloutResumed' }];
    const records = recordsFrom([...opening(), [HOUR_MS, 'rampart', entered(1, 2)], cancelled, resumed]);
    expect(pointsOf(exposureChart(records)).map(({ y, from }) => [y, from])).toEqual([
      [0, [5]],
      [0.05, [6]],
      [0, [7]],
      [0, [7, 8]],
    ]);
  });

  it('is none where nobody was exposed', () => {
    expect(exposureChart(recordsFrom(opening().slice(0, 2)))).toBeUndefined();
  });
});

describe('the charts of a check', () => {
  it('have 300 points at most, the first and the last among them', () => {
    const values = Array.from({ length: 1_000 }, (_, i) => i / 1_000);
    const records = recordsFrom(values.map((value, i) => judged(i * HOUR_MS, { value, logEFail: value })));
    for (const block of [intervalChart(records, ERROR_CHECK.id, {}), evidenceChart(records, ERROR_CHECK.id)]) {
      const points = pointsOf(block);
      expect(points).toHaveLength(300);
      expect([points[0]?.y, points.at(-1)?.y]).toEqual([0, 0.999]);
    }
  });

  it('show only what is a number, and nothing where there is none', () => {
    const endless = judged(HOUR_MS, { interval: [0, Number.POSITIVE_INFINITY], logEFail: Number.NEGATIVE_INFINITY });
    const records = recordsFrom([judged(0), endless]);
    expect(pointsOf(intervalChart(records, ERROR_CHECK.id, {})).map(({ high }) => high)).toEqual([0.0018, undefined]);
    expect(pointsOf(evidenceChart(records, ERROR_CHECK.id))).toHaveLength(1);
    expect(intervalChart(records, 'another', {})).toBeUndefined();
    expect(evidenceChart(records, 'another')).toBeUndefined();
    expect(evidenceChart(recordsFrom([judged(0)]), ERROR_CHECK.id)).toBeUndefined();
    const nothing = { logEFail: Number.NEGATIVE_INFINITY, logEPass: Number.NEGATIVE_INFINITY };
    expect(evidenceChart(recordsFrom([judged(0, nothing), judged(1, nothing)]), ERROR_CHECK.id)).toBeUndefined();
  });

  it('have no line for a limit that is unknown', () => {
    const { failLine, ...open } = verdict();
    const records = recordsFrom([[0, 'rampart', { type: 'ChecksJudged', verdicts: [open], metrics: [] }]]);
    expect(chartOf(intervalChart(records, ERROR_CHECK.id, {}))?.references).toEqual([]);
  });
});
