import type { StaleFlag, StaleReason } from '@rampart/api';
import { type Flag, FULL_WEIGHT } from '@rampart/flags';
import type { RolloutState } from '@rampart/rollout';
import type { FlagUse } from './flag-use.ts';
import { ownersOf } from './ruleset-of.ts';

/** What a stale report is made from. `flags`: as served. */
export type StaleFacts = {
  readonly flags: readonly Flag[];
  readonly rollouts: readonly RolloutState[];
  readonly use: Pick<FlagUse, 'lastAt' | 'since'>;
  readonly now: number;
  /** How long a flag may stand still, ms. */
  readonly afterMs: number;
};

type Finding = { readonly reason: StaleReason; readonly since?: number; readonly evidence: string };

/**
 * Flags that are debt: they serve the same to everyone, nobody evaluates them, or the rollout they were made for is over. The
 * longest standing come first; those of which it is not known since when come last. Pure.
 */
export function staleFlagsOf(facts: StaleFacts): readonly StaleFlag[] {
  const owners = ownersOf(facts.rollouts);
  const switches = Map.groupBy(owners.values(), ({ plan }) => plan.killSwitch?.flag);
  const stale = facts.flags.flatMap((flag) => {
    const owner = owners.get(flag.key);
    const findings = [
      ...standingStill(flag, owner, facts),
      ...overdue(owner, facts),
      ...unused(flag, owner, facts),
      ...idleSwitch(switches.get(flag.key) ?? []),
    ].filter(({ since }) => since === undefined || facts.now - since >= facts.afterMs);
    return findings.length === 0 ? [] : [staleFlag(flag, owner ?? switches.get(flag.key)?.[0], findings, facts)];
  });
  return stale.toSorted((one, other) => (other.ageMs ?? -1) - (one.ageMs ?? -1) || (one.flag < other.flag ? -1 : 1));
}

function staleFlag(
  { key }: Flag,
  owner: RolloutState | undefined,
  findings: readonly Finding[],
  { use, now }: StaleFacts,
): StaleFlag {
  const known = findings.flatMap(({ since }) => since ?? []);
  const [lastSeenAt, responsible] = [use.lastAt(key), owner?.cleanup?.owner ?? owner?.plan.owners.operator];
  return {
    flag: key,
    findings,
    ...(known.length > 0 && { ageMs: now - Math.min(...known) }),
    ...(owner && { rollout: owner.id }),
    ...(responsible !== undefined && { owner: responsible }),
    ...(lastSeenAt !== undefined && { lastSeenAt }),
  };
}

function endedAt({ attempts, createdAt }: RolloutState): number {
  return attempts.at(-1)?.endedAt ?? createdAt;
}

function standingStill(flag: Flag, owner: RolloutState | undefined, facts: StaleFacts): readonly Finding[] {
  if (owner === undefined) return unowned(flag, facts.rollouts);
  const { id, phase, history } = owner;
  const isFull = owner.layers.some(({ segment, weight }) => segment === undefined && weight === FULL_WEIGHT);
  if (phase === 'complete' && isFull) {
    const since = history.at(-1)?.startedAt ?? endedAt(owner);
    return [{ reason: 'full', since, evidence: `rollout ${id} is complete, everyone has it` }];
  }
  if (phase !== 'aborted' && phase !== 'cancelled') return [];
  return [{ reason: 'off', since: endedAt(owner), evidence: `rollout ${id} is ${phase}, nobody has it` }];
}

/** A flag that no rollout moves: it has no rules and serves its default to everyone, since nobody knows when. */
function unowned(flag: Flag, rollouts: readonly RolloutState[]): readonly Finding[] {
  const isPlanned = rollouts.some(
    ({ plan, phase, flagRemoved }) => plan.flag === flag.key && phase !== 'cancelled' && !flagRemoved,
  );
  const isSwitch = rollouts.some(({ plan }) => plan.killSwitch?.flag === flag.key);
  if (isPlanned || isSwitch || (flag.rules ?? []).length > 0) return [];
  return [
    { reason: 'fixed', evidence: `no rollout moves it and it has no rules: everyone is served ${flag.defaultVariant}` },
  ];
}

function overdue(owner: RolloutState | undefined, { now }: StaleFacts): readonly Finding[] {
  const { cleanup } = owner ?? {};
  const hasEnded = owner?.phase === 'complete' || owner?.phase === 'cancelled';
  if (!hasEnded || cleanup === undefined || now < cleanup.dueAt) return [];
  const link = cleanup.link === undefined ? '' : ` (${cleanup.link})`;
  return [
    {
      reason: 'overdue',
      evidence: `it was to be removed by ${new Date(cleanup.dueAt).toISOString().slice(0, 10)}${link}`,
    },
  ];
}

/** Only flags that a rollout owns are reported by SDKs: of others it is not known. */
function unused({ key }: Flag, owner: RolloutState | undefined, { use }: StaleFacts): readonly Finding[] {
  if (owner === undefined || owner.phase === 'cancelled') return [];
  const last = use.lastAt(key);
  const since = last ?? Math.max(use.since, owner.createdAt);
  const evidence =
    last === undefined ? 'no SDK has reported it' : `no SDK has reported it since ${new Date(last).toISOString()}`;
  return [{ reason: 'unused', since, evidence }];
}

function idleSwitch(owners: readonly RolloutState[]): readonly Finding[] {
  const hasEnded = owners.length > 0 && owners.every(({ phase }) => phase === 'complete' || phase === 'cancelled');
  if (!hasEnded) return [];
  const evidence = `it is the kill switch of ${owners.map(({ id, phase }) => `${id}, which is ${phase}`).join('; ')}`;
  return [{ reason: 'kill-switch', since: Math.max(...owners.map(endedAt)), evidence }];
}
