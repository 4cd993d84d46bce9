import { FULL_WEIGHT } from '@rampart/flags';
import type { Plan, Stage } from '../plan.ts';
import { DAY_MS, formatDuration } from './duration.ts';
import { formatValue } from './format-limit.ts';
import type { IssueLog } from './issue-log.ts';

function percent(weight: number): string {
  return formatValue(weight / FULL_WEIGHT, 'ratio');
}

/** Each stage must expose someone new: more of its audience than it, or everyone, has already (invariant: nobody loses the feature). */
export function refuseFallingExposure(stages: readonly Stage[], log: IssueLog): void {
  const reached = new Map<string | undefined, number>();
  for (const [index, { audience, weight }] of stages.entries()) {
    const before = Math.max(reached.get(audience) ?? 0, reached.get(undefined) ?? 0);
    if (weight <= before) {
      const who = audience === undefined ? 'everyone' : JSON.stringify(audience);
      const message = `exposure must rise: ${percent(weight)} of ${who} after ${percent(before)}; write a higher percentage`;
      log.error('not-rising', ['stages', index, 'percentage'], message);
    }
    reached.set(audience, Math.max(weight, before));
  }
}

/**
 * "Never 100 % on day one" (semantics §4): refused without a reason, and then said as a warning. Durations are unscaled;
 * `whole` is the index of the first stage at 100 % of everyone (hold-back or not), -1 for none.
 */
export function refuseDayOne(
  stages: readonly Stage[],
  whole: number,
  override: string | undefined,
  log: IssueLog,
): void {
  const earlierMs = stages.slice(0, Math.max(0, whole)).reduce((sum, stage) => sum + (stage.durationMs ?? 0), 0);
  if (whole < 0 || earlierMs >= DAY_MS) return;
  const path = ['stages', whole, 'percentage'];
  const when = whole === 0 ? 'at once' : `after ${formatDuration(earlierMs)}`;
  const problem = `never 100 % on day one: this plan reaches everyone ${when}`;
  if (override !== undefined) log.warning('day-one-overridden', path, `${problem}; allowed because: ${override}`);
  else
    log.error('day-one', path, `${problem}; let the stages before it last 24 h, or give an override with the reason`);
}

/** Something must be able to stop a rollout before its last stage: an abort criterion, a kill trip, a check or a confirmation. */
export function refuseUnwatched({ abortCriteria, killSwitch, stages }: Plan, log: IssueLog): void {
  const gated = stages.length > 1 ? stages.slice(0, -1) : stages;
  const isGated = gated.some(({ gate, confirmations }) => gate.length + confirmations.length > 0);
  if (isGated || abortCriteria.length > 0 || (killSwitch?.trips.length ?? 0) > 0) return;
  log.error('nothing-watched', ['stages'], 'nothing would ever stop this rollout: add abortCriteria or gates');
}

/** A last stage below 100 % of everyone must be permanent. */
export function refuseOpenEnd(last: Stage, index: number, log: IssueLog): void {
  if (last.durationMs === null) return;
  const message = `the last stage ends at ${percent(last.weight)} after a while; write duration: permanent, or add a stage of 100 %`;
  log.error('last-stage-open', ['stages', index, 'duration'], message);
}
