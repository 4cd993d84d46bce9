import type { TelemetryBatch, TelemetrySeries } from '@rampart/api';
import { describe, expect, it } from 'vitest';
import { createAftermath } from './abort-aftermath.ts';

const ABORT_AT = 1_000_000;

const series = (metric: string, arm: TelemetrySeries['arm'], count: number, rollout = 'r1'): TelemetrySeries => ({
  ...{ flag: 'f', rollout, attempt: 1, epoch: 3, stratum: 5_000, metric, arm },
  ...{ bucket: [0], count: [count], sum: [0], sumSquares: [0] },
});

function batch(fromAt: number, ...all: readonly TelemetrySeries[]): TelemetryBatch {
  return {
    ...{ schema: 1, batchId: `b-${fromAt}`, instance: 'i-1', sdk: 's', fromAt, toAt: fromAt + 10_000 },
    ...{ revision: 1, dropped: 0, series: all },
  };
}

/** What is seen of deliveries, each told when its interval is over. */
function seen(...batches: readonly TelemetryBatch[]) {
  const aftermath = createAftermath();
  aftermath.of('r1', ABORT_AT);
  for (const one of batches) aftermath.note(one, one.toAt);
  return aftermath.of('r1', ABORT_AT);
}

describe('the aftermath of an abort', () => {
  it('counts observations of the feature since, once per request whatever measured it, and who made them', () => {
    const treating = batch(ABORT_AT, series('errorRate', 'treatment', 40), series('p99Latency', 'treatment', 38));
    expect(seen(treating, { ...treating, batchId: 'b', instance: 'i-2' })).toMatchObject({ treated: 40, treating: 1 });
    const later = batch(ABORT_AT + 10_000, series('errorRate', 'targeted', 2));
    expect(seen(treating, { ...later, instance: 'i-2' })).toMatchObject({ treated: 42, treating: 2, quietReports: 0 });
  });

  it('leaves out what began before the abort, by the clock of the process or by ours', () => {
    const early = batch(ABORT_AT - 1, series('errorRate', 'treatment', 40));
    expect(seen(early)).toMatchObject({ treated: 0, quietReports: 0 });
    const aftermath = createAftermath();
    aftermath.of('r1', ABORT_AT);
    // A clock an hour ahead: it says "after", and it arrived before its interval can have passed since the abort.
    aftermath.note(batch(ABORT_AT + 3_600_000, series('errorRate', 'treatment', 40)), ABORT_AT + 5_000);
    expect(aftermath.of('r1', ABORT_AT).treated).toBe(0);
  });

  it('counts deliveries in which nobody is treated since the last one in which somebody was', () => {
    const quiet = (at: number) => batch(at, series('errorRate', 'control', 90));
    const other = batch(ABORT_AT + 50_000, series('errorRate', 'treatment', 5, 'r2'));
    const treating = batch(ABORT_AT + 20_000, series('errorRate', 'treatment', 1));
    expect(seen(quiet(ABORT_AT), quiet(ABORT_AT + 10_000), other)).toMatchObject({ treated: 0, quietReports: 2 });
    expect(seen(quiet(ABORT_AT), treating, quiet(ABORT_AT + 30_000))).toMatchObject({
      treated: 1,
      quietReports: 1,
      lastTreatedAt: ABORT_AT + 30_000,
    });
  });

  it('begins anew with another instant, and knows nothing of what it has forgotten', () => {
    const aftermath = createAftermath();
    aftermath.of('r1', ABORT_AT);
    aftermath.note(batch(ABORT_AT, series('errorRate', 'treatment', 3)), ABORT_AT + 10_000);
    expect(aftermath.of('r1', ABORT_AT).treated).toBe(3);
    expect(aftermath.of('r1', ABORT_AT + 20_000).treated).toBe(0);
    aftermath.forget('r1');
    aftermath.note(batch(ABORT_AT + 30_000, series('errorRate', 'treatment', 3)), ABORT_AT + 40_000);
    expect(aftermath.of('r1', ABORT_AT + 20_000).treated).toBe(0);
  });
});
