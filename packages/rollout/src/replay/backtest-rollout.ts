import type { EventRecord } from '../event.ts';
import type { EvidenceBatch } from '../evidence.ts';
import type { Plan } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import { openTrial, type PlanTrial, type TrialAbort } from './plan-trial.ts';
import { openReplay, type ReplayResult } from './replay-rollout.ts';

/** An abort a plan would have had, beside what became of that attempt in truth. */
export type JudgedAbort = TrialAbort & {
  /** When the attempt was really aborted, by whoever. */
  readonly realAbortAt?: number;
  /** The attempt was never aborted: nobody found harm, so that the alarm counts as false. */
  readonly isFalse: boolean;
};

/** A plan held against a rollout's evidence. */
export type TrialReport = Omit<PlanTrial, 'aborts'> & {
  readonly aborts: readonly JudgedAbort[];
  /** Real aborts of attempts in which the plan would have had none. */
  readonly missed: readonly { readonly attempt: number; readonly at: number; readonly reason: string }[];
};

/** A rollout run again, by its own plan and, where there is one, by another. */
export type BacktestResult = {
  readonly replay: ReplayResult;
  /** Time with evidence, from the first exposure to the last look, milliseconds. */
  readonly exposedMs: number;
  readonly original: TrialReport;
  readonly edited?: TrialReport;
};

/** A backtest under way: batches go in as they are read, none is kept. */
export type Backtest = {
  readonly feed: (batch: EvidenceBatch) => void;
  readonly finish: () => BacktestResult;
};

/** Whether an abort came from the evidence: a person's decision cannot be missed by a plan. */
function isFromEvidence(kind: TrialAbort['kind']): boolean {
  return kind !== 'person' && kind !== 'blind';
}

function reportOf(trial: PlanTrial, { incidents }: RolloutState): TrialReport {
  const aborts = trial.aborts.map((abort) => {
    const real = incidents.find(({ attempt }) => attempt === abort.attempt);
    return { ...abort, isFalse: real === undefined, ...(real && { realAbortAt: real.openedAt }) };
  });
  const missed = incidents
    .filter(({ attempt, kind }) => isFromEvidence(kind) && !trial.aborts.some((one) => one.attempt === attempt))
    .map(({ attempt, openedAt, reason }) => ({ attempt, at: openedAt, reason }));
  return { ...trial, aborts, missed };
}

/**
 * Runs a rollout's own evidence again: exactly, and by an edited plan. The evidence was collected at the exposure the
 * rollout really had; an edited plan changes what would have been decided on it, never who saw the feature.
 */
export function openBacktest(records: readonly EventRecord[], edited?: Plan): Backtest {
  const original = openTrial();
  const other = edited && openTrial(edited);
  let from: number | undefined;
  let to = 0;
  const replay = openReplay(records, (look) => {
    original.look(look);
    other?.look(look);
    if (look.state.phase !== 'exposing' && look.state.phase !== 'monitoring') return;
    from ??= look.state.stage?.enteredAt ?? look.at;
    to = look.at;
  });
  return {
    feed: replay.feed,
    finish() {
      const result = replay.finish();
      return {
        replay: result,
        exposedMs: from === undefined ? 0 : to - from,
        original: reportOf(original.result(), result.state),
        ...(other && { edited: reportOf(other.result(), result.state) }),
      };
    },
  };
}
