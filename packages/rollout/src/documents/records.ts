import type { ExposureLayer } from '@rampart/flags';
import type { EventRecord, RolloutEvent } from '../event.ts';
import type { Verdict } from '../verdict.ts';

/** A record known to hold one type of event. */
export type RecordOf<T extends RolloutEvent['type']> = EventRecord & {
  readonly event: Extract<RolloutEvent, { readonly type: T }>;
};

/** The records of one type, in order. */
export function recordsOf<T extends RolloutEvent['type']>(
  records: readonly EventRecord[],
  type: T,
): readonly RecordOf<T>[] {
  return records.filter((record): record is RecordOf<T> => record.event.type === type);
}

/** One attempt as its events tell it: what was set up, and who was exposed at each stage. */
export type AttemptRun = {
  readonly number: number;
  readonly version: string;
  readonly statistics: number;
  readonly salt?: string;
  readonly startedAt: number;
  /** Version of the event that started it. */
  readonly from: number;
  readonly stages: readonly {
    readonly name: string;
    readonly layers: readonly ExposureLayer[];
    readonly at: number;
    readonly version: number;
  }[];
  /** The records from its start to the start of the next one. */
  readonly records: readonly EventRecord[];
};

/** The attempts of a rollout in order; what happened before the first one (creation) belongs to none. */
export function attemptRuns(records: readonly EventRecord[]): readonly AttemptRun[] {
  const starts = recordsOf(records, 'AttemptStarted');
  return starts.map(({ event, at, version }, index) => {
    const end = starts[index + 1]?.version ?? Number.POSITIVE_INFINITY;
    const own = records.filter((record) => record.version >= version && record.version < end);
    return {
      number: event.attempt,
      version: event.version,
      statistics: event.statistics,
      ...(event.salt !== undefined && { salt: event.salt }),
      startedAt: at,
      from: version,
      stages: recordsOf(own, 'StageEntered').map((entered) => ({
        name: entered.event.name,
        layers: entered.event.layers,
        at: entered.at,
        version: entered.version,
      })),
      records: own,
    };
  });
}

/** A verdict, when it was given by which event, and in which stage (absent: outside every stage). */
type Judged = { readonly verdict: Verdict; readonly at: number; readonly version: number; readonly stage?: string };

/** The verdicts that an event carries. */
export function verdictsOf(event: RolloutEvent): readonly Verdict[] {
  switch (event.type) {
    case 'ChecksJudged':
    case 'StagePassed':
    case 'RolloutCompleted':
      return event.verdicts;
    case 'AlertRaised':
      return [event.verdict];
    case 'RolloutAborted':
      return event.verdict === undefined ? [] : [event.verdict];
    default:
      return [];
  }
}

/** Each check's last verdict over the whole rollout, in the order in which the checks were first judged. */
export function lastVerdicts(records: readonly EventRecord[]): readonly Judged[] {
  const last = new Map<string, Judged>();
  let stage: string | undefined;
  for (const { event, at, version } of records) {
    if (event.type === 'StageEntered') stage = event.name;
    for (const verdict of verdictsOf(event)) {
      last.set(verdict.check, { verdict, at, version, ...(stage !== undefined && { stage }) });
    }
  }
  return [...last.values()];
}

/** Leaves out judgements in which no check changed its state, so that a timeline shows news only. */
export function newsOf(records: readonly EventRecord[]): readonly EventRecord[] {
  let before = '';
  return records.filter(({ event }) => {
    if (event.type !== 'ChecksJudged') return true;
    const now = JSON.stringify(event.verdicts.map(({ check, status }) => [check, status]));
    const isNews = now !== before;
    before = now;
    return isNews;
  });
}

/**
 * Folds losses of sight that follow one another with nothing in between: the last `SightReturned` of a row stands for all later
 * pairs, with how many there were (`more`, 0 for every other record).
 */
export function foldSight(
  records: readonly EventRecord[],
): readonly { readonly record: EventRecord; readonly more: number }[] {
  const folded: { record: EventRecord; more: number }[] = [];
  for (const [index, record] of records.entries()) {
    const before = records[index - 2];
    const isPair = record.event.type === 'SightReturned' && records[index - 1]?.event.type === 'SightLost';
    if (isPair && before?.event.type === 'SightReturned') {
      folded.pop();
      const first = folded.pop();
      folded.push({ record, more: (first?.more ?? 0) + 1 });
    } else folded.push({ record, more: 0 });
  }
  return folded;
}
