import { originOf } from '../baseline/origin.ts';
import type { EventRecord, RolloutEvent } from '../event.ts';
import { describeOverlap } from '../overlap.ts';
import { formatElapsed, formatSeconds } from '../plan/duration.ts';
import type { Plan } from '../plan.ts';
import { RAMPART } from '../principal.ts';
import type { DrillLeg } from '../state.ts';
import type { Baseline, People } from '../verdict.ts';
import { reachOf } from './blast-radius.ts';
import { formatCount, formatInstant, formatLayers, formatMeasured, formatVerdict, unitOf } from './format.ts';
import { plainLine } from './markdown.ts';

type EventType = RolloutEvent['type'];
type EventsByType = { readonly [E in RolloutEvent as E['type']]: E };
type Teller = { readonly who: string; readonly metrics: Plan['metrics'] | undefined };
type Sentences = { readonly [T in EventType]: (event: EventsByType[T], teller: Teller) => string };

const because = (reason: string | undefined) => (reason === undefined ? '' : `: ${reason}`);
const servedFor = (ms: number) => (ms > 0 && Number.isFinite(ms) ? ` for at least ${formatElapsed(ms)}` : '');

const GIVEN = { preflight: 'gave the pre-flight item', exit: 'gave the exit item', confirmation: 'confirmed' } as const;

function readFrom(recorded: Readonly<Record<string, string>>): string {
  const sources = Object.groupBy(Object.keys(recorded), (metric) => recorded[metric] ?? '');
  const parts = Object.entries(sources).map(([source, metrics = []]) => `${metrics.join(', ')} from ${source}`);
  return parts.length === 0 ? '' : `; the baseline is read from history: ${parts.join('; ')}`;
}

const sdks = (count: number) => (count === 1 ? '1 SDK' : `${count} SDKs`);

function offText(off: DrillLeg | undefined): string {
  if (off?.worstMs === undefined) return '';
  return `, off in ${formatSeconds(off.worstMs)} in ${sdks(off.confirmed)}`;
}

/** What was captured anew, and from what; metrics of an older version are named as kept. */
function capturedWords(baseline: Baseline): string {
  const { version = 1, source, fromAt, toAt, metrics } = baseline;
  const names = Object.keys(metrics);
  const kept = names.filter((name) => originOf(baseline, name).version < version);
  const taken = names.filter((name) => !kept.includes(name));
  const what = version === 1 ? 'captured the baseline' : `re-captured the baseline (version ${version})`;
  const how = source === 'history' ? ' from history,' : '';
  const rest = kept.length === 0 ? '' : ` (kept: ${kept.join(', ')})`;
  return `${what}${how} from ${formatInstant(fromAt)} to ${formatInstant(toAt)}: ${taken.join(', ') || 'no metric had data'}${rest}`;
}

const RUNNING: Pick<
  Sentences,
  | 'RolloutCreated'
  | 'PreflightStarted'
  | 'ItemAttested'
  | 'PreflightItemFailed'
  | 'DrillStarted'
  | 'DrillSwitchedOff'
  | 'DrillFinished'
  | 'BaselineStarted'
  | 'BaselineCaptured'
  | 'StageEntered'
  | 'StagePassed'
  | 'RolloutHeld'
  | 'RolloutResumed'
  | 'StageExtended'
  | 'PrincipalAsked'
  | 'ProposalMade'
  | 'ProposalDecided'
  | 'OverrideRecorded'
  | 'AttemptStarted'
  | 'MonitoringStarted'
  | 'RolloutCompleted'
  | 'FlagCleanupScheduled'
  | 'FlagCleanupDue'
  | 'FlagRemoved'
  | 'HandoverTold'
  | 'RolloutCancelled'
