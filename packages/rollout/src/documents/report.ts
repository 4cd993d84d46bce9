import { baselineRows } from '../baseline/baseline-rows.ts';
import { stageOf } from '../decide/exposure.ts';
import type { EventRecord } from '../event.ts';
import { checksOf } from '../judge/evidence-state.ts';
import type { Issue, RolloutState, StageRecord } from '../state.ts';
import type { Baseline } from '../verdict.ts';
import { describeEvent, nameOf } from './describe-event.ts';
import {
  type DocumentOptions,
  formatCount,
  formatInstant,
  formatMeasured,
  formatShare,
  metricTitle,
  NOTHING,
  unitOf,
} from './format.ts';
import { escapeMarkdown, markdownSection, markdownTable } from './markdown.ts';
import { measuringLines } from './measuring-lines.ts';
import { ownersLine, peopleTable } from './people.ts';
import { preflightBlocks } from './preflight-table.ts';
import { type AttemptRun, attemptRuns, foldSight, lastVerdicts, newsOf, recordsOf } from './records.ts';
import { type Standing, standingOf, stopsOf } from './standing.ts';
import { measuredOr, referenceOf, statusText, verdictLines } from './verdict-lines.ts';

type Report = {
  readonly records: readonly EventRecord[];
  readonly state: RolloutState;
  readonly options: DocumentOptions;
};

function instantOr(at: number | undefined, options: DocumentOptions): string {
  return at === undefined ? NOTHING : formatInstant(at, options.timeZone);
}

function currentStage(state: RolloutState): string {
  const stage = stageOf(state);
  if (stage === undefined) return `none (${state.phase})`;
  const name = `${escapeMarkdown(stage.name)} (${escapeMarkdown(formatShare(stage))})`;
  return state.phase === 'monitoring' ? `${name}, monitoring` : name;
}

function configuration({ records, state, options }: Report): string {
  const started = recordsOf(records, 'StageEntered')[0]?.at;
  const lines = [
    ['Feature flag', escapeMarkdown(state.plan.flag)],
    ['Start date', started === undefined ? 'not exposed yet' : formatInstant(started, options.timeZone)],
    ['Current stage', currentStage(state)],
    ['Plan version', escapeMarkdown(state.attempts.at(-1)?.version ?? state.plan.version)],
    ['Environment', escapeMarkdown(state.plan.environment)],
    ...(state.baseline === undefined ? [] : [['Baseline', baselineLine(state.baseline, options)]]),
    ['Report as of', formatInstant(options.now, options.timeZone)],
  ];
  const list = lines.map(([name, value]) => `- **${name}**: ${value}`).join('\n');
  return markdownSection('Configuration', list, ...baselineTable(state, options));
}

function baselineLine({ version = 1, fromAt, toAt }: Baseline, { timeZone }: DocumentOptions): string {
  return `version ${version}, ${formatInstant(fromAt, timeZone)} to ${formatInstant(toAt, timeZone)}`;
}

/** What the baseline rests on, metric by metric, and the alert limit that is held against it. */
function baselineTable({ plan, baseline }: RolloutState, { timeZone }: DocumentOptions): readonly string[] {
  if (baseline === undefined) return [];
  const rows = baselineRows(plan, baseline).map((row) => [
    escapeMarkdown(metricTitle(row.metric)),
    formatMeasured(row.value, row.unit),
    `${formatMeasured(row.low, row.unit)} to ${formatMeasured(row.high, row.unit)}`,
    formatCount(row.count),
    escapeMarkdown(`${row.source}, version ${row.origin.version}`),
    `${formatInstant(row.origin.fromAt, timeZone)} to ${formatInstant(row.origin.toAt, timeZone)}`,
    escapeMarkdown(row.alert ?? NOTHING),
  ]);
  const head = ['Metric', 'Baseline', '99 % bounds', 'Observations', 'Source', 'Window', 'Alert limit'];
  return rows.length === 0 ? [] : [markdownTable(head, rows)];
}

