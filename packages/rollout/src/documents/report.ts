import { baselineRows } from '../baseline/baseline-rows.ts';
import { stageOf } from '../decide/exposure.ts';
import type { EventRecord } from '../event.ts';
import { checksOf } from '../judge/evidence-state.ts';
import type { Issue, RolloutState, StageRecord } from '../state.ts';
import { nameOf } from './describe-event.ts';
import { evidenceChart, exposureChart, intervalChart } from './document-charts.ts';
import { type DocumentOptions, metricTitle, unitOf } from './format.ts';
import { measuringBlock } from './measuring-lines.ts';
import {
  type Block,
  count,
  fact,
  instant,
  type Line,
  line,
  measured,
  NONE,
  type RolloutDocument,
  type Section,
  said,
  section,
  share,
  tableOf,
  text,
  words,
} from './page.ts';
import { documentMarkdown } from './page-markdown.ts';
import { ownersLine, peopleTable } from './people.ts';
import { preflightBlocks } from './preflight-table.ts';
import { type AttemptRun, attemptRuns, lastVerdicts, recordsOf } from './records.ts';
import { type Standing, standingOf, stopsOf } from './standing.ts';
import { timelineBlock } from './timeline.ts';
import { type Trace, traceOf } from './trace.ts';
import { measuredOr, referenceOf, statusText, verdictBlock } from './verdict-lines.ts';

type Report = {
  readonly records: readonly EventRecord[];
  readonly state: RolloutState;
  readonly options: DocumentOptions;
  readonly trace: Trace;
};

function instantOr(at: number | undefined, from: readonly number[], options: DocumentOptions): Line {
  return at === undefined ? NONE : [instant(at, from, options)];
}

function currentStage({ state, trace }: Report): Line {
  const stage = stageOf(state);
  if (stage === undefined) return line(`none (${state.phase})`);
  const from = trace.of((one) => one.stage?.index);
  const planned = trace.of((one) => one.plan.stages);
  const audience = stage.audience === undefined ? [] : [' of ', said(stage.audience, planned)];
  const monitoring = state.phase === 'monitoring' ? ', monitoring' : '';
  return line(said(stage.name, from), ' (', share(stage.weight, planned), ...audience, `)${monitoring}`);
}

function configuration(report: Report): Section {
  const { records, state, options, trace } = report;
  const started = recordsOf(records, 'StageEntered')[0];
  const planned = trace.of((one) => one.plan);
  const last = state.attempts.length - 1;
  const version = state.attempts[last]?.version;
  const facts = [
    fact('flag', 'Feature flag', said(state.plan.flag, planned)),
    fact('start', 'Start date', started ? instant(started.at, [started.version], options) : 'not exposed yet'),
    fact('stage', 'Current stage', currentStage(report)),
    fact(
      'version',
      'Plan version',
      version === undefined
        ? said(state.plan.version, planned)
        : said(
            version,
            trace.of((one) => one.attempts[last]?.version),
          ),
    ),
    fact('environment', 'Environment', said(state.plan.environment, planned)),
    ...(state.baseline === undefined ? [] : [fact('baseline', 'Baseline', baselineLine(report))]),
    fact('asOf', 'Report as of', instant(options.now, [], options, 'as-of')),
  ];
  return section('configuration', 'Configuration', { kind: 'facts', facts }, baselineTable(report));
}

function baselineLine({ state, options, trace }: Report): Line {
  const { version = 1, fromAt = 0, toAt = 0 } = state.baseline ?? {};
  const from = trace.of((one) => one.baseline);
  const window = [instant(fromAt, from, options), ' to ', instant(toAt, from, options)];
  return line('version ', count(version, from, 'number-of'), ', ', ...window);
}

const BASELINE_COLUMNS = {
  metric: 'Metric',
  baseline: 'Baseline',
  bounds: '99 % bounds',
  observations: 'Observations',
  source: 'Source',
  window: 'Window',
  alert: 'Alert limit',
};

/** What the baseline rests on, metric by metric, and the alert limit that is held against it. */
function baselineTable({ state: { plan, baseline }, options, trace }: Report): Block | undefined {
  if (baseline === undefined) return undefined;
  const from = trace.of((one) => one.baseline);
  const rows = baselineRows(plan, baseline).map(({ metric, unit, origin, ...row }) => ({
    metric: [said(metricTitle(metric), from)],
    baseline: [measured(row.value, unit, from)],
    bounds: line(measured(row.low, unit, from), ' to ', measured(row.high, unit, from)),
    observations: [count(row.count, from)],
    source: line(said(row.source, from), ', version ', count(origin.version, from, 'number-of')),
    window: line(instant(origin.fromAt, from, options), ' to ', instant(origin.toAt, from, options)),
    alert:
      row.alert === undefined
        ? NONE
        : [
            said(
              row.alert,
              trace.of((one) => one.plan),
            ),
          ],
  }));
  return tableOf(BASELINE_COLUMNS, rows);
}