> = {
  RolloutCreated: ({ plan, warnings }, { who }) =>
    `${who} created the rollout of ${plan.flag} ${plan.version} in ${plan.environment}${
      warnings.length === 0 ? '' : `, with warnings: ${warnings.map((warning) => warning.message).join('; ')}`
    }`,
  PreflightStarted: ({ items, recorded = {} }, { who }) =>
    `${who} started pre-flight${items.length === 0 ? ', which has no items' : `, which needs: ${items.join(', ')}`}${readFrom(recorded)}`,
  ItemAttested: ({ list, item, evidence, note, waived }, { who }) =>
    `${who} ${waived ? 'waived the evidence of' : GIVEN[list]} "${item}"${because(note)}${evidence === undefined ? '' : ` (evidence: ${evidence})`}`,
  PreflightItemFailed: ({ item, why }) => `The pre-flight item "${item}" is open: ${why}`,
  DrillStarted: ({ number, connected }, { who }) =>
    `${who} started rollback drill ${number}: its flag is on, for ${sdks(connected)} to follow`,
  DrillSwitchedOff: ({ number, on }, { who }) =>
    `${who} switched drill ${number} off, which ${sdks(on.confirmed)} had confirmed to be on`,
  DrillFinished: ({ number, passed, off, why }, { who }) =>
    `${who} finished rollback drill ${number}: ${passed ? 'passed' : `failed: ${why ?? 'no reason given'}`}${offText(off)}`,
  BaselineStarted: (_, { who }) => `${who} started to capture the baseline`,
  BaselineCaptured: ({ baseline, reason }, { who }) => `${who} ${capturedWords(baseline)}${because(reason)}`,
  StageEntered: ({ name, layers, durationMs, why }, { who }) =>
    `${who} entered stage ${name}, exposing ${formatLayers(layers)}${servedFor(durationMs)}: ${why}`,
  StagePassed: ({ name, overridden }, { who }) =>
    overridden ? `${who} moved past stage ${name} by override` : `${who} passed stage ${name}`,
  RolloutHeld: ({ reason }, { who }) => `${who} held the rollout: ${reason}`,
  RolloutResumed: ({ reason }, { who }) => `${who} resumed the rollout${because(reason)}`,
  StageExtended: ({ byMs, reason }, { who }) => `${who} extended the stage by ${formatElapsed(byMs)}: ${reason}`,
  PrincipalAsked: ({ question, undecided }, { who }) =>
    `${who} asked a principal to decide: ${question}${undecided.length === 0 ? '' : ` (undecided: ${undecided.join(', ')})`}`,
  ProposalMade: ({ number, action, reason }, { who }) => `${who} made proposal ${number} to ${action}: ${reason}`,
  ProposalDecided: ({ number, approved, reason }, { who }) =>
    `${who} ${approved ? 'approved' : 'declined'} proposal ${number}${because(reason)}`,
  OverrideRecorded: ({ what, reason }, { who }) => `${who} overrode "${what}": ${reason}`,
  AttemptStarted: ({ attempt, version, statistics, salt }, { who }) =>
    `${who} started attempt ${attempt} with version ${version}, statistics lineage ${statistics} and ${
      salt === undefined ? "the flag's own bucketing" : `people bucketed by salt ${salt}`
    }`,
  MonitoringStarted: ({ untilAt }, { who }) => `${who} started monitoring, until ${formatInstant(untilAt)}`,
  RolloutCompleted: (_, { who }) => `${who} completed the rollout: the exit gate holds`,
  FlagCleanupScheduled: ({ dueAt, owner, link }, { who }) =>
    `${who} scheduled the removal of the flag for ${formatInstant(dueAt)}${owner === undefined ? '' : `, by ${owner}`}${
      link === undefined ? '' : ` (${link})`
    }`,
  FlagCleanupDue: ({ dueAt, reminder }) =>
    `The flag should be gone since ${formatInstant(dueAt)}: people are reminded${reminder === 1 ? '' : ` for the ${reminder}th time`}`,
  FlagRemoved: ({ flag }, { who }) => `${who} removed the flag ${flag}`,
  HandoverTold: ({ name, isDelivered, why }) =>
    isDelivered
      ? `${name} was told that the rollout is complete`
      : `${name} could not be told that the rollout is complete${because(why)}`,
  RolloutCancelled: ({ reason }, { who }) => `${who} cancelled the rollout: ${reason}`,
};

