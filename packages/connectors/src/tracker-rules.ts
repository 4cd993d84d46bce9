import {
  describeEvent,
  type EventRecord,
  formatShare,
  formatVerdict,
  type PlanTracker,
  type RolloutEvent,
  type RolloutState,
  type Verdict,
} from '@rampart/rollout';
import type { IssueDraft, TrackerDeployment, TrackerPriority, TrackerTransition } from './tracker.ts';
import type { TrackerText } from './tracker-text.ts';

/** What is done in a tracker because of an event, in this order. `issue` comes before all others of a rollout. */
export type TrackerOp =
  | { readonly kind: 'issue'; readonly draft: IssueDraft }
  | { readonly kind: 'task'; readonly draft: IssueDraft }
  | { readonly kind: 'comment'; readonly externalId: string; readonly text: TrackerText }
  | { readonly kind: 'link'; readonly title: string; readonly url: string }
  | { readonly kind: 'transition'; readonly transition: TrackerTransition }
  | { readonly kind: 'deployment'; readonly deployment: TrackerDeployment };

/** Origin of links, without a slash at its end. Default: texts carry no links. */
export type TrackerLinks = { readonly publicUrl?: string };

type Told = {
  readonly record: EventRecord;
  readonly state: RolloutState;
  readonly tracker: PlanTracker;
  readonly rolloutUrl: string | undefined;
};
type EventMap = { readonly [Event in RolloutEvent as Event['type']]: Event };
type Rule<Event> = (event: Event, told: Told) => readonly TrackerOp[];
type Rules = { readonly [Type in keyof EventMap]: Rule<EventMap[Type]> | null };

/**
 * What an event means for the issue of its rollout; nothing where its plan names no tracker. `state` is the rollout after
 * the event. Pure: the same event gives the same operations with the same external ids, so a repetition changes nothing.
 */
export function trackerOpsOf(
  record: EventRecord,
  state: RolloutState,
  { publicUrl }: TrackerLinks,
): readonly TrackerOp[] {
  const tracker = trackerOf(state);
  if (tracker === undefined) return [];
  const rolloutUrl = publicUrl === undefined ? undefined : `${publicUrl}/rollouts/${encodeURIComponent(state.id)}`;
  return opsBy(record.event.type, record.event, { record, state, tracker, rolloutUrl });
}

/** The tracker of a rollout's plan; `undefined` where it names none, or was stored before plans were read for one. */
export function trackerOf({ plan: { tracker } }: Pick<RolloutState, 'plan'>): PlanTracker | undefined {
  // Stored plans may hold anything here.
  const isRead = typeof tracker?.name === 'string' && Array.isArray(tracker.labels);
  return isRead ? tracker : undefined;
}

function opsBy<Type extends keyof EventMap>(type: Type, event: EventMap[Type], told: Told): readonly TrackerOp[] {
  return RULES[type]?.(event, told) ?? [];
}

function priorityOf({ priority }: PlanTracker): TrackerPriority {
  return ([0, 1, 2, 3, 4] as const).find((one) => one === priority) ?? 0;
}

const URGENT = 1;

/** The event in words as the heading, and what goes with it. */
function comment({ record, state }: Told, lines: readonly string[] = [], links: TrackerText['links'] = []): TrackerOp {
  const heading = describeEvent(record, state.plan.metrics);
  const externalId = `rollout:${state.id}:evt:${record.version}`;
  return { kind: 'comment', externalId, text: { heading, lines, isList: true, links } };
}

const said: Rule<RolloutEvent> = (_, told) => [comment(told)];

function transition({ tracker }: Told, status: TrackerTransition['status']): TrackerOp {
  const priority = status === 'aborted' ? URGENT : priorityOf(tracker);
  return { kind: 'transition', transition: { status, state: tracker.state, priority } };
}

function deployment(told: Told, stage: string, status: TrackerDeployment['status']): readonly TrackerOp[] {
  const { state, rolloutUrl } = told;
  const planned = state.plan.stages.find(({ name }) => name === stage);
  // An abort before the first stage names none.
  if (planned === undefined) return [];
  const externalId = `rollout:${state.id}:${state.attempt}:${stage}`;
  const description = `${state.plan.title}: stage ${stage}, ${formatShare(planned)}`;
  const { environment } = state.plan;
  return [
    {
      kind: 'deployment',
      deployment: {
        externalId,
        environment,
        status,
        description,
        ...(rolloutUrl !== undefined && { url: rolloutUrl }),
      },
    },
  ];
}

/** The stage that an attempt was in last. */
function lastStageOf({ history, attempt }: RolloutState): string | undefined {
  return history.findLast((stage) => stage.attempt === attempt)?.name;
}

/** What checks say, once where several tiers say the same. */
function seen(verdicts: readonly Verdict[], { state }: Told): readonly string[] {
  const lines = verdicts.map((verdict) => `${formatVerdict(verdict, state.plan.metrics)}: ${verdict.status}`);
  return [...new Set(lines)];
}

