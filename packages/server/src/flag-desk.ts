import { ProblemError } from '@rampart/api';
import { equalJson, type Flag, type JsonValue, parseRuleset, type Segment } from '@rampart/flags';
import type { Principal, RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { FlagUse } from './flag-use.ts';
import type { RolloutTable } from './rollout-table.ts';
import type { RulesetChange } from './ruleset-book.ts';
import type { Store } from './store/store.ts';

/** Flags and segments as people change them. What a running rollout owns is refused with `FLAG_IN_ROLLOUT`. */
export type FlagDesk = {
  /** As SDKs are served them, with the exposure of rollouts. */
  readonly listFlags: () => readonly Flag[];
  readonly getFlag: (key: string) => Flag;
  readonly putFlag: (key: string, flag: Flag) => Promise<Flag>;
  /** Refused with `FLAG_IN_USE` while SDKs evaluate it, unless `isForced`. */
  readonly deleteFlag: (key: string, by: Principal, isForced?: boolean) => Promise<void>;
  readonly listSegments: () => readonly Segment[];
  readonly getSegment: (key: string) => Segment;
  readonly putSegment: (key: string, segment: Segment) => Promise<Segment>;
  readonly deleteSegment: (key: string) => Promise<void>;
};

const ENDED: readonly RolloutState['phase'][] = ['complete', 'cancelled'];
/** Properties of a flag by which a rollout's exposure and its people stand. */
const OWNED: readonly (keyof Flag)[] = ['variants', 'killSwitch', 'salt', 'bucketBy'];

/** What a desk works with. `removed` is told who removed a flag, once it is gone. */
export type FlagDeskParts = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly use: Pick<FlagUse, 'lastAt'>;
  readonly removed: (flag: string, by: Principal) => Promise<void>;
};

/** A flag that was evaluated this recently is in use. Longer than its use is noted apart, ms. */
const IN_USE_MS = 24 * 3_600_000;

/** The desk of one table of rollouts. */
export function createFlagDesk({ store, table, clock, use, removed }: FlagDeskParts): FlagDesk {
  const { book } = table;
  const running = () =>
    table
      .all()
      .map(({ state }) => state)
      .filter(({ phase }) => !ENDED.includes(phase));
  const apply = async (change: RulesetChange): Promise<void> => {
    for (;;) {
      const parsed = parseRuleset(book.preview(change));
      if (!parsed.ok) throw new ProblemError('BODY_INVALID', parsed.message);
      const result = await book.change(change, (documents) => store.putDocuments({ documents }));
      if (result.ok) return;
      await table.refresh();
    }
  };
  return {
    listFlags: () => Object.values(book.ruleset().flags),
    getFlag: (key) => found(book.ruleset().flags[key], 'flag', key),
    async putFlag(key, flag) {
      mustMatch(key, flag.key);
      refuseOwnedChange(flag, book.flags()[key], running());
      await apply({ flags: { [key]: flag } });
      return found(book.ruleset().flags[key], 'flag', key);
    },
    async deleteFlag(key, by, isForced = false) {
      found(book.flags()[key], 'flag', key);
      const owner = running().find(({ plan }) => plan.flag === key);
      if (owner !== undefined) throw inRollout(`Flag ${key} is in rollout ${owner.id}`);
      if (!isForced) refuseInUse(key, use.lastAt(key), clock.now());
      await apply({ flags: { [key]: null } });
      await removed(key, by);
    },
    listSegments: () => Object.values(book.segments()),
    getSegment: (key) => found(book.segments()[key], 'segment', key),
    async putSegment(key, segment) {
      mustMatch(key, segment.key);
      refuseAudienceChange(segment, book.segments()[key], running());
      await apply({ segments: { [key]: segment } });
      return segment;
    },
    async deleteSegment(key) {
      found(book.segments()[key], 'segment', key);
      const user = audienceOf(
        key,
        table.all().map(({ state }) => state),
      );
      if (user !== undefined) throw inRollout(`Segment ${key} is an audience of rollout ${user.id}`);
      await apply({ segments: { [key]: null } });
    },
  };
}

function found<T>(item: T | undefined, what: string, key: string): T {
  if (item === undefined) throw new ProblemError('NOT_FOUND', `There is no ${what} ${JSON.stringify(key)}.`);
  return item;
}

function mustMatch(path: string, body: string): void {
  if (path === body) return;
  throw new ProblemError(
    'BODY_INVALID',
    `The path says ${JSON.stringify(path)} and the body key ${JSON.stringify(body)}; make them equal.`,
  );
}

function inRollout(detail: string): ProblemError {
  return new ProblemError('FLAG_IN_ROLLOUT', `${detail}.`);
}

/** Deleted, a feature that everyone has would be off for whoever still evaluates its flag with a fallback of off. */
function refuseInUse(key: string, lastAt: number | undefined, now: number): void {
  if (lastAt === undefined || now - lastAt >= IN_USE_MS) return;
  throw new ProblemError(
    'FLAG_IN_USE',
    `Flag ${key} was evaluated within the hour from ${new Date(lastAt).toISOString()}; deleted, it would serve the fallback in the code.`,
  );
}

function refuseOwnedChange(flag: Flag, before: Flag | undefined, running: readonly RolloutState[]): void {
  const owner = running.find(({ plan }) => plan.flag === flag.key);
  if (owner !== undefined) {
    const changed = OWNED.filter((name) => !isEqual(flag[name], before?.[name]));
    if (changed.length > 0)
      throw inRollout(`Rollout ${owner.id} runs on flag ${flag.key}, and ${changed.join(', ')} would change`);
  }
  const killer = running.find(({ plan }) => plan.killSwitch?.flag === flag.key);
  if (killer !== undefined)
    throw inRollout(`Flag ${flag.key} is the kill switch of rollout ${killer.id}; use its kill and rearm commands`);
}

/** A segment decides who is exposed: to change one under a rollout would raise exposure outside its plan. */
function refuseAudienceChange(segment: Segment, before: Segment | undefined, running: readonly RolloutState[]): void {
  const user = audienceOf(segment.key, running);
  if (user === undefined || before === undefined) return;
  const who = ({ all, any }: Segment) => ({ all: all ?? [], any: any ?? [] });
  if (!isEqual(who(segment), who(before)))
    throw inRollout(`Segment ${segment.key} is an audience of rollout ${user.id}`);
}

function audienceOf(segment: string, states: readonly RolloutState[]): RolloutState | undefined {
  return states.find(
    ({ plan, phase }) => phase !== 'cancelled' && plan.stages.some(({ audience }) => audience === segment),
  );
}

function isEqual(one: unknown, other: unknown): boolean {
  const plain = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value ?? null));
  return equalJson(plain(one), plain(other));
}