const EVIDENCE: Pick<
  Sentences,
  | 'ChecksJudged'
  | 'AlertRaised'
  | 'AlertCleared'
  | 'DataFoundInvalid'
  | 'DataFoundValid'
  | 'JudgeCalibrated'
  | 'JudgeBudgetSpent'
  | 'OverlapsFound'
  | 'SightLost'
  | 'BlindLimitReached'
  | 'WatchResumed'
  | 'SightReturned'
  | 'GateAnswered'
  | 'RolloutStuck'
> = {
  ChecksJudged: ({ verdicts }) =>
    `Checks judged: ${verdicts.map((verdict) => `${verdict.metric} (${verdict.limit}) ${verdict.status}`).join(', ') || 'none'}`,
  AlertRaised: ({ verdict }, { metrics }) => `Alert raised: ${formatVerdict(verdict, metrics)}`,
  AlertCleared: ({ check }) => `Alert cleared: ${check}`,
  DataFoundInvalid: ({ why }) => `Data found invalid, comparisons do not count: ${why}`,
  DataFoundValid: () => 'Data found valid again',
  JudgeCalibrated: (event, { who, metrics }) => {
    const { metric, goldenSet, items, failed, mean, deviation, tolerance, drifted, judge } = event;
    const show = (value: number) => formatMeasured(value, unitOf(metric, metrics));
    const unscored = failed === 0 ? '' : `, ${failed} could not be scored`;
    return `${who} calibrated the judge of ${metric}${judge === undefined ? '' : ` (${judge})`} on ${goldenSet}: mean ${show(
      mean,
    )} over ${items} items${unscored}, off by ${show(deviation)} of ${show(tolerance)} allowed: ${
      drifted ? 'it has drifted, its scores do not count' : 'its scores count'
    }`;
  },
  JudgeBudgetSpent: ({ metric, cost, budget }) =>
    `Judging ${metric} has cost ${formatMeasured(cost, 'USD')} of its budget of ${formatMeasured(budget, 'USD')}`,
  OverlapsFound: ({ overlaps }) =>
    overlaps.length === 0
      ? 'No other rollout shares people and metrics with this one any more'
      : `This rollout ${overlaps.map(describeOverlap).join('; ')}`,
  SightLost: ({ since, why }) => `No fresh evidence since ${formatInstant(since)}: ${why}`,
  BlindLimitReached: ({ since, why, inAllMs }) => {
    const reason = why === undefined ? '' : ` (${why})`;
    return inAllMs === undefined
      ? `Still no fresh evidence since ${formatInstant(since)}${reason}: on-call is told`
      : `Evidence comes and goes, it was missing for ${formatElapsed(inAllMs)} in all${reason}: on-call is told`;
  },
  WatchResumed: () => 'Rampart was started again while evidence was missing',
  SightReturned: () => 'Fresh evidence is back',
  GateAnswered: ({ gate, open, why }, { who }) => `${who} found gate ${gate} ${open ? 'open' : 'closed'}: ${why}`,
  RolloutStuck: ({ since, waitingFor }) =>
    `It could go on by time since ${formatInstant(since)}, and waits for ${waitingFor.join('; ')}`,
};

function peopleWords(people: People): string {
  const { atLeast, atMost } = reachOf(people);
  if (people.exposed === undefined) return `at most ${formatCount(atMost)} people`;
  return atLeast === atMost
    ? `${formatCount(atMost)} people`
    : `between ${formatCount(atLeast)} and ${formatCount(atMost)} people`;
}

const HARM: Pick<
  Sentences,
  | 'KillSwitchTripped'
  | 'KillSwitchRearmed'
  | 'RolloutAborted'
  | 'AbortTookEffect'
  | 'ExposureFell'
  | 'AbortUnconfirmed'
  | 'IncidentUnattended'
  | 'IncidentAssigned'
  | 'IncidentAcknowledged'
  | 'IncidentRated'
  | 'IncidentNoted'
  | 'IncidentLinked'
  | 'ActionAdded'
  | 'ActionDone'
  | 'RootCauseRecorded'
  | 'FixRecorded'
  | 'IncidentResolved'
  | 'IssueAdded'
  | 'IssueChanged'
