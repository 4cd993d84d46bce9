import { describe, expect, it } from 'vitest';
import { BATCH_MS, planOf, START_AT, seriesOf } from '../arbitraries.contract.ts';
import { binOf, type EvidenceBatch, type EvidenceSeries } from '../evidence.ts';
import { parseLimit } from '../plan/limit.ts';
import { passLimitOf } from '../plan/margin.ts';
import type { Check, Metric } from '../plan.ts';
import { type Baseline, type BaselineOrigin, WEEK_SLOTS } from '../verdict.ts';
import { addBins, emptyHistogram, quantileEdgeOf } from './histogram.ts';
import type { Side } from './line.ts';
import { prepareBatch } from './prepare-batch.ts';
import type { MetricBatch } from './prepared-batch.ts';
import type { FoldContext } from './side-judge.ts';
import { sideOf } from './side-of.ts';
import { emptyTally, type Tally } from './tally.ts';

/** Chance with a seed (mulberry32): a uniform number in [0, 1) each time. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const BASELINE: Baseline = {
  fromAt: 0,
  toAt: 1,
  metrics: Object.fromEntries(
    Object.entries({
      errorRate: 0.01,
      p99Latency: 1,
      costPerQuery: 0.2,
      throughput: 10,
      faithfulness: 0.9,
      conversion: 0.1,
      supportTickets: 0.01,
    }).map(([name, value]) => [name, { value, low: value * 0.99, high: value * 1.01, count: 10_000 }]),
  ),
};
const METRICS = planOf({
  metrics: { medianScore: { kind: 'quantile', quantile: 0.5, harm: 'lower', unit: 'value' } },
  abortCriteria: {
    errorRate: '1%',
    p99Latency: '2s',
    costPerQuery: '$1',
    throughput: '0.8x baseline',
    faithfulness: '0.85',
    conversion: '0.8x control',
    hallucinationRate: '5%',
    supportTickets: 'no spike',
    medianScore: '5',
  },
} as never).metrics;
const metricOf = (name: string): Metric => METRICS[name]!;

function checkOf(name: string, text: string): Check {
  const metric = metricOf(name);
  const parsed = parseLimit(text, metric);
  if (!parsed.ok) throw new TypeError(parsed.message);
  const margin = passLimitOf(parsed.limit, metric, undefined);
  return {
    id: `abort:${name}`,
    tier: 'abort',
    metric: name,
    limit: parsed.limit,
    text,
    optional: false,
    attribution: 'any',
    weight: 1,
    ...(margin.ok && margin.passLimit && { passLimit: margin.passLimit }),
  };
}

const NOTHING: MetricBatch = { strata: [], targeted: [] };

/** One check fed batch by batch, as the fold does it. */
class Judge {
  readonly #sides;
  readonly #sums: Record<Side, Tally>;
  readonly #metric: Metric;
  readonly #controlBefore = emptyHistogram();

