import type { RolloutEvent } from '../event.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict } from '../verdict.ts';
import { type AbortCause, abortEvent } from './decide-abort.ts';
import { stageOf } from './exposure.ts';

function describe(verdict: Verdict): string {
  return `${verdict.metric} breaches ${verdict.limit}`;
}

function failing(judgement: Judgement, tier: Verdict['tier']): readonly Verdict[] {
  return judgement.verdicts.filter((verdict) => verdict.tier === tier && verdict.status === 'fail');
}

function causeOf(judgement: Judgement, verdict: Verdict): Omit<AbortCause, 'kind'> {
  const failed = judgement.verdicts.filter((one) => one.status === 'fail' && one.tier !== 'alert').map((one) => one.check);
  return { reason: describe(verdict), verdict, people: judgement.people, metrics: judgement.metrics, failed };
}

/** Whether the verdict may abort: `attribution: required` turns a breach that control shares into a hold. */
function isAttributed(state: RolloutState, verdict: Verdict): boolean {
  const criterion = state.plan.abortCriteria.find((check) => check.id === verdict.check);
  return criterion?.attribution !== 'required' || verdict.sharedWithControl !== true;
}

function killTrip(state: RolloutState, judgement: Judgement): readonly RolloutEvent[] {
  const verdict = failing(judgement, 'kill')[0];
  if (verdict === undefined || state.killed) return [];
  const reason = `${describe(verdict)} (kill switch)`;
  if (state.plan.killSwitch?.autoTrip === false) {
    const isOpen = state.proposals.some((one) => one.action === 'kill' && one.decided === undefined);
    const number = state.proposals.length + 1;
    return isOpen ? [] : [{ type: 'ProposalMade', number, action: 'kill', reason: `Trip the kill switch: ${describe(verdict)}` }];
  }
  return [
    { type: 'KillSwitchTripped', reason, check: verdict.check },
    abortEvent(state, { ...causeOf(judgement, verdict), kind: 'kill', reason }),
  ];
}

function criterion(state: RolloutState, judgement: Judgement): readonly RolloutEvent[] {
  const verdicts = failing(judgement, 'abort');
  const verdict = verdicts.find((one) => isAttributed(state, one));
  if (verdict) return [abortEvent(state, { ...causeOf(judgement, verdict), kind: 'criterion' })];
  const shared = verdicts[0];
  if (shared === undefined || state.hold !== undefined) return [];
  return [{ type: 'RolloutHeld', reason: `${describe(shared)}, and so does control: shared incident likely` }];
}

function gate(state: RolloutState, judgement: Judgement): readonly RolloutEvent[] {
  const stage = stageOf(state);
  const verdict = failing(judgement, 'gate').find((one) => stage?.gate.some((check) => check.id === one.check));
  if (stage === undefined || verdict === undefined) return [];
  if (stage.onFail === 'fix' || stage.onFail === 'rollback') {
    const cause = { ...causeOf(judgement, verdict), kind: 'gate' as const, reason: `${describe(verdict)} (gate of ${stage.name})` };
    return [abortEvent(state, stage.onFail === 'fix' ? { ...cause, issue: `${stage.name}: ${describe(verdict)}` } : cause)];
  }
  if (state.hold !== undefined || stage.onFail === 'extend') return [];
  return [{ type: 'RolloutHeld', reason: `${describe(verdict)} (gate of ${stage.name})` }];
}

/** Kill trips, abort criteria, missing telemetry and failed gates, in that order: the first that fires ends the attempt. */
export function lowerExposure(state: RolloutState, judgement: Judgement | undefined): readonly RolloutEvent[] {
  if (judgement === undefined) return [];
  const kill = killTrip(state, judgement);
  if (kill.some((event) => event.type === 'RolloutAborted')) return kill;
  const aborted = criterion(state, judgement);
  if (aborted.length > 0) return [...kill, ...aborted];
  if (judgement.telemetryMissing !== undefined) {
    const { people, metrics } = judgement;
    return [...kill, abortEvent(state, { kind: 'telemetry-missing', reason: judgement.telemetryMissing, people, metrics })];
  }
  return [...kill, ...gate(state, judgement)];
}
