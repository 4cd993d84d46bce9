import { handoversOf, type People, type RolloutEvent, type RolloutState } from '@rampart/rollout';
import type { Audience, Severity } from './notification.ts';

type Fact = string | number | boolean | readonly string[] | { readonly [name: string]: number };

/** What an event says of itself, before it is known which rollout and when. */
export type NotificationDraft = {
  readonly type: string;
  readonly severity: Severity;
  readonly audience: readonly Audience[];
  readonly text: string;
  readonly data: { readonly [name: string]: Fact | undefined };
};

type EventMap = { readonly [Event in RolloutEvent as Event['type']]: Event };
type Rule<Event> = (event: Event, state: RolloutState, before?: RolloutState) => NotificationDraft | undefined;
type Rules = { readonly [Type in keyof EventMap]: Rule<EventMap[Type]> | null };

/** The notification of an event; `undefined` where the table below says that nobody needs to hear of it. */
export function notificationDraftOf(
  event: RolloutEvent,
  state: RolloutState,
  before?: RolloutState,
): NotificationDraft | undefined {
  return draftBy(event.type, event, state, before);
}

function draftBy<Type extends keyof EventMap>(
  type: Type,
  event: EventMap[Type],
  state: RolloutState,
  before?: RolloutState,
) {
  return RULES[type]?.(event, state, before);
}

const ON_CALL: readonly Audience[] = ['on-call'];
const STAKEHOLDERS: readonly Audience[] = ['stakeholders'];
const EVERYONE: readonly Audience[] = ['on-call', 'stakeholders'];

type Data = NotificationDraft['data'];
const draft = (severity: Severity, audience: readonly Audience[], type: string, text: string, data: Data = {}) => ({
  type,
  severity,
  audience,
  text,
  data,
});

const titleOf = (state: RolloutState): string => `${state.plan.title} (${state.plan.environment})`;
const because = (reason: string | undefined): string => (reason === undefined || reason === '' ? '.' : `: ${reason}`);
const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;
const peopleText = ({ treatment, targeted, exposed }: People): string =>
  exposed === undefined || exposed.atLeast === exposed.atMost
    ? `${exposed?.atMost ?? treatment + targeted} people had seen it.`
    : `Between ${exposed.atLeast} and ${exposed.atMost} people had seen it.`;

/** The facts of an abort: what tripped, how far it reached, and where its document is (`incident` of this rollout). */
function abortFacts(event: EventMap['RolloutAborted'], { killed }: RolloutState): Data {
  const { kind, reason, incident, stage, people, assignee, failed, verdict } = event;
  const { treatment, control, targeted, exposed } = people;
  return {
    ...{ kind, reason, incident, stage, assignee, failed },
    people: { treatment, control, targeted, ...exposed },
    ...(killed && { killed }),
    ...(verdict && { check: verdict.check, metric: verdict.metric, limit: verdict.limit, value: verdict.value }),
  };
}

function abortText({ reason, stage, incident, people, assignee }: EventMap['RolloutAborted'], state: RolloutState) {
  const kill = state.killed ? ' Its kill switch is on.' : '';
  const triage = assignee === undefined ? 'nobody yet' : assignee;
  return `${titleOf(state)} was aborted in stage ${stage}${because(reason)}. Exposure is 0.${kill} ${peopleText(
    people,
  )} Incident ${incident}, triage: ${triage}.`;
}