> = {
  KillSwitchTripped: ({ reason }, { who }) => `${who} tripped the kill switch: ${reason}`,
  KillSwitchRearmed: ({ reason }, { who }) => `${who} re-armed the kill switch, exposure stays 0: ${reason}`,
  RolloutAborted: ({ reason, stage, incident, people, issue }, { who }) =>
    `${who} set exposure to 0 in stage ${stage}: ${reason} (incident ${incident}, ${peopleWords(people)} had been exposed${
      issue === undefined ? '' : `, issue opened: ${issue}`
    })`,
  AbortTookEffect: ({ incident, acknowledged, connected }) =>
    `Exposure 0 took effect for incident ${incident}: ${acknowledged} of ${connected} connected SDKs confirmed it`,
  ExposureFell: ({ incident, reports }) =>
    `Exposure fell after incident ${incident}: nobody treated in ${formatCount(reports)} ${reports === 1 ? 'report' : 'reports'} of telemetry gathered since`,
  AbortUnconfirmed: ({ incident, acknowledged, connected, treated, treating }) =>
    `Abort of incident ${incident} not confirmed in time: ${formatCount(acknowledged)} of ${formatCount(
      connected,
    )} connected SDKs have confirmed exposure 0${
      treated === 0
        ? ''
        : `, ${formatCount(treated)} observations of the feature since in ${formatCount(treating)} ${treating === 1 ? 'process' : 'processes'}`
    }: on-call is told`,
  IncidentAcknowledged: ({ incident }, { who }) => `${who} began the triage of incident ${incident}`,
  IncidentRated: ({ incident, severity, reason }, { who }) =>
    `${who} rated incident ${incident} ${severity}: ${reason}`,
  IncidentNoted: ({ incident, text }, { who }) => `${who} noted on incident ${incident}: ${text}`,
  IncidentLinked: ({ incident, title, url }, { who }) => `${who} linked ${title} to incident ${incident}: ${url}`,
  ActionAdded: ({ incident, action, text, owner, link }, { who }) =>
    `${who} added action item ${action} of incident ${incident}${owner === undefined ? '' : ` for ${owner}`}: ${text}${
      link === undefined ? '' : ` (${link})`
    }`,
  ActionDone: ({ incident, action }, { who }) => `${who} completed action item ${action} of incident ${incident}`,
  IncidentUnattended: ({ incident, since }) => `Nobody has taken on incident ${incident} since ${formatInstant(since)}`,
  IncidentAssigned: ({ incident, assignee }, { who }) => `${who} assigned incident ${incident} to ${assignee}`,
  RootCauseRecorded: ({ incident, text }, { who }) => `${who} recorded the root cause of incident ${incident}: ${text}`,
  FixRecorded: ({ incident, text, reference }, { who }) =>
    `${who} recorded the fix of incident ${incident}: ${text}${reference === undefined ? '' : ` (${reference})`}`,
  IncidentResolved: ({ incident, reason }, { who }) => `${who} resolved incident ${incident}${because(reason)}`,
  IssueAdded: ({ number, title, severity }, { who }) => `${who} added ${severity} issue ${number}: ${title}`,
  IssueChanged: ({ number, status }, { who }) => `${who} set issue ${number} to ${status}`,
};

const SENTENCES: Sentences = { ...RUNNING, ...EVIDENCE, ...HARM };

function tell<T extends EventType>(type: T, event: EventsByType[T], teller: Teller): string {
  return SENTENCES[type](event, teller);
}

/** A principal as documents name it: Rampart itself, or the id. Plain text. */
export function nameOf(by: string): string {
  return by === RAMPART.id ? 'Rampart' : plainLine(by);
}

/**
 * What an event says, as one line of plain text without control characters (safe for a terminal; escape it for Markdown).
 * It names who acted but not when. `metrics` are the plan's: without them values are printed in the catalog's units. Dates are UTC.
 */
export function describeEvent({ event, by }: EventRecord, metrics?: Plan['metrics']): string {
  return plainLine(tell(event.type, event, { who: nameOf(by), metrics }));
}
