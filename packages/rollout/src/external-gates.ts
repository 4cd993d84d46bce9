import type { ExternalGate, Plan } from './plan.ts';
import type { GateAnswer, RolloutState } from './state.ts';

/** Answers missed in a row after which the last one counts no more. */
const MISSED_ANSWERS = 4;
/** Shortest interval of questions, whatever the time scale: the systems that answer live in real time. */
const SHORTEST_EVERY_MS = 1_000;

/** Interval of the questions to a gate, milliseconds. */
export function gateEveryMs({ everyMs }: ExternalGate): number {
  return Math.max(SHORTEST_EVERY_MS, everyMs);
}

/** External gates that have a say where the rollout stands: those of the start before the first stage, then the others. */
export function gatesNow(state: RolloutState): readonly ExternalGate[] {
  const { phase, plan, stage } = state;
  if (phase === 'baseline' && state.baseline !== undefined) return (plan.gates ?? []).filter(isOfStart);
  if ((phase !== 'exposing' && phase !== 'monitoring') || stage === undefined) return [];
  const ofStage = plan.stages[stage.index]?.external ?? [];
  return [...ofStage, ...(plan.gates ?? []).filter((gate) => !isOfStart(gate))];
}

function isOfStart({ when }: ExternalGate): boolean {
  return when === 'start';
}

/** Gates of `during` that are not open: while there are any, no time is served. */
export function shutGates(state: RolloutState): readonly ExternalGate[] {
  return gatesNow(state).filter(({ name, when }) => when === 'during' && state.gates?.[name]?.open !== true);
}

/** When the last of the gates that stop the clock did so. */
export function shutSince(state: RolloutState): number | undefined {
  const since = shutGates(state).map(({ name }) => state.gates?.[name]?.at ?? state.stage?.enteredAt ?? 0);
  return since.length === 0 ? undefined : Math.max(...since);
}

/** Whether an answer is so old that the gate counts as closed until it answers again. */
export function isStaleAnswer(gate: ExternalGate, answer: GateAnswer, now: number): boolean {
  return now - answer.at > MISSED_ANSWERS * gateEveryMs(gate);
}

/** The plan without external gates: for forecasts, which have nobody to ask. */
export function withoutGates({ gates: _ofAll, ...plan }: Plan): Plan {
  return { ...plan, stages: plan.stages.map(({ external: _ofStage, ...stage }) => stage) };
}