/** Names a stage of the history; once there are several attempts, its attempt too. */
function stageLabel({ state, trace }: Report, index: number, record: StageRecord): Line {
  const from = trace.of((one) => one.history[index]?.startedAt);
  const attempted = trace.of((one) => one.attempts[record.attempt - 1]?.number);
  const attempt = state.attempts.length > 1 ? [' (attempt ', count(record.attempt, attempted), ')'] : [];
  return line(said(record.name, from), ...attempt);
}

const RESULTS = {
  'in-progress': '🔄 In Progress',
  passed: '✅ Passed',
  overridden: '⏭ Overridden',
  'rolled-back': '🚫 Rolled back',
} as const;

function resultOf({ state, trace }: Report, index: number, { result, overriddenBy }: StageRecord): Line {
  if (result === 'in-progress' && stopsOf(state).length > 0) return line('⏸ Held');
  if (overriddenBy === undefined) return line(RESULTS[result]);
  const from = trace.of((one) => one.history[index]?.overriddenBy);
  return line(`${RESULTS[result]} by `, said(nameOf(overriddenBy), from));
}

function stageHistory(report: Report): Section {
  const { records, state, options, trace } = report;
  const rows = state.history.map((record, index) => ({
    stage: stageLabel(report, index, record),
    start: [
      instant(
        record.startedAt,
        trace.of((one) => one.history[index]?.startedAt),
        options,
      ),
    ],
    end: instantOr(
      record.endedAt,
      trace.of((one) => one.history[index]?.endedAt),
      options,
    ),
    result: resultOf(report, index, record),
  }));
  const table = tableOf({ stage: 'Stage', start: 'Start', end: 'End', result: 'Result' }, rows);
  const blocks = table === undefined ? [text('No stage entered yet.')] : [table, exposureChart(records)];
  return section('stages', 'Stage History', ...blocks);
}

function metricBlocks(report: Report, metric: string): readonly (Block | undefined)[] {
  const { records, state, options, trace } = report;
  const unit = unitOf(metric, state.plan.metrics);
  const rows = state.history.flatMap((record, index) => {
    const from = trace.of((one) => one.history[index]?.metrics);
    return record.metrics
      .filter((snapshot) => snapshot.metric === metric)
      .map((snapshot) => ({
        stage: stageLabel(report, index, record),
        baseline: referenceOf(snapshot, unit, from),
        observed: measuredOr(snapshot.observed, unit, from),
        status: line(statusText(snapshot)),
      }));
  });
  const judged = lastVerdicts(records).filter(({ verdict }) => verdict.metric === metric);
  return [
    {
      kind: 'heading',
      line: [
        said(
          metricTitle(metric),
          trace.of((one) => one.plan),
        ),
      ],
    },
    tableOf({ stage: 'Stage', baseline: 'Baseline', observed: 'Observed', status: 'Status' }, rows),
    measuringBlock(state, metric, options, trace),
    ...judged.map(({ verdict }) => intervalChart(records, verdict.check, state.plan.metrics)),
  ];
}

/** Metrics that were measured, in the order of the plan's checks: a stored plan does not keep that of its metrics. */
function measuredMetrics(state: RolloutState): readonly string[] {
  const seen = new Set(state.history.flatMap((record) => record.metrics.map((snapshot) => snapshot.metric)));
  const checked = [...checksOf(state).values()].map(({ metric }) => metric);
  const planned = [...checked, ...Object.keys(state.plan.metrics)].filter((metric) => seen.has(metric));
  return [...new Set([...planned, ...seen])];
}

function metrics(report: Report): Section {
  const blocks = measuredMetrics(report.state).flatMap((metric) => metricBlocks(report, metric));
  return section('metrics', 'Metrics', ...(blocks.length === 0 ? [text('Nothing measured yet.')] : blocks));
}

const ISSUE_STATUS = { open: 'Open', monitoring: 'Monitoring', closed: 'Closed' } as const;

function issueItem(issue: Issue, index: number, trace: Trace) {
  const from = trace.of((one) => one.issues[index]);
  const added = trace.of((one) => one.issues[index]?.number);
  const status =
    issue.status === 'fixed'
      ? ['Fixed in ', said(issue.stageFixed ?? issue.stageFound, from)]
      : [ISSUE_STATUS[issue.status]];
  const link = issue.link === undefined ? [] : [', ', said(issue.link, added)];
  return {
    line: line(said(issue.title, added), ': ', ...status),
    more: [line(`${issue.severity}, found in `, said(issue.stageFound, added), ...link)],
  };
}

function issues({ state, trace }: Report): Section {
  const items = state.issues.map((issue, index) => issueItem(issue, index, trace));
  return section('issues', 'Issues Discovered', items.length === 0 ? text('None.') : { kind: 'list', items });
}

const DECISIONS = [
  ['proceed', 'Proceed to next stage'],
  ['hold', 'Hold'],
  ['rollback', 'Rollback'],
] as const;

