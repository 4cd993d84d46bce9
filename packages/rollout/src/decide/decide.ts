import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { evolve } from '../evolve.ts';
import type { Principal } from '../principal.ts';
import type { RolloutState } from '../state.ts';
import { abort, confirmEffect, confirmExposureFell, kill, rearm, reportUnconfirmed, retry } from './decide-abort.ts';
import { captureBaseline } from './decide-baseline.ts';
import { recordFlagRemoval, recordHandover, remindCleanup, scheduleCleanup } from './decide-cleanup.ts';
import { drill, finishDrill, recordOverlaps, switchDrillOff } from './decide-drill.ts';
import { answerGate } from './decide-gate.ts';
import {
  acknowledgeIncident,
  addAction,
  addIssue,
  assignIncident,
  changeIssue,
  completeAction,
  linkIncident,
  noteIncident,
  rateIncident,
  recordFix,
  recordRootCause,
  resolveIncident,
} from './decide-incident.ts';
import { calibrateJudge } from './decide-judge.ts';
import { cancel, decline, extend, hold, proceed, resume } from './decide-people.ts';
import { checkPreflight } from './decide-preflight.ts';
import { approve, start } from './decide-start.ts';
import { resumeWatch, tick } from './decide-tick.ts';
import { accept, type Decision, type Handler, lacksRole, RAISING, refuse } from './decision.ts';
import { assertInvariants } from './invariants.ts';

type Of<T extends RolloutCommand['type']> = Extract<RolloutCommand, { type: T }>;

const HANDLERS: { readonly [T in Exclude<RolloutCommand['type'], 'Create'>]: Handler<Of<T>> } = {
  Start: start,
  Approve: approve,
  CheckPreflight: checkPreflight,
  Drill: drill,
  SwitchDrillOff: switchDrillOff,
  FinishDrill: finishDrill,
  RecordOverlaps: recordOverlaps,
  Decline: decline,
  CaptureBaseline: captureBaseline,
  Tick: tick,
  ResumeWatch: resumeWatch,
  AnswerGate: answerGate,
  Hold: hold,
  Resume: resume,
  Extend: extend,
  Proceed: proceed,
  Abort: abort,
  Kill: kill,
  Rearm: rearm,
  Retry: retry,
  ConfirmEffect: confirmEffect,
  ConfirmExposureFell: confirmExposureFell,
  ReportUnconfirmed: reportUnconfirmed,
  AssignIncident: assignIncident,
  AcknowledgeIncident: acknowledgeIncident,
  RateIncident: rateIncident,
  NoteIncident: noteIncident,
  LinkIncident: linkIncident,
  AddAction: addAction,
  CompleteAction: completeAction,
  RecordRootCause: recordRootCause,
  RecordFix: recordFix,
  ResolveIncident: resolveIncident,
  AddIssue: addIssue,
  ChangeIssue: changeIssue,
  CalibrateJudge: calibrateJudge,
  ScheduleCleanup: scheduleCleanup,
  RemindCleanup: remindCleanup,
  RecordFlagRemoval: recordFlagRemoval,
  RecordHandover: recordHandover,
  Cancel: cancel,
};

/** Commands that still make sense once a rollout has ended: they change documents, never exposure (I8). */
const AFTER_THE_END: readonly RolloutCommand['type'][] = [
  'RecordRootCause',
  'RecordFix',
  'AssignIncident',
  'AcknowledgeIncident',
  'RateIncident',
  'NoteIncident',
  'LinkIncident',
  'AddAction',
  'CompleteAction',
  'ResolveIncident',
  'ConfirmEffect',
  'ConfirmExposureFell',
  'ReportUnconfirmed',
  'FinishDrill',
  'ScheduleCleanup',
  'RemindCleanup',
  // The latch outlives a cancellation, and would stop every later rollout of the flag.
  'Rearm',
  'RecordFlagRemoval',
  'RecordHandover',
];

/**
 * What a command leads to. Pure: the same state, command, principal and instant always give the same events.
 *
 * Every accepted decision is checked against invariants I1-I6 and I8 before it is returned; a violation is a defect
 * of Rampart and throws, so that nothing is appended.
 */
export function decide(state: RolloutState | undefined, command: RolloutCommand, by: Principal, now: number): Decision {
  const decision = state === undefined ? create(command, by) : route(state, command, by, now);
  if (decision.ok && state !== undefined) assertInvariants(state, decision.events, by, now);
  return decision;
}

function create(command: RolloutCommand, by: Principal): Decision {
  if (command.type !== 'Create') return refuse('ROLLOUT_UNKNOWN', 'There is no such rollout.');
  return (
    lacksRole(by, RAISING, 'create a rollout') ??
    accept({ type: 'RolloutCreated', id: command.id, plan: command.plan, warnings: command.warnings })
  );
}

function route(state: RolloutState, command: RolloutCommand, by: Principal, now: number): Decision {
  if (command.type === 'Create') return refuse('ROLLOUT_EXISTS', `Rollout ${state.id} exists already.`);
  const hasEnded = state.phase === 'complete' || state.phase === 'cancelled';
  if (hasEnded && command.type === 'Tick') return accept();
  if (hasEnded && !AFTER_THE_END.includes(command.type)) {
    return refuse('WRONG_PHASE', `Rollout ${state.id} is ${state.phase}: nothing follows that.`);
  }
  const handler = HANDLERS[command.type] as Handler<RolloutCommand>;
  return handler(state, command, by, now);
}

/** State after a decision's events, as they will stand in the stream. */
export function applyAll(
  state: RolloutState | undefined,
  events: readonly RolloutEvent[],
  by: Principal,
  now: number,
): RolloutState | undefined {
  return events.reduce<RolloutState | undefined>(
    (before, event) => evolve(before, { version: (before?.version ?? 0) + 1, at: now, by: by.id, event }),
    state,
  );
}
