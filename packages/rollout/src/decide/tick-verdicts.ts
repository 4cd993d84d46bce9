import type { RolloutEvent } from '../event.ts';
import { newlySpent } from '../judge/measuring.ts';
import { formatValue } from '../plan/format-limit.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict } from '../verdict.ts';

function statusChanged(state: RolloutState, judgement: Judgement): boolean {
  const before = new Map(state.verdicts.map((verdict) => [verdict.check, verdict]));
  return judgement.verdicts.some((verdict) => {
    const known = before.get(verdict.check);
    return known?.status !== verdict.status || known.untrusted !== verdict.untrusted;
  });
}

/** An alert lasts until safety is shown, or until the evidence of harm is used up; silence, or a judge that drifts, ends none. */
export function isOver(verdict: Verdict): boolean {
  if (verdict.untrusted) return false;
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

/** Tells once that judging a metric has cost its budget, and holds: whoever resumes has looked at it. */
function spentBudgets(state: RolloutState, { metrics }: Judgement): readonly RolloutEvent[] {
  const costOf = (metric: string) => metrics.find((one) => one.metric === metric)?.measuring?.cost ?? 0;
  const spent = newlySpent(state, costOf);
  if (spent.length === 0) return [];
  const told = spent.map((one): RolloutEvent => ({ type: 'JudgeBudgetSpent', ...one }));
  if (state.hold !== undefined) return told;
  const costs = spent.map((one) => `${one.metric} ${dollars(one.cost)} of ${dollars(one.budget)}`).join(', ');
  return [...told, { type: 'RolloutHeld', reason: `judging has spent its budget: ${costs}` }];
}

function dollars(amount: number): string {
  return formatValue(amount, 'USD', 4);
}

/** Records what the checks say when a status changes, and raises or clears alerts and the data-invalid pause. */
export function recordVerdicts(state: RolloutState, judgement: Judgement | undefined): readonly RolloutEvent[] {
  if (judgement === undefined) return [];
  const events: RolloutEvent[] = [];
  if (statusChanged(state, judgement)) {
    events.push({ type: 'ChecksJudged', verdicts: judgement.verdicts, metrics: judgement.metrics });
  }
  events.push(...alerts(state, judgement), ...spentBudgets(state, judgement));
  if (judgement.dataInvalid !== undefined && state.dataInvalid === undefined) {
    events.push({ type: 'DataFoundInvalid', why: judgement.dataInvalid });
  }
  if (judgement.dataInvalid === undefined && state.dataInvalid !== undefined) events.push({ type: 'DataFoundValid' });
  return events;
}
