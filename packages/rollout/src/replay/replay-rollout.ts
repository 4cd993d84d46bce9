import type { EventRecord, RolloutEvent } from '../event.ts';
import type { EvidenceBatch } from '../evidence.ts';
import { evolve } from '../evolve.ts';
import { type EvidenceState, NO_EVIDENCE } from '../judge/evidence-state.ts';
import { RAMPART } from '../principal.ts';
import { reconcile } from '../reconcile.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement } from '../verdict.ts';
import { sameJson } from './same-json.ts';

/** A look of the reconciler, taken again: the rollout as it stood, and what the evidence said. */
export type ReplayedLook = {
  readonly at: number;
  /** The rollout before the decisions of this look. */
  readonly state: RolloutState;
  readonly batch?: EvidenceBatch;
  readonly judgement: Judgement;
};

/** A look at which the core decides otherwise now than it did then. */
export type ReplayDifference = {
  readonly at: number;
  /** Version of the rollout before the look. */
  readonly version: number;
  readonly recorded: readonly RolloutEvent[];
  readonly replayed: readonly RolloutEvent[];
};

/** What a replay found. */
export type ReplayResult = {
  /** Looks that were taken again: every batch, and every instant at which Rampart decided without one. */
  readonly looks: number;
  readonly batches: number;
  /** Decisions of Rampart, in events, that came out exactly as recorded. */
  readonly reproduced: number;
  readonly differences: readonly ReplayDifference[];
  readonly state: RolloutState;
};

/** A replay under way. */
export type RolloutReplay = {
  /** Takes the next closed batch, in the order of `seq`. */
  readonly feed: (batch: EvidenceBatch) => void;
  /** Goes through what was recorded after the last batch. */
  readonly finish: () => ReplayResult;
};

/** Events of Rampart that answer something outside the evidence (SDKs that confirm, an item it can check itself, another system that was asked, its own start): given, not decided again. */
const GIVEN: readonly RolloutEvent['type'][] = [
  'ItemAttested',
  'DrillStarted',
  'DrillSwitchedOff',
  'DrillFinished',
  'OverlapsFound',
  'AbortTookEffect',
  'ExposureFell',
  'AbortUnconfirmed',
  'GateAnswered',
  'MonitoringStarted',
  'WatchResumed',
  'FlagCleanupDue',
  'FlagRemoved',
  'HandoverTold',
];

/** What entering the last stage brings along, in one decision: by themselves they are no decision on evidence. */
const OF_LAST_STAGE: readonly RolloutEvent['type'][] = ['MonitoringStarted', 'FlagCleanupScheduled', 'ItemAttested'];

/** Whether a record is an input of the reconciler rather than its decision. What follows the last pre-flight item belongs to that item. */
function isInput({ by, event }: EventRecord, state: RolloutState | undefined): boolean {
  const isAsked = event.type === 'RolloutAborted' && event.kind === 'external-gate';
  const isRead = event.type === 'BaselineCaptured' && event.baseline.source === 'history';
  return (
    by !== RAMPART.id ||
    state === undefined ||
    state.phase === 'preflight' ||
    isAsked ||
    isRead ||
    GIVEN.includes(event.type)
  );
}

/** The look a batch was folded at. Without one on record it is taken for the first of its instant, after what people did. */
export function lookOf(
  batch: EvidenceBatch,
  records: readonly EventRecord[],
): { readonly at: number; readonly version: number } {
  if (batch.look !== undefined) return batch.look;
  const at = batch.toAt;
  const before = records.filter((one) => one.at < at || (one.at === at && one.by !== RAMPART.id));
  return { at, version: before.at(-1)?.version ?? 0 };
}

/**
 * Runs the core over a rollout's own evidence again: the same batches at the same instants between the same commands of
 * people. Each decision of Rampart is made anew and compared with the one on record; where they differ, the record is
 * followed, so that one difference does not hide the next.
 *
 * `records` are all events of the rollout, oldest first; `onLook` is told every look before its decisions are compared.
 */
export function openReplay(records: readonly EventRecord[], onLook?: (look: ReplayedLook) => void): RolloutReplay {
  let state: RolloutState | undefined;
  let evidence: EvidenceState = NO_EVIDENCE;
  let next = 0;
  const seen = { looks: 0, batches: 0, reproduced: 0 };
  const differences: ReplayDifference[] = [];

  const apply = (count: number): void => {
    for (const record of records.slice(next, next + count)) state = evolve(state, record);
    next += count;
  };
  /** Decisions on record that can belong to a look at this instant. */
  const recordedAt = (at: number): readonly EventRecord[] => {
    let end = next;
    while (end < records.length && records[end].at === at && !isInput(records[end], state)) end += 1;
    const isOfLastStage = (index: number) => {
      const { by, event } = records[index];
      return by === RAMPART.id && records[index].at === at && OF_LAST_STAGE.includes(event.type);
    };
    if (end > next && records[end]?.event.type === 'MonitoringStarted')
      while (end < records.length && isOfLastStage(end)) end += 1;
    return records.slice(next, end);
  };
  const look = (batch: EvidenceBatch | undefined, at: number): void => {
    if (state === undefined) return;
    const outcome = reconcile(state, evidence, batch, at);
    evidence = outcome.evidence;
    seen.looks += 1;
    onLook?.({ at, state, judgement: outcome.judgement, ...(batch && { batch }) });
    const recorded = recordedAt(at).map(({ event }) => event);
    const replayed = outcome.events;
    const isSame =
      replayed.every((event, i) => sameJson(event, recorded[i])) && (batch !== undefined || replayed.length > 0);
    if (isSame) seen.reproduced += replayed.length;
    else differences.push({ at, version: state.version, recorded, replayed });
    apply(isSame ? replayed.length : recorded.length);
  };
  const step = (): void => {
    const record = records[next];
    if (isInput(record, state)) apply(1);
    else look(undefined, record.at);
  };

  return {
    feed(batch) {
      const { at, version } = lookOf(batch, records);
      while (next < records.length && records[next].version <= version) step();
      seen.batches += 1;
      look(batch, at);
    },
    finish() {
      while (next < records.length) step();
      if (state === undefined) throw new TypeError('a replay needs the events of a rollout: received none');
      return { ...seen, differences, state };
    },
  };
}