/** Names a stage of the history; once there are several attempts, its attempt too. */
function stageLabel(state: RolloutState, record: StageRecord): string {
  const attempt = state.attempts.length > 1 ? ` (attempt ${record.attempt})` : '';
  return `${escapeMarkdown(record.name)}${attempt}`;
}

const RESULTS = {
  'in-progress': '🔄 In Progress',
  passed: '✅ Passed',
  overridden: '⏭ Overridden',
  'rolled-back': '🚫 Rolled back',
} as const;

function resultOf({ result, overriddenBy }: StageRecord, isHeld: boolean): string {
  if (result === 'in-progress' && isHeld) return '⏸ Held';
  return overriddenBy === undefined ? RESULTS[result] : `${RESULTS[result]} by ${escapeMarkdown(nameOf(overriddenBy))}`;
}

function stageHistory({ state, options }: Report): string {
  const isHeld = stopsOf(state).length > 0;
  const rows = state.history.map((record) => [
    stageLabel(state, record),
    formatInstant(record.startedAt, options.timeZone),
    instantOr(record.endedAt, options),
    resultOf(record, isHeld),
  ]);
  const table = markdownTable(['Stage', 'Start', 'End', 'Result'], rows);
  return markdownSection('Stage History', rows.length === 0 ? 'No stage entered yet.' : table);
}

function metricTable({ state, options }: Report, metric: string): string {
  const unit = unitOf(metric, state.plan.metrics);
  const rows = state.history.flatMap((record) =>
    record.metrics
      .filter((snapshot) => snapshot.metric === metric)
      .map((snapshot) => [
        stageLabel(state, record),
        referenceOf(snapshot, unit),
        measuredOr(snapshot.observed, unit),
        statusText(snapshot),
      ]),
  );
  const table = markdownTable(['Stage', 'Baseline', 'Observed', 'Status'], rows);
  const how = measuringLines(state, metric, options);
  return `### ${escapeMarkdown(metricTitle(metric))}\n\n${table}${how === '' ? '' : `\n\n${how}`}`;
}

/** Metrics that were measured, in the order of the plan's checks: a stored plan does not keep that of its metrics. */
function measuredMetrics(state: RolloutState): readonly string[] {
  const seen = new Set(state.history.flatMap((record) => record.metrics.map((snapshot) => snapshot.metric)));
  const checked = [...checksOf(state).values()].map(({ metric }) => metric);
  const planned = [...checked, ...Object.keys(state.plan.metrics)].filter((metric) => seen.has(metric));
  return [...new Set([...planned, ...seen])];
}

function metrics(report: Report): string {
  const { state } = report;
  const tables = measuredMetrics(state).map((metric) => metricTable(report, metric));
  return markdownSection('Metrics', ...(tables.length === 0 ? ['Nothing measured yet.'] : tables));
}

const ISSUE_STATUS = { open: 'Open', monitoring: 'Monitoring', closed: 'Closed' } as const;

function issueLines(issue: Issue): string {
  const fixedIn = `Fixed in ${escapeMarkdown(issue.stageFixed ?? issue.stageFound)}`;
  const status = issue.status === 'fixed' ? fixedIn : ISSUE_STATUS[issue.status];
  const link = issue.link === undefined ? '' : `, ${escapeMarkdown(issue.link)}`;
  return `- ${escapeMarkdown(issue.title)}: ${status}\n  - ${issue.severity}, found in ${escapeMarkdown(issue.stageFound)}${link}`;
}

function issues({ state }: Report): string {
  return markdownSection('Issues Discovered', state.issues.map(issueLines).join('\n') || 'None.');
}

const DECISIONS = [
  ['proceed', 'Proceed to next stage'],
  ['hold', 'Hold'],
  ['rollback', 'Rollback'],
] as const;

