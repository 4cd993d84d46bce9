import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ANA,
  BATCH_MS,
  BEN,
  bothArms,
  Drive,
  HOUR_MS,
  happen,
  happening,
  placeOf,
  planOf,
  seriesOf,
  VIEWER,
} from '../arbitraries.contract.ts';
import type { GoldenScore } from '../command.ts';
import { renderReport } from '../documents/report.ts';
import { companionOf } from '../evidence.ts';
import { replay } from '../evolve.ts';
import { emptyLedger } from '../judge/evidence-state.ts';
import { foldTrusted } from '../judge/fold-trusted.ts';
import { judge } from '../judge/judge.ts';
import { distrustOf, judgesToCalibrate } from '../judge/judge-trust.ts';
import { prepareBatch } from '../judge/prepare-batch.ts';
import { planFromObject } from '../plan/parse-plan.ts';
import type { RolloutConfig } from '../plan/plan-schema.ts';
import { openReplay } from '../replay/replay-rollout.ts';
import { waitingFor } from './tick-advance.ts';

const JUDGE = { goldenSet: 'golden-1', items: 10, expected: 0.4, tolerance: 0.1, maxAge: '2h' } as const;
const judged = (more: object = {}) => planOf({ judges: { errorRate: { ...JUDGE, ...more } } });

/** Ten items, `bad` of which are scored 1. */
const golden = (bad: number, count = 10): readonly GoldenScore[] =>
  Array.from({ length: count }, (_, index) => ({ item: `item-${index}`, score: index < bad ? 1 : 0 }));

function calibrate(drive: Drive, bad: number, more: { readonly cost?: number; readonly judge?: string } = {}) {
  return drive.command({
    type: 'CalibrateJudge',
    metric: 'errorRate',
    goldenSet: 'golden-1',
    scores: golden(bad),
    ...more,
  });
}

const statuses = (drive: Drive) => new Set(drive.judgement?.verdicts.map(({ status }) => status));
const notes = (drive: Drive) => new Set(drive.judgement?.verdicts.map(({ note }) => note));

/** A drive in canary, its judge calibrated an hour before. */
function inCanary(more: object = {}): Drive {
  const drive = new Drive(judged(more));
  calibrate(drive, 4);
  return drive.begin();
}

describe('a calibration of a judge', () => {
  it('is within its tolerance up to the tolerance itself, and has drifted beyond it', () => {
    const drive = new Drive(judged());
    expect(calibrate(drive, 5)).toMatchObject({ ok: true, events: [{ mean: 0.5, drifted: false, items: 10 }] });
    expect(calibrate(drive, 6)).toMatchObject({ ok: true, events: [{ mean: 0.6, drifted: true }] });
    expect(drive.state.judges?.errorRate).toMatchObject({ last: { drifted: true, by: 'ana' }, driftedAt: drive.now });
    calibrate(drive, 4);
    expect(drive.state.judges?.errorRate).toMatchObject({ last: { drifted: false }, driftedAt: drive.now });
  });

  it('with labels is as far off as its scores are from them on average, whatever their mean', () => {
    const drive = new Drive(judged({ expected: 'labels' }));
    const swapped = golden(4).map((one, index) => ({ ...one, label: index >= 6 ? 1 : 0 }));
    const command = { type: 'CalibrateJudge', metric: 'errorRate', goldenSet: 'golden-1' } as const;
    expect(drive.command({ ...command, scores: swapped })).toMatchObject({
      events: [{ deviation: 0.8, drifted: true }],
    });
    const same = golden(4).map((one) => ({ ...one, label: one.score ?? 0 }));
    expect(drive.command({ ...command, scores: same })).toMatchObject({ events: [{ deviation: 0, drifted: false }] });
    expect(drive.command({ ...command, scores: golden(4) })).toMatchObject({
      code: 'CALIBRATION_INVALID',
      message: expect.stringContaining('no label'),
    });
  });

  it.each([
    ['another golden set', { goldenSet: 'golden-2' }, 'golden-2'],
    ['too few items', { scores: golden(4, 9) }, 'received 9 scores; at least 10'],
    [
      'items the judge failed on',
      { scores: golden(4).map((one, i) => (i === 0 ? { ...one, score: null } : one)) },
      '1 items could not be scored',
    ],
    ['an item twice', { scores: [...golden(4), ...golden(4).slice(0, 1)] }, 'scored twice'],
    ['a share above 1', { scores: [...golden(4), { item: 'x', score: 2 }] }, 'outside [0, 1]'],
  ])('is refused for %s, and leaves things as they are', (_, change, text) => {
    const drive = new Drive(judged());
    const command = {
      type: 'CalibrateJudge',
      metric: 'errorRate',
      goldenSet: 'golden-1',
      scores: golden(4),
      ...change,
    };
    const decision = drive.command(command as never);
    expect(decision).toMatchObject({ ok: false, code: 'CALIBRATION_INVALID', message: expect.stringContaining(text) });
    expect(drive.state.judges).toBeUndefined();
  });

  it('is refused for a metric without a judge, to a viewer, and after the end', () => {
    const drive = new Drive(judged());
    const command = { type: 'CalibrateJudge', metric: 'p99Latency', goldenSet: 'golden-1', scores: golden(4) } as const;
    expect(drive.command(command)).toMatchObject({ code: 'JUDGE_UNKNOWN' });
    expect(drive.command({ ...command, metric: 'toString' })).toMatchObject({ code: 'JUDGE_UNKNOWN' });
    expect(drive.command({ ...command, metric: 'errorRate' }, VIEWER)).toMatchObject({ code: 'FORBIDDEN' });
    drive.command({ type: 'Cancel', reason: 'over' });
    expect(drive.command({ ...command, metric: 'errorRate' })).toMatchObject({ code: 'WRONG_PHASE' });
  });
});

