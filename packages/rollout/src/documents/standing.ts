import { confirmationKey } from '../decide/decide-start.ts';
import { SELF_CHECKED_EXIT } from '../decide/exit-items.ts';
import { stageOf } from '../decide/exposure.ts';
import { servedMs } from '../decide/served.ts';
import { undecidedChecks } from '../decide/tick-advance.ts';
import { calendarOpen } from '../plan/calendar.ts';
import { formatElapsed } from '../plan/duration.ts';
import type { Stage } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import { type DocumentOptions, formatInstant, formatShare } from './format.ts';

/** Where the rollout stands between proceed, hold and rollback (absent: nothing to decide now), and why, in lines of plain text. */
export type Standing = { readonly decision?: 'proceed' | 'hold' | 'rollback'; readonly why: readonly string[] };

/** What stops every advance now, as plain text; empty when nothing does. */
export function stopsOf(state: RolloutState, timeZone?: string): readonly string[] {
  const { hold, blindSince, dataInvalid, alerting } = state;
  return [
    ...(hold ? [`held by ${hold.by}: ${hold.reason}`] : []),
    ...(blindSince === undefined ? [] : [`no fresh evidence since ${formatInstant(blindSince, timeZone)}`]),
    ...(dataInvalid === undefined ? [] : [`data invalid: ${dataInvalid}`]),
    ...alerting.map((check) => `alert ${check} fails`),
  ];
}

/** What the gate of the stage being served still lacks, as plain text; empty when it would open. */
function unmetGate(state: RolloutState, stage: Stage): readonly string[] {
  const undecided = undecidedChecks(stage, state.verdicts);
  const checks = stage.gate.filter((check) => undecided.includes(check.id));
  const confirmations = stage.confirmations.filter(
    (text) => !Object.hasOwn(state.confirmations, confirmationKey(stage.name, text)),
  );
  return [
    ...checks.map(({ id, metric, text }) => {
      const status = state.verdicts.find((verdict) => verdict.check === id)?.status ?? 'not judged yet';
      return `${metric} (${text}) is ${status}`;
    }),
    ...confirmations.map((text) => `not confirmed: ${text}`),
    ...(state.stage?.askedAt === undefined ? [] : ['a principal has been asked to decide']),
  ];
}

function leftToServeMs(state: RolloutState, now: number): number {
  return Math.max(0, (state.stage?.durationMs ?? 0) - servedMs(state, now));
}

function exposing(state: RolloutState, stage: Stage, now: number): Standing {
  const unmet = unmetGate(state, stage);
  if (unmet.length > 0) return { decision: 'hold', why: unmet };
  const next = state.plan.stages[(state.stage?.index ?? 0) + 1];
  const left = leftToServeMs(state, now);
  const calendar = calendarOpen(state.plan.calendar, now);
  if (left === 0 && !calendar.open) return { decision: 'hold', why: [calendar.why ?? 'advances are closed'] };
  const what = next === undefined ? 'monitoring' : `${next.name} (${formatShare(next)})`;
  return {
    decision: 'proceed',
    why: [`every check passes; next: ${what}${left > 0 ? ` in ${formatElapsed(left)}` : ''}`],
  };
}

function monitoring(state: RolloutState, now: number): Standing {
  const open = Object.entries(state.exit).flatMap(([item, given]) =>
    given || SELF_CHECKED_EXIT.includes(item) ? [] : [item],
  );
  const items = open.length === 0 ? 'every exit item is given' : `exit items open: ${open.join(', ')}`;
  return { why: [`monitoring before the exit gate, ${formatElapsed(leftToServeMs(state, now))} left; ${items}`] };
}

const WITHOUT_STAGE = {
  draft: 'not started',
  preflight: 'in pre-flight, nobody is exposed',
  baseline: 'capturing the baseline, nobody is exposed',
  exposing: 'between stages',
  complete: 'complete: the exit gate holds, nothing is left to decide',
  cancelled: 'cancelled, nobody is exposed',
} as const;

/**
 * What the report's decision says: `rollback` after an abort, `hold` while anything stops advances or the gate of the running
 * stage lacks something, `proceed` once every check of the gate passes and every confirmation is given (time may be left to serve).
 */
export function standingOf(state: RolloutState, { now, timeZone }: DocumentOptions): Standing {
  if (state.phase === 'aborted') {
    const last = state.incidents.at(-1);
    return { decision: 'rollback', why: last ? [`incident ${last.number}: ${last.reason}`] : [] };
  }
  const stops = state.phase === 'complete' || state.phase === 'cancelled' ? [] : stopsOf(state, timeZone);
  if (stops.length > 0) return { decision: 'hold', why: stops };
  if (state.phase === 'monitoring') return monitoring(state, now);
  const stage = stageOf(state);
  return state.phase === 'exposing' && stage ? exposing(state, stage, now) : { why: [WITHOUT_STAGE[state.phase]] };
}
