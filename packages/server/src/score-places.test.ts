import { applyAll, decide, parsePlan, RAMPART, type RolloutState } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { rulesetOf } from './ruleset-of.ts';
import { placeScores } from './score-places.ts';

const AT = Date.UTC(2026, 0, 5, 9);

/** A rollout in the stage of a plan. */
function stateOf(stages: string, index: number): RolloutState {
  const text = `flag: chat\nversion: v1\nstages: [${stages}, { name: ga, percentage: 100, duration: permanent }]\nabortCriteria: { faithfulness: 0.85, timeToFirstToken: 2, userComplaints: 10 }`;
  const parsed = parsePlan(text, { now: AT, override: 'a test' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const { plan } = parsed;
  const by = { id: 'ana', kind: 'person', roles: ['operator'] } as const;
  const created = decide(undefined, { type: 'Create', id: 'chat-1', plan, warnings: [] }, by, AT);
  if (!created.ok) throw new Error(created.message);
  const layers = plan.stages
    .slice(0, index + 1)
    .map(({ weight, audience }) => (audience === undefined ? { weight } : { segment: audience, weight }));
  const entered = {
    type: 'StageEntered',
    ...{ index, name: 'stage', layers, epoch: 3, durationMs: 1, why: 'a test' },
  } as const;
  const started = { type: 'AttemptStarted', attempt: 1, version: 'v1', statistics: 1 } as const;
  return applyAll(undefined, [...created.events, started, entered], RAMPART, AT) as RolloutState;
}

const FLAG = { key: 'chat', enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' };
const TEAM = { key: 'team', all: [{ attribute: 'team', operator: 'equals', value: true }] } as const;

function place(state: RolloutState | undefined, score: object) {
  const ruleset = rulesetOf('production', 1, { chat: FLAG }, { team: TEAM }, state === undefined ? [] : [state]);
  const one = { id: '1', metric: 'faithfulness', score: 0.9, ...score };
  const { taken, ignored } = placeScores('chat', [one], state, ruleset, AT + 1);
  return ignored[0]?.reason ?? taken[0]?.series;
}

const CANARY = '{ name: canary, percentage: 5, duration: 48h }';

describe('a score that says the variant alone', () => {
  it('counts in the split of the running stage, its user unknown', () => {
    const state = stateOf(CANARY, 0);
    const shared = { flag: 'chat', rollout: 'chat-1', attempt: 1, epoch: 3, stratum: 5000, bucket: [-1], sum: [0.9] };
    expect(place(state, { variant: 'on' })).toMatchObject([{ ...shared, arm: 'treatment' }]);
    expect(place(state, { variant: 'off' })).toMatchObject([{ ...shared, arm: 'control' }]);
  });

  it('counts as targeted in a stage of an audience alone, and nowhere where there are several audiences', () => {
    const internal = '{ name: internal, audience: team, percentage: 100, duration: 48h }';
    expect(place(stateOf(internal, 0), { variant: 'on' })).toMatchObject([{ arm: 'targeted', stratum: 100_000 }]);
    expect(place(stateOf(`${internal}, ${CANARY}`, 1), { variant: 'on' })).toContain('several audiences');
  });
});

describe('a score with a context', () => {
  it('counts where the flag places that context, by the bucket of its unit', () => {
    const state = stateOf(CANARY, 0);
    const series = place(state, { context: { targetingKey: 'user-1' }, cost: 0.01, samplingRate: 0.1 });
    expect(series).toMatchObject([
      { metric: 'faithfulness', epoch: 3, stratum: 5000, count: [1] },
      { metric: 'faithfulness#sampling', sum: [0.1] },
      { metric: 'faithfulness#cost', sum: [0.01] },
    ]);
    expect(place(state, { context: {} })).toContain('takes no part');
  });

  it('of an answer from before the stage counts nowhere: its exposure was another', () => {
    expect(place(stateOf(CANARY, 0), { context: { targetingKey: 'user-1' }, at: AT - 1 })).toContain('evaluation id');
  });
});

describe('a score', () => {
  const variant = 'on';

  it('of a quantile is binned, and one that failed is unmeasured', () => {
    const state = stateOf(CANARY, 0);
    expect(place(state, { metric: 'timeToFirstToken', score: 1, variant })).toMatchObject([{ bins: [[[-1, 1]]] }]);
    const failed = place(state, { score: undefined, error: 'down', variant, cost: 0.01 });
    expect(failed).toMatchObject([{ metric: 'faithfulness#unmeasured' }, { metric: 'faithfulness#cost' }]);
  });

  it('counts nowhere for a count, out of its range, in another epoch, or without a rollout', () => {
    const state = stateOf(CANARY, 0);
    expect(place(state, { metric: 'userComplaints', score: 1, variant })).toContain('takes no scores');
    expect(place(state, { score: -0.1, variant })).toContain('lies in [0, 1]');
    expect(place(state, { evaluation: 'chat-1/1/4/5000/treatment/1' })).toContain('no epoch 4');
    expect(place(state, { evaluation: 'made up' })).toContain('none that the SDK gives');
    expect(place(undefined, { variant })).toBe('no rollout of flag chat reads evidence now');
  });
});
