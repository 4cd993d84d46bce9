import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_MS, bothArms, Drive, HOUR_MS, MINUTE_MS, placeOf, planOf, seriesOf } from '../arbitraries.contract.ts';
import { hasControl } from '../decide/exposure.ts';
import type { EvidenceBatch, EvidenceSeries } from '../evidence.ts';
import { mustCloseNow } from '../reconcile.ts';
import type { RolloutState } from '../state.ts';
import type { Verdict } from '../verdict.ts';
import { baselineOf } from './baseline-of.ts';
import { type EvidenceState, NO_EVIDENCE } from './evidence-state.ts';
import { foldEvidence } from './fold-trusted.ts';
import { judge } from './judge.ts';

const canary = (plan = planOf()) => new Drive(plan).reach('canary');
const check = (drive: Drive, id: string): Verdict =>
  drive.judgement?.verdicts.find((one) => one.check.startsWith(id)) as Verdict;

/** Folds batches of this length by hand, so that nothing is decided meanwhile. */
function folded(
  state: RolloutState,
  batches: readonly (readonly EvidenceSeries[])[],
  lengthMs = BATCH_MS,
): { evidence: EvidenceState; now: number } {
  const from = state.stage!.enteredAt;
  const evidence = batches.reduce<EvidenceState>(
    (before, series, index) =>
      foldEvidence(
        before,
        { seq: index + 1, fromAt: from + index * lengthMs, toAt: from + (index + 1) * lengthMs, series },
        state,
      ),
    NO_EVIDENCE,
  );
  return { evidence, now: from + batches.length * lengthMs };
}

/** A hundred exposed requests with so many bad ones, by other users each turn. */
const exposed = (state: RolloutState, x: number, turn: number) => [
  seriesOf('errorRate', 'treatment', placeOf(state), { n: 100, x }, true, turn),
];

