import { describe, expect, it } from 'vitest';
import { ANA, BATCH_MS, BEN, Drive, HOUR_MS, MINUTE_MS, planOf, VIEWER } from '../arbitraries.contract.ts';
import type { RolloutCommand } from '../command.ts';
import type { Principal } from '../principal.ts';
import type { Baseline } from '../verdict.ts';

type Capture = Extract<RolloutCommand, { type: 'CaptureBaseline' }>;

const OBSERVER: Principal = { id: 'agent:o11y', kind: 'agent', roles: ['observer'] };

const of = (value: number, count = 100_000) => ({ value, count, low: value * 0.9, high: value * 1.1 });

function anew(drive: Drive, parts: Partial<Baseline> = {}): Capture {
  const baseline = { fromAt: drive.now - HOUR_MS, toAt: drive.now, metrics: { errorRate: of(0.004) }, ...parts };
  return { type: 'CaptureBaseline', baseline, reason: 'Monday differs from Sunday' };
}

const AGAINST_BASELINE = { abortCriteria: { errorRate: 'baseline + 1%' }, alerts: {} };

/** A rollout whose whole life rests on the baseline, in its first stage. */
function exposed(parts: Parameters<typeof planOf>[0] = AGAINST_BASELINE): Drive {
  const drive = new Drive(planOf(parts)).begin();
  expect(drive.state.phase).toBe('exposing');
  return drive;
}

describe('the first baseline', () => {
  it('is version 1 and live', () => {
    const { baseline } = exposed().state;
    expect(baseline).toMatchObject({ version: 1, source: 'live' });
    expect(baseline?.metrics.errorRate).toMatchObject({ count: expect.any(Number), low: expect.any(Number) });
  });

  it('of a rollout whose metrics have a recorded past is not captured from live traffic alone', () => {
    const drive = new Drive();
    drive.command({ type: 'Start', recorded: { errorRate: 'prometheus' } });
    drive.command({ type: 'Approve', item: 'launch-readiness', evidence: 'https://wiki.example.com/launch' }, BEN);
    drive.serve(HOUR_MS);
    expect(drive.state.phase).toBe('baseline');
    expect(drive.state.baseline).toBeUndefined();
    expect(drive.command(anew(drive, { source: 'history' }), OBSERVER).ok).toBe(true);
    expect(drive.state).toMatchObject({ phase: 'exposing', baseline: { version: 1, source: 'history' } });
  });
});

describe('a new version of the baseline', () => {
  it.each([
    ['an operator', ANA],
    ['an agent that observes', OBSERVER],
  ])('may be taken by %s, with its reason on record', (_, by) => {
    const drive = exposed();
    const before = drive.state;
    expect(drive.command(anew(drive), by).ok).toBe(true);
    expect(drive.state.baseline).toMatchObject({ version: 2, metrics: { errorRate: { value: 0.004 } } });
    expect(drive.records.at(-1)).toMatchObject({ by: by.id, event: { reason: 'Monday differs from Sunday' } });
    expect(drive.state.layers).toEqual(before.layers);
    expect(drive.state.epoch).toBe(before.epoch);
  });

  it('needs a reason and a role', () => {
    const drive = exposed();
    const { reason: _, ...bare } = anew(drive);
    expect(drive.command(bare)).toMatchObject({ ok: false, code: 'REASON_REQUIRED' });
    expect(drive.command(anew(drive), VIEWER)).toMatchObject({ ok: false, code: 'FORBIDDEN' });
  });

  it('moves the lines that checks are held against', () => {
    const drive = exposed();
    drive.serve(BATCH_MS);
    const line = () => drive.judgement?.verdicts.find(({ tier }) => tier === 'abort')?.failLine;
    const before = line();
    drive.command(anew(drive));
    drive.serve(BATCH_MS);
    expect(line()).toBeCloseTo(0.0044 + 0.01, 6);
    expect(before).toBeLessThan(0.0144);
  });

  it('keeps what the version before says of metrics that are not taken anew', () => {
    const drive = exposed();
    const first = drive.state.baseline;
    drive.command(anew(drive, { metrics: { p99Latency: of(0.3) } }));
    const { baseline } = drive.state;
    expect(baseline?.metrics.errorRate).toMatchObject({
      value: first?.metrics.errorRate?.value,
      origin: { version: 1, source: 'live', fromAt: first?.fromAt, toAt: first?.toAt },
    });
    expect(baseline?.metrics.p99Latency?.origin).toBeUndefined();
  });

  it('is refused where it would rest on far fewer observations', () => {
    const drive = exposed();
    expect(drive.command(anew(drive, { metrics: { errorRate: of(0.004, 10) } }))).toMatchObject({
      ok: false,
      code: 'BASELINE_UNAVAILABLE',
      message: expect.stringContaining('errorRate has 10 observations'),
    });
    expect(drive.command(anew(drive, { metrics: {} }))).toMatchObject({ ok: false, code: 'BASELINE_UNAVAILABLE' });
  });

  it('never comes from treatment: at 100 % only a history will do', () => {
    const stages = [{ name: 'ga', percentage: 100, duration: 'permanent' as const, monitor: '1h' }];
    const drive = new Drive(
      planOf({ ...AGAINST_BASELINE, stages, abortCriteria: { errorRate: 'baseline + 1%' } }),
    ).begin();
    expect(drive.state.phase).toBe('monitoring');
    expect(drive.command(anew(drive))).toMatchObject({
      ok: false,
      code: 'BASELINE_UNAVAILABLE',
      message: expect.stringContaining('Nobody is in control in stage ga'),
    });
    expect(drive.command(anew(drive, { source: 'history' })).ok).toBe(true);
  });

  it('never lets exposure rise by itself: an advance needs a fresh window of evidence after it', () => {
    const drive = exposed();
    drive.command({ type: 'Approve', item: 'No critical bugs' });
    drive.serve(HOUR_MS - BATCH_MS);
    expect(drive.state.stage?.index).toBe(0);
    drive.command(anew(drive));
    drive.serve(40 * MINUTE_MS);
    expect(drive.state.stage?.index).toBe(0);
    drive.serve(30 * MINUTE_MS);
    expect(drive.state.stage?.index).toBe(1);
  });

  it('cannot move a line away from evidence of harm', () => {
    const drive = exposed();
    const verdictOf = (logEFail: number) =>
      drive.judgement?.verdicts.map((one) => (one.tier === 'abort' ? { ...one, logEFail, failAt: 4 } : one)) ?? [];
    drive.serve(BATCH_MS);
    expect(drive.command({ ...anew(drive), verdicts: verdictOf(2) })).toMatchObject({
      ok: false,
      code: 'EVIDENCE_OF_HARM',
      message: expect.stringContaining('50 % of the evidence it needs to fail'),
    });
    expect(drive.command({ ...anew(drive), verdicts: verdictOf(1.9) }).ok).toBe(true);
  });

  it('cannot be taken once nothing is exposed any more', () => {
    const drive = exposed();
    drive.command({ type: 'Abort', reason: 'no' });
    expect(drive.command(anew(drive))).toMatchObject({ ok: false, code: 'WRONG_PHASE' });
  });
});
