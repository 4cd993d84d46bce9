import type { RolloutView } from '@rampart/api';
import {
  describeDrill,
  describeEvent,
  describeOverlap,
  type EventRecord,
  formatElapsed,
  type RolloutState,
} from '@rampart/rollout';
import { nextStepsOf, type StepsAt } from '../next-steps.ts';
import type { Paint } from '../session.ts';
import { renderChecks, renderMetrics } from './checks-table.ts';
import { afterLines, exitGateLines } from './exit-lines.ts';
import { formatCount, formatDate, formatLayers, formatMoment, withReadableTimes } from './format.ts';
import { renderStageBar } from './stage-bar.ts';
import { oneLine, padEnd, widthOf, wrap } from './text.ts';

const EVENTS_SHOWN = 6;

/** What a status page is made from. */
export type StatusFacts = {
  readonly view: RolloutView;
  readonly events: readonly EventRecord[];
  readonly steps: StepsAt;
};

function phaseText(state: RolloutState, paint: Paint): string {
  if (state.killed) return paint.red(`${state.phase}, kill switch on`);
  if (state.phase === 'aborted') return paint.red('aborted');
  if (state.phase === 'complete') return paint.green('complete');
  if (state.hold) return paint.yellow(`${state.phase}, held`);
  return state.blindSince === undefined ? paint.cyan(state.phase) : paint.yellow(`${state.phase}, blind`);
}

function header({ state, now, judgement, issue, dashboardUrl }: RolloutView, width: number, paint: Paint): string {
  const { plan } = state;
  const people = judgement?.people;
  const seen = people === undefined ? '' : ` · ${formatCount(people.treatment + people.targeted)} people so far`;
  const attempt = `attempt ${state.attempt} of ${plan.retry.limit + 1}`;
  const where = `flag ${plan.flag} in ${plan.environment} · version ${oneLine(versionOf(state))} · ${attempt} · ${state.id}`;
  return [
    `${paint.bold(oneLine(plan.title))}  ${phaseText(state, paint)}`,
    paint.dim(wrap(where, width, '  ')),
    wrap(`exposed: ${formatLayers(state.layers)}${seen}`, width, '  '),
    paint.dim(`${formatDate(now)}${plan.timeScale === 1 ? '' : ` · time scale ${plan.timeScale}`}`),
    ...(issue === undefined ? [] : [paint.dim(`issue ${oneLine(issue.key)} · ${oneLine(issue.url)}`)]),
    ...(dashboardUrl === undefined ? [] : [paint.dim(dashboardUrl)]),
  ].join('\n');
}

function versionOf(state: RolloutState): string {
  return state.attempts.at(-1)?.version ?? state.plan.version;
}

function list(lines: readonly string[], width: number): string {
  return lines.map((line) => `  ${wrap(line, width - 2, '    ')}`).join('\n');
}

function incidents(state: RolloutState, now: number): readonly string[] {
  const open = state.incidents.filter((incident) => incident.resolvedAt === undefined);
  return open.map(
    ({ number, kind, stage, reason, openedAt, assignee }) =>
      `incident ${number} (${kind}, in ${stage}, ${formatElapsed(now - openedAt)} ago): ${oneLine(reason)}; ${
        assignee === undefined ? 'assigned to nobody' : `assigned to ${oneLine(assignee)}`
      }`,
  );
}

function issues(state: RolloutState): readonly string[] {
  const open = state.issues.filter(({ status }) => status === 'open' || status === 'monitoring');
  return open.map(
    ({ number, severity, title, status }) => `issue ${number} (${severity}, ${status}): ${oneLine(title)}`,
  );
}

function eventLines(events: readonly EventRecord[], state: RolloutState, paint: Paint): readonly string[] {
  const told = events.filter(({ event }) => event.type !== 'ChecksJudged').slice(-EVENTS_SHOWN);
  return told.map((record) => `${paint.dim(formatMoment(record.at))} ${describeEvent(record, state.plan.metrics)}`);
}

