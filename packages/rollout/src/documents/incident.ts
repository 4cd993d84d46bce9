import type { EventRecord } from '../event.ts';
import { formatElapsed } from '../plan/duration.ts';
import type { Plan } from '../plan.ts';
import type { AbortKind, Incident, RolloutState } from '../state.ts';
import { nameOf } from './describe-event.ts';
import { type DocumentOptions, formatCount, formatInstant, formatLayers, formatVerdict, unitOf } from './format.ts';
import { type AbortStory, abortTimeline, breachedAt } from './incident-timeline.ts';
import { escapeMarkdown, markdownSection, markdownTable } from './markdown.ts';
import { nextStep } from './next-step.ts';
import { type AttemptRun, attemptRuns, recordsOf } from './records.ts';
import { measuredOr, referenceOf, statusText, verdictLines } from './verdict-lines.ts';

const KINDS: Readonly<Record<AbortKind, string>> = {
  criterion: 'an abort criterion failed',
  gate: 'a gate failed',
  kill: 'the kill switch tripped',
  person: 'a principal aborted it',
  'telemetry-missing': 'telemetry went missing from treatment',
  blind: 'evidence was missing for too long',
  'external-gate': 'an external gate asked for it',
};

function sentence(text: string): string {
  const escaped = escapeMarkdown(text);
  return /[.!?]$/.test(escaped) ? escaped : `${escaped}.`;
}

function statusOf(incident: Incident): string {
  if (incident.resolvedAt !== undefined) return 'Resolved';
  if (incident.fix !== undefined) return 'Fix recorded';
  if (incident.rootCause !== undefined) return 'Root cause known';
  return incident.assignee === undefined ? 'Open' : 'In triage';
}

function exposedPeople({ people }: Incident): string {
  return formatCount(people.treatment + people.targeted);
}

function status(incident: Incident, options: DocumentOptions): string {
  const lines = [
    `- **Status**: ${statusOf(incident)}`,
    `- **Opened**: ${formatInstant(incident.openedAt, options.timeZone)} by ${escapeMarkdown(nameOf(incident.openedBy))}`,
    `- **Attempt**: ${incident.attempt}`,
    `- **Stage**: ${escapeMarkdown(incident.stage)}`,
    `- **Assignee**: ${incident.assignee === undefined ? 'nobody yet' : escapeMarkdown(incident.assignee)}`,
    `- **Document as of**: ${formatInstant(options.now, options.timeZone)}`,
  ];
  return markdownSection('Status', lines.join('\n'));
}

/** Other rollouts that had advanced shortly before: what was seen may be their doing. */
function overlapWords({ overlapping = [], openedAt }: Incident): string {
  const words = overlapping.map(({ rollout, stage, advancedAt = openedAt, metrics }) => {
    const where = stage === undefined ? '' : ` to ${escapeMarkdown(stage)}`;
    const when = `${formatElapsed(openedAt - advancedAt)} before`;
    return `${escapeMarkdown(rollout)} advanced${where} ${when} and may move ${escapeMarkdown(metrics.join(', '))}`;
  });
  return words.length === 0 ? '' : ` It may be the doing of another rollout: ${words.join('; ')}.`;
}

function summary(plan: Plan, story: AbortStory): string {
  const { incident, abort } = story;
  const breach = incident.verdict ? ` ${sentence(formatVerdict(incident.verdict, plan.metrics))}` : '';
  const took =
    incident.verdict === undefined
      ? ''
      : ` It took ${formatElapsed(abort.at - breachedAt(story))} from the first sight of the breach to exposure 0.`;
  const text = [
    `Exposure of ${escapeMarkdown(plan.flag)} in ${escapeMarkdown(plan.environment)} went to 0 in stage`,
    `${escapeMarkdown(incident.stage)} because ${KINDS[incident.kind]}: ${sentence(incident.reason)}${breach}`,
    `At most ${exposedPeople(incident)} people had been exposed.${took}${overlapWords(incident)}`,
  ];
  return markdownSection('Summary', text.join(' '));
}

function breached(plan: Plan, { incident, abort }: AbortStory): string {
  const verdict = incident.verdict
    ? `Check: ${escapeMarkdown(incident.verdict.check)}\n\n${verdictLines(incident.verdict, plan.metrics)}`
    : `No check was breached: ${KINDS[incident.kind]}.`;
  const rows = abort.event.metrics.map((snapshot) => {
    const unit = unitOf(snapshot.metric, plan.metrics);
    return [
      escapeMarkdown(snapshot.metric),
      referenceOf(snapshot, unit),
      measuredOr(snapshot.observed, unit),
      formatCount(snapshot.count),
      statusText(snapshot),
    ];
  });
  const table = markdownTable(['Metric', 'Baseline', 'Observed', 'Observations', 'Status'], rows);
  return markdownSection(
    'Breached Criterion',
    verdict,
    ...(rows.length === 0 ? [] : [`All metrics at the abort:\n\n${table}`]),
  );
}