describe('a rollout whose metric has a judge', () => {
  it('proceeds on scores of a calibrated judge', () => {
    const drive = inCanary();
    drive.serve(50 * 60_000);
    expect(statuses(drive)).toContain('pass');
    expect(waitingFor(drive.state, drive.judgement, drive.now).join()).not.toContain('judge');
  });

  it('exposes nobody before the judge is calibrated', () => {
    const drive = new Drive(judged()).begin();
    drive.serve(2 * HOUR_MS);
    expect(drive.state.phase).toBe('baseline');
    expect(drive.state.baseline).toBeDefined();
    expect(judgesToCalibrate(drive.state, drive.now)).toEqual([
      'a calibration on golden-1 within its tolerance (the judge of errorRate was never calibrated)',
    ]);
    calibrate(drive, 10);
    drive.serve(HOUR_MS);
    expect(drive.state.phase).toBe('baseline');
    calibrate(drive, 4);
    drive.serve(BATCH_MS);
    expect(drive.state.phase).toBe('exposing');
  });

  it('neither aborts nor kills on the scores of a judge that drifted, however bad they are', () => {
    const drive = inCanary();
    drive.serve(20 * 60_000);
    calibrate(drive, 10);
    drive.serve(2 * HOUR_MS, 0.9, 0.001);
    expect(drive.state.phase).toBe('exposing');
    expect(drive.state.killed).toBe(false);
    expect(statuses(drive)).toEqual(new Set(['inconclusive']));
    expect([...notes(drive)].join()).toContain('has drifted: golden set golden-1 scored 100 %, expected 40 % ± 10 %');
  });

  it('forgets what a drifted judge said: calibrated again, it judges by new scores alone', () => {
    const drive = inCanary();
    drive.serve(12 * 60_000, 0.004, 0.001);
    expect(drive.judgement?.verdicts[0]?.treatmentCount).toBeGreaterThan(0);
    calibrate(drive, 10);
    drive.serve(8 * 60_000, 0.9, 0.001);
    calibrate(drive, 10);
    calibrate(drive, 4);
    drive.tick(BATCH_MS, { series: bothArms(drive.state, 'errorRate', 0.9, 0.001) });
    drive.serve(20 * 60_000);
    expect(drive.state.phase).toBe('exposing');
    expect(drive.judgement?.verdicts.map(({ treatmentCount }) => treatmentCount)).toContain(5 * 100);
    expect(statuses(drive)).not.toContain('fail');
    drive.serve(HOUR_MS, 0.9, 0.001);
    expect(drive.state.phase).toBe('aborted');
  });

  it('needs a calibration within maxAge of each stage: before it, and in it where a person went on without', () => {
    const drive = inCanary({ maxAge: '30m' });
    drive.command({ type: 'Approve', item: 'No critical bugs' }, BEN);
    drive.serve(2 * HOUR_MS);
    expect(drive.state.stage?.index).toBe(0);
    expect(statuses(drive)).toContain('pass');
    expect(waitingFor(drive.state, drive.judgement, drive.now).join()).toContain('before the stage, allowed 30 min');
    drive.command({ type: 'Proceed', reason: 'the judge is fine' });
    drive.serve(2 * HOUR_MS);
    expect(drive.state.stage?.index).toBe(1);
    expect(statuses(drive)).toEqual(new Set(['inconclusive']));
    expect([...notes(drive)].join()).toContain('before the stage, allowed 30 min');
    calibrate(drive, 4);
    drive.serve(2 * HOUR_MS);
    expect(drive.state.stage?.index).toBe(2);
  });

  it('does not clear an alert because the judge drifted', () => {
    const loose = planOf({
      judges: { errorRate: JUDGE },
      stages: [
        { name: 'canary', percentage: 25, duration: '1h', gate: [{ metric: 'errorRate', limit: '30%' }] },
        { name: 'ga', percentage: 100, duration: 'permanent' },
      ],
      abortCriteria: { errorRate: '30%' },
      killSwitch: { flag: 'f-kill', trip: [{ metric: 'errorRate', limit: '90%' }] },
    });
    const alerted = new Drive(loose);
    calibrate(alerted, 4);
    alerted.begin().serve(30 * 60_000, 0.1, 0.001);
    expect(alerted.state.alerting).toHaveLength(1);
    calibrate(alerted, 10);
    alerted.serve(10 * 60_000, 0.001, 0.001);
    expect(alerted.state.alerting).toHaveLength(1);
  });

  it('tells once that judging has spent its budget, and holds until a person resumes', () => {
    const drive = inCanary({ budget: '$10' });
    const cost = (usd: number) =>
      seriesOf(companionOf('errorRate', 'cost'), 'treatment', placeOf(drive.state), { n: 10, x: usd }, true);
    drive.tick(BATCH_MS, { series: [...bothArms(drive.state, 'errorRate', 0.001, 0.001), cost(5)] });
    expect(drive.state.hold).toBeUndefined();
    calibrate(drive, 4, { cost: 5 });
    drive.tick(BATCH_MS, { series: bothArms(drive.state, 'errorRate', 0.001, 0.001) });
    expect(drive.all('JudgeBudgetSpent')).toEqual([
      { type: 'JudgeBudgetSpent', metric: 'errorRate', cost: 10, budget: 10 },
    ]);
    expect(drive.state.hold?.reason).toBe('judging has spent its budget: errorRate $10.00 of $10.00');
    drive.command({ type: 'Resume', reason: 'worth it' });
    drive.serve(20 * 60_000);
    expect(drive.state.hold).toBeUndefined();
    expect(drive.all('JudgeBudgetSpent')).toHaveLength(1);
  });

  it('shows in its report how the metric was measured', () => {
    const drive = inCanary({ budget: '$10' });
    calibrate(drive, 4, { judge: 'gpt-judge/2', cost: 0.25 });
    const place = placeOf(drive.state);
    drive.tick(BATCH_MS, {
      series: [
        ...bothArms(drive.state, 'errorRate', 0.001, 0.001),
        seriesOf(companionOf('errorRate', 'sampling'), 'treatment', place, { n: 60, x: 30 }),
        seriesOf(companionOf('errorRate', 'unmeasured'), 'control', place, { n: 3, x: 3 }),
      ],
      priceBooks: ['book 1'],
    });
    drive.command({ type: 'Abort', reason: 'enough' }, ANA);
    const report = renderReport(drive.records, drive.state, { now: drive.now });
    expect(report).toContain('- Sampling: 50 % of answers scored');
    expect(report).toContain('- Could not be measured: 3 (counted as no data)');
    expect(report).toContain('- Judge: golden set golden-1, 40 % over 10 items by gpt-judge/2');
    expect(report).toContain('- Judging cost: $0.25 of $10.00');
    expect(report).not.toContain('Price book');
  });

  it('is replayed exactly: calibrations are events, and what was left out is left out again', () => {
    const drive = inCanary();
    drive.serve(12 * 60_000, 0.004, 0.001);
    calibrate(drive, 10);
    drive.serve(12 * 60_000, 0.9, 0.001);
    calibrate(drive, 4);
    drive.serve(HOUR_MS, 0.9, 0.001);
    expect(drive.state.phase).toBe('aborted');
    const replay = openReplay(drive.records);
    for (const { batch, version } of drive.batches) replay.feed({ ...batch, look: { at: batch.toAt, version } });
    expect(replay.finish()).toMatchObject({ differences: [], state: { phase: 'aborted' } });
  });
});

