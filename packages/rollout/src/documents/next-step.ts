import { formatDuration } from '../plan/duration.ts';
import type { Incident, RolloutState } from '../state.ts';
import type { DocumentOptions } from './format.ts';
import { type Block, count, instant, type Line, line, said, text } from './page.ts';
import { merged, type Trace } from './trace.ts';

type Next = {
  readonly state: RolloutState;
  readonly incident: Incident;
  readonly options: DocumentOptions;
  readonly trace: Trace;
};

const openedOf = ({ incident: { number }, trace }: Next) =>
  trace.of((one) => one.incidents.find((each) => each.number === number)?.openedAt);

function cooldown(next: Next): Line {
  const { state, incident, options, trace } = next;
  const { cooldownMs } = state.plan.retry;
  const at = incident.openedAt + cooldownMs;
  const planned = trace.of((one) => one.plan.retry);
  const length = { text: formatDuration(cooldownMs), value: cooldownMs, unit: 'ms' as const, from: planned };
  const end = instant(at, merged(planned, openedOf(next)), options, 'sum');
  return line('the cool-down of ', length, ', which ends ', end, ` (${options.now < at ? 'open' : 'over'})`);
}

function statistics({ state, incident, trace }: Next): Line {
  const fix = incident.fix === undefined ? 'a recorded fix (missing)' : 'a recorded fix (given)';
  if (state.failedChecks.length === 0)
    return line(
      `either the same version, with a reason or ${fix}, which continues the statistics, or ${fix} and a new version for fresh ones`,
    );
  const failed = said(
    state.failedChecks.join(', '),
    trace.of((one) => one.failedChecks),
  );
  return line(
    `${fix} and a new version, because the same version continues statistics in which these failed: `,
    failed,
  );
}

/** Retries used, of those the plan allows. */
export function retriesUsed(state: RolloutState, trace: Trace): Line {
  const used = Math.max(0, state.attempt - 1);
  const attempts = trace.of((one) => one.attempt);
  return line(
    count(used, attempts, 'number-of'),
    ' of ',
    count(
      state.plan.retry.limit,
      trace.of((one) => one.plan.retry),
    ),
    ' retries',
  );
}

/**
 * What follows an incident: the conditions of a retry and which of them still lack, or that the rollout has moved on, ended, or
 * used up its retries.
 */
export function nextStep(next: Next): readonly Block[] {
  const { state, incident, options, trace } = next;
  const following = state.attempts.findIndex((attempt) => attempt.number > incident.attempt);
  const attempt = state.attempts[following];
  if (attempt !== undefined) {
    const from = trace.of((one) => one.attempts[following]?.startedAt);
    const parts = [' started at ', instant(attempt.startedAt, from, options), ' with version '];
    return [text('Attempt ', count(attempt.number, from), ...parts, said(attempt.version, from), '.')];
  }
  if (state.phase !== 'aborted') return [text(`None: the rollout is ${state.phase}.`)];
  const { limit, people } = state.plan.retry;
  const used = retriesUsed(state, trace);
  if (state.attempt > limit) return [text('None: ', used, ' are used. A new rollout is needed.')];
  const attempts = trace.of((one) => one.attempt);
  const lines = [
    cooldown(next),
    statistics(next),
    ...(state.killed ? [line('the kill switch re-armed by a person with a reason (still latched)')] : []),
  ];
  return [
    text(
      ...['Retry from stage 1 as attempt ', count(state.attempt + 1, attempts, 'sum'), ' (', used],
      ` used), with the ${people} people unless it asks otherwise. It needs:`,
    ),
    { kind: 'list', items: lines.map((one) => ({ line: one })) },
  ];
}