function blastRadius({ incident }: AbortStory, run: AttemptRun | undefined): string {
  const { treatment, targeted, control } = incident.people;
  const since = run?.stages[0]?.at;
  const lines = [
    `- **People exposed**: at most ${exposedPeople(incident)} people, counted once per stage (${formatCount(treatment)} by random split, ${formatCount(targeted)} targeted)`,
    `- **Control, not exposed**: ${formatCount(control)}`,
    `- **Exposure at the abort**: ${escapeMarkdown(formatLayers(run?.stages.at(-1)?.layers ?? []))}`,
    `- **Exposed for**: ${since === undefined ? 'never' : formatElapsed(incident.openedAt - since)}`,
  ];
  return markdownSection('Blast Radius', lines.join('\n'));
}

function settingsOf(run: AttemptRun, plan: Plan): readonly (readonly [string, string])[] {
  const shares = run.stages.map((stage) => `${stage.name}: ${formatLayers(stage.layers)}`);
  return [
    ['Plan version', run.version],
    ['Bucketing salt (who is picked)', run.salt ?? `${plan.flag} (the flag's own)`],
    ['Statistics', `lineage ${run.statistics}`],
    ['Percentages reached', shares.join('; ') || 'none'],
  ];
}

function configurationDiff(plan: Plan, runs: readonly AttemptRun[], attempt: number): string {
  const current = runs.find((run) => run.number === attempt);
  const previous = runs.find((run) => run.number === attempt - 1);
  const title = 'Configuration Changes';
  if (current === undefined) return markdownSection(title, 'The attempt had not started.');
  const before = previous === undefined ? undefined : settingsOf(previous, plan).map(([, value]) => value);
  const rows = settingsOf(current, plan).map(([name, value], index) =>
    before === undefined
      ? [name, escapeMarkdown(value)]
      : [
          name,
          escapeMarkdown(before[index] ?? ''),
          escapeMarkdown(value),
          before[index] === value ? 'same' : 'changed',
        ],
  );
  if (before !== undefined) {
    return markdownSection(
      title,
      markdownTable(['Setting', `Attempt ${attempt - 1}`, `Attempt ${attempt}`, 'Change'], rows),
    );
  }
  return markdownSection(
    title,
    `First attempt: there is none before it to compare with.\n\n${markdownTable(['Setting', `Attempt ${attempt}`], rows)}`,
  );
}

function fixText({ fix }: Incident): string {
  if (fix === undefined) return 'Not recorded yet.';
  return `${escapeMarkdown(fix.text)}${fix.reference === undefined ? '' : ` (${escapeMarkdown(fix.reference)})`}`;
}

function actionItems(state: RolloutState, incident: Incident): string {
  const steps = [
    ...(incident.assignee === undefined ? ['Assign the triage'] : []),
    ...(incident.rootCause === undefined ? ['Record the root cause'] : []),
    ...(incident.fix === undefined ? ['Record the fix'] : []),
    ...(incident.resolvedAt === undefined ? ['Resolve the incident'] : []),
  ];
  const issues = state.issues
    .filter((issue) => issue.status === 'open' || issue.status === 'monitoring')
    .map((issue) => {
      const link = issue.link === undefined ? '' : `, ${escapeMarkdown(issue.link)}`;
      const found = `${issue.severity}, ${issue.status}, found in ${escapeMarkdown(issue.stageFound)}${link}`;
      return `Issue ${issue.number}: ${escapeMarkdown(issue.title)} (${found})`;
    });
  return markdownSection(
    'Action Items',
    [...steps, ...issues].map((item) => `- [ ] ${item}`).join('\n') || 'None open.',
  );
}

/**
 * The incident document (design §5, abort protocol) as GitHub Flavored Markdown, from events alone: `state` is what `evolve`
 * makes of `records`. Always the same ten `##` sections in the same order. `undefined` when no abort has that number.
 */
export function renderIncident(
  records: readonly EventRecord[],
  state: RolloutState,
  incidentNumber: number,
  options: DocumentOptions,
): string | undefined {
  const incident = state.incidents.find((one) => one.number === incidentNumber);
  const abort = recordsOf(records, 'RolloutAborted').find(({ event }) => event.incident === incidentNumber);
  if (incident === undefined || abort === undefined) return undefined;
  const { plan } = state;
  const runs = attemptRuns(records);
  const run = runs.find((one) => one.number === incident.attempt);
  const from = run?.records[0]?.version ?? 0;
  const story: AbortStory = { incident, abort, records: records.filter((record) => record.version >= from) };
  const title = escapeMarkdown(plan.title || plan.flag);
  return `${[
    `# Incident ${incidentNumber}: ${title} rolled back in ${escapeMarkdown(incident.stage)}`,
    status(incident, options),
    summary(plan, story),
    markdownSection('Timeline', abortTimeline(plan, story, options)),
    breached(plan, story),
    blastRadius(story, run),
    configurationDiff(plan, runs, incident.attempt),
    markdownSection(
      'Root Cause',
      incident.rootCause === undefined ? 'Not recorded yet.' : escapeMarkdown(incident.rootCause),
    ),
    markdownSection('Fix', fixText(incident)),
    actionItems(state, incident),
    markdownSection('Next Step', nextStep(state, incident, options)),
  ].join('\n\n')}\n`;
}