/** Every event, and what people hear of it. `null`: for the record only. */
const RULES: Rules = {
  RolloutCreated: null,
  PreflightStarted: null,
  ItemAttested: null,
  PreflightItemFailed: null,
  DrillStarted: null,
  DrillSwitchedOff: null,
  DrillFinished: ({ number, passed, why }, state) =>
    passed
      ? undefined
      : draft('warn', ON_CALL, 'drill.failed', `${titleOf(state)}: rollback drill ${number} failed${because(why)}`, {
          number,
          why,
        }),
  OverlapsFound: ({ overlaps }, state) => {
    const confounded = overlaps.filter(({ isConfounded }) => isConfounded);
    if (confounded.length === 0) return undefined;
    const names = confounded.map(({ rollout }) => rollout);
    const text = `${titleOf(state)} picks people by the same salt as ${names.join(', ')}: a difference between its arms may be their doing.`;
    return draft('warn', ON_CALL, 'overlap.confounded', text, { rollouts: names });
  },
  BaselineStarted: null,
  BaselineCaptured: null,
  StageEntered: ({ name, why, index }, state) =>
    draft('info', STAKEHOLDERS, 'stage.entered', `${titleOf(state)} enters stage ${name}${because(why)}`, {
      stage: name,
      index,
      confirmations: state.plan.stages[index]?.confirmations,
    }),
  StagePassed: ({ name, index }, state) =>
    draft('info', STAKEHOLDERS, 'stage.passed', `${titleOf(state)} passed stage ${name}.`, { stage: name, index }),
  ChecksJudged: null,
  AlertRaised: ({ check, verdict }, state) =>
    draft(
      'warn',
      ON_CALL,
      'alert.raised',
      `${titleOf(state)}: ${verdict.metric} is beyond ${verdict.limit}. Advances hold.`,
      {
        check,
        metric: verdict.metric,
        limit: verdict.limit,
        value: verdict.value,
      },
    ),
  AlertCleared: ({ check }, state) =>
    draft('info', ON_CALL, 'alert.cleared', `${titleOf(state)}: the alert ${check} is over.`, { check }),
  DataFoundInvalid: ({ why }, state) =>
    draft('warn', ON_CALL, 'data.invalid', `${titleOf(state)} holds, its data is invalid${because(why)}`, { why }),
  DataFoundValid: (_, state) => draft('info', ON_CALL, 'data.valid', `${titleOf(state)}: its data is valid again.`),
  JudgeCalibrated: ({ metric, drifted, deviation, tolerance }, state) =>
    drifted
      ? draft(
          'warn',
          ON_CALL,
          'judge.drifted',
          `${titleOf(state)}: the judge of ${metric} has drifted. Its scores do not count until it is calibrated again.`,
          { metric, deviation, tolerance },
        )
      : undefined,
  JudgeBudgetSpent: ({ metric, cost, budget }, state) =>
    draft('warn', ON_CALL, 'judge.budget', `${titleOf(state)}: judging ${metric} has spent its budget.`, {
      metric,
      cost,
      budget,
    }),
  RolloutHeld: ({ reason }, state) =>
    draft('warn', ON_CALL, 'rollout.held', `${titleOf(state)} is held${because(reason)}`, { reason }),
  RolloutResumed: ({ reason }, state) =>
    draft('info', ON_CALL, 'rollout.resumed', `${titleOf(state)} goes on${because(reason)}`, { reason }),
  StageExtended: ({ byMs, reason }, state) =>
    draft(
      'info',
      STAKEHOLDERS,
      'stage.extended',
      `${titleOf(state)}: the stage is ${minutes(byMs)} longer${because(reason)}`,
      {
        byMs,
        reason,
      },
    ),
  SightLost: null,
  BlindLimitReached: ({ since, why, inAllMs }, state) => {
    const reason = why === undefined ? '' : ` (${why})`;
    const forMs = Math.max(state.plan.blindLimitMs, (state.blindAlertedAt ?? since) - since);
    const missing =
      inAllMs === undefined
        ? `has had no evidence for ${minutes(forMs)}`
        : `has evidence that comes and goes: it was missing for ${minutes(inAllMs)} in all`;
    const text = `${titleOf(state)} ${missing}${reason}. It does not advance meanwhile.`;
    return draft('page', ON_CALL, 'sight.lost', text, { since, inAllMs, ...(why !== undefined && { why }) });
  },
  WatchResumed: null,
  // Only where people were told that it was lost.
  SightReturned: (_, state, before) =>
    before?.blindAlertedAt === undefined
      ? undefined
      : draft('info', ON_CALL, 'sight.returned', `${titleOf(state)} has evidence again.`),
  // That it is open is the usual, and asked at every stage.
  GateAnswered: ({ gate, open, why }, state) =>
    open
      ? undefined
      : draft('info', ON_CALL, 'gate.closed', `${titleOf(state)}: gate ${gate} is closed${because(why)}`, {
          gate,
          why,
        }),
  RolloutStuck: ({ since, waitingFor }, state) => {
    const { operator } = state.plan.owners;
    const whose = operator === undefined ? '' : ` Its operator is ${operator}.`;
    const text = `${titleOf(state)} could have gone on by time since ${new Date(since).toISOString()}, and waits for ${waitingFor.join('; ')}.${whose}`;
    return draft('warn', ON_CALL, 'rollout.stuck', text, { since, waitingFor, operator });
  },
  PrincipalAsked: ({ question, undecided }, state) =>
    draft('warn', ON_CALL, 'decision.needed', `${titleOf(state)} needs a decision: ${question}`, {
      question,
      undecided,
    }),
  ProposalMade: ({ number, action, reason }, state) =>
    draft(
      'warn',
      ON_CALL,
      'approval.needed',
      `${titleOf(state)}: proposal ${number} to ${action} waits for approval${because(reason)}`,
      {
        proposal: number,
        action,
        reason,
      },
    ),
  ProposalDecided: ({ number, approved, reason }, state) =>
    draft(
      'info',
      ON_CALL,
      'approval.given',
      `${titleOf(state)}: proposal ${number} was ${approved ? 'approved' : 'declined'}${because(reason)}`,
      {
        proposal: number,
        approved,
        reason,
      },
    ),
  OverrideRecorded: ({ what, reason }, state) =>
    draft('warn', STAKEHOLDERS, 'override.recorded', `${titleOf(state)}: ${what} was overridden${because(reason)}`, {
      what,
      reason,
    }),
  KillSwitchTripped: ({ reason, check }, state) =>
    draft('page', ON_CALL, 'kill-switch.tripped', `The kill switch of ${titleOf(state)} is on${because(reason)}`, {
      reason,
      check,
    }),
  KillSwitchRearmed: ({ reason }, state) =>
    draft(
      'info',
      EVERYONE,
      'kill-switch.rearmed',
      `The kill switch of ${titleOf(state)} is armed again${because(reason)}`,
      { reason },
    ),
  RolloutAborted: (event, state) =>
    draft('page', EVERYONE, 'rollout.aborted', abortText(event, state), abortFacts(event, state)),
  AbortTookEffect: ({ incident, acknowledged, connected }, state) =>
    draft(
      'info',
      ON_CALL,
      'abort.took-effect',
      `${titleOf(state)} is off: ${acknowledged} of ${connected} SDKs confirmed it.`,
      {
        incident,
        acknowledged,
        connected,
      },
    ),
  ExposureFell: null,
  AbortUnconfirmed: ({ type: _type, ...facts }, state) => {
    const { acknowledged, connected, treated } = facts;
    const silent = connected - acknowledged;
    const sdks =
      silent === 0
        ? `all ${connected} SDKs say they took it, but`
        : `${silent} of ${connected} SDKs have not taken it.`;
    const seen = treated === 0 ? '' : ` ${treated} observations of the feature were made since.`;
    const text = `The abort of ${titleOf(state)} is not confirmed: ${sdks}${seen}`;
    return draft('page', ON_CALL, 'abort.unconfirmed', text, facts);
  },
  IncidentAcknowledged: ({ incident }, state) =>
    draft(
      'info',
      ON_CALL,
      'incident.acknowledged',
      `The triage of incident ${incident} of ${titleOf(state)} has begun.`,
      {
        incident,
      },
    ),
  IncidentRated: ({ incident, severity, reason }, state) =>
    draft(
      'info',
      EVERYONE,
      'incident.rated',
      `Incident ${incident} of ${titleOf(state)} is ${severity}${because(reason)}`,
      { incident, severity, reason },
    ),
  IncidentNoted: null,
  IncidentLinked: null,
  ActionAdded: ({ incident, action, text, owner, link }, state) =>
    draft('info', ON_CALL, 'incident.action-added', `To do after incident ${incident} of ${titleOf(state)}: ${text}`, {
      incident,
      action,
      owner,
      link,
    }),
  ActionDone: null,
  IncidentUnattended: ({ incident, since }, state) => {
    const { analyst } = state.plan.owners;
    const whose = analyst === undefined ? '' : ` Its analyst is ${analyst}.`;
    const text = `Nobody has taken on incident ${incident} of ${titleOf(state)} since ${new Date(since).toISOString()}.${whose}`;
    return draft('warn', ON_CALL, 'incident.unattended', text, { incident, since, assignee: analyst });
  },
  IncidentAssigned: ({ incident, assignee }, state) =>
    draft(
      'warn',
      ON_CALL,
      'incident.assigned',
      `Incident ${incident} of ${titleOf(state)} is assigned to ${assignee}.`,
      {
        incident,
        assignee,
      },
    ),
  RootCauseRecorded: ({ incident, text }, state) =>
    draft(
      'info',
      EVERYONE,
      'incident.root-cause',
      `Incident ${incident} of ${titleOf(state)} has a root cause: ${text}`,
      { incident },
    ),
  FixRecorded: ({ incident, text, reference }, state) =>
    draft('info', EVERYONE, 'incident.fixed', `Incident ${incident} of ${titleOf(state)} has a fix: ${text}`, {
      incident,
      reference,
    }),
  IncidentResolved: ({ incident, reason }, state) =>
    draft(
      'info',
      EVERYONE,
      'incident.resolved',
      `Incident ${incident} of ${titleOf(state)} is resolved${because(reason)}`,
      { incident, reason },
    ),
  AttemptStarted: ({ attempt, version }, state) =>
    draft('info', EVERYONE, 'attempt.started', `${titleOf(state)}: attempt ${attempt} begins, with ${version}.`, {
      attempt,
      version,
    }),
  IssueAdded: ({ number, title, severity, link }, state) =>
    draft(
      severity === 'critical' ? 'warn' : 'info',
      ON_CALL,
      'issue.added',
      `${titleOf(state)}: ${severity} issue ${number}, ${title}.`,
      {
        issue: number,
        severity,
        title,
        link,
      },
    ),
  IssueChanged: null,
  MonitoringStarted: ({ untilAt }, state) =>
    draft('info', STAKEHOLDERS, 'monitoring.started', `${titleOf(state)} is fully exposed and under watch.`, {
      untilAt,
    }),
  RolloutCompleted: (_, state) => {
    const next = handoversOf(state.plan).map(({ name }) => name);
    const data = next.length === 0 ? {} : { next };
    return draft('info', EVERYONE, 'rollout.completed', `${titleOf(state)} is complete.`, data);
  },
  FlagCleanupScheduled: null,
  FlagCleanupDue: ({ dueAt, reminder }, state) => {
    const { flag } = state.plan;
    const { owner, link } = state.cleanup ?? {};
    const since = new Date(dueAt).toISOString().slice(0, 10);
    const text = `Flag ${flag} of ${titleOf(state)} was to be removed by ${since}${owner === undefined ? '' : ` (${owner})`}. Look for it in the code: rampart flag references ${flag}`;
    return draft('warn', EVERYONE, 'flag.cleanup-due', text, { flag, dueAt, reminder, owner, link });
  },
  FlagRemoved: ({ flag }, state) =>
    draft('info', STAKEHOLDERS, 'flag.removed', `Flag ${flag} of ${titleOf(state)} is removed.`, { flag }),
  HandoverTold: ({ name, isDelivered, why }, state) =>
    isDelivered
      ? undefined
      : draft(
          'warn',
          ON_CALL,
          'next.failed',
          `${titleOf(state)} is complete, but ${name} could not be told${because(why)}`,
          { next: name, why },
        ),
  RolloutCancelled: ({ reason }, state) =>
    draft('info', EVERYONE, 'rollout.cancelled', `${titleOf(state)} was cancelled${because(reason)}`, { reason }),
};
