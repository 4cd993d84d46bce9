import type { RolloutEvent } from '../event.ts';
import { checksOf } from '../judge/evidence-state.ts';
import { PLAIN_RULE } from '../judge/plain-rule.ts';
import { ALERTS } from '../plan/alert-criterion.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict } from '../verdict.ts';
import { type AbortCause, abortEvent, failedChecks } from './decide-abort.ts';
import { stageOf } from './exposure.ts';

function describe(verdict: Verdict): string {
  if (verdict.source === ALERTS) return `${verdict.metric.replace(':', ' ')} fires`;
  const how = verdict.method === PLAIN_RULE ? ' by the plain rule, twice running over the window' : '';
  return `${verdict.metric} breaches ${verdict.limit}${how}`;
}

function causeOf(judgement: Judgement, verdict: Verdict): Omit<AbortCause, 'kind'> {
  const { people, metrics, verdicts } = judgement;
  return { reason: describe(verdict), verdict, people, metrics, failed: failedChecks(verdicts) };
}

/** Whether a breach is one that control shares and whose check says `attribution: required`: it holds, and lowers nothing. */
export function isSharedIncident(state: RolloutState, verdict: Verdict): boolean {
  return verdict.sharedWithControl === true && checksOf(state).get(verdict.check)?.attribution === 'required';
}

/**
 * Holds because of a check that has just begun to fail. A hold that a principal has lifted since is not raised again for
 * the same failure.
 */
function holdOnce(state: RolloutState, verdict: Verdict | undefined, why: string): readonly RolloutEvent[] {
  if (verdict === undefined || state.hold !== undefined) return [];
  const wasFailing = state.verdicts.some((one) => one.check === verdict.check && one.status === 'fail');
  return wasFailing ? [] : [{ type: 'RolloutHeld', reason: `${describe(verdict)}${why}` }];
}

/** Without `autoTrip`, people are asked once per attempt and trip, and not again after they declined. */
function proposeKill(state: RolloutState, trips: readonly Verdict[]): readonly RolloutEvent[] {
  const since = state.attempts.at(-1)?.startedAt ?? 0;
  const asked = state.proposals.filter((one) => one.action === 'kill' && one.at >= since);
  if (asked.some((one) => one.decided === undefined)) return [];
  const reasons = trips.map((verdict) => `Trip the kill switch: ${describe(verdict)}`);
  const reason = reasons.find((text) => asked.every((one) => one.reason !== text));
  return reason === undefined
    ? []
    : [{ type: 'ProposalMade', number: state.proposals.length + 1, action: 'kill', reason }];
}

function killTrip(state: RolloutState, judgement: Judgement, trips: readonly Verdict[]): readonly RolloutEvent[] {
  const verdict = trips[0];
  if (verdict === undefined) return [];
  if (state.plan.killSwitch?.autoTrip === false) return proposeKill(state, trips);
  const reason = `${describe(verdict)} (kill switch)`;
  return [
    { type: 'KillSwitchTripped', reason, check: verdict.check },
    abortEvent(state, { ...causeOf(judgement, verdict), kind: 'kill', reason }),
  ];
}

function gate(state: RolloutState, judgement: Judgement, verdict: Verdict | undefined): readonly RolloutEvent[] {
  const stage = stageOf(state);
  if (stage === undefined || verdict === undefined || stage.onFail === 'extend') return [];
  const where = ` (gate of ${stage.name})`;
  if (stage.onFail === 'hold') return holdOnce(state, verdict, where);
  const cause = { ...causeOf(judgement, verdict), kind: 'gate' as const, reason: `${describe(verdict)}${where}` };
  return [
    abortEvent(state, stage.onFail === 'fix' ? { ...cause, issue: `${stage.name}: ${describe(verdict)}` } : cause),
  ];
}

/** Kill trips, abort criteria, missing telemetry and failed gates, in that order: the first that fires ends the attempt. */
export function lowerExposure(state: RolloutState, judgement: Judgement | undefined): readonly RolloutEvent[] {
  if (judgement === undefined) return [];
  const failing = judgement.verdicts.filter((one) => one.status === 'fail' && one.tier !== 'alert');
  const shared = failing.find((one) => isSharedIncident(state, one));
  const own = (tier: Verdict['tier']) => failing.filter((one) => one.tier === tier && !isSharedIncident(state, one));
  const kill = killTrip(state, judgement, own('kill'));
  if (kill.some((event) => event.type === 'RolloutAborted')) return kill;
  const criterion = own('abort')[0];
  if (criterion) return [...kill, abortEvent(state, { ...causeOf(judgement, criterion), kind: 'criterion' })];
  if (judgement.telemetryMissing !== undefined) {
    const { people, metrics, telemetryMissing: reason } = judgement;
    return [...kill, abortEvent(state, { kind: 'telemetry-missing', reason, people, metrics })];
  }
  const gated = gate(state, judgement, own('gate')[0]);
  if (gated.length > 0) return [...kill, ...gated];
  return [...kill, ...holdOnce(state, shared, ', and so does control: shared incident likely')];
}
