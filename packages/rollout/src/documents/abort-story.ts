import type { EventRecord } from '../event.ts';
import type { Incident, RolloutState } from '../state.ts';
import type { DocumentOptions } from './format.ts';
import { type AttemptRun, attemptRuns, type RecordOf, recordsOf, verdictsOf } from './records.ts';
import { type Trace, traceOf } from './trace.ts';

/** An abort and all that its documents are made from. */
export type AbortStory = {
  readonly state: RolloutState;
  readonly incident: Incident;
  readonly abort: RecordOf<'RolloutAborted'>;
  /** Records from the attempt's start on; work on the incident may come after the attempt. */
  readonly records: readonly EventRecord[];
  readonly runs: readonly AttemptRun[];
  /** The attempt that was aborted; absent where none had started. */
  readonly run?: AttemptRun;
  readonly options: DocumentOptions;
  readonly trace: Trace;
  /** Versions of the events that made a part of the incident. */
  readonly from: (pick: (incident: Incident) => unknown) => readonly number[];
};

/** The story of an incident; `undefined` when no abort has that number. */
export function abortStory(
  records: readonly EventRecord[],
  state: RolloutState,
  number: number,
  options: DocumentOptions,
): AbortStory | undefined {
  const index = state.incidents.findIndex((one) => one.number === number);
  const incident = state.incidents[index];
  const abort = recordsOf(records, 'RolloutAborted').find(({ event }) => event.incident === number);
  if (incident === undefined || abort === undefined) return undefined;
  const runs = attemptRuns(records);
  const run = runs.find((one) => one.number === incident.attempt);
  const begin = run?.from ?? 0;
  const trace = traceOf(records);
  return {
    ...{ state, incident, abort, runs, options, trace },
    records: records.filter((record) => record.version >= begin),
    ...(run && { run }),
    from: (pick) =>
      trace.of(({ incidents }) => {
        const one = incidents[index];
        return one && pick(one);
      }),
  };
}

/** The event in which the breached check was first seen to fail in the attempt; the abort itself where no check was breached. */
export function breachOf({ incident, abort, records }: AbortStory): { readonly at: number; readonly version: number } {
  const check = incident.verdict?.check;
  const first = records.find(({ event }) =>
    verdictsOf(event).some((verdict) => verdict.check === check && verdict.status === 'fail'),
  );
  return first !== undefined && first.at <= abort.at ? first : abort;
}
