import { describe, expect, it } from 'vitest';
import { binOf, USER_BUCKETS } from '../../evidence.ts';
import { type ArmSums, armSums } from '../../judge/prepared-batch.ts';
import { sideOf } from '../../judge/side-of.ts';
import type { Metric } from '../../plan.ts';
import { meanObservations } from './model-crossing.ts';
import { sideModel } from './side-model.ts';
import { checkOf, poisson, randomOf } from './simulation.support.ts';

const RUNS = 120;
const BATCHES = 50;
const WIDTH = USER_BUCKETS + 1;

/** Values of a log-normal-like tail with its p99 at `value`, as the forecast assumes; all others far below. */
function binsOf(random: () => number, counts: readonly number[], value: number): NonNullable<ArmSums['bins']> {
  const bins: { bucket: number[]; bin: number[]; count: number[] } = { bucket: [], bin: [], count: [] };
  for (const [bucket, n] of counts.entries()) {
    const tail = poisson(random, 0.2 * n);
    for (let index = 0; index < tail; index += 1) {
      bins.bucket.push(bucket);
      bins.bin.push(binOf(value * (0.01 / (0.2 * random())) ** (1 / 3)));
      bins.count.push(1);
    }
  }
  return bins;
}

/** Independent observations of one arm in one batch, by user bucket. */
function armOf(random: () => number, metric: Metric, size: number, value: number): ArmSums {
  const n = Array.from({ length: WIDTH }, (_, b) => (b < USER_BUCKETS ? poisson(random, size / USER_BUCKETS) : 0));
  if (metric.kind === 'quantile') {
    const none = n.map(() => 0);
    return armSums({ n, x: none, xx: none, bins: binsOf(random, n, value) });
  }
  if (metric.kind === 'proportion') {
    const x = n.map((count) => Math.min(count, poisson(random, count * value)));
    return armSums({ n, x, xx: x });
  }
  // Exponential values: they spread as widely as their mean.
  const values = n.map((count) => Array.from({ length: count }, () => -value * Math.log(1 - random())));
  const sumOf = (of: readonly number[]) => of.reduce((sum, one) => sum + one, 0);
  return armSums({ n, x: values.map(sumOf), xx: values.map((of) => sumOf(of.map((one) => one ** 2))) });
}

type Case = {
  readonly text: string;
  readonly side: 'fail' | 'pass';
  readonly controls: number;
  readonly today: number;
  readonly value: number;
  readonly nats: number;
};

const PASS = Math.log(20);
const FAIL = Math.log(20 * 6);

function passing(text: string, controls: number, today: number): Case {
  return { text, side: 'pass', controls, today, value: today, nats: PASS };
}
function failing(text: string, controls: number, today: number, value: number): Case {
  return { text, side: 'fail', controls, today, value, nats: FAIL };
}

function forecastOf({ text, side, controls, today, value, nats }: Case): number {
  const { check, metric } = checkOf(text);
  const limit = side === 'pass' ? (check.passLimit ?? check.limit) : check.limit;
  if (limit.kind === 'count') throw new Error('a count has no sides');
  const model = sideModel({ metric, limit, side, today, controls });
  if ('missing' in model) throw new Error(model.missing);
  return meanObservations(model, value, nats) * (model.caution ?? 1);
}

/** Mean observations of treatment until the core's own method reaches the threshold. */
function simulated(of: Case, forecast: number): number {
  const { check, metric } = checkOf(of.text);
  const judge = sideOf(check, metric, of.side, undefined);
  const { stream } = judge;
  if (stream === undefined) throw new Error('a side without sums');
  const random = randomOf(20_261_123);
  const [size, stratum] = [forecast / BATCHES, Math.round(100_000 / (1 + of.controls))];
  let total = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const sums = new Array<number>(stream.size).fill(0);
    let seen = 0;
    do {
      const treatment = armOf(random, metric, size, of.value);
      const control = armOf(random, metric, size * of.controls, of.today);
      const batch = { strata: [{ epoch: 1, stratum, treatment, control }], targeted: [] };
      stream.add(sums, batch, { cut: of.today, at: 0, batchMs: 60_000, isAlive: true, isEveryone: false });
      seen += size;
    } while (judge.logE(sums) < of.nats && seen < 12 * forecast);
    total += seen - size / 2;
  }
  return total / RUNS;
}

describe('the forecast of observations agrees with the core on independent requests', () => {
  it.each([
    passing('metric: errorRate, limit: 1%', 19, 0.002),
    failing('metric: errorRate, limit: 1%', 19, 0.002, 0.03),
    passing('metric: errorRate, limit: 1x control', 19, 0.01),
    passing('metric: errorRate, limit: 2x control', 3, 0.01),
    failing('metric: errorRate, limit: 1x control', 19, 0.01, 0.02),
    failing('metric: errorRate, limit: 1x control', 3, 0.01, 0.02),
    failing('metric: errorRate, limit: 1x control', 9, 0.01, 0.05),
    passing('metric: errorRate, limit: control + 0.5%', 19, 0.01),
    passing('metric: costPerQuery, limit: $0.50', 19, 0.3),
    passing('metric: costPerQuery, limit: 1.2x control', 19, 0.3),
    failing('metric: costPerQuery, limit: 1.2x control', 19, 0.3, 0.5),
    passing('metric: p99Latency, limit: 2s', 3, 1),
    passing('metric: p99Latency, limit: 1.5x control', 3, 1),
    passing('metric: throughput, limit: 0.8x control', 9, 1),
  ])('$side of $text at $controls controls', (of) => {
    const forecast = forecastOf(of);
    const ratio = simulated(of, forecast) / forecast;
    // 15 %, and three standard errors of 120 runs whose times vary by about two thirds of their mean.
    expect(ratio).toBeGreaterThan(0.85 - 0.18);
    expect(ratio).toBeLessThan(1.15 + 0.18);
  });
});
