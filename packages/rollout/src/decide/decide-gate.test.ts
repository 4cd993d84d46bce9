import { describe, expect, it } from 'vitest';
import { AGENT, ANA, BATCH_MS, BEN, Drive, HOUR_MS, MINUTE_MS, planOf, VIEWER } from '../arbitraries.contract.ts';
import type { RolloutCommand } from '../command.ts';
import type { RolloutConfig } from '../plan/plan-schema.ts';
import { RAMPART } from '../principal.ts';
import { decide } from './decide.ts';
import { needsGatesAnew, waitingFor } from './tick-advance.ts';

const SECOND_MS = 1000;
const URL = 'https://gates.example.com/release';
const refused = (code: string) => ({ ok: false, code });
const gated = (...gates: NonNullable<RolloutConfig['gates']>) => planOf({ gates, exit: [] });
const says = (gate: string, open: boolean, why = open ? 'it answered 200' : 'it answered 503'): RolloutCommand => ({
  type: 'AnswerGate',
  gate,
  open,
  why,
});
const waits = ({ state, judgement, now }: Drive) => waitingFor(state, judgement, now);

/** In canary, all done but what gates say. */
function ready(drive: Drive): Drive {
  drive.reach('canary');
  drive.command({ type: 'Approve', item: 'No critical bugs' }, BEN);
  return drive.serve(HOUR_MS);
}

describe('a gate of advance', () => {
  const plan = gated({ webhook: URL, name: 'release-window' });

  it('is waited for until it is open, and lets the rollout on then', () => {
    const drive = ready(new Drive(plan));
    expect(waits(drive)).toEqual(['gate release-window, which has not answered yet']);
    drive.command(says('release-window', false), RAMPART);
    drive.serve(BATCH_MS);
    expect(waits(drive)).toEqual(['gate release-window, which is closed: it answered 503']);
    expect(drive.state.stage, 'time is served all the same').toMatchObject({ index: 0, servedMs: 0 });
    drive.command(says('release-window', true), RAMPART);
    drive.tick(SECOND_MS);
    expect(drive.state).toMatchObject({ phase: 'exposing', stage: { index: 1 } });
    expect(drive.state.gates, 'what it said was for that stage').toBeUndefined();
  });

  it('is not asked before its stage has served its time, and says so', () => {
    const drive = new Drive(plan).reach('canary').serve(BATCH_MS);
    expect(waits(drive)).toContain("gate release-window, which is asked once the stage's time is served");
  });

  it('leads to an event only when it says something else', () => {
    const drive = ready(new Drive(plan));
    const answers = [false, false, true, true, false].map((open) =>
      drive.command(says('release-window', open), RAMPART),
    );
    expect(answers.map((one) => one.ok && one.events.length)).toEqual([1, 0, 1, 0, 1]);
  });

  it('counts as closed when its word is older than four intervals, and needs to be asked anew then', () => {
    const drive = new Drive(plan).reach('canary');
    drive.serve(HOUR_MS);
    drive.command(says('release-window', true), RAMPART);
    drive.serve(BATCH_MS);
    expect(needsGatesAnew(drive.state, drive.judgement, drive.now), 'a confirmation is waited for').toBe(false);
    drive.command({ type: 'Approve', item: 'No critical bugs' }, BEN);
    drive.serve(BATCH_MS);
    expect(waits(drive)).toEqual(['gate release-window, which is asked anew: its answer is 8 min old']);
    expect(needsGatesAnew(drive.state, drive.judgement, drive.now)).toBe(true);
    expect(decide(drive.state, { type: 'Proceed', reason: 'its system is down' }, ANA, drive.now)).toMatchObject({
      ok: true,
      events: [
        { what: 'proceed from canary; past gate release-window, which is asked anew: its answer is 8 min old' },
        {},
        {},
      ],
    });
    drive.command(says('release-window', true), RAMPART);
    drive.tick(SECOND_MS);
    expect(drive.state.stage?.index).toBe(1);
  });

  it('holds an advance, never an abort', () => {
    const drive = ready(new Drive(plan));
    drive.command(says('release-window', false), RAMPART);
    drive.serve(30 * MINUTE_MS, 0.2);
    expect(drive.state).toMatchObject({ phase: 'aborted', layers: [] });
  });

  it('is passed by a person with a reason, on record as an override, and by an agent only as a proposal', () => {
    const drive = ready(new Drive(plan));
    drive.command(says('release-window', false), RAMPART);
    drive.serve(BATCH_MS);
    expect(drive.command({ type: 'Proceed', reason: 'the calendar is down' }, AGENT)).toMatchObject({
      ok: true,
      events: [{ type: 'ProposalMade', action: 'proceed' }],
    });
    expect(drive.state.stage?.index).toBe(0);
    drive.command({ type: 'Proceed', reason: 'the calendar is down' });
    expect(drive.state).toMatchObject({
      stage: { index: 1 },
      overrides: [
        {
          by: 'ana',
          what: 'proceed from canary; past gate release-window, which is closed: it answered 503',
          reason: 'the calendar is down',
        },
      ],
    });
  });
});

