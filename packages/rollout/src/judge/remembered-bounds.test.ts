import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_MS, Drive, placeOf, planOf } from '../arbitraries.contract.ts';
import type { EvidenceSeries } from '../evidence.ts';
import type { RolloutState } from '../state.ts';
import { emptyLedger, ledgerOf } from './evidence-state.ts';
import { foldInto } from './fold-evidence.ts';
import { standingsOf } from './judge.ts';
import { planChecksOf } from './plan-checks.ts';
import { prepareBatch } from './prepare-batch.ts';
import { failLogE } from './weigh.ts';

const PLAN = planOf({
  stages: [
    {
      name: 'canary',
      percentage: 50,
      duration: '24h',
      gate: [
        { metric: 'errorRate', limit: '1.5x control' },
        { metric: 'conversion', limit: '8%' },
      ],
    },
    { name: 'ga', percentage: 100, duration: 'permanent', monitor: '1h' },
  ],
  abortCriteria: [
    { metric: 'errorRate', limit: '2%' },
    { metric: 'errorRate', limit: '3x control' },
    { metric: 'errorRate', limit: '3x baseline' },
  ],
});

const CANARY = new Drive(PLAN).begin().state;

/** An arm of one batch: how many requests, the share of bad ones, and the bucket of a user who sends many more and worse ones. */
const arm = fc.record({
  n: fc.constantFrom(0, 3, 64, 640, 6400),
  bad: fc.constantFrom(0, 0, 0.001, 0.005, 0.02, 0.1),
  heavy: fc.option(fc.integer({ min: 0, max: 63 })),
  buckets: fc.constantFrom(5, 30, 64),
});
type Arm = typeof arm extends fc.Arbitrary<infer T> ? T : never;

function seriesOf(metric: string, name: 'treatment' | 'control', { n, bad, heavy, buckets }: Arm): EvidenceSeries {
  const count = Array.from({ length: buckets }, (_, bucket) => (n / buckets) * (bucket === heavy ? 8 : 1));
  const sum = count.map((requests, bucket) => requests * Math.min(1, bad * (bucket === heavy ? 5 : 1)));
  return {
    metric,
    arm: name,
    ...placeOf(CANARY),
    bucket: count.map((_, bucket) => bucket),
    count,
    sum,
    sumSquares: sum,
  };
}

const batch = fc.record({ treatment: arm, control: arm, conversion: arm, isLong: fc.boolean() });
const CALM = { n: 6400, bad: 0.001, heavy: null, buckets: 64 } as const;
/** Harm may begin after a long time of health, where only a restart finds it soon. */
const course = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.array(batch, { minLength: 1, maxLength: 40 }))
  .map(([calm, rest]) => [
    ...Array.from({ length: calm }, () => ({ treatment: CALM, control: CALM, conversion: CALM, isLong: true })),
    ...rest,
  ]);
const statuses = (evidence: ReturnType<typeof emptyLedger>, state: RolloutState, now: number) =>
  standingsOf(evidence, state, now).map(({ one, status }) => `${one.check.id} ${status}`);

describe('what is remembered between looks', () => {
  it('never changes where a check stands', () => {
    expect(CANARY.phase).toBe('exposing');
    fc.assert(
      fc.property(course, (batches) => {
        const ledger = emptyLedger();
        let now = CANARY.stage?.enteredAt ?? 0;
        batches.forEach((one, index) => {
          const fromAt = now;
          now += one.isLong ? 3 * BATCH_MS : BATCH_MS;
          const series = [
            seriesOf('errorRate', 'treatment', one.treatment),
            seriesOf('errorRate', 'control', one.control),
            seriesOf('conversion', 'treatment', one.conversion),
          ];
          foldInto(ledger, prepareBatch({ seq: index + 1, fromAt, toAt: now, series }), CANARY);
          for (const { one: check, status } of standingsOf(ledger, CANARY, now)) {
            const logE = check.fail === undefined ? 0 : failLogE(check.fail, ledger);
            if (check.check.tier !== 'kill') expect(status === 'fail').toBe(logE >= check.failAt);
          }
          // A plan and evidence of its own: nothing of them is remembered.
          const afresh = { ...CANARY, plan: structuredClone(CANARY.plan) };
          expect(statuses(ledger, CANARY, now)).toEqual(statuses(structuredClone(ledgerOf(ledger)), afresh, now));
        });
      }),
      { numRuns: 30 },
    );
  });

  it('is a bound from below that never says more than the evidence does, and says most of it soon after a look', () => {
    const check = planChecksOf(CANARY).active.find(({ check: { tier, text } }) => tier === 'abort' && text === '2%');
    const { pass, passSums } = check ?? {};
    if (pass?.atLeast === undefined || passSums === undefined) throw new TypeError('a share has a bound from below');
    fc.assert(
      fc.property(
        fc.array(batch, { minLength: 2, maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        (batches, every) => {
          const ledger = emptyLedger();
          batches.forEach(({ treatment, control }, index) => {
            const [fromAt, toAt] = [index * BATCH_MS, (index + 1) * BATCH_MS];
            const series = [seriesOf('errorRate', 'treatment', treatment), seriesOf('errorRate', 'control', control)];
            foldInto(ledger, prepareBatch({ seq: index + 1, fromAt, toAt, series }), CANARY);
            const sums = passSums(ledger.streams)?.stage ?? [];
            const atLeast = pass.atLeast?.(sums) ?? Number.NaN;
            const logE = pass.logE([...sums]);
            if (atLeast > 0) expect(atLeast).toBeLessThanOrEqual(logE + 1e-6);
            if (index % every === 0) expect(pass.logE(sums)).toBe(logE);
          });
        },
      ),
      { numRuns: 100 },
    );
  });
});