describe('judging', () => {
  it('finds harm that starts after ten quiet days', () => {
    const { state } = canary();
    const quiet = Array.from({ length: 120 }, () => bothArms(state, 'errorRate', 0, 0));
    const harm = Array.from({ length: 12 }, (_, turn) => exposed(state, 7, turn));
    const { evidence, now } = folded(state, [...quiet, ...harm], 2 * HOUR_MS);
    const late = judge(evidence, state, now).verdicts.find((one) => one.tier === 'abort')!;
    expect(evidence.restarts.slow).toBeGreaterThan(30);
    expect(late.status).toBe('fail');
    const whole = judge(
      {
        ...evidence,
        streams: Object.fromEntries(
          Object.entries(evidence.streams).map(([key, one]) => [key, { ...one, restarts: { slow: [], quick: [] } }]),
        ),
      },
      state,
      now,
    );
    expect(whole.verdicts.find((one) => one.tier === 'abort')?.status, 'without the restarts').not.toBe('fail');
  });

  it('takes back a pass that the last quarter contradicts', () => {
    const { state } = canary();
    const batches = Array.from({ length: 126 }, (_, turn) => exposed(state, turn < 96 || turn % 5 === 0 ? 0 : 2, turn));
    const { evidence, now } = folded(state, batches, 30_000);
    const gate = judge(evidence, state, now).verdicts.find((one) => one.tier === 'gate')!;
    expect(gate.logEPass).toBeGreaterThan(gate.passAt);
    expect(gate).toMatchObject({ status: 'inconclusive', note: expect.stringContaining('last quarter') });
    expect(gate.wouldChange).toMatch(/more observations|evidence of safety/);
  });

  it('gives only finite numbers, however extreme the evidence', () => {
    const { state } = canary();
    const amount = fc.constantFrom(0, 1, 100, 1e6, 1e12);
    fc.assert(
      fc.property(amount, amount, amount, amount, fc.boolean(), (nT, xT, nC, xC, users) => {
        const place = placeOf(state);
        const arms = [
          seriesOf('errorRate', 'treatment', place, { n: nT, x: Math.min(nT, xT) }, users),
          seriesOf('errorRate', 'control', place, { n: nC, x: Math.min(nC, xC) }, users),
        ];
        const { evidence, now } = folded(state, [arms, arms]);
        const said = judge(evidence, state, now);
        expect(JSON.parse(JSON.stringify(said))).toEqual(said);
      }),
      { numRuns: 60 },
    );
  });

  it('does not depend on the order or the split of the telemetry inside one batch', () => {
    const { state } = canary();
    const series = bothArms(state, 'errorRate', 0.03, 0.01);
    const pieces = series.flatMap((one) =>
      one.bucket.map((bucket, index) => ({
        ...one,
        bucket: [bucket],
        count: [one.count[index]!],
        sum: [one.sum[index]!],
        sumSquares: [one.sumSquares[index]!],
      })),
    );
    const whole = folded(state, [series]);
    fc.assert(
      fc.property(fc.shuffledSubarray(pieces, { minLength: pieces.length }), (shuffled) => {
        expect(folded(state, [shuffled]).evidence).toEqual(whole.evidence);
      }),
      { numRuns: 20 },
    );
  });

  it('folds a batch once, and never late data of statistics that ended', () => {
    const { state } = canary();
    const { evidence } = folded(state, [bothArms(state, 'errorRate', 0.001, 0.001)]);
    expect(
      foldEvidence(evidence, { seq: 1, fromAt: 0, toAt: 1, series: bothArms(state, 'errorRate', 1, 1) }, state),
    ).toBe(evidence);
    const drive = canary();
    drive.command({ type: 'Abort', reason: 'x' });
    drive.command({ type: 'RecordFix', incident: 1, text: 'x' });
    drive.now += HOUR_MS;
    const old = bothArms(state, 'errorRate', 1, 0);
    drive.command({ type: 'Retry', version: 'v2' });
    drive.tick(BATCH_MS, { series: old });
    expect(drive.state).toMatchObject({ phase: 'exposing', statistics: 2 });
    expect(drive.evidence.people.treatment + (drive.evidence.metrics.errorRate?.treatment.n ?? 0)).toBe(0);
  });

  it('says no-data of a metric that is silent while its source is alive, and error of one whose source failed', () => {
    const drive = canary(planOf({ abortCriteria: { errorRate: '2%', costPerQuery: '$1' } }));
    for (let count = 0; count < 18; count += 1)
      drive.tick(BATCH_MS, { series: bothArms(drive.state, 'errorRate', 0, 0) });
    expect(check(drive, 'abort:costPerQuery')).toMatchObject({
      status: 'no-data',
      note: expect.stringMatching(/no costPerQuery from exposed queries/),
    });
    expect(drive.state.blindSince).toBeDefined();
    drive.tick(BATCH_MS, {
      series: bothArms(drive.state, 'errorRate', 0, 0),
      failures: [{ metric: 'errorRate', message: 'HTTP 500' }],
    });
    expect(check(drive, 'abort:errorRate')).toMatchObject({
      status: 'error',
      note: 'HTTP 500',
      wouldChange: expect.stringContaining('HTTP 500'),
    });
  });

  it('is not blinded by an optional metric that is never measured, and proceeds without it', () => {
    const stages = [
      {
        name: 'canary',
        percentage: 5,
        duration: '1h',
        gate: [
          { metric: 'errorRate', limit: '1%' },
          { metric: 'conversion', limit: 'not worse than control by 2%', optional: true },
        ],
      },
      { name: 'ga', percentage: 100, duration: 'permanent' },
    ];
    const drive = canary(planOf({ stages })).serve(3 * HOUR_MS);
    expect(drive.all('SightLost')).toEqual([]);
    expect(drive.state.phase).toBe('monitoring');
  });

  it('counts complaints in a sliding window, and passes after a full window with the source alive', () => {
    const plan = planOf({
      abortCriteria: [
        { metric: 'userComplaints', limit: '2 per 20m' },
        { metric: 'errorRate', limit: '2%' },
      ],
    });
    const drive = canary(plan);
    const complain = (count: number) =>
      drive.tick(BATCH_MS, {
        series: bothArms(drive.state, 'errorRate', 0, 0),
        occurrences: [{ metric: 'userComplaints', at: drive.now, count }],
      });
    complain(2);
    expect(check(drive, 'abort:userComplaints')).toMatchObject({ status: 'inconclusive', value: 2 });
    drive.serve(20 * MINUTE_MS);
    expect(check(drive, 'abort:userComplaints')).toMatchObject({ status: 'pass', value: 0 });
    drive.tick(HOUR_MS);
    expect(check(drive, 'abort:userComplaints').status).toBe('no-data');
    complain(3);
    expect(drive.state).toMatchObject({ phase: 'aborted', incidents: [{ kind: 'criterion' }] });
  });

  it('holds when assignment is out of proportion, and lowers exposure when treatment stops reporting', () => {
    const users = (state: RolloutState, metric: string, arm: 'treatment' | 'control', n: number) =>
      seriesOf(metric, arm, placeOf(state), { n, x: 0 });
    const people = (drive: Drive, assigned: number, reported: number) =>
      drive.tick(BATCH_MS, {
        series: [
          users(drive.state, 'assigned', 'treatment', assigned),
          users(drive.state, 'assigned', 'control', 19_000),
          users(drive.state, 'reported', 'treatment', reported),
          users(drive.state, 'reported', 'control', 19_000),
          ...bothArms(drive.state, 'errorRate', 0, 0),
        ],
        instances: 1,
      });
    const skewed = canary();
    people(skewed, 700, 700);
    expect(skewed.state).toMatchObject({
      phase: 'exposing',
      dataInvalid: expect.stringContaining('not split as designed'),
    });
    expect(skewed.command({ type: 'Proceed', reason: 'x' })).toMatchObject({ ok: false, code: 'GATE_NOT_REACHED' });
    people(skewed, 1300, 1300);
    expect(skewed.state.dataInvalid, 'the split is right again').toBeUndefined();
    const crashing = canary();
    people(crashing, 1000, 400);
    expect(crashing.state).toMatchObject({
      phase: 'aborted',
      incidents: [{ kind: 'telemetry-missing', people: { treatment: 1000 } }],
    });
    const fewer = canary();
    people(fewer, 950, 940);
    expect(fewer.state).toMatchObject({ phase: 'exposing' });
  });

  it('counts people placed by their audience as exposed, and compares them with nobody', () => {
    const stages = [
      { name: 'team', audience: 'team', percentage: 100, duration: '1h', gate: [{ metric: 'errorRate', limit: '1%' }] },
      { name: 'ga', percentage: 100, duration: 'permanent' },
    ];
    const drive = new Drive(
      planOf({
        stages,
        abortCriteria: [
          { metric: 'userComplaints', limit: '2 per 24h' },
          { metric: 'errorRate', limit: '2%' },
        ],
      }),
    ).begin();
    expect([hasControl(drive.state.layers), hasControl([{ weight: 5000 }])]).toEqual([false, true]);
    const place = { epoch: drive.state.epoch, stratum: 100_000 };
    drive.tick(BATCH_MS, {
      series: [
        seriesOf('errorRate', 'targeted', place, { n: 640, x: 0 }),
        seriesOf('assigned', 'targeted', place, { n: 12, x: 0 }),
      ],
    });
    expect(check(drive, 'gate:errorRate')).toMatchObject({ status: 'pass', treatmentCount: 640, controlCount: 0 });
    expect(drive.judgement?.people).toMatchObject({ treatment: 0, targeted: 12, exposed: { atLeast: 12, atMost: 12 } });
    const again = (instances: number, n: number) =>
      drive.tick(BATCH_MS, { instances, series: [seriesOf('assigned', 'targeted', place, { n, x: 0 })] });
    // Of 30 counted by 2 processes at once at least 15 are different people; all 45 may be.
    again(2, 30);
    again(3, 3);
    expect(drive.judgement?.people.exposed).toEqual({ atLeast: 15, atMost: 45 });
    drive.tick(BATCH_MS, { series: [seriesOf('userComplaints', 'targeted', place, { n: 3, x: 3 })] });
    expect(drive.state.phase).toBe('aborted');
  });

  it('trips by the plain rule on two breaches running, for shares, means and quantiles, but never for a rate', () => {
    const plan = planOf({
      killSwitch: {
        flag: 'k',
        autoTrip: true,
        trip: [
          { metric: 'costPerQuery', limit: '$0.50', window: '10m', minSample: 5 },
          { metric: 'p99Latency', limit: '2s', minSample: 5 },
          { metric: 'throughput', limit: '0.8x baseline', minSample: 1 },
        ],
      },
    });
    const series = (drive: Drive, cost: number, latency: number) => [
      ...bothArms(drive.state, 'errorRate', 0, 0),
      seriesOf('costPerQuery', 'treatment', placeOf(drive.state), { n: 10, x: 10 * cost }, false),
      seriesOf(
        'p99Latency',
        'treatment',
        placeOf(drive.state),
        { n: 0, x: 0, values: [latency, latency, latency, latency, latency] },
        false,
      ),
      seriesOf('throughput', 'treatment', placeOf(drive.state), { n: 10, x: 0 }, false),
    ];
    const dear = canary(plan);
    dear.tick(BATCH_MS, { series: series(dear, 0.8, 1) });
    expect(dear.state.killed).toBe(false);
    const open: EvidenceBatch = {
      seq: dear.batches.length + 1,
      fromAt: dear.now,
      toAt: dear.now + 1000,
      series: series(dear, 0.8, 1),
    };
    expect(mustCloseNow(dear.state, dear.evidence, open, dear.now + 1000)).toBe(true);
    expect(mustCloseNow(dear.state, dear.evidence, { ...open, series: [] }, dear.now + 1000)).toBe(false);
    dear.tick(BATCH_MS, { series: series(dear, 0.8, 1) });
    expect(dear.state).toMatchObject({
      killed: true,
      layers: [],
      incidents: [
        {
          kind: 'kill',
          reason: 'costPerQuery breaches $0.50 by the plain rule, twice running over the window (kill switch)',
          verdict: {
            metric: 'costPerQuery',
            validity: 'plain rule',
            value: 0.8,
            note: 'tripped by the plain rule over 10 min, n = 20',
            wouldChange:
              'tripped by the plain rule: the value was beyond the limit over the window, twice running; it makes no statistical claim',
          },
        },
      ],
    });
    expect(mustCloseNow(dear.state, dear.evidence, open, dear.now)).toBe(false);
    expect(dear.state.incidents[0]?.verdict).not.toHaveProperty('interval');
    const slow = canary(plan);
    for (let count = 0; count < 2; count += 1) slow.tick(BATCH_MS, { series: series(slow, 0.1, 3) });
    expect(slow.state.incidents[0]?.verdict?.metric).toBe('p99Latency');
  });

  it('does not take SDKs that have not reported yet for a low rate', () => {
    const drive = canary(planOf({ abortCriteria: { throughput: '0.8x control', errorRate: '1%' } }));
    const place = placeOf(drive.state);
    const late = [
      seriesOf('throughput', 'treatment', place, { n: 1, x: 0 }),
      seriesOf('throughput', 'control', place, { n: 2000, x: 0 }),
    ];
    const open: EvidenceBatch = { seq: 999, fromAt: drive.now, toAt: drive.now + 1000, series: late };
    expect(mustCloseNow(drive.state, drive.evidence, open, drive.now + 1000)).toBe(false);
    const bad = [seriesOf('errorRate', 'treatment', place, { n: 400, x: 200 })];
    expect(mustCloseNow(drive.state, drive.evidence, { ...open, series: bad }, drive.now + 1000)).toBe(true);
  });

  it('freezes a baseline of every kind of metric over the time it was seen', () => {
    const plan = planOf({
      abortCriteria: {
        errorRate: '2%',
        p99Latency: 2,
        costPerQuery: '2x baseline',
        throughput: '0.8x baseline',
        supportTickets: '2x baseline',
      },
      metrics: { supportTickets: { source: 'desk' } },
    });
    const drive = new Drive(plan);
    drive.command({ type: 'Start' });
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' });
    const place = { epoch: 0, stratum: 0 };
    const series = [
      seriesOf('errorRate', 'control', place, { n: 1000, x: 10 }),
      seriesOf('costPerQuery', 'control', place, { n: 1000, x: 200, xx: 44 }),
      seriesOf('throughput', 'control', place, { n: 240, x: 0 }),
      seriesOf('p99Latency', 'control', place, {
        n: 0,
        x: 0,
        values: Array.from({ length: 200 }, (_, index) => 1 + index / 200),
      }),
    ];
    const desk = [{ metric: 'supportTickets', at: drive.now, count: 24 }];
    drive.tick(BATCH_MS, { series, occurrences: desk });
    drive.tick(BATCH_MS, { series, occurrences: desk });
    const { metrics } = drive.state.baseline!;
    expect(metrics.errorRate).toMatchObject({ value: 0.01, count: 2000 });
    expect(metrics.costPerQuery?.value).toBeCloseTo(0.2, 6);
    expect(metrics.throughput?.value).toBe(1);
    expect(metrics.supportTickets?.value).toBeCloseTo(0.1, 6);
    expect(metrics.p99Latency?.value).toBeCloseTo(1.98, 1);
    for (const one of Object.values(metrics)) expect(one.low <= one.value && one.value <= one.high).toBe(true);
    expect(baselineOf(NO_EVIDENCE, drive.state, drive.now).metrics).toEqual({});
  });

  it('measures a baseline afresh when the one before it was aborted', () => {
    const drive = new Drive();
    drive.command({ type: 'Start' });
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' });
    drive.serve(BATCH_MS, 0, 0.5);
    drive.command({ type: 'Abort', reason: 'not now' });
    drive.now += HOUR_MS;
    drive.command({ type: 'Retry', reason: 'now' });
    for (let count = 0; count < 4 && drive.state.phase === 'baseline'; count += 1) drive.serve(BATCH_MS);
    expect(drive.state.baseline?.metrics.errorRate?.value).toBeCloseTo(0.001, 6);
  });

  it('measures every kind against its baseline line in the units of the metric', () => {
    const drive = canary(planOf({ abortCriteria: { errorRate: 'baseline + 1%' } }));
    drive.serve(BATCH_MS);
    const verdict = check(drive, 'abort:errorRate');
    expect(verdict.reference).toEqual({ kind: 'baseline', value: 0.001 });
    expect(verdict.failLine).toBeGreaterThan(verdict.passLine!);
    const relative = check(drive, 'alert:errorRate');
    expect(relative).toMatchObject({ reference: { kind: 'control' }, controlCount: expect.any(Number) });
    expect(relative.failLine).toBeUndefined();
  });
});
