import { FULL_WEIGHT } from '@rampart/flags';
import { applyAll } from '../decide/decide.ts';
import { enterStage } from '../decide/exposure.ts';
import { lowerExposure } from '../decide/tick-lower.ts';
import type { RolloutEvent } from '../event.ts';
import type { EvidenceBatch, EvidenceSeries, Occurrence } from '../evidence.ts';
import { withoutGates } from '../external-gates.ts';
import { type EvidenceState, NO_EVIDENCE } from '../judge/evidence-state.ts';
import { foldEvidence } from '../judge/fold-trusted.ts';
import { judge } from '../judge/judge.ts';
import { withTrustedJudges } from '../judge/judge-trust.ts';
import type { Check, Plan, Stage } from '../plan.ts';
import { RAMPART } from '../principal.ts';
import { reconcile } from '../reconcile.ts';
import type { RolloutState } from '../state.ts';
import type { Baseline } from '../verdict.ts';
import { type Alarm, type CheckHistory, openAlarmLog } from './alarm-log.ts';
import type { TrialAbort } from './plan-trial.ts';

/** Name of the one stage that a history is judged in. */
export const HISTORY_STAGE = 'history';

/** What a system recorded of one metric in one step; without `arm` the history knows no variants. */
export type RecordedSeries = {
  readonly metric: string;
  readonly arm?: 'treatment' | 'control';
  readonly count: number;
  /** Sum of the values; for a proportion the number of bad events. */
  readonly sum: number;
  readonly sumSquares: number;
  /** Histogram as [bin, count] pairs (see `binOf`), for quantiles. */
  readonly bins?: readonly (readonly [number, number])[];
};

/** One step of a recorded history. `toAt` of a step is `fromAt` of the next. */
export type RecordedStep = {
  readonly fromAt: number;
  readonly toAt: number;
  readonly series: readonly RecordedSeries[];
  readonly occurrences?: readonly Occurrence[];
};

/** A time in which something was really wrong. */
export type KnownIncident = { readonly fromAt: number; readonly toAt: number };

/** How a history is judged. */
export type HistoryOptions = {
  /** First part of the history, frozen as the baseline; 0: none. Nothing in it is judged. */
  readonly baselineMs: number;
  /** Share that saw the new variant where the history tells variants apart, thousandths of a percent. Default: everyone. */
  readonly split?: number;
  /** Times known to be bad. An abort in one is right, any other is a false alarm. */
  readonly incidents: readonly KnownIncident[];
};

/** What a plan would have said to a history. */
export type HistoryResult = {
  readonly baseline?: Baseline;
  /** Time that was judged: what follows the baseline, without the pauses after aborts. */
  readonly judgedMs: number;
  readonly steps: number;
  /** Steps in which nothing was recorded. */
  readonly silentSteps: number;
  readonly aborts: readonly (TrialAbort & { readonly isFalse: boolean })[];
  readonly alarms: readonly Alarm[];
  readonly checks: readonly CheckHistory[];
  /** The known incidents, with the first abort in each. */
  readonly incidents: readonly (KnownIncident & { readonly abortedAt?: number; readonly metric?: string })[];
};

/** A history under judgement. */
export type HistoryTrial = {
  readonly feed: (step: RecordedStep) => void;
  readonly finish: () => HistoryResult;
};

/** Every check of every gate once. */
function allGates(plan: Plan): readonly Check[] {
  return [...new Map(plan.stages.flatMap((stage) => stage.gate).map((check) => [check.id, check])).values()];
}

/** The plan with one endless stage that holds every gate: history has no stages, and its exposure was what it was. */
function historyPlan(plan: Plan, { baselineMs, split = FULL_WEIGHT }: HistoryOptions): Plan {
  const stage: Stage = {
    name: HISTORY_STAGE,
    weight: split,
    durationMs: null,
    maxDurationMs: null,
    gate: allGates(plan),
    confirmations: [],
    onFail: 'rollback',
    onInconclusive: 'hold',
  };
  return {
    ...withoutGates(withTrustedJudges(plan)),
    stages: [stage],
    baseline: { windowMs: baselineMs },
    calendar: { freeze: [], timeZone: 'UTC' },
    exit: [],
  };
}

function applied(state: RolloutState | undefined, events: readonly RolloutEvent[], at: number): RolloutState {
  const after = applyAll(state, events, RAMPART, at);
  if (after === undefined) throw new TypeError('a history begins with the events that open it');
  return after;
}

