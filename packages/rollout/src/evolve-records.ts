import type { RolloutEvent } from './event.ts';
import type { Overlap } from './overlap.ts';
import type { Attestation, Drill, Incident, RolloutState } from './state.ts';

/** One type of event. */
export type OfEvent<T extends RolloutEvent['type']> = Extract<RolloutEvent, { type: T }>;
/** What a type of event does to the state; `by` is the id of a principal. */
export type Evolver<T extends RolloutEvent['type']> = (
  state: RolloutState,
  event: OfEvent<T>,
  at: number,
  by: string,
) => RolloutState;

/** Name of the stage being served, or of the phase where there is none. */
export function currentStageName(state: RolloutState): string {
  return state.stage === undefined ? state.phase : (state.plan.stages[state.stage.index]?.name ?? state.phase);
}

function changeIncident(state: RolloutState, number: number, change: (incident: Incident) => Incident): RolloutState {
  return { ...state, incidents: state.incidents.map((one) => (one.number === number ? change(one) : one)) };
}

function attest(state: RolloutState, event: OfEvent<'ItemAttested'>, given: Attestation): RolloutState {
  if (event.list === 'preflight') return { ...state, preflight: { ...state.preflight, [event.item]: given } };
  if (event.list === 'exit') return { ...state, exit: { ...state.exit, [event.item]: given } };
  return { ...state, confirmations: { ...state.confirmations, [event.item]: given } };
}

/** The running drill with what is known of it now. */
function changeDrill(state: RolloutState, number: number, change: Partial<Drill>): RolloutState {
  return { ...state, drills: (state.drills ?? []).map((one) => (one.number === number ? { ...one, ...change } : one)) };
}

function findOverlaps(state: RolloutState, overlaps: readonly Overlap[]): RolloutState {
  const { overlaps: _before, ...rest } = state;
  return overlaps.length === 0 ? rest : { ...rest, overlaps };
}

function calibrate(state: RolloutState, event: OfEvent<'JudgeCalibrated'>, at: number, by: string): RolloutState {
  const { type: _type, metric, cost = 0, ...scored } = event;
  const before = state.judges?.[metric];
  const driftedAt = event.drifted ? at : before?.driftedAt;
  const record = {
    last: { ...scored, at, by },
    cost: (before?.cost ?? 0) + cost,
    ...(driftedAt !== undefined && { driftedAt }),
  };
  return { ...state, judges: { ...state.judges, [metric]: record } };
}

/** What remains to do for a flag whose rollout has ended, and who was told of the end. */
const AFTER_EVOLVERS = {
  FlagCleanupScheduled: (state, { type: _type, ...schedule }, at, by) => ({
    ...state,
    cleanup: { ...schedule, at, by },
  }),
  FlagCleanupDue: (state, { reminder }, at) =>
    state.cleanup === undefined
      ? state
      : { ...state, cleanup: { ...state.cleanup, remindedAt: at, reminders: reminder } },
  FlagRemoved: (state, _event, at, by) => ({ ...state, flagRemoved: { at, by } }),
  HandoverTold: (state, { type: _type, ...told }, at) => ({
    ...state,
    handovers: [...(state.handovers ?? []).filter(({ name }) => name !== told.name), { ...told, at }],
  }),
} satisfies { readonly [T in RolloutEvent['type']]?: Evolver<T> };