describe('a gate of start', () => {
  const go = { webhook: URL, name: 'go', when: 'start' } as const;
  const plan = gated(go);

  it('keeps the rollout from its first stage, and from that of a retry', () => {
    const drive = new Drive(plan).begin();
    expect(drive.state).toMatchObject({ phase: 'baseline', baseline: {} });
    drive.command(says('go', false), RAMPART);
    drive.serve(BATCH_MS);
    expect(drive.state.phase).toBe('baseline');
    drive.command(says('go', true), RAMPART);
    drive.tick(SECOND_MS);
    expect(drive.state.phase).toBe('exposing');
    drive.command({ type: 'Abort', reason: 'x' });
    drive.now += HOUR_MS;
    drive.command({ type: 'Retry', reason: 'once more' });
    expect(drive.state, 'it answered for the first attempt').toMatchObject({ phase: 'baseline', attempt: 2 });
    drive.command(says('go', true), RAMPART);
    drive.tick(SECOND_MS);
    expect(drive.state.phase).toBe('exposing');
  });

  it('counts no more once its word is too old', () => {
    const drive = new Drive(planOf({ gates: [go], calendar: { freeze: ['2026-01-05'] } })).begin();
    drive.command(says('go', true), RAMPART);
    drive.now += HOUR_MS;
    expect(needsGatesAnew(drive.state, undefined, drive.now), 'nobody needs it inside the freeze').toBe(false);
    drive.now = Date.UTC(2026, 0, 6);
    drive.tick(0);
    expect(drive.state.phase, 'the freeze is over, the word is of yesterday').toBe('baseline');
    expect(needsGatesAnew(drive.state, undefined, drive.now)).toBe(true);
  });
});

describe('a gate of during', () => {
  const plan = gated({ signal: 'error-budget', when: 'during' });

  it('stops the clock of the stage while it is closed or silent', () => {
    const drive = new Drive(plan);
    drive.begin().serve(BATCH_MS);
    expect(drive.state.stage?.countingSince, 'nothing was said yet').toBeUndefined();
    drive.command(says('error-budget', true), RAMPART);
    drive.serve(20 * MINUTE_MS);
    drive.command(says('error-budget', false, 'spent'), RAMPART);
    expect(drive.state.stage).toMatchObject({ servedMs: 20 * MINUTE_MS });
    drive.command({ type: 'Hold', reason: 'x' });
    drive.command({ type: 'Resume' });
    expect(drive.state.stage?.countingSince, 'a hold that ends does not open it').toBeUndefined();
    drive.serve(HOUR_MS);
    expect(waits(drive)).toContain('gate error-budget, which is closed: spent');
    drive.command(says('error-budget', true), RAMPART);
    drive.serve(BATCH_MS);
    expect(drive.state.stage).toMatchObject({ servedMs: 20 * MINUTE_MS, countingSince: drive.now - BATCH_MS });
  });

  it('takes back time that nobody saw before it closed', () => {
    const drive = new Drive(plan).begin().answerGates();
    drive.serve(12 * MINUTE_MS);
    drive.now += 3 * MINUTE_MS;
    drive.command(says('error-budget', false, 'spent'), RAMPART);
    drive.tick(4 * MINUTE_MS);
    expect(drive.state.blindSince).toBe(drive.now - 7 * MINUTE_MS);
    expect(drive.state.stage?.servedMs).toBeLessThanOrEqual(12 * MINUTE_MS);
  });
});

describe('a gate of rollback', () => {
  const plan = gated({ webhook: URL, name: 'undo', when: 'rollback' });

  it('aborts when it asks for it, with people and as what it is', () => {
    const drive = new Drive(plan).reach('canary');
    const people = { treatment: 7, control: 133, targeted: 0 };
    drive.command({ ...says('undo', false, 'it answered 200'), people } as RolloutCommand, RAMPART);
    expect(drive.state).toMatchObject({
      phase: 'aborted',
      layers: [],
      incidents: [{ kind: 'external-gate', reason: 'gate undo asks to roll back: it answered 200', people }],
    });
  });

  it('never holds, and its silence does nothing', () => {
    const drive = ready(new Drive(plan));
    expect(drive.state.stage?.index).toBe(1);
    expect(drive.command(says('undo', true), RAMPART)).toEqual({ ok: true, events: [] });
  });
});

describe('who may open and close a gate', () => {
  const drive = () => ready(new Drive(gated({ signal: 'error-budget' })));

  it('lets anyone but viewers close, and only a person who may raise open', () => {
    expect(drive().command(says('error-budget', false), VIEWER)).toMatchObject(refused('FORBIDDEN'));
    expect(drive().command(says('error-budget', false), BEN)).toMatchObject({ ok: true });
    expect(drive().command(says('error-budget', false), AGENT)).toMatchObject({ ok: true });
    expect(drive().command(says('error-budget', true), BEN)).toMatchObject(refused('FORBIDDEN'));
    expect(drive().command(says('error-budget', true), AGENT)).toMatchObject(refused('FORBIDDEN'));
    expect(drive().command(says('error-budget', true, ' '), ANA)).toMatchObject(refused('REASON_REQUIRED'));
    expect(drive().command(says('error-budget', true), ANA)).toMatchObject({ ok: true });
  });

  it('puts it among the overrides when a person opens what was closed', () => {
    const one = drive();
    one.command(says('error-budget', false, 'spent'), RAMPART);
    one.command(says('error-budget', true, 'a false alarm'), ANA);
    expect(one.state.overrides).toMatchObject([
      { by: 'ana', what: 'gate error-budget, which was closed: spent', reason: 'a false alarm' },
    ]);
  });

  it('knows the gates of the plan, and leaves those alone that have no say now', () => {
    expect(drive().command(says('x', false), RAMPART)).toMatchObject({
      ...refused('ITEM_UNKNOWN'),
      message: expect.stringContaining('it has: error-budget'),
    });
    const early = new Drive(gated({ signal: 'error-budget' }));
    expect(early.command(says('error-budget', false), RAMPART)).toEqual({ ok: true, events: [] });
  });
});
