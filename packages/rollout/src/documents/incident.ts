import type { EventRecord } from '../event.ts';
import type { AbortKind, Incident, IncidentSeverity, RolloutState } from '../state.ts';
import { type AbortStory, abortStory, breachOf } from './abort-story.ts';
import { reachOf } from './blast-radius.ts';
import { nameOf } from './describe-event.ts';
import { evidenceChart, intervalChart } from './document-charts.ts';
import { type DocumentOptions, formatLayers, formatVerdict, unitOf } from './format.ts';
import { blastRadius, reachLine } from './incident-reach.ts';
import { actionItems, fix, notes, rootCause } from './incident-work.ts';
import { nextStep } from './next-step.ts';
import {
  type Block,
  count,
  elapsed,
  fact,
  instant,
  joined,
  type Line,
  line,
  type RolloutDocument,
  type Section,
  type Span,
  said,
  section,
  tableOf,
  text,
  words,
} from './page.ts';
import { documentMarkdown } from './page-markdown.ts';
import { protocolTable } from './protocol-steps.ts';
import type { AttemptRun } from './records.ts';
import { timelineBlock } from './timeline.ts';
import { measuredOr, referenceOf, statusText, verdictBlock } from './verdict-lines.ts';

const KINDS: Readonly<Record<AbortKind, string>> = {
  criterion: 'an abort criterion failed',
  gate: 'a gate failed',
  kill: 'the kill switch tripped',
  person: 'a principal aborted it',
  'telemetry-missing': 'telemetry went missing from treatment',
  blind: 'evidence was missing for too long',
  'external-gate': 'an external gate asked for it',
};

/** How bad an incident was: as somebody rated it, else critical for a kill, major where people had seen the feature, minor without. */
export function severityOf({ severity, kind, people }: Incident): IncidentSeverity {
  if (severity !== undefined) return severity;
  if (kind === 'kill') return 'critical';
  return reachOf(people).atMost > 0 ? 'major' : 'minor';
}

function sentence(span: Span): Line {
  return /[.!?]$/.test(span.text) ? [span] : [span, words('.')];
}

function statusOf(incident: Incident): string {
  if (incident.resolvedAt !== undefined) return 'Resolved';
  if (incident.fix !== undefined) return 'Fix recorded';
  if (incident.rootCause !== undefined) return 'Root cause known';
  if (incident.acknowledged !== undefined) return 'In triage';
  return incident.assignee === undefined ? 'Open' : 'Triage assigned';
}

function status({ incident, abort, options, from }: AbortStory): Section {
  const opened = [abort.version];
  const rated = incident.severity === undefined ? ' (not rated by anyone yet)' : '';
  const assignee = incident.assignee;
  const facts = [
    fact('status', 'Status', statusOf(incident)),
    fact('severity', 'Severity', `${severityOf(incident)}${rated}`),
    fact(
      'opened',
      'Opened',
      instant(incident.openedAt, opened, options),
      ' by ',
      said(nameOf(incident.openedBy), opened),
    ),
    fact(
      'attempt',
      'Attempt',
      count(
        incident.attempt,
        from((one) => one.attempt),
        'number-of',
      ),
    ),
    fact('stage', 'Stage', said(incident.stage, opened)),
    fact(
      'assignee',
      'Assignee',
      assignee === undefined
        ? 'nobody yet'
        : said(
            assignee,
            from((one) => one.assignee),
          ),
    ),
    fact('asOf', 'Document as of', instant(options.now, [], options, 'as-of')),
  ];
  return section('status', 'Status', { kind: 'facts', facts });
}

/** Other rollouts that had advanced shortly before: what was seen may be their doing. */
function overlapLine({ incident: { overlapping = [], openedAt }, abort }: AbortStory): Line {
  const from = [abort.version];
  const lines = overlapping.map(({ rollout, stage, advancedAt = openedAt, metrics }) => {
    const where = stage === undefined ? [] : [' to ', said(stage, from)];
    const when = elapsed(openedAt - advancedAt, from, 'difference');
    return line(
      said(rollout, from),
      ' advanced',
      ...where,
      ' ',
      when,
      ' before and may move ',
      said(metrics.join(', '), from),
    );
  });
  return lines.length === 0 ? [] : line(' It may be the doing of another rollout: ', joined(lines, '; '), '.');
}

function summary(story: AbortStory): Section {
  const { state, incident, abort, trace } = story;
  const { plan } = state;
  const opened = [abort.version];
  const planned = trace.of((one) => one.plan);
  const { verdict } = incident;
  const breach =
    verdict === undefined ? [] : [' Observed: ', sentence(said(formatVerdict(verdict, plan.metrics), opened))];
  const seen = breachOf(story);
  const took =
    verdict === undefined
      ? []
      : [
          ...[' It took ', elapsed(abort.at - seen.at, [seen.version, abort.version])],
          ' from the first sight of the breach to exposure 0.',
        ];
  return section(
    'summary',
    'Summary',
    text(
      ...['Exposure of ', said(plan.flag, planned), ' in ', said(plan.environment, planned), ' went to 0 in stage '],
      ...[said(incident.stage, opened), ` because ${KINDS[incident.kind]}: `, sentence(said(incident.reason, opened))],
      ...[...breach, ' It had reached ', reachLine(story), '.', ...took, overlapLine(story)],
    ),
  );
}