/** A rollout that stands before its baseline or, without one, enters its stage at once. */
function opened(plan: Plan, at: number): RolloutState {
  const begun = applied(
    undefined,
    [
      { type: 'RolloutCreated', id: HISTORY_STAGE, plan, warnings: [] },
      { type: 'AttemptStarted', attempt: 1, version: plan.version, statistics: 1 },
      { type: 'BaselineStarted' },
    ],
    at,
  );
  if (plan.baseline.windowMs > 0) return begun;
  return applied(begun, enterStage(begun, 0, at, 'there is no baseline to wait for'), at);
}

/** The batch as an SDK would have told it: before exposure all is control, without variants all is exposed. */
function batchOf(step: RecordedStep, seq: number, state: RolloutState, split = FULL_WEIGHT): EvidenceBatch {
  const isBaseline = state.phase === 'baseline';
  const placeOf = ({ arm }: RecordedSeries): Pick<EvidenceSeries, 'arm' | 'stratum'> => {
    if (isBaseline) return { arm: 'control', stratum: 0 };
    return arm === undefined ? { arm: 'treatment', stratum: FULL_WEIGHT } : { arm, stratum: split };
  };
  const series = step.series.map((one): EvidenceSeries => {
    const { metric, count, sum, sumSquares, bins } = one;
    const cells = { bucket: [-1], count: [count], sum: [sum], sumSquares: [sumSquares] };
    return { metric, ...placeOf(one), epoch: state.epoch, ...cells, ...(bins && { bins: [bins] }) };
  });
  const { fromAt, toAt, occurrences } = step;
  return { seq, fromAt, toAt, series, ...(occurrences && { occurrences }) };
}

function isIn({ fromAt, toAt }: KnownIncident, at: number): boolean {
  return at >= fromAt && at <= toAt;
}

/**
 * Holds a plan against recorded history. After an abort the cooldown of the plan passes, then the next attempt begins
 * with fresh statistics, as it would after a fix; so one lasting fault counts again each time it is found anew.
 */
export function openHistoryTrial(plan: Plan, options: HistoryOptions): HistoryTrial {
  const judged = historyPlan(plan, options);
  const log = openAlarmLog();
  const aborts: TrialAbort[] = [];
  let state: RolloutState | undefined;
  let evidence: EvidenceState = NO_EVIDENCE;
  let pausedUntil = 0;
  let attempt = 1;
  const seen = { steps: 0, silentSteps: 0, judgedMs: 0 };

  const awaitBaseline = (now: RolloutState, batch: EvidenceBatch): void => {
    const outcome = reconcile(now, evidence, batch, batch.toAt);
    evidence = outcome.evidence;
    state = outcome.events.length === 0 ? now : applied(now, outcome.events, batch.toAt);
  };
  const judgeBatch = (now: RolloutState, batch: EvidenceBatch): void => {
    const at = batch.toAt;
    if (at <= pausedUntil) return;
    seen.judgedMs += at - batch.fromAt;
    evidence = foldEvidence(evidence, batch, now);
    const judgement = judge(evidence, now, at);
    log.judged(judgement.verdicts, { at, attempt, stage: HISTORY_STAGE });
    const abort = lowerExposure(now, judgement).find((event) => event.type === 'RolloutAborted');
    if (abort?.type !== 'RolloutAborted') return;
    const { kind, reason, verdict } = abort;
    const cause = verdict && { metric: verdict.metric, check: verdict.check };
    aborts.push({ at, attempt, stage: HISTORY_STAGE, kind, reason, ...cause });
    attempt += 1;
    pausedUntil = at + plan.retry.cooldownMs;
    evidence = NO_EVIDENCE;
    log.reset();
  };

  return {
    feed(step) {
      state ??= opened(judged, step.fromAt);
      seen.steps += 1;
      if (step.series.length === 0 && (step.occurrences?.length ?? 0) === 0) seen.silentSteps += 1;
      const batch = batchOf(step, seen.steps, state, options.split);
      if (state.phase === 'baseline') awaitBaseline(state, batch);
      else judgeBatch(state, batch);
    },
    finish() {
      const isKnown = ({ at }: TrialAbort) => options.incidents.some((one) => isIn(one, at));
      const incidents = options.incidents.map((incident) => {
        const first = aborts.find(({ at }) => isIn(incident, at));
        if (first === undefined) return incident;
        return { ...incident, abortedAt: first.at, ...(first.metric !== undefined && { metric: first.metric }) };
      });
      return {
        ...seen,
        ...(state?.baseline && { baseline: state.baseline }),
        aborts: aborts.map((abort) => ({ ...abort, isFalse: !isKnown(abort) })),
        alarms: log.alarms(),
        checks: log.checks(),
        incidents,
      };
    },
  };
}