/** Events that are put on record: they touch neither exposure nor the clock of a stage. */
export const RECORD_EVOLVERS = {
  ...AFTER_EVOLVERS,
  ItemAttested: (state, event, at, by) =>
    attest(state, event, {
      by,
      at,
      ...(event.evidence !== undefined && { evidence: event.evidence }),
      ...(event.note !== undefined && { note: event.note }),
      ...(event.waived && { waived: event.waived }),
    }),
  PreflightItemFailed: (state, { item, why }, at) => ({
    ...state,
    preflight: { ...state.preflight, [item]: null },
    preflightFailures: { ...state.preflightFailures, [item]: { at, why } },
  }),
  DrillStarted: (state, { number, connected }, at, by) => ({
    ...state,
    drills: [...(state.drills ?? []), { number, by, startedAt: at, connected }],
  }),
  DrillSwitchedOff: (state, { number, on }, at) => changeDrill(state, number, { on, offAt: at }),
  DrillFinished: (state, { number, passed, off, why }, at) =>
    changeDrill(state, number, { finishedAt: at, passed, ...(off && { off }), ...(why !== undefined && { why }) }),
  OverlapsFound: (state, { overlaps }) => findOverlaps(state, overlaps),
  RolloutStuck: (state, _event, at) => ({ ...state, stuckAt: at }),
  IncidentUnattended: (state, event, at) =>
    changeIncident(state, event.incident, (one) => ({ ...one, unattendedAt: at })),
  JudgeCalibrated: calibrate,
  JudgeBudgetSpent: (state, event) => ({ ...state, spentJudges: [...(state.spentJudges ?? []), event.metric] }),
  ProposalMade: (state, { type: _type, ...proposal }, at, by) => ({
    ...state,
    proposals: [...state.proposals, { ...proposal, by, at }],
  }),
  ProposalDecided: (state, event, at, by) => ({
    ...state,
    proposals: state.proposals.map((one) =>
      one.number === event.number ? { ...one, decided: { by, at, approved: event.approved } } : one,
    ),
  }),
  OverrideRecorded: (state, event, at, by) => ({
    ...state,
    overrides: [...state.overrides, { by, at, what: event.what, reason: event.reason }],
  }),
  AbortTookEffect: (state, event, at) => changeIncident(state, event.incident, (one) => ({ ...one, tookEffectAt: at })),
  ExposureFell: (state, event, at) => changeIncident(state, event.incident, (one) => ({ ...one, exposureFellAt: at })),
  AbortUnconfirmed: (state, event, at) =>
    changeIncident(state, event.incident, (one) => ({ ...one, unconfirmedAt: at })),
  IncidentAcknowledged: (state, event, at, by) =>
    changeIncident(state, event.incident, (one) => ({ ...one, acknowledged: { at, by } })),
  IncidentRated: (state, event) =>
    changeIncident(state, event.incident, (one) => ({ ...one, severity: event.severity })),
  IncidentNoted: (state, { incident, text }, at, by) =>
    changeIncident(state, incident, (one) => ({ ...one, notes: [...(one.notes ?? []), { at, by, text }] })),
  IncidentLinked: (state, { incident, title, url }) =>
    changeIncident(state, incident, (one) => ({ ...one, links: [...(one.links ?? []), { title, url }] })),
  ActionAdded: (state, { incident, action, text, owner, link }, at, by) =>
    changeIncident(state, incident, (one) => ({
      ...one,
      actions: [
        ...(one.actions ?? []),
        {
          ...{ number: action, text, addedAt: at, addedBy: by },
          ...(owner !== undefined && { owner }),
          ...(link !== undefined && { link }),
        },
      ],
    })),
  ActionDone: (state, { incident, action }, at, by) =>
    changeIncident(state, incident, (one) => ({
      ...one,
      actions: (one.actions ?? []).map((item) => (item.number === action ? { ...item, done: { at, by } } : item)),
    })),
  IncidentAssigned: (state, event) =>
    changeIncident(state, event.incident, (one) => ({ ...one, assignee: event.assignee })),
  RootCauseRecorded: (state, event) =>
    changeIncident(state, event.incident, (one) => ({ ...one, rootCause: event.text })),
  FixRecorded: (state, event, at, by) =>
    changeIncident(state, event.incident, (one) => ({
      ...one,
      fix: { text: event.text, at, by, ...(event.reference !== undefined && { reference: event.reference }) },
    })),
  IncidentResolved: (state, { incident, reason }, at) =>
    changeIncident(state, incident, (one) => ({
      ...one,
      resolvedAt: at,
      ...(reason !== undefined && { resolvedBecause: reason }),
    })),
  IssueAdded: (state, event) => ({
    ...state,
    issues: [
      ...state.issues,
      {
        number: event.number,
        title: event.title,
        severity: event.severity,
        stageFound: currentStageName(state),
        status: 'open',
        ...(event.link !== undefined && { link: event.link }),
      },
    ],
  }),
  IssueChanged: (state, event) => ({
    ...state,
    issues: state.issues.map((one) =>
      one.number === event.number
        ? { ...one, status: event.status, ...(event.status === 'fixed' && { stageFixed: currentStageName(state) }) }
        : one,
    ),
  }),
} satisfies { readonly [T in RolloutEvent['type']]?: Evolver<T> };
