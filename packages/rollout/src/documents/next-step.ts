import { formatDuration } from '../plan/duration.ts';
import type { Incident, RolloutState } from '../state.ts';
import { type DocumentOptions, formatInstant } from './format.ts';
import { escapeMarkdown } from './markdown.ts';

function cooldown({ plan }: RolloutState, incident: Incident, { now, timeZone }: DocumentOptions): string {
  const at = incident.openedAt + plan.retry.cooldownMs;
  const over = now < at ? 'open' : 'over';
  return `the cool-down of ${formatDuration(plan.retry.cooldownMs)}, which ends ${formatInstant(at, timeZone)} (${over})`;
}

function statistics(state: RolloutState, incident: Incident): string {
  const failed = state.failedChecks.map(escapeMarkdown).join(', ');
  const fix = incident.fix === undefined ? 'a recorded fix (missing)' : 'a recorded fix (given)';
  if (failed === '')
    return `either the same version, with a reason or ${fix}, which continues the statistics, or ${fix} and a new version for fresh ones`;
  return `${fix} and a new version, because the same version continues statistics in which these failed: ${failed}`;
}

/**
 * What follows an incident, as Markdown: the conditions of a retry and which of them still lack, or that the rollout has moved
 * on, ended, or used up its retries.
 */
export function nextStep(state: RolloutState, incident: Incident, options: DocumentOptions): string {
  const next = state.attempts.find((attempt) => attempt.number > incident.attempt);
  if (next !== undefined) {
    const at = formatInstant(next.startedAt, options.timeZone);
    return `Attempt ${next.number} started at ${at} with version ${escapeMarkdown(next.version)}.`;
  }
  if (state.phase !== 'aborted') return `None: the rollout is ${state.phase}.`;
  const { limit, people } = state.plan.retry;
  const used = Math.max(0, state.attempt - 1);
  if (used >= limit) return `None: ${used} of ${limit} retries are used. A new rollout is needed.`;
  const conditions = [
    cooldown(state, incident, options),
    statistics(state, incident),
    ...(state.killed ? ['the kill switch re-armed by a person with a reason (still latched)'] : []),
  ];
  const list = conditions.map((condition) => `- ${condition}`).join('\n');
  return `Retry from stage 1 as attempt ${state.attempt + 1} (${used} of ${limit} retries used), with the ${people} people unless it asks otherwise. It needs:\n\n${list}`;
}
