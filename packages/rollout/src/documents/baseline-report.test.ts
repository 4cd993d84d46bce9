import { describe, expect, it } from 'vitest';
import { BATCH_MS, Drive, HOUR_MS, START_AT, seriesOf } from '../arbitraries.contract.ts';
import { planFromObject } from '../plan/parse-plan.ts';
import type { Plan } from '../plan.ts';
import type { Baseline } from '../verdict.ts';
import { renderReport } from './report.ts';

/** Every metric of the workflow's table, with none of its alert limits written out. */
function catalogPlan(): Plan {
  const config = {
    flag: 'f',
    preflight: ['launch-readiness'],
    baseline: { window: '8m' },
    stages: [
      { name: 'canary', percentage: 5, duration: '24h' },
      { name: 'ga', percentage: 100, duration: 'permanent' },
    ],
    abortCriteria: {
      errorRate: '5%',
      p99Latency: '3s',
      throughput: '0.5x baseline',
      hallucinationRate: '20%',
      faithfulness: '0.7',
      costPerQuery: '$1',
      tokensPerQuery: '5000 tokens',
      timeToFirstToken: '4s',
    },
  } as const;
  const parsed = planFromObject(config, { now: START_AT });
  if (!parsed.ok) throw new TypeError(JSON.stringify(parsed.issues));
  return parsed.plan;
}

/** What one batch of the old variant shows: 1,000 requests, of users who are known. */
function observed(): Parameters<Drive['tick']>[1] {
  const place = { epoch: 0, stratum: 0 };
  const of = (metric: string, mean: number) =>
    seriesOf(metric, 'control', place, { n: 1_000, x: 1_000 * mean, xx: 1_000 * mean ** 2 });
  const slow = (metric: string, seconds: number) =>
    seriesOf(metric, 'control', place, { n: 0, x: 0, values: Array.from({ length: 1_000 }, () => seconds) });
  const series = [
    ...[of('errorRate', 0.01), of('throughput', 0), of('hallucinationRate', 0.04), of('faithfulness', 0.92)],
    ...[of('costPerQuery', 0.03), of('tokensPerQuery', 1_200), slow('p99Latency', 0.4), slow('timeToFirstToken', 0.8)],
  ];
  return { series };
}

function captured(): Drive {
  const drive = new Drive(catalogPlan());
  drive.command({ type: 'Start' });
  drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' });
  drive.tick(BATCH_MS, observed());
  drive.tick(BATCH_MS, observed());
  return drive;
}

function reportOf(drive: Drive): string {
  return renderReport(drive.records, drive.state, { now: drive.now });
}

const rowsOf = (report: string) =>
  report
    .split('| Metric | Baseline |')[1]
    ?.split('\n\n')[0]
    ?.split('\n')
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    ) ?? [];

describe('the baseline in the report', () => {
  it('is the table of the catalog: value in its unit, sample size and default alert limit of all eight metrics', () => {
    const drive = captured();
    const rows = rowsOf(reportOf(drive)).map(([metric, value, , count, , , alert]) => [metric, value, count, alert]);
    expect(rows).toEqual([
      ['Error rate', '1 %', '2,000', 'baseline + 1%'],
      ['P99 latency', '402 ms', '2,000', '2x baseline'],
      ['Throughput', '4.17 per second', '2,000', '0.8x baseline'],
      ['Hallucination rate', '4 %', '2,000', 'baseline + 5%'],
      ['Faithfulness', '0.92', '2,000', '0.85'],
      ['Cost per query', '$0.03', '2,000', '1.5x baseline'],
      ['Tokens per query', '1200 tokens', '2,000', '2x baseline'],
      ['Time to first token', '805 ms', '2,000', '2s'],
    ]);
  });

  it('says which version is in force, over which time, and what each metric comes from', () => {
    const drive = captured();
    expect(reportOf(drive)).toContain('- **Baseline**: version 1, 2026-01-05 09:00 UTC to 2026-01-05 09:08 UTC');
    const errorRate = { value: 0.02, count: 90_000, low: 0.018, high: 0.022 };
    const baseline: Baseline = {
      source: 'history',
      fromAt: START_AT - 24 * HOUR_MS,
      toAt: START_AT,
      metrics: { errorRate },
    };
    drive.command({ type: 'CaptureBaseline', baseline, reason: 'last week was | odd' });
    const report = reportOf(drive);
    const [[, value, bounds, count, source, window] = [], [, , , , kept] = []] = rowsOf(report);
    expect([value, bounds, count]).toEqual(['2 %', '1.8 % to 2.2 %', '90,000']);
    expect([source, window]).toEqual([
      'history of telemetry, version 2',
      '2026-01-04 09:00 UTC to 2026-01-05 09:00 UTC',
    ]);
    expect(kept).toBe('live, version 1');
    expect(report).toContain('re-captured the baseline (version 2) from history, from 2026-01-04 09:00 UTC');
    expect(report).toContain('last week was \\| odd');
  });
});