  constructor(name: string, limit: string) {
    this.#metric = metricOf(name);
    const side = (of: Side) => sideOf(checkOf(name, limit), this.#metric, of, BASELINE);
    this.#sides = { fail: side('fail'), pass: side('pass') };
    const sums = (of: Side) => emptyTally(this.#sides[of].stream?.size ?? 0);
    this.#sums = { fail: sums('fail'), pass: sums('pass') };
  }

  feed(series: readonly EvidenceSeries[], unattributed?: number): this {
    const batch: EvidenceBatch = { seq: 1, fromAt: START_AT, toAt: START_AT + BATCH_MS, series };
    const own = prepareBatch(batch).metrics[this.#metric.name] ?? NOTHING;
    const cut = quantileEdgeOf(this.#controlBefore, this.#metric.quantile ?? 0.99);
    const context: FoldContext = {
      ...(cut !== undefined && { cut }),
      at: START_AT,
      batchMs: BATCH_MS,
      isAlive: true,
      isEveryone: series.some(({ stratum }) => stratum === ALL.stratum),
      ...(unattributed !== undefined && { unattributed }),
    };
    for (const of of ['fail', 'pass'] as const) this.#sides[of].stream?.add(this.#sums[of], own, context);
    for (const { control } of own.strata) if (control.bins) addBins(this.#controlBefore, control.bins);
    return this;
  }

  side(of: Side) {
    const [side, sums] = [this.#sides[of], this.#sums[of]];
    return { logE: side.logE(sums), insufficient: side.lacks(sums), validity: side.show(sums).validity };
  }

  /** Evidence of one side and its bound, whole and since an earlier copy of the sums. */
  bounds(of: Side, earlier: Tally | undefined): readonly [logE: number, atMost: number] {
    const [side, sums] = [this.#sides[of], this.#sums[of]];
    return [side.logE(sums, earlier), side.atMost(sums, earlier)];
  }

  copy(of: Side): Tally {
    return [...this.#sums[of]];
  }

  says(): string {
    if (this.side('fail').logE >= Math.log(20)) return 'fail';
    return this.side('pass').logE >= Math.log(20) ? 'pass' : 'neither';
  }
}

const HALF = { epoch: 1, stratum: 50_000 };
const ALL = { epoch: 1, stratum: 100_000 };

/** A thousand latencies or scores with this 99th percentile, or this middle, without chance. */
const valuesAt = (p99: number) => Array.from({ length: 1000 }, (_, index) => p99 * ((index + 0.5) / 990) ** 0.2);

type Level = readonly [treatment: number, control: number];
function share(name: string, [treatment, control]: Level, users: boolean, turn = 0): readonly EvidenceSeries[] {
  const of = (value: number) => ({ n: 1000, x: Math.round(1000 * value) });
  return [
    seriesOf(name, 'treatment', HALF, of(treatment), users, turn),
    seriesOf(name, 'control', HALF, of(control), users, turn + 3),
  ];
}
function mean(name: string, [treatment, control]: Level, users: boolean, turn = 0): readonly EvidenceSeries[] {
  const of = (value: number) => ({ n: 1000, x: 1000 * value, xx: 1000 * value * value * 1.1 });
  return [
    seriesOf(name, 'treatment', HALF, of(treatment), users, turn),
    seriesOf(name, 'control', HALF, of(control), users, turn + 3),
  ];
}
function quantile(name: string, [treatment, control]: Level, users: boolean, turn = 0): readonly EvidenceSeries[] {
  const of = (value: number) => ({ n: 0, x: 0, values: valuesAt(value) });
  return [
    seriesOf(name, 'treatment', HALF, of(treatment), users, turn),
    seriesOf(name, 'control', HALF, of(control), users, turn + 3),
  ];
}
function rate(name: string, [treatment, control]: Level, users: boolean, turn = 0): readonly EvidenceSeries[] {
  const of = (value: number) => ({ n: Math.round((value * BATCH_MS) / 1000), x: 0 });
  return [
    seriesOf(name, 'treatment', HALF, of(treatment), users, turn),
    seriesOf(name, 'control', HALF, of(control), users, turn + 3),
  ];
}
const everyone = (name: string, [treatment]: Level, users: boolean) => [
  seriesOf(name, 'treatment', ALL, { n: Math.round((treatment * BATCH_MS) / 1000), x: 0 }, users),
];

describe('a method of judging', () => {
  type Case = readonly [name: string, limit: string, feed: typeof share, harm: Level, safe: Level, line: Level];
  const cases: readonly Case[] = [
    ['errorRate', '1%', share, [0.03, 0.001], [0.001, 0.001], [0.01, 0.001]],
    ['errorRate', '1.5x control', share, [0.04, 0.01], [0.01, 0.01], [0.015, 0.01]],
    ['errorRate', 'control + 1%', share, [0.04, 0.01], [0.005, 0.01], [0.02, 0.01]],
    ['errorRate', 'baseline + 1%', share, [0.05, 0.01], [0.005, 0.01], [0.02, 0.01]],
    ['conversion', '0.8x control', share, [0.05, 0.1], [0.1, 0.1], [0.08, 0.1]],
    ['conversion', '0.8x baseline', share, [0.05, 0.1], [0.1, 0.1], [0.08, 0.1]],
    ['p99Latency', '1.5x control', quantile, [3, 1], [1, 1], [1.5, 1]],
    ['p99Latency', '2s', quantile, [4, 1], [1, 1], [2, 1]],
    ['p99Latency', '2x baseline', quantile, [4, 1], [1, 1], [2, 1]],
    ['medianScore', '5', quantile, [2, 8], [12, 8], [5.7, 8]],
    ['medianScore', '0.8x control', quantile, [2, 8], [8, 8], [6.4, 8]],
    ['costPerQuery', '$0.50', mean, [0.9, 0.2], [0.2, 0.2], [0.5, 0.2]],
    ['costPerQuery', '1.5x control', mean, [0.6, 0.2], [0.2, 0.2], [0.3, 0.2]],
    ['faithfulness', '0.85', mean, [0.5, 0.9], [0.95, 0.9], [0.85, 0.9]],
    ['faithfulness', '0.9x control', mean, [0.5, 0.9], [0.9, 0.9], [0.81, 0.9]],
    ['throughput', '0.8x baseline', rate, [3, 10], [10, 10], [8, 10]],
    ['throughput', '0.8x control', rate, [3, 10], [10, 10], [8, 10]],
    ['throughput', '0.8x baseline', everyone, [3, 10], [10, 10], [8, 10]],
    ['throughput', '8 per second', everyone, [3, 10], [10, 10], [8, 10]],
    ['throughput', '8 per second', rate, [2, 5], [6, 5], [4, 4]],
  ];
  it.each(cases.flatMap((one) => [true, false].map((users) => [...one, users] as const)))(
    'of %s against %s fails on clear harm, passes on clear safety, and says neither at the line (%#)',
    (name, limit, feed, harm, safe, line, users) => {
      const after = (level: Level) => {
        const judge = new Judge(name, limit);
        for (let count = 0; count < 20; count += 1) judge.feed(feed(name, level, users, count));
        return judge.says();
      };
      expect([after(harm), after(safe), after(line)]).toEqual(['fail', 'pass', 'neither']);
    },
  );

  it('passes control + δ on treatment alone where control has too little to compare with', () => {
    const judge = new Judge('errorRate', 'control + 1%');
    for (let count = 0; count < 20; count += 1)
      judge.feed([
        seriesOf('errorRate', 'treatment', HALF, { n: 100, x: 0 }),
        seriesOf('errorRate', 'control', HALF, { n: 1, x: 0 }),
      ]);
    expect(judge.side('pass').insufficient).toMatch(/50 observations in each arm/);
    expect(judge.says()).toBe('pass');
  });

  it('compares tickets whose source knows no arms with the baseline of everyone', () => {
    const after = (tickets: number) => {
      const judge = new Judge('supportTickets', 'no spike');
      for (let count = 0; count < 20; count += 1) judge.feed([], tickets);
      return judge.says();
    };
    expect([after(14), after(2)]).toEqual(['fail', 'pass']);
  });

  it.each([
    [
      'throughput',
      '0.8x baseline',
      [seriesOf('throughput', 'targeted', ALL, { n: 5, x: 0 })],
      /a random split, or everyone exposed/,
    ],
    ['costPerQuery', '$1', [seriesOf('costPerQuery', 'treatment', HALF, { n: 10, x: 2 })], /users in 20 of 64 buckets/],
    ['costPerQuery', '$1', [seriesOf('costPerQuery', 'treatment', HALF, { n: 10, x: 2 }, false)], /50 observations/],
    ['conversion', 'control - 1%', share('conversion', [0.001, 0.001], true), /10 events in treatment/],
    ['errorRate', '1.5x control', share('errorRate', [0.1, 0.1], true).slice(0, 1), /both arms of a random split/],
    [
      'errorRate',
      '1.5x control',
      [1, 2].map((n) => ({
        ...seriesOf('errorRate', n === 1 ? 'treatment' : 'control', HALF, { n: 640, x: 64 }),
        bucket: new Array<number>(64).fill(n),
      })),
      /users in 20 of 64 buckets in each arm/,
    ],
    ['hallucinationRate', 'baseline + 1%', share('hallucinationRate', [0.1, 0.1], true), /a baseline of this metric/],
    [
      'costPerQuery',
      '1x control',
      [1, 2].map((n) => ({
        ...seriesOf('costPerQuery', n === 1 ? 'treatment' : 'control', HALF, { n: 640, x: 64 }),
        bucket: new Array<number>(64).fill(n),
      })),
      /users in 20 of 64 buckets in each arm/,
    ],
  ] as const)('of %s against %s says what it lacks', (name, limit, series, lacks) => {
    const judge = new Judge(name, limit).feed(series);
    expect(judge.side('pass').insufficient).toMatch(lacks);
    expect(judge.says()).toBe('neither');
  });

  it.each(cases.flatMap((one) => [true, false].map((users) => [...one, users] as const)))(
    'of %s against %s never says more than its bound (%#)',
    (name, limit, feed, harm, safe, line, users) => {
      for (const level of [harm, safe, line]) {
        const judge = new Judge(name, limit);
        const earlier: Partial<Record<Side, Tally>> = {};
        for (let count = 0; count < 6; count += 1) {
          if (count === 3) for (const side of ['fail', 'pass'] as const) earlier[side] = judge.copy(side);
          judge.feed(feed(name, level, users, count));
          for (const side of ['fail', 'pass'] as const) {
            const [whole, since] = [judge.bounds(side, undefined), judge.bounds(side, earlier[side])];
            expect(whole[0]).toBeLessThanOrEqual(Math.max(0, whole[1]) + 1e-9);
            expect(since[0]).toBeLessThanOrEqual(Math.max(0, since[1]) + 1e-9);
          }
        }
      }
    },
  );

  it('says how far it can be trusted: users, or independent requests', () => {
    const validity = (users: boolean) =>
      new Judge('errorRate', '1%').feed(share('errorRate', [0.01, 0.01], users)).side('pass').validity;
    expect([validity(true), validity(false)]).toEqual(['asymptotic', 'assumes independent requests']);
  });
});

describe('sums by the hours of a baseline', () => {
  const hourly = (n: number) => Array.from({ length: WEEK_SLOTS }, () => n);
  const week = { n: hourly(36_000), x: hourly(360), seenMs: hourly(3_600_000) };
  const withHours = (parts: Partial<Baseline>, origin?: BaselineOrigin): Baseline => {
    const metrics = Object.entries(BASELINE.metrics).map(([name, one]) => {
      return [name, { ...one, week, ...(origin && { origin }) }];
    });
    return { ...BASELINE, ...parts, metrics: Object.fromEntries(metrics) };
  };

  it.each([
    ['errorRate', '2x baseline'],
    ['throughput', '0.8x baseline'],
  ])(
    'of %s stay as they are with a version that keeps it, and begin anew with one that takes it anew',
    (name, limit) => {
      const keyOf = (baseline: Baseline) => sideOf(checkOf(name, limit), metricOf(name), 'fail', baseline).stream?.key;
      const first = keyOf(withHours({}));
      expect(first).toContain('by hour');
      const origin = { version: 1, source: 'live', fromAt: BASELINE.fromAt, toAt: BASELINE.toAt } as const;
      expect(keyOf(withHours({ version: 2, toAt: 5 }, origin))).toBe(first);
      expect(keyOf(withHours({ version: 2, toAt: 5 }))).not.toBe(first);
      expect(keyOf(withHours({ version: 2 }))).not.toBe(first);
    },
  );
});

describe('false alarms of a method', () => {
  const RUNS = 300;
  const LOOKS = 15;
  const MOST = RUNS * 0.05 + 3 * Math.sqrt(RUNS * 0.05 * 0.95);

  type User = { readonly bucket: number; readonly requests: number; readonly level: number };
  /** A few heavy users among many light ones, who differ in how often things go wrong for them. */
  function crowd(random: () => number, size: number, p: number): readonly User[] {
    return Array.from({ length: size }, () => ({
      bucket: Math.floor(random() * 64),
      requests: Math.min(60, Math.ceil(1 / (1 - random()))),
      level: random() < 0.25 ? 3 * p : p / 3,
    }));
  }

  type Draw = (user: User, random: () => number) => number;
  function arm(
    metric: string,
    name: 'treatment' | 'control',
    users: readonly User[],
    draw: Draw,
    random: () => number,
  ): EvidenceSeries {
    const [count, sum, sumSquares] = [0, 1, 2].map(() => new Array<number>(64).fill(0));
    const values: number[][] = count.map(() => []);
    for (const user of users) {
      for (let index = 0; index < user.requests; index += 1) {
        const value = draw(user, random);
        count[user.bucket] += 1;
        sum[user.bucket] += value;
        sumSquares[user.bucket] += value ** 2;
        values[user.bucket].push(value);
      }
    }
    const base = { metric, arm: name, ...HALF, bucket: count.map((_, index) => index), count, sum, sumSquares };
    if (metric !== 'p99Latency') return base;
    const bins = values.map((own) => {
      const counts = new Map<number, number>();
      for (const value of own) counts.set(binOf(value), (counts.get(binOf(value)) ?? 0) + 1);
      return [...counts];
    });
    return { ...base, bins };
  }

  function falseFails(metric: string, limit: string, draw: Draw, p: number, ratio = 1): number {
    let fails = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const random = chance(1000 + run);
      const judge = new Judge(metric, limit);
      const [treatment, control] = [crowd(random, 150, p * ratio), crowd(random, 150, p)];
      let failed = false;
      for (let look = 0; look < LOOKS && !failed; look += 1) {
        judge.feed([arm(metric, 'treatment', treatment, draw, random), arm(metric, 'control', control, draw, random)]);
        failed = judge.side('fail').logE >= Math.log(20);
      }
      fails += failed ? 1 : 0;
    }
    return fails;
  }

  const bad: Draw = (user, random) => (random() < user.level ? 1 : 0);
  const cost: Draw = (user, random) => user.level * (0.5 + random());
  const latency: Draw = (user, random) => 0.2 + user.level / (1 - 0.999 * random());

  it.each([
    ['an absolute share at its limit', 'errorRate', '1%', bad, 0.01],
    ['a share no worse than control', 'errorRate', '1x control', bad, 0.02],
    ['a mean no worse than control', 'costPerQuery', '1x control', cost, 0.2],
    ['a quantile no worse than control', 'p99Latency', '1x control', latency, 0.05],
  ] as const)('stay at 5 %% for %s, with heavy users', (_what, metric, limit, draw, p) => {
    expect(falseFails(metric, limit, draw, p)).toBeLessThanOrEqual(MOST);
  });

  it('never hit a feature that halves the errors', () => {
    expect(falseFails('errorRate', '1x control', bad, 0.02, 0.5)).toBe(0);
    expect(falseFails('errorRate', '2%', bad, 0.02, 0.5)).toBe(0);
  });
});