describe('what a drifted judge said', () => {
  it('is forgotten as well where a ledger is folded in place', () => {
    const drive = inCanary();
    drive.serve(12 * 60_000, 0.004, 0.001);
    calibrate(drive, 10);
    drive.serve(8 * 60_000, 0.9, 0.001);
    calibrate(drive, 4);
    drive.serve(20 * 60_000);
    const ledger = emptyLedger();
    for (const { batch, version } of drive.batches) {
      const state = replay(drive.records.slice(0, version))!;
      foldTrusted(ledger, prepareBatch(batch), state);
      judge(ledger, state, batch.toAt);
    }
    expect(judge(ledger, drive.state, drive.now)).toEqual(drive.judgement);
  });
});

/** What may happen to a judge between other things. */
const judgement = fc.oneof(
  { weight: 3, arbitrary: fc.record({ bad: fc.constantFrom(4, 4, 10) }) },
  { weight: 5, arbitrary: happening },
);

describe('a judge that cannot be trusted, whatever happens', () => {
  it('neither lowers exposure nor raises it', () => {
    const seen = new Set<string>();
    const life = fc.array(judgement, { maxLength: 20, size: 'max' });
    fc.assert(
      fc.property(fc.constantFrom('24h', '40m'), life, (maxAge, happenings) => {
        const drive = inCanary({ maxAge });
        for (const one of happenings) {
          if ('bad' in one) calibrate(drive, one.bad);
          else happen(drive, one);
        }
        for (const { before, events, command, judgement: judged } of drive.steps) {
          if (judged === undefined || distrustOf(before, 'errorRate') === undefined) continue;
          seen.add('distrusted');
          expect(new Set(judged.verdicts.map(({ status }) => status))).toEqual(new Set(['inconclusive']));
          const caused = events.filter((event) => event.type === 'RolloutAborted' && event.verdict !== undefined);
          const raised = events.filter(({ type }) => type === 'StagePassed' || type === 'RolloutCompleted');
          expect([command, caused, raised]).toEqual([undefined, [], []]);
        }
        expect(replay(drive.records)).toEqual(drive.state);
      }),
      { numRuns: 40 },
    );
    expect(seen).toContain('distrusted');
  });
});

