import type { Flag } from '@rampart/flags';
import { type Phase, planFromObject, type RolloutConfig, type RolloutState } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { type StaleFacts, staleFlagsOf } from './stale-flags.ts';

const DAY_MS = 86_400_000;
const NOW = 100 * DAY_MS;
const CONFIG = {
  flag: 'checkout',
  owners: { operator: 'team-web' },
  stages: [
    { name: 'canary', percentage: 5, duration: '48h' },
    { name: 'ga', percentage: 100, duration: 'permanent' },
  ],
  abortCriteria: { errorRate: 0.01 },
  killSwitch: { flag: 'checkout-kill', tripConditions: { errorRate: 0.1 } },
} satisfies RolloutConfig;
const parsed = planFromObject(CONFIG, { now: NOW });
if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
const { plan } = parsed;

function rollout(phase: Phase, endedDaysAgo: number, more: Partial<RolloutState> = {}): RolloutState {
  const endedAt = NOW - endedDaysAgo * DAY_MS;
  const state = {
    ...{ id: 'checkout-1', plan, phase, attempt: 1, createdAt: 0, preflight: {}, incidents: [] },
    layers: phase === 'complete' ? [{ weight: 100_000 }] : [],
    attempts: [{ number: 1, version: 'v1', startedAt: 0, endedAt }],
    history: [{ attempt: 1, index: 1, name: 'ga', startedAt: endedAt - 14 * DAY_MS, result: 'passed', metrics: [] }],
    ...more,
  };
  // Only what the report reads.
  return state as unknown as RolloutState;
}

const flag = (key: string, more: Partial<Flag> = {}): Flag => ({
  ...{ key, enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' },
  ...more,
});
const CHECKOUT = flag('checkout');
const SEEN_NOW = { since: 0, lastAt: () => NOW };
const stale = (facts: Partial<StaleFacts>) =>
  staleFlagsOf({ flags: [CHECKOUT], rollouts: [], use: SEEN_NOW, now: NOW, afterMs: 30 * DAY_MS, ...facts });
const reasonsOf = (facts: Partial<StaleFacts>) =>
  stale(facts).map((one) => [one.flag, ...one.findings.map(({ reason }) => reason)]);

describe('flags that are debt', () => {
  it('are those that everyone has since the last stage began, or nobody since the end', () => {
    expect(stale({ rollouts: [rollout('complete', 20)] })).toMatchObject([
      { flag: 'checkout', rollout: 'checkout-1', owner: 'team-web', ageMs: 34 * DAY_MS },
    ]);
    expect(reasonsOf({ rollouts: [rollout('aborted', 31)] })).toEqual([['checkout', 'off']]);
    expect(reasonsOf({ rollouts: [rollout('cancelled', 31)] })).toEqual([['checkout', 'off']]);
    expect(stale({ rollouts: [rollout('complete', 10), rollout('aborted', 29)] })).toEqual([]);
  });

  it('are not those of a rollout that runs', () => {
    expect(stale({ rollouts: [rollout('exposing', 99), rollout('monitoring', 99)] })).toEqual([]);
  });

  it('are those that nobody has reported, as far as SDKs report them', () => {
    const never = { since: NOW - 31 * DAY_MS, lastAt: () => undefined };
    const [found] = stale({ rollouts: [rollout('monitoring', 0)], use: never });
    expect(found?.findings).toEqual([{ reason: 'unused', since: never.since, evidence: 'no SDK has reported it' }]);
    const young = { ...never, since: NOW - 29 * DAY_MS };
    expect(stale({ rollouts: [rollout('monitoring', 0)], use: young })).toEqual([]);
  });

  it('are those that should be gone, by their owner', () => {
    const cleanup = { dueAt: NOW - 31 * DAY_MS, owner: 'team-b', link: 'https://t/1', by: 'ana', at: 0 };
    const [found] = stale({ rollouts: [rollout('complete', 5, { cleanup })] });
    expect(found).toMatchObject({ owner: 'team-b', findings: [{ reason: 'overdue' }] });
    expect(found?.findings[0]?.evidence).toContain('(https://t/1)');
    expect(
      stale({ rollouts: [rollout('complete', 5, { cleanup, flagRemoved: { by: 'ana', at: 1 } })], flags: [] }),
    ).toEqual([]);
  });

  it('are kill switches once no rollout of theirs runs', () => {
    const flags = [flag('checkout-kill')];
    const other = rollout('exposing', 0, { id: 'other-1', plan: { ...plan, flag: 'other' } });
    expect(reasonsOf({ flags, rollouts: [rollout('complete', 31)] })).toEqual([['checkout-kill', 'kill-switch']]);
    expect(stale({ flags, rollouts: [rollout('complete', 31), other] })).toEqual([]);
  });

  it('are those that nothing moves, with an age that is not known, last', () => {
    const rule = { id: 'r', serve: 'on' } as unknown as NonNullable<Flag['rules']>[number];
    const flags = [flag('a'), flag('b', { rules: [rule] }), CHECKOUT];
    const found = stale({ flags, rollouts: [rollout('complete', 31)] });
    expect(found.map((one) => [one.flag, one.ageMs])).toEqual([
      ['checkout', 45 * DAY_MS],
      ['a', undefined],
    ]);
  });
});