function decision({ state, options }: Report): string {
  const standing: Standing = standingOf(state, options);
  const boxes = DECISIONS.map(([choice, text]) => `- [${standing.decision === choice ? 'x' : ' '}] ${text}`).join('\n');
  const why = standing.why.length === 0 ? [] : [`Why: ${standing.why.join('; ')}.`];
  return markdownSection('Decision', boxes, ...why);
}

function peopleOf(runs: readonly AttemptRun[], index: number): string {
  if (index === 0) return 'First';
  return runs[index]?.salt === runs[index - 1]?.salt ? 'Same' : 'Fresh';
}

function attempts({ records, state, options }: Report): string {
  const runs = attemptRuns(records);
  const rows = runs.map((run, index) => {
    const ended = state.attempts.find((attempt) => attempt.number === run.number);
    return [
      String(run.number),
      escapeMarkdown(run.version),
      formatInstant(run.startedAt, options.timeZone),
      instantOr(ended?.endedAt, options),
      ended?.outcome ?? 'in progress',
      peopleOf(runs, index),
      `lineage ${run.statistics}`,
    ];
  });
  const head = ['Attempt', 'Version', 'Start', 'End', 'Outcome', 'People', 'Statistics'];
  return markdownSection('Attempts', rows.length === 0 ? 'Not started yet.' : markdownTable(head, rows));
}

function evidence({ records, state, options }: Report): string {
  const judged = lastVerdicts(records).map(({ verdict, at, stage }) => {
    const title = escapeMarkdown(`${metricTitle(verdict.metric)} (${verdict.tier}, ${verdict.limit})`);
    const where = stage === undefined ? '' : ` in ${escapeMarkdown(stage)}`;
    const when = `- Judged: ${formatInstant(at, options.timeZone)}${where}`;
    return `### ${title}\n\n${when}\n${verdictLines(verdict, state.plan.metrics)}`;
  });
  return markdownSection('Evidence', ...(judged.length === 0 ? ['No check judged yet.'] : judged));
}

function overrides({ state, options }: Report): string {
  const inPlan = state.plan.override;
  const rows = [
    ...(inPlan === undefined
      ? []
      : [
          [
            instantOr(state.createdAt, options),
            escapeMarkdown(state.createdBy),
            'accept the plan',
            escapeMarkdown(inPlan),
          ],
        ]),
    ...state.overrides.map((one) => [
      formatInstant(one.at, options.timeZone),
      escapeMarkdown(one.by),
      escapeMarkdown(one.what),
      escapeMarkdown(one.reason),
    ]),
  ];
  return markdownSection(
    'Overrides',
    rows.length === 0 ? 'None.' : markdownTable(['When', 'Who', 'What', 'Reason'], rows),
  );
}

function timeline({ records, state, options }: Report): string {
  const lines = foldSight(newsOf(records)).map(({ record, more }) => {
    const text = escapeMarkdown(describeEvent(record, state.plan.metrics));
    const again = more === 0 ? '' : ` (lost and back ${more} ${more === 1 ? 'time' : 'times'} more)`;
    return `- **${formatInstant(record.at, options.timeZone)}**: ${text}${again}`;
  });
  return markdownSection('Timeline', lines.join('\n'));
}

/**
 * The rollout report (semantics §7) as GitHub Flavored Markdown, from events alone: `state` is what `evolve` makes of `records`.
 * Always the same ten `##` sections in the same order, whatever text people supplied.
 */
export function renderReport(records: readonly EventRecord[], state: RolloutState, options: DocumentOptions): string {
  const report: Report = { records, state, options };
  const people = markdownSection(
    'People',
    ownersLine(state.plan),
    ...preflightBlocks(state, options),
    peopleTable(records, options),
  );
  return `${[
    `# Rollout Report: ${escapeMarkdown(state.plan.title || state.plan.flag)}`,
    configuration(report),
    stageHistory(report),
    metrics(report),
    issues(report),
    decision(report),
    attempts(report),
    evidence(report),
    people,
    overrides(report),
    timeline(report),
  ].join('\n\n')}\n`;
}
