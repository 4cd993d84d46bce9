import {
  type ArmSums,
  applyAll,
  armSums,
  binOf,
  decide,
  type MetricBatch,
  openItems,
  openLoop,
  type PreparedBatch,
  type Principal,
  planFromObject,
  type RolloutLoop,
  USER_BUCKETS,
  weightOfEveryone,
} from '@rampart/rollout';
import type { BenchResult } from './result.ts';
import { seededRandom } from './virtual-site.ts';

const MINUTE_MS = 60_000;
const ANA: Principal = { id: 'ana', kind: 'person', roles: ['operator', 'approver'] };
const WIDTH = USER_BUCKETS + 1;

/** A plan with twenty checks that count in its first stage, over six metrics. */
const TWENTY = {
  flagName: 'bench',
  baseline: { window: '1m' },
  stages: [
    {
      name: 'canary',
      percentage: 5,
      duration: '90d',
      gate: [
        { metric: 'errorRate', limit: '1x control' },
        { metric: 'errorRate', limit: 'control + 0.5%' },
        { metric: 'p99Latency', limit: '1.5x control' },
        { metric: 'costPerQuery', limit: '1.2x control' },
        { metric: 'hallucinationRate', limit: '1.5x control' },
        { metric: 'throughput', limit: '0.8x control' },
      ],
    },
    { name: 'ga', percentage: 100, duration: 'permanent' },
  ],
  abortCriteria: [
    { metric: 'errorRate', limit: '1%' },
    { metric: 'errorRate', limit: '2x control' },
    { metric: 'p99Latency', limit: '2x control' },
    { metric: 'p99Latency', limit: '3s' },
    { metric: 'costPerQuery', limit: '$0.50' },
  ],
  killSwitch: {
    flag: 'bench-kill',
    autoTrip: true,
    trip: [
      { metric: 'errorRate', limit: '5%' },
      { metric: 'hallucinationRate', limit: '15%' },
      { metric: 'costPerQuery', limit: '$0.80' },
      { metric: 'p99Latency', limit: '6s' },
    ],
  },
};

/** A rollout in its first stage. */
function canary(): RolloutLoop {
  const parsed = planFromObject(TWENTY, { now: 0 });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const created = decide(undefined, { type: 'Create', id: 'bench', plan: parsed.plan, warnings: [] }, ANA, 0);
  const state = created.ok ? applyAll(undefined, created.events, ANA, 0) : undefined;
  if (state === undefined) throw new Error('a rollout that can be created');
  const loop = openLoop(state);
  loop.command({ type: 'Start' }, ANA, 0);
  while (loop.state().phase === 'preflight') {
    loop.command(
      { type: 'Approve', item: openItems(loop.state())[0], evidence: 'https://wiki.example.com/launch' },
      ANA,
      0,
    );
  }
  return loop;
}

type Draw = (bucket: number) => number;

/** An arm as an SDK would have aggregated it: one entry per user bucket and bin. */
function armOf(n: number, draw: Draw, isHistogram: boolean): ArmSums {
  const zeros = () => new Array<number>(WIDTH).fill(0);
  const sums = { n: zeros(), x: zeros(), xx: zeros() };
  const cells = new Map<string, { bucket: number; bin: number; count: number }>();
  for (let left = n; left > 0; left -= 1) {
    const bucket = left % USER_BUCKETS;
    const value = draw(bucket);
    sums.n[bucket] += 1;
    if (isHistogram) {
      const key = `${bucket}/${binOf(value)}`;
      const cell = cells.get(key) ?? { bucket, bin: binOf(value), count: 0 };
      cell.count += 1;
      cells.set(key, cell);
    } else {
      sums.x[bucket] += value;
      sums.xx[bucket] += value * value;
    }
  }
  const entries = [...cells.values()];
  const pick = (field: 'bucket' | 'bin' | 'count') => entries.map((cell) => cell[field]);
  return armSums({
    ...sums,
    ...(isHistogram && { bins: { bucket: pick('bucket'), bin: pick('bin'), count: pick('count') } }),
  });
}

/** A minute of 2,000 healthy requests: 100 in treatment where there is a split. */
function minuteOf(loop: RolloutLoop, random: () => number): Readonly<Record<string, MetricBatch>> {
  const stratum = weightOfEveryone(loop.state().layers);
  const { epoch } = loop.state();
  const [nT, nC] = [Math.round((2000 * stratum) / 100_000), 2000 - Math.round((2000 * stratum) / 100_000)];
  const draws: Readonly<Record<string, Draw>> = {
    errorRate: () => (random() < 0.001 ? 1 : 0),
    hallucinationRate: () => (random() < 0.03 ? 1 : 0),
    p99Latency: () => 0.3 * Math.exp(0.4 * (random() + random() + random() - 1.5)),
    costPerQuery: () => 0.1 * (0.5 + random()),
    throughput: () => 1,
  };
  const strata = (metric: string, draw: Draw) => ({
    epoch,
    stratum,
    treatment: armOf(nT, draw, metric === 'p99Latency'),
    control: armOf(nC, draw, metric === 'p99Latency'),
  });
  return Object.fromEntries(
    Object.entries(draws).map(([metric, draw]) => [metric, { strata: [strata(metric, draw)], targeted: [] }]),
  );
}

/** Feeds minutes, the same two hundred over and over. */
function feeder(loop: RolloutLoop, random: () => number) {
  let seq = 0;
  let minutes: readonly Readonly<Record<string, MetricBatch>>[] = [minuteOf(loop, random)];
  const feed = () => {
    seq += 1;
    const batch: PreparedBatch = {
      seq,
      fromAt: (seq - 1) * MINUTE_MS,
      toAt: seq * MINUTE_MS,
      hasSeries: true,
      metrics: minutes[seq % minutes.length],
      users: { assigned: [], reported: [] },
    };
    return loop.feed(batch, seq * MINUTE_MS);
  };
  return {
    feed,
    now: () => seq * MINUTE_MS,
    redraw: () => {
      minutes = Array.from({ length: 200 }, () => minuteOf(loop, random));
    },
  };
}

const ROUNDS = 7;
const CALLS = 4000;

/** CPU time per call in microseconds, least of some rounds: other processes on the machine only add to it. */
function cpuMicroseconds(call: () => unknown): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let left = CALLS; left > 0; left -= 1) call();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / CALLS;
  });
  return Math.min(...rounds);
}

/** One batch through twenty checks: folded, judged and decided (a quiet look), and the verdicts in full. */
export async function run(): Promise<BenchResult> {
  const loop = canary();
  const { feed, now, redraw } = feeder(loop, seededRandom(1));
  while (loop.state().phase === 'baseline') feed();
  redraw();
  for (let warm = 0; warm < 3000; warm += 1) feed();
  if (loop.state().phase !== 'exposing') throw new Error(`the rollout is ${loop.state().phase}, not exposing`);
  const checks = loop.judge(now()).verdicts.length;
  return {
    name: 'judge',
    ratios: {},
    figures: {
      checks,
      batchMicroseconds: cpuMicroseconds(feed),
      verdictsMicroseconds: cpuMicroseconds(() => loop.judge(now())),
    },
  };
}