function issue(told: Told): readonly TrackerOp[] {
  const { state, record, tracker, rolloutUrl } = told;
  const { plan } = state;
  const stages = plan.stages.map((stage) => `${stage.name} (${formatShare(stage)})`).join(', ');
  const lines = [
    `Rampart rolls out ${plan.flag} ${plan.version} in ${plan.environment}, in stages: ${stages}.`,
    `It aborts on: ${plan.abortCriteria.map(({ metric, text }) => `${metric} ${text}`).join(', ') || 'nothing by itself'}.`,
    `Started by ${state.startedBy ?? record.by}.`,
  ];
  const draft: IssueDraft = {
    externalId: `rollout:${state.id}`,
    ...(tracker.project !== undefined && { project: tracker.project }),
    title: tracker.title,
    text: { lines },
    priority: priorityOf(tracker),
    labels: tracker.labels,
    state: tracker.state,
    sinceAt: record.at,
  };
  const link: readonly TrackerOp[] =
    rolloutUrl === undefined ? [] : [{ kind: 'link', title: 'Rollout', url: rolloutUrl }];
  return [{ kind: 'issue', draft }, ...link];
}

function cleanUp({ state, record, tracker }: Told): TrackerOp {
  const { flag, treatment, title, killSwitch } = state.plan;
  const also = killSwitch === undefined ? [] : [`Then remove its kill switch ${killSwitch.flag}.`];
  const { dueAt, owner } = state.cleanup ?? {};
  const whose = owner === undefined ? '' : `, by ${owner}`;
  const due = dueAt === undefined ? [] : [`Due ${new Date(dueAt).toISOString().slice(0, 10)}${whose}.`];
  const draft: IssueDraft = {
    externalId: `rollout:${state.id}:cleanup`,
    ...(tracker.project !== undefined && { project: tracker.project }),
    title: `Remove the flag ${flag} (${title})`,
    text: {
      lines: [
        `The rollout of ${flag} is complete: everyone has ${treatment}. Remove the flag and the old code.`,
        ...also,
        ...due,
      ],
    },
    priority: 4,
    labels: tracker.labels,
    state: 'Todo',
    sinceAt: record.at,
  };
  return { kind: 'task', draft };
}

/** Every event, and what it means for the issue. `null`: nothing. */
const RULES: Rules = {
  RolloutCreated: null,
  PreflightStarted: (_, told) => issue(told),
  DrillStarted: null,
  DrillSwitchedOff: null,
  DrillFinished: null,
  OverlapsFound: null,
  PreflightItemFailed: null,
  ItemAttested: null,
  FlagCleanupScheduled: null,
  FlagCleanupDue: null,
  FlagRemoved: null,
  HandoverTold: null,
  GateAnswered: null,
  RolloutStuck: null,
  IncidentUnattended: null,
  BaselineStarted: null,
  BaselineCaptured: said,
  StageEntered: ({ name }, told) => [comment(told), ...deployment(told, name, 'in_progress')],
  StagePassed: ({ name, verdicts }, told) => [
    comment(told, seen(verdicts, told)),
    ...deployment(told, name, 'success'),
  ],
  ChecksJudged: null,
  AlertRaised: null,
  AlertCleared: null,
  DataFoundInvalid: null,
  DataFoundValid: null,
  JudgeCalibrated: null,
  JudgeBudgetSpent: null,
  RolloutHeld: said,
  RolloutResumed: said,
  StageExtended: said,
  SightLost: null,
  BlindLimitReached: said,
  WatchResumed: null,
  SightReturned: null,
  PrincipalAsked: said,
  ProposalMade: null,
  ProposalDecided: null,
  OverrideRecorded: said,
  KillSwitchTripped: said,
  KillSwitchRearmed: said,
  RolloutAborted: ({ stage, verdict, incident }, told) => {
    const url = told.rolloutUrl === undefined ? undefined : `${told.rolloutUrl}/incidents/${incident}`;
    const links = url === undefined ? [] : [{ title: `Incident ${incident}`, url }];
    return [
      comment(told, verdict === undefined ? [] : seen([verdict], told), links),
      transition(told, 'aborted'),
      ...deployment(told, stage, 'failure'),
    ];
  },
  AbortTookEffect: said,
  ExposureFell: said,
  AbortUnconfirmed: said,
  IncidentAcknowledged: said,
  IncidentRated: said,
  IncidentNoted: said,
  IncidentLinked: said,
  ActionAdded: said,
  ActionDone: said,
  IncidentAssigned: said,
  RootCauseRecorded: said,
  FixRecorded: said,
  IncidentResolved: said,
  AttemptStarted: ({ attempt }, told) => (attempt === 1 ? [] : [comment(told), transition(told, 'working')]),
  IssueAdded: said,
  IssueChanged: null,
  MonitoringStarted: said,
  RolloutCompleted: ({ verdicts }, told) => {
    const stage = lastStageOf(told.state);
    return [
      comment(told, seen(verdicts, told)),
      ...(stage === undefined ? [] : deployment(told, stage, 'success')),
      cleanUp(told),
      transition(told, 'done'),
    ];
  },
  RolloutCancelled: (_, told) => {
    const stage = lastStageOf(told.state);
    return [
      comment(told),
      ...(stage === undefined ? [] : deployment(told, stage, 'inactive')),
      transition(told, 'cancelled'),
    ];
  },
};
