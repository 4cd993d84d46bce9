import type { EventRecord } from '../event.ts';
import { evolve } from '../evolve.ts';
import type { RolloutState } from '../state.ts';

/** Tells which events made a part of the state. */
export type Trace = {
  /** Version of the event that last changed what is picked; none where that is `undefined`. */
  readonly of: (pick: (state: RolloutState) => unknown) => readonly number[];
  /** The versions of several, each once. */
  readonly all: (...picks: readonly ((state: RolloutState) => unknown)[]) => readonly number[];
};

/** The history of a rollout's state, to trace figures in. */
export function traceOf(records: readonly EventRecord[]): Trace {
  const states: RolloutState[] = [];
  for (const record of records) states.push(evolve(states.at(-1), record));
  const of: Trace['of'] = (pick) => {
    const last = states.at(-1);
    const value = last === undefined ? undefined : pick(last);
    if (value === undefined) return [];
    let index = states.length - 1;
    while (index > 0 && isSame(pick(states[index - 1] as RolloutState), value)) index -= 1;
    const version = records[index]?.version;
    return version === undefined ? [] : [version];
  };
  return { of, all: (...picks) => merged(...picks.map(of)) };
}

/** Versions of several figures, each once, in order. */
export function merged(...versions: readonly (readonly number[])[]): readonly number[] {
  return [...new Set(versions.flat())].toSorted((one, other) => one - other);
}

function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  const areObjects = typeof one === 'object' && typeof other === 'object' && one !== null && other !== null;
  return areObjects && JSON.stringify(one) === JSON.stringify(other);
}