function decision({ state, options, trace }: Report): Section {
  const standing: Standing = standingOf(state, options);
  const items = DECISIONS.map(([choice, name]) => ({ line: line(name), done: standing.decision === choice }));
  const from = trace.all(
    (one) => one.plan,
    (one) => one.hold,
    (one) => one.blindSince,
    (one) => one.dataInvalid,
    (one) => one.verdicts,
    (one) => one.stage,
    (one) => one.monitoringSince,
    (one) => one.incidents,
  );
  const why = { ...said(standing.why.join('; '), from), rule: 'time-left' as const };
  return section(
    'decision',
    'Decision',
    { kind: 'list', items },
    ...(standing.why.length === 0 ? [] : [text('Why: ', why, '.')]),
  );
}

function peopleOf(runs: readonly AttemptRun[], index: number): string {
  if (index === 0) return 'First';
  return runs[index]?.salt === runs[index - 1]?.salt ? 'Same' : 'Fresh';
}

const ATTEMPT_COLUMNS = {
  attempt: 'Attempt',
  version: 'Version',
  start: 'Start',
  end: 'End',
  outcome: 'Outcome',
  people: 'People',
  statistics: 'Statistics',
};

function attempts({ records, state, options, trace }: Report): Section {
  const runs = attemptRuns(records);
  const rows = runs.map((run, index) => {
    const place = state.attempts.findIndex((attempt) => attempt.number === run.number);
    const ended = state.attempts[place];
    const from = [run.from];
    return {
      attempt: [count(run.number, from)],
      version: [said(run.version, from)],
      start: [instant(run.startedAt, from, options)],
      end: instantOr(
        ended?.endedAt,
        trace.of((one) => one.attempts[place]?.endedAt),
        options,
      ),
      outcome: [words(ended?.outcome ?? 'in progress')],
      people: [words(peopleOf(runs, index))],
      statistics: line('lineage ', count(run.statistics, from)),
    };
  });
  return section('attempts', 'Attempts', tableOf(ATTEMPT_COLUMNS, rows) ?? text('Not started yet.'));
}

function evidence({ records, state, options }: Report): Section {
  const blocks = lastVerdicts(records).flatMap(({ verdict, at, version, stage }): readonly (Block | undefined)[] => {
    const from = [version];
    const title = line(said(metricTitle(verdict.metric), from), ` (${verdict.tier}, `, said(verdict.limit, from), ')');
    const where = stage === undefined ? [] : [' in ', said(stage, from)];
    const facts = verdictBlock(verdict, state.plan.metrics, from);
    const judged = fact('judged', 'Judged', instant(at, from, options), ...where);
    return [
      { kind: 'heading', line: title },
      facts.kind === 'facts' ? { ...facts, facts: [judged, ...facts.facts] } : facts,
      evidenceChart(records, verdict.check),
    ];
  });
  return section('evidence', 'Evidence', ...(blocks.length === 0 ? [text('No check judged yet.')] : blocks));
}

function people({ records, state, options, trace }: Report): Section {
  const owners = ownersLine(
    state.plan,
    trace.of((one) => one.plan),
  );
  const preflight = preflightBlocks(state, options, trace);
  return section('people', 'People', { kind: 'text', line: owners }, ...preflight, peopleTable(records, options));
}

function overrides({ state, options, trace }: Report): Section {
  const inPlan = state.plan.override;
  const created = trace.of((one) => one.plan);
  const planned =
    inPlan === undefined
      ? []
      : [
          {
            when: [instant(state.createdAt, created, options)],
            who: [said(state.createdBy, created)],
            what: line('accept the plan'),
            reason: [said(inPlan, created)],
          },
        ];
  const given = state.overrides.map((one, index) => {
    const from = trace.of((each) => each.overrides[index]);
    return {
      when: [instant(one.at, from, options)],
      who: [said(one.by, from)],
      what: [said(one.what, from)],
      reason: [said(one.reason, from)],
    };
  });
  const table = tableOf({ when: 'When', who: 'Who', what: 'What', reason: 'Reason' }, [...planned, ...given]);
  return section('overrides', 'Overrides', table ?? text('None.'));
}

/**
 * The rollout report (semantics §7), from events alone: `state` is what `evolve` makes of `records`. Always the same ten sections in
 * the same order, whatever text people supplied.
 */
export function reportDocument(
  records: readonly EventRecord[],
  state: RolloutState,
  options: DocumentOptions,
): RolloutDocument {
  const trace = traceOf(records);
  const report: Report = { records, state, options, trace };
  const name = said(
    state.plan.title || state.plan.flag,
    trace.of((one) => one.plan),
  );
  return {
    ...{ schema: 1, kind: 'report', rollout: state.id, version: state.version, at: options.now },
    title: line('Rollout Report: ', name),
    sections: [
      configuration(report),
      stageHistory(report),
      metrics(report),
      issues(report),
      decision(report),
      attempts(report),
      evidence(report),
      people(report),
      overrides(report),
      section('timeline', 'Timeline', timelineBlock(records, state, options)),
    ],
  };
}

/** The rollout report as GitHub Flavored Markdown. */
export function renderReport(records: readonly EventRecord[], state: RolloutState, options: DocumentOptions): string {
  return documentMarkdown(reportDocument(records, state, options));
}
