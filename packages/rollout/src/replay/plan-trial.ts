import { stageOf } from '../decide/exposure.ts';
import { undecidedChecks } from '../decide/tick-advance.ts';
import { lowerExposure } from '../decide/tick-lower.ts';
import { currentStageName } from '../evolve-records.ts';
import { type EvidenceState, NO_EVIDENCE } from '../judge/evidence-state.ts';
import { foldEvidence } from '../judge/fold-trusted.ts';
import { judge } from '../judge/judge.ts';
import { withTrustedJudges } from '../judge/judge-trust.ts';
import type { Plan } from '../plan.ts';
import { reconcile } from '../reconcile.ts';
import type { AbortKind, RolloutState } from '../state.ts';
import type { Baseline, Judgement } from '../verdict.ts';
import { type Alarm, type CheckHistory, openAlarmLog } from './alarm-log.ts';
import type { ReplayedLook } from './replay-rollout.ts';

/** An abort as the plan would have had it: the first of its attempt. */
export type TrialAbort = {
  readonly at: number;
  readonly attempt: number;
  readonly stage: string;
  readonly kind: AbortKind;
  readonly reason: string;
  readonly metric?: string;
  readonly check?: string;
};

/** When the evidence alone would have opened the gate of a stage. */
export type GateTrial = {
  readonly attempt: number;
  readonly stage: string;
  readonly enteredAt: number;
  /** First instant with every check of the gate passed; absent: never while the stage was served. */
  readonly openAt?: number;
  /** Checks that had not passed at the stage's last look. */
  readonly undecided: readonly string[];
};

/** What a plan would have said to the evidence of a rollout. */
export type PlanTrial = {
  readonly aborts: readonly TrialAbort[];
  readonly alarms: readonly Alarm[];
  readonly checks: readonly CheckHistory[];
  readonly gates: readonly GateTrial[];
  /** Stages the rollout served that the plan does not have: their gates could not be judged. */
  readonly unknownStages: readonly string[];
};

/** A trial under way. */
export type OpenTrial = { readonly look: (look: ReplayedLook) => void; readonly result: () => PlanTrial };

/** Stage of the plan with the same name as the one being served; -1 where it has none. */
function stageIndexIn(plan: Plan, state: RolloutState): number {
  const name = stageOf(state)?.name;
  return plan.stages.findIndex((stage) => stage.name === name);
}

/** The rollout as it would stand under another plan: the same people, stages, times and baseline window. */
function underPlan(state: RolloutState, plan: Plan, baseline: Baseline | undefined): RolloutState {
  const { stage, baseline: real, ...rest } = state;
  const known = baseline ?? real;
  return {
    ...rest,
    plan: { ...withTrustedJudges(plan), baseline: state.plan.baseline },
    ...(stage && { stage: { ...stage, index: stageIndexIn(plan, state) } }),
    ...(known && { baseline: known }),
  };
}

/** What the evidence says under the plan, and a baseline if it was frozen at this look. */
type Judged = { readonly state: RolloutState; readonly judgement: Judgement };

/** Judges each look by the plan the rollout had: the replay has done the work already. */
function ownJudge(): (look: ReplayedLook) => Judged {
  return ({ state, judgement }) => ({ state, judgement });
}

/** Judges each look by another plan, from the same batches. */
function otherJudge(plan: Plan): (look: ReplayedLook) => Judged {
  let evidence: EvidenceState = NO_EVIDENCE;
  let baseline: Baseline | undefined;
  return ({ at, state: real, batch }) => {
    const state = underPlan(real, plan, baseline);
    if (real.phase === 'baseline' && real.baseline === undefined) {
      const outcome = reconcile(state, evidence, batch, at);
      evidence = outcome.evidence;
      for (const event of outcome.events) if (event.type === 'BaselineCaptured') baseline = event.baseline;
      return { state, judgement: outcome.judgement };
    }
    if (batch !== undefined) evidence = foldEvidence(evidence, batch, state);
    return { state, judgement: judge(evidence, state, at) };
  };
}

function abortOf(state: RolloutState, judgement: Judgement, at: number): TrialAbort | undefined {
  for (const event of lowerExposure(state, judgement)) {
    if (event.type !== 'RolloutAborted') continue;
    const { kind, reason, verdict } = event;
    const stage = currentStageName(state);
    const cause = verdict && { metric: verdict.metric, check: verdict.check };
    return { at, attempt: state.attempt, stage, kind, reason, ...cause };
  }
  return undefined;
}

function gateOf(
  before: GateTrial | undefined,
  state: RolloutState,
  judgement: Judgement,
  at: number,
): GateTrial | undefined {
  const stage = stageOf(state);
  if (stage === undefined || state.stage === undefined || stage.gate.length === 0) return before;
  const undecided = undecidedChecks(stage, judgement.verdicts);
  const openAt = before?.openAt ?? (undecided.length === 0 ? at : undefined);
  const { enteredAt } = state.stage;
  return { attempt: state.attempt, stage: stage.name, enteredAt, undecided, ...(openAt !== undefined && { openAt }) };
}

/**
 * Holds a plan against the looks of a replay. Without `plan`: the rollout's own. Exposure stays what it really was: checks
 * of abort criteria, kill trips and alerts are judged over all of the evidence, gates in the stages of the same name.
 */
export function openTrial(plan?: Plan): OpenTrial {
  const judgeLook = plan === undefined ? ownJudge() : otherJudge(plan);
  const log = openAlarmLog();
  const aborts = new Map<number, TrialAbort>();
  const gates = new Map<string, GateTrial>();
  const unknown = new Set<string>();
  let statistics = 0;
  return {
    look(look) {
      const { state, judgement } = judgeLook(look);
      const isExposed = look.state.phase === 'exposing' || look.state.phase === 'monitoring';
      if (!isExposed) return;
      const { at } = look;
      if (state.statistics !== statistics) log.reset();
      statistics = state.statistics;
      const { attempt } = state;
      const served = currentStageName(look.state);
      if (stageOf(state) === undefined) unknown.add(served);
      log.judged(judgement.verdicts, { at, attempt, stage: served });
      const key = `${attempt}/${look.state.stage?.enteredAt}`;
      const gate = gateOf(gates.get(key), state, judgement, at);
      if (gate !== undefined) gates.set(key, gate);
      const abort = aborts.has(attempt) ? undefined : abortOf(state, judgement, at);
      if (abort !== undefined) aborts.set(attempt, abort);
    },
    result: () => ({
      aborts: [...aborts.values()],
      alarms: log.alarms(),
      checks: log.checks(),
      gates: [...gates.values()],
      unknownStages: [...unknown],
    }),
  };
}
