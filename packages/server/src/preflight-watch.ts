import { probeUrl, type UrlPolicy } from '@rampart/connectors';
import {
  decide,
  type PreflightCheck,
  type PreflightFinding,
  RAMPART,
  ROLLBACK_TESTED,
  type RolloutState,
  runningDrill,
} from '@rampart/rollout';
import type { Work } from './assemble.ts';
import type { Drills } from './drills.ts';
import { checkFlag, type FlagCheckParts } from './flag-check.ts';
import { type Log, messageOf } from './log.ts';
import { giveOwn } from './own-command.ts';
import type { SourceBook } from './source-book.ts';

/** Looks at what rollouts in pre-flight wait for: asks addresses and sources, looks at flags, begins drills. */
export type PreflightWatch = Work & {
  /** Looks at every rollout in pre-flight now. Never rejects. */
  readonly wakeAll: () => Promise<void>;
};

/** What a watch works with. `wakeRollout` is told of a rollout that may go on. */
export type PreflightWatchOptions = FlagCheckParts & {
  readonly sources: Pick<SourceBook, 'get'>;
  readonly policy: UrlPolicy;
  readonly drills: Drills;
  readonly log: Log;
  readonly wakeRollout: (id: string) => void;
};

const BEAT_MS = 1_000;
/** Interval at which addresses and sources are asked, before scaling with the plan. */
const ASK_EVERY_MS = 30_000;

/** When the items of a rollout were asked last, and which SDKs its last automatic drill was for. */
type Known = { askedAt: number; drilled: string };

/** A watch at rest. */
export function createPreflightWatch(options: PreflightWatchOptions): PreflightWatch {
  const { table, log } = options;
  const known = new Map<string, Known>();
  const stopping = new AbortController();
  let turn: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const lookAtAll = async (): Promise<void> => {
    const waiting = table.all().filter(({ state }) => state.phase === 'preflight');
    const ids = new Set(waiting.map(({ state }) => state.id));
    for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    for (const id of ids) if (!known.has(id)) known.set(id, { askedAt: Number.NEGATIVE_INFINITY, drilled: '' });
    await Promise.all(
      [...known].map(([id, memory]) =>
        lookAt(id, memory, options, stopping.signal).catch((error: unknown) => {
          log.error({ rollout: id, err: error }, `pre-flight of ${id} could not be looked at: ${messageOf(error)}`);
        }),
      ),
    );
  };
  const wakeAll = (): Promise<void> => {
    turn ??= lookAtAll().finally(() => {
      turn = undefined;
    });
    return turn;
  };
  return {
    wakeAll,
    start() {
      timer = setInterval(() => void wakeAll(), BEAT_MS);
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await turn;
    },
  };
}

async function lookAt(id: string, memory: Known, options: PreflightWatchOptions, signal: AbortSignal): Promise<void> {
  const { table, clock, wakeRollout } = options;
  const state = table.get(id)?.state;
  if (state === undefined) return;
  const now = clock.now();
  const isDue = now - memory.askedAt >= ASK_EVERY_MS * state.plan.timeScale;
  if (isDue) memory.askedAt = now;
  const asked = isDue ? await askItems(state, options, signal) : [];
  if (signal.aborted) return;
  const commandOf = (current: RolloutState) => {
    const findings = [...checkFlag(current, options), ...asked, ...noSdkFinding(current, options)];
    return { type: 'CheckPreflight', findings } as const;
  };
  // A look that would change nothing does not wait in line.
  const decision = decide(state, commandOf(state), RAMPART, now);
  const isNews = decision.ok && decision.events.length > 0;
  if (isNews && (await giveOwn(id, commandOf, options))) wakeRollout(id);
  await drillWhereDue(id, memory, options);
}

/** Asks what the plan binds to an address or a source; given or not, for it may have stopped to hold. */
async function askItems(
  { plan }: RolloutState,
  options: PreflightWatchOptions,
  signal: AbortSignal,
): Promise<readonly PreflightFinding[]> {
  const asked = Object.entries(plan.preflightChecks ?? {}).map(([item, check]) =>
    askItem(item, check, options, signal),
  );
  return (await Promise.all(asked)).flat();
}

async function askItem(
  item: string,
  { by }: PreflightCheck,
  { policy, sources }: PreflightWatchOptions,
  signal: AbortSignal,
): Promise<readonly PreflightFinding[]> {
  if (by?.kind === 'url') {
    const { url, expect } = by;
    const answer = await probeUrl(url, { policy, signal, ...(expect !== undefined && { expect }) });
    return [
      answer.ok ? { item, evidence: `${url} answered ${answer.status}` } : { item, why: `${url}: ${answer.why}` },
    ];
  }
  if (by?.kind !== 'query') return [];
  const probe = sources.get(by.source)?.source.probe;
  if (probe === undefined) return [{ item, why: `source ${by.source} cannot be asked on this server` }];
  const answer = await probe(by.query, signal);
  if (answer.kind === 'value')
    return [{ item, evidence: `${by.source} returned ${answer.series} series for ${by.query}` }];
  const why = answer.kind === 'no-data' ? 'the query returned no series' : answer.message;
  return [{ item, why: `${by.source}: ${why}` }];
}

function opensDrill(state: RolloutState): boolean {
  return state.phase === 'preflight' && state.preflight[ROLLBACK_TESTED] === null;
}

/** Said once, while nothing else was found of the item. */
function noSdkFinding(state: RolloutState, { instances, clock }: PreflightWatchOptions): readonly PreflightFinding[] {
  const hasWord = state.preflightFailures?.[ROLLBACK_TESTED] !== undefined || (state.drills?.length ?? 0) > 0;
  if (!opensDrill(state) || hasWord || instances.present(clock.now()).length > 0) return [];
  return [{ item: ROLLBACK_TESTED, why: 'no SDK is connected that could follow a drill; it begins when one is' }];
}

/** Begins the drill that gives `rollback-tested`, once for the same SDKs. */
async function drillWhereDue(id: string, memory: Known, options: PreflightWatchOptions): Promise<void> {
  const { table, clock, instances, drills } = options;
  const state = table.get(id)?.state;
  if (state === undefined || !opensDrill(state) || runningDrill(state) !== undefined) return;
  const present = instances.present(clock.now()).map(({ name }) => name);
  const names = present.toSorted().join();
  if (present.length === 0 || names === memory.drilled) return;
  const isBegun = await giveOwn(
    id,
    (current) => (opensDrill(current) ? { type: 'Drill', connected: present.length } : undefined),
    options,
  );
  // Not before: where the store fails the drill is to begin at the next look.
  memory.drilled = names;
  if (isBegun) drills.wake(id);
}
