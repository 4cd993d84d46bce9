import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { formatSeconds } from '../plan/duration.ts';
import { ROLLBACK_TESTED } from '../plan/read-preflight.ts';
import { sameJson } from '../replay/same-json.ts';
import type { Drill, DrillLeg, RolloutState } from '../state.ts';
import { findingEvents, leavePreflight } from './decide-preflight.ts';
import { accept, type Handler, lacksRole, notIn, refuse } from './decision.ts';

type Of<T extends RolloutCommand['type']> = Extract<RolloutCommand, { type: T }>;

/** Whoever runs a rollout or watches it may drill: nobody sees anything of it. */
const DRILLING = ['admin', 'operator', 'observer', 'system'] as const;

/** The drill that runs now. */
export function runningDrill({ drills }: RolloutState): Drill | undefined {
  const last = drills?.at(-1);
  return last?.finishedAt === undefined ? last : undefined;
}

/** Whether the flag of the running drill is on; `undefined` while none runs. */
export function drillSwitch(state: RolloutState): 'on' | 'off' | undefined {
  const drill = state.phase === 'complete' || state.phase === 'cancelled' ? undefined : runningDrill(state);
  if (drill === undefined) return undefined;
  return drill.offAt === undefined ? 'on' : 'off';
}

export const drill: Handler<Of<'Drill'>> = (state, { connected = 0 }, by) => {
  const no =
    lacksRole(by, DRILLING, 'run a rollback drill') ??
    notIn(state, ['preflight', 'baseline', 'exposing', 'monitoring', 'aborted'], 'run a rollback drill');
  if (no) return no;
  const running = runningDrill(state);
  if (running)
    return refuse('DRILL_RUNNING', `Drill ${running.number} of ${state.id} is running; \`rampart status\` shows it.`);
  if (connected === 0) {
    return refuse(
      'NO_SDK_CONNECTED',
      `No SDK that names itself is connected, so that nothing can be measured. Start the application, then run the drill again; or give "${ROLLBACK_TESTED}" with evidence of how it was tested.`,
    );
  }
  return accept({ type: 'DrillStarted', number: (state.drills?.length ?? 0) + 1, connected });
};

export const switchDrillOff: Handler<Of<'SwitchDrillOff'>> = (state, command, by) => {
  const no = lacksRole(by, ['system'], 'switch a drill off');
  if (no) return no;
  const running = runningDrill(state);
  if (running?.number !== command.drill || running.offAt !== undefined) return accept();
  return accept({ type: 'DrillSwitchedOff', number: command.drill, on: command.on });
};

export const finishDrill: Handler<Of<'FinishDrill'>> = (state, command, by, now) => {
  const no = lacksRole(by, ['system'], 'finish a drill');
  if (no) return no;
  const running = runningDrill(state);
  if (running?.number !== command.drill) return accept();
  const { off, why } = command;
  const finished: RolloutEvent = {
    type: 'DrillFinished',
    number: command.drill,
    passed: why === undefined,
    ...(off && { off }),
    ...(why !== undefined && { why }),
  };
  if (state.phase !== 'preflight') return accept(finished);
  const outcome = describeDrill({
    ...running,
    ...(off && { off }),
    passed: why === undefined,
    ...(why !== undefined && { why }),
  });
  const finding = why === undefined ? { evidence: outcome } : { why: outcome };
  const events = findingEvents(state, { item: ROLLBACK_TESTED, ...finding }, now);
  const given = events.some(({ type }) => type === 'ItemAttested') ? [ROLLBACK_TESTED] : [];
  return accept(finished, ...events, ...(given.length > 0 ? leavePreflight(state, given, now) : []));
};

export const recordOverlaps: Handler<Of<'RecordOverlaps'>> = (state, { overlaps }, by) => {
  const no = lacksRole(by, ['system'], 'record overlaps');
  if (no) return no;
  return sameJson(overlaps, state.overlaps ?? []) ? accept() : accept({ type: 'OverlapsFound', overlaps });
};

function legText(leg: DrillLeg, connected: number): string {
  const how = leg.evaluated === leg.confirmed ? '' : ` (${leg.evaluated} of them by evaluating it)`;
  const time = leg.worstMs === undefined ? '' : ` in ${formatSeconds(leg.worstMs)}`;
  const left = leg.left === undefined ? '' : ` (${leg.left} ended meanwhile)`;
  return `${time} in ${leg.confirmed} of ${connected} SDKs${how}${left}`;
}

/** How a drill went, in plain words: `off in 0.4 s in 12 of 12 SDKs`. */
export function describeDrill({ number, connected, off, passed, why, finishedAt }: Drill): string {
  if (passed === undefined && finishedAt === undefined) return `drill ${number} is running in ${connected} SDKs`;
  if (passed) return `drill ${number}: off${off === undefined ? '' : legText(off, connected)}`;
  const reached = off === undefined ? '' : `; off${legText(off, connected)}`;
  return `drill ${number} failed: ${why ?? 'it did not end'}${reached}`;
}