/** What to type next, commands in one column. */
export function renderNextSteps(state: RolloutState, at: StepsAt, width: number, paint: Paint): string {
  const steps = nextStepsOf(state, at);
  const column = Math.max(...steps.map(({ command }) => widthOf(command)));
  return steps
    .map(({ command, why }) => {
      const isRoomy = column + 4 + widthOf(why) <= width;
      const plain = isRoomy
        ? `  ${padEnd(command, column)}  ${paint.dim(why)}`
        : `  ${command}\n      ${paint.dim(why)}`;
      return plain;
    })
    .join('\n');
}

/** What keeps a rollout where it is, in words. */
export function waitingLines({ state, waitingFor }: RolloutView): readonly string[] {
  if (waitingFor.length > 0) return waitingFor.map((what) => withReadableTimes(oneLine(what)));
  return state.phase === 'exposing' || state.phase === 'monitoring' ? ['nothing: it advances at the next look'] : [];
}

/** The checks as judged now; after an abort, when nothing is exposed any more, what was found before it. */
function checks(
  { state, judgement }: RolloutView,
  width: number,
  paint: Paint,
): readonly (readonly [string, string])[] {
  if (state.phase !== 'aborted') {
    const verdicts = judgement?.verdicts ?? state.verdicts;
    return [['Checks', verdicts.length === 0 ? '' : renderChecks(verdicts, state, width, paint)]];
  }
  const verdict = state.incidents.at(-1)?.verdict;
  const metrics = state.history.at(-1)?.metrics ?? [];
  return [
    ['Check that ended the attempt', verdict === undefined ? '' : renderChecks([verdict], state, width, paint)],
    ['Metrics at the abort', metrics.length === 0 ? '' : renderMetrics(metrics, state, width, paint)],
  ];
}

/** The last drill, while it can still matter. */
function drills({ drills: all = [] }: RolloutState): readonly string[] {
  const last = all.at(-1);
  return last === undefined ? [] : [oneLine(describeDrill(last))];
}

/** Sources that are pulled, and whichever is not well: one that reports by itself and does needs no line. */
function sources({ sources: all = [], now }: RolloutView, paint: Paint): readonly string[] {
  return all
    .filter(({ source, status }) => source !== 'telemetry' || status !== 'up')
    .map(({ source, status, why, newestAt }) => {
      const colour = status === 'up' ? paint.green : paint.yellow;
      const age = newestAt === undefined ? 'no data yet' : `newest data ${formatElapsed(now - newestAt)} old`;
      return `${source} ${colour(status)}, ${age}${why === undefined ? '' : `: ${oneLine(why)}`}`;
    });
}

/** The page of one rollout: what it is, how far it is, what the evidence says, what it waits for and what to type next. */
export function renderStatus({ view, events, steps }: StatusFacts, width: number, paint: Paint): string {
  const { state, now } = view;
  const section = (title: string, body: string) => (body === '' ? [] : [`${paint.bold(title)}\n${body}`]);
  return [
    header(view, width, paint),
    renderStageBar(state, now, width, paint),
    ...checks(view, width, paint).flatMap(([title, body]) => section(title, body)),
    ...section('Sources', list(sources(view, paint), width)),
    ...section('Exit gate', list(exitGateLines(view, steps.call, paint), width)),
    ...section('Waiting for', list(waitingLines(view), width)),
    ...section('Overlaps', list((state.overlaps ?? []).map(describeOverlap), width)),
    ...section('Rollback drill', list(drills(state), width)),
    ...section('After the rollout', list(afterLines(state, now), width)),
    ...section('Open', list([...incidents(state, now), ...issues(state)], width)),
    ...section('Last events (UTC)', list(eventLines(events, state, paint), width)),
    ...section('Next', renderNextSteps(state, steps, width, paint)),
  ].join('\n\n');
}
