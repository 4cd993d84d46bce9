import type { AbortKind } from '@rampart/rollout';

/** How a simulated rollout ended. */
export type Outcome =
  /** Through the exit gate, or (with `until: 'ga'`) into the last stage. */
  | 'completed'
  | 'aborted'
  /** A stage was undecided after its longest duration, and a person would have been asked. */
  | 'undecided'
  /** Rampart held and asked people to look. */
  | 'held'
  /** Still running when the simulated time was over. */
  | 'unfinished';

/** What ended a run early, as the incident says it. */
export type AbortCause = {
  readonly kind: AbortKind;
  readonly reason: string;
  readonly metric?: string;
  readonly check?: string;
  /** The rollout was aborted although the new variant did no harm beyond the check's limit. */
  readonly isFalse: boolean;
};

/** A gate that opened. */
export type PassedStage = {
  readonly stage: string;
  /** Time after the first exposure. */
  readonly afterMs: number;
  /** The gate opened although, in all of its stage, harm was on or beyond the line of one of its checks. */
  readonly isFalse: boolean;
};

/** One simulated rollout. Times are in ms. */
export type SimulatedRun = {
  readonly seed: number;
  readonly outcome: Outcome;
  /** Stage it stood in at the end. */
  readonly stage: string;
  /** Time after the first exposure; 0 if nobody was ever exposed. */
  readonly afterMs: number;
  readonly abort?: AbortCause;
  /** What it waited for at its end, in words without figures; absent for a run that completed or was aborted. */
  readonly waiting?: readonly string[];
  /** From the first exposure to the begin of a blindness that lasted to its end; absent without one. */
  readonly blindAfterMs?: number;
  /** From the begin of harm beyond a limit to the abort; absent without either. */
  readonly detectionMs?: number;
  /** From the first exposure to the last stage; absent if it was not reached. */
  readonly timeToGaMs?: number;
  readonly passed: readonly PassedStage[];
  /** Completed although harm on or beyond a line that a pass would deny had begun. */
  readonly isFalsePass: boolean;
  /** Whether harm beyond a limit had begun. */
  readonly isHarmed: boolean;
  /** Distinct people who saw the new variant. */
  readonly exposed: number;
  /** Expected people harmed, and expected excess bad events. */
  readonly harmed: number;
  readonly excessEvents: number;
  /** Expected excess by metric: events, or units of its value. */
  readonly excess: Readonly<Record<string, number>>;
  readonly batches: number;
  /** What happened, without the judgements. */
  readonly events: readonly { readonly afterMs: number; readonly type: string; readonly why?: string }[];
};
