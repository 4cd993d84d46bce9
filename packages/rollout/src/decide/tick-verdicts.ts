import type { RolloutEvent } from '../event.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict } from '../verdict.ts';

function statusChanged(state: RolloutState, judgement: Judgement): boolean {
  const before = new Map(state.verdicts.map((verdict) => [verdict.check, verdict.status]));
  return judgement.verdicts.some((verdict) => before.get(verdict.check) !== verdict.status);
}

/** An alert lasts until safety is shown, or until the evidence of harm is used up; silence ends none. */
export function isOver(verdict: Verdict): boolean {
  return verdict.status === 'pass' || (verdict.status === 'inconclusive' && verdict.logEFail <= 0);
}

function alerts(state: RolloutState, judgement: Judgement): readonly RolloutEvent[] {
  const events: RolloutEvent[] = [];
  for (const verdict of judgement.verdicts) {
    if (verdict.tier !== 'alert') continue;
    const isRaised = state.alerting.includes(verdict.check);
    if (verdict.status === 'fail' && !isRaised) events.push({ type: 'AlertRaised', check: verdict.check, verdict });
    if (isRaised && isOver(verdict)) events.push({ type: 'AlertCleared', check: verdict.check });
  }
  return events;
}

/** Records what the checks say when a status changes, and raises or clears alerts and the data-invalid pause. */
export function recordVerdicts(state: RolloutState, judgement: Judgement | undefined): readonly RolloutEvent[] {
  if (judgement === undefined) return [];
  const events: RolloutEvent[] = [];
  if (statusChanged(state, judgement)) {
    events.push({ type: 'ChecksJudged', verdicts: judgement.verdicts, metrics: judgement.metrics });
  }
  events.push(...alerts(state, judgement));
  if (judgement.dataInvalid !== undefined && state.dataInvalid === undefined) {
    events.push({ type: 'DataFoundInvalid', why: judgement.dataInvalid });
  }
  if (judgement.dataInvalid === undefined && state.dataInvalid !== undefined) events.push({ type: 'DataFoundValid' });
  return events;
}