describe('judges in a plan', () => {
  const parsed = (judges: RolloutConfig['judges']) =>
    planFromObject({ ...PLAN, judges }, { now: 0, override: 'a test' });
  const PLAN = {
    flag: 'f',
    stages: [
      { name: 'canary', percentage: 5, duration: '24h' },
      { name: 'ga', percentage: 100, duration: 'permanent' },
    ],
    abortCriteria: { faithfulness: 0.85, timeToFirstToken: 2 },
  } as const;

  it('take numbers, percentages, dollars and durations, and have defaults', () => {
    const result = parsed({ faithfulness: { goldenSet: 'g', expected: '92%', tolerance: 0.03, budget: '$20' } });
    expect(result).toMatchObject({
      ok: true,
      plan: {
        judges: {
          faithfulness: {
            goldenSet: 'g',
            items: 30,
            expected: 0.92,
            tolerance: 0.03,
            maxAgeMs: 86_400_000,
            budget: 20,
          },
        },
      },
    });
  });

  it.each([
    ['unknown-metric', { faithfulnes: { goldenSet: 'g', expected: 1, tolerance: 0 } }],
    ['invalid-judge', { hallucinationRate: { goldenSet: 'g', expected: 1, tolerance: 0 } }],
    ['invalid-judge', { timeToFirstToken: { goldenSet: 'g', expected: 1, tolerance: 0 } }],
    ['invalid-judge', { faithfulness: { goldenSet: 'g', expected: 'high', tolerance: 0 } }],
    ['invalid-judge', { faithfulness: { goldenSet: 'g', expected: 1.9, tolerance: 0 } }],
    ['invalid-judge', { faithfulness: { goldenSet: 'g', expected: 0.9, tolerance: 3 } }],
    ['invalid-judge', { faithfulness: { goldenSet: 'g', expected: 1, tolerance: -1 } }],
    ['invalid-judge', { faithfulness: { goldenSet: 'g', expected: 1, tolerance: 0, budget: '-$1' } }],
    ['invalid-duration', { faithfulness: { goldenSet: 'g', expected: 1, tolerance: 0, maxAge: 'soon' } }],
    ['unknown-key', { faithfulness: { goldenSet: 'g', expected: 1, tolerance: 0, maxage: '1h' } }],
  ] as const)('are refused with %s', (code, judges) => {
    const result = parsed(judges as RolloutConfig['judges']);
    expect(result.ok ? [] : result.issues.map((issue) => issue.code)).toContain(code);
  });
});
