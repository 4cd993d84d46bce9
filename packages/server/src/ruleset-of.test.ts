import { DRILL_UNIT } from '@rampart/api';
import { compile, evaluate, type Flag, parseRuleset } from '@rampart/flags';
import { applyAll, parsePlan, RAMPART, type RolloutEvent, type RolloutState } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { flagOf, rulesetOf, servingKey } from './ruleset-of.ts';
import { PLAN } from './server-rig.test.support.ts';

function planOf(text = PLAN) {
  const result = parsePlan(text, { now: 0 });
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.plan;
}

function stateAfter(id: string, at: number, ...events: readonly RolloutEvent[]): RolloutState {
  const created: RolloutEvent = { type: 'RolloutCreated', id, plan: planOf(), warnings: [] };
  const state = applyAll(undefined, [created, ...events], RAMPART, at);
  if (state === undefined) throw new Error('no state');
  return state;
}

const started: RolloutEvent = { type: 'AttemptStarted', attempt: 1, version: 'v', statistics: 1 };
const baseline: RolloutEvent = { type: 'BaselineStarted' };
const entered: RolloutEvent = {
  type: 'StageEntered',
  index: 0,
  name: 'canary',
  layers: [{ weight: 10_000 }],
  epoch: 1,
  durationMs: 1,
  why: '',
};
const aborted: RolloutEvent = {
  ...{
    type: 'RolloutAborted',
    kind: 'person',
    reason: 'r',
    incident: 1,
    stage: 'canary',
    epoch: 2,
    metrics: [],
    failed: [],
  },
  people: { treatment: 0, control: 0, targeted: 0 },
};
const cancelled: RolloutEvent = { type: 'RolloutCancelled', reason: 'r' };
const stored: Readonly<Record<string, Flag>> = { checkout: flagOf(planOf()) };
const served = (...states: readonly RolloutState[]) => rulesetOf('production', 1, stored, {}, states).flags;

describe('the ruleset', () => {
  it('leaves a flag alone whose rollout has not begun', () => {
    expect(served(stateAfter('a', 1), stateAfter('b', 2, started))).toEqual(stored);
  });

  it('has the flag of a drill while it runs, which is off for everybody but the drill', () => {
    const key = 'rampart.drill/checkout';
    const leg = { confirmed: 1, evaluated: 1, slowest: [] };
    const on: RolloutEvent = { type: 'DrillStarted', number: 1, connected: 1 };
    const off: RolloutEvent = { type: 'DrillSwitchedOff', number: 1, on: leg };
    const done: RolloutEvent = { type: 'DrillFinished', number: 1, passed: true };
    const states = [[on], [on, off], [on, off, done], [on, cancelled]].map((events) =>
      stateAfter('a', 1, started, ...events),
    );
    const compiled = states.map((state) => compile(rulesetOf('production', 1, stored, {}, [state])));
    const valueFor = (targetingKey: string) =>
      compiled.map((one) => evaluate(one, key, 'none', { targetingKey }).errorCode);
    expect(compiled.map((one) => evaluate(one, key, false, { targetingKey: DRILL_UNIT }).value)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(compiled.map((one) => evaluate(one, key, true, { targetingKey: 'u' }).value)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(valueFor('u')).toEqual(['TYPE_MISMATCH', 'TYPE_MISMATCH', 'FLAG_NOT_FOUND', 'FLAG_NOT_FOUND']);
    expect(new Set(states.slice(0, 3).map(servingKey)).size).toBe(3);
  });

  it('measures everyone as control from the baseline on', () => {
    expect(served(stateAfter('a', 1, started, baseline)).checkout).toMatchObject({
      killSwitch: 'checkout-kill',
      exposure: {
        rollout: 'a',
        attempt: 1,
        epoch: 0,
        layers: [],
        metrics: { errorRate: 'sum', p99Latency: 'histogram' },
      },
    });
  });

  it('exposes whom the stage exposes, and nobody after an abort', () => {
    expect(served(stateAfter('a', 1, started, baseline, entered)).checkout?.exposure).toMatchObject({
      epoch: 1,
      layers: [{ weight: 10_000 }],
    });
    expect(served(stateAfter('a', 1, started, baseline, entered, aborted)).checkout?.exposure).toMatchObject({
      epoch: 2,
      layers: [],
    });
  });

  it.each([
    [1, 5000],
    [0.01, 750],
    [0.000_01, 500],
  ])(
    'asks at time scale %d for a report each %d ms: before the rollout counts as blind',
    (timeScale, reportEveryMs) => {
      const state = stateAfter('a', 1, started, baseline);
      const scaled = { ...state, plan: { ...state.plan, timeScale } };
      expect(served(scaled).checkout?.exposure?.reportEveryMs).toBe(reportEveryMs);
    },
  );

  it('carries the salt of fresh people', () => {
    const again: RolloutEvent = { ...started, attempt: 2, salt: 'checkout#2' };
    expect(served(stateAfter('a', 1, started, entered, aborted, again, entered)).checkout?.salt).toBe('checkout#2');
  });

  it('has a kill-switch flag that is true while latched', () => {
    const killed = stateAfter('a', 1, started, entered, { type: 'KillSwitchTripped', reason: 'r' }, aborted);
    expect(served(killed)['checkout-kill']).toMatchObject({
      defaultVariant: 'killed',
      variants: { killed: true, armed: false },
    });
    expect(served(stateAfter('a', 1, started, baseline))['checkout-kill']).toMatchObject({ defaultVariant: 'armed' });
  });

  it('never lets an older rollout show through again when a newer one is cancelled', () => {
    const older = stateAfter('a', 1, started, baseline, entered);
    expect(served(older, stateAfter('b', 2, started, baseline, cancelled)).checkout).toEqual(stored.checkout);
    expect(served(older, stateAfter('b', 2, cancelled)).checkout?.exposure?.rollout).toBe('a');
  });

  it('can be used by every SDK, whatever its rollouts do', () => {
    for (const events of [
      [],
      [started],
      [started, baseline],
      [started, baseline, entered],
      [started, baseline, entered, aborted],
    ]) {
      expect(parseRuleset(rulesetOf('production', 1, stored, {}, [stateAfter('a', 1, ...events)]))).toMatchObject({
        ok: true,
      });
    }
  });
});

describe('the serving key', () => {
  it('changes exactly when what is served does', () => {
    const events = [
      started,
      baseline,
      { type: 'RolloutHeld', reason: 'r' } as const,
      entered,
      aborted,
      { type: 'IncidentResolved', incident: 1 } as const,
    ];
    for (let n = 1; n <= events.length; n += 1) {
      const before = stateAfter('a', 1, ...events.slice(0, n - 1));
      const after = stateAfter('a', 1, ...events.slice(0, n));
      const isServedSame = JSON.stringify(served(before)) === JSON.stringify(served(after));
      expect(servingKey(before) === servingKey(after)).toBe(isServedSame);
    }
  });
});