const METRIC_COLUMNS = {
  metric: 'Metric',
  baseline: 'Baseline',
  observed: 'Observed',
  observations: 'Observations',
  status: 'Status',
};

function breached({ state, incident, abort, records }: AbortStory): Section {
  const { metrics } = state.plan;
  const from = [abort.version];
  const { verdict } = incident;
  const blocks: readonly (Block | undefined)[] =
    verdict === undefined
      ? [text(`No check was breached: ${KINDS[incident.kind]}.`)]
      : [
          text('Check: ', said(verdict.check, from)),
          verdictBlock(verdict, metrics, from),
          intervalChart(records, verdict.check, metrics),
          evidenceChart(records, verdict.check),
        ];
  const rows = abort.event.metrics.map((snapshot) => {
    const unit = unitOf(snapshot.metric, metrics);
    return {
      metric: [said(snapshot.metric, from)],
      baseline: referenceOf(snapshot, unit, from),
      observed: measuredOr(snapshot.observed, unit, from),
      observations: [count(snapshot.count, from)],
      status: line(statusText(snapshot)),
    };
  });
  const all = rows.length === 0 ? [] : [text('All metrics at the abort:'), tableOf(METRIC_COLUMNS, rows)];
  return section('breach', 'Breached Criterion', ...blocks, ...all);
}

/** What an attempt was set up with, as text with its events. */
function settingsOf(run: AttemptRun, { state, trace }: AbortStory): readonly (readonly [string, Span])[] {
  const { flag } = state.plan;
  const from = [run.from];
  const shares = run.stages.map((stage) => `${stage.name}: ${formatLayers(stage.layers)}`);
  const entered = run.stages.map(({ version }) => version);
  const salt = run.salt ?? `${flag} (the flag's own)`;
  const planned = trace.of((one) => one.plan);
  return [
    ['Plan version', said(run.version, from)],
    ['Bucketing salt (who is picked)', said(salt, [...planned, ...from])],
    ['Statistics', said(`lineage ${run.statistics}`, from)],
    ['Percentages reached', said(shares.join('; ') || 'none', entered)],
  ];
}

function configurationDiff(story: AbortStory): Section {
  const { runs, run, incident } = story;
  const previous = runs.find((one) => one.number === incident.attempt - 1);
  const title = 'Configuration Changes';
  if (run === undefined) return section('configuration', title, text('The attempt had not started.'));
  const before = previous === undefined ? undefined : settingsOf(previous, story);
  const rows = settingsOf(run, story).map(([name, now], index) => {
    const was = before?.[index]?.[1];
    const change = was?.text === now.text ? 'same' : 'changed';
    return { setting: line(name), now: [now], ...(was && { before: [was], change: line(change) }) };
  });
  if (before === undefined) {
    const first = text('First attempt: there is none before it to compare with.');
    return section('configuration', title, first, tableOf({ setting: 'Setting', now: 'This attempt' }, rows));
  }
  const columns = { setting: 'Setting', before: 'Attempt before', now: 'This attempt', change: 'Change' };
  return section('configuration', title, tableOf(columns, rows));
}

/** What happened from the entry into the stage of the abort to the next attempt, and all work on the incident. */
function timeline({ records, state, incident, abort, run, options }: AbortStory): Section {
  const begin = run?.stages.at(-1)?.version ?? records[0]?.version ?? 0;
  const next = records.find(({ event, version }) => event.type === 'AttemptStarted' && version > abort.version);
  const end = next?.version ?? Number.POSITIVE_INFINITY;
  const own = records.filter(({ version, event }) => {
    const isOfIncident = 'incident' in event && event.incident === incident.number;
    return isOfIncident || (version >= begin && version <= end);
  });
  return section('timeline', 'Timeline', timelineBlock(own, state, options));
}

/**
 * The incident document (design §5, abort protocol), from events alone: `state` is what `evolve` makes of `records`. Always the same
 * sections in the same order. `undefined` when no abort has that number.
 */
export function incidentDocument(
  records: readonly EventRecord[],
  state: RolloutState,
  incidentNumber: number,
  options: DocumentOptions,
): RolloutDocument | undefined {
  const story = abortStory(records, state, incidentNumber, options);
  if (story === undefined) return undefined;
  const { incident, abort, trace } = story;
  const planned = trace.of((one) => one.plan);
  const opened = [abort.version];
  const name = said(state.plan.title || state.plan.flag, planned);
  return {
    ...{ schema: 1, kind: 'incident', rollout: state.id, version: state.version, at: options.now },
    title: line(
      'Incident ',
      count(incidentNumber, opened),
      ': ',
      name,
      ' rolled back in ',
      said(incident.stage, opened),
    ),
    sections: [
      status(story),
      summary(story),
      section('protocol', 'Abort Protocol', protocolTable(story)),
      breached(story),
      blastRadius(story),
      timeline(story),
      configurationDiff(story),
      rootCause(story),
      fix(story),
      actionItems(story),
      notes(story),
      section('next', 'Next Step', ...nextStep(story)),
    ],
  };
}

/** The incident document as GitHub Flavored Markdown; `undefined` when no abort has that number. */
export function renderIncident(
  records: readonly EventRecord[],
  state: RolloutState,
  incidentNumber: number,
  options: DocumentOptions,
): string | undefined {
  const document = incidentDocument(records, state, incidentNumber, options);
  return document && documentMarkdown(document);
}
