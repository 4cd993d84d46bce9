import type { CheckHistory, HistoryResult } from '@rampart/rollout';
import { formatDate, formatLength } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine, wrap } from '../output/text.ts';
import type { Paint } from '../session.ts';
import type { HistoryFinding, HistoryQuestion } from './history-backtest.ts';
import { abortWords, checkWords, falseAlarms, tierWords } from './verdict-words.ts';

/** What a page is made of. */
export type HistoryPage = { readonly question: HistoryQuestion; readonly finding: HistoryFinding };

/** Aborts that are shown one by one. */
const SHOWN = 20;

/** The outcome of a backtest over recorded history, for people. */
export function renderHistoryBacktest({ question, finding }: HistoryPage, width: number, paint: Paint): string {
  const { result } = finding;
  const lines = finding.isJudged
    ? [...abortLines(result, question, paint), ...incidentLines(result), countLine(result, question)]
    : [`${paint.yellow('?')} nothing judged: ${whyNothing(finding, question)}`];
  const parts = [
    [paint.bold(headOf(question)), ...lines].map((line) => wrap(line, width, '  ')).join('\n'),
    checksTable(question, finding, width, paint),
    notesOf(finding)
      .map((note) => paint.dim(wrap(note, width)))
      .join('\n'),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function headOf({ plan, fromAt, toAt, stepMs, baselineMs }: HistoryQuestion): string {
  const baseline = baselineMs > 0 ? `, baseline from the first ${formatLength(baselineMs)}` : ', without a baseline';
  return `${oneLine(plan.flag)} over ${formatLength(toAt - fromAt)}: ${formatDate(fromAt)} to ${formatDate(toAt)}, step ${formatLength(stepMs)}${baseline}`;
}

function whyNothing({ asked, unseen, result }: HistoryFinding, { baselineMs }: HistoryQuestion): string {
  if (unseen.length === asked.length)
    return 'nothing was recorded of any metric in this range; check the selectors in the plan, and --from and --to';
  if (baselineMs > 0 && result.baseline === undefined)
    return 'nothing was recorded from which the baseline could be frozen; give another --from, or --baseline 0';
  return 'no check had the evidence it needs; the table says how far each got';
}

function abortLines({ aborts }: HistoryResult, { incidents }: HistoryQuestion, paint: Paint): readonly string[] {
  if (aborts.length === 0) return [`${paint.green('✔')} would not have aborted`];
  const known = incidents.length > 0;
  const lines = aborts.slice(0, SHOWN).map((abort) => {
    const how = known ? `: ${abort.isFalse ? 'false alarm' : 'a known incident'}` : '';
    return `${paint.red('✖')} would have aborted ${abortWords(abort)}${how}`;
  });
  return aborts.length > SHOWN ? [...lines, `and ${aborts.length - SHOWN} more`] : lines;
}

function incidentLines({ incidents }: HistoryResult): readonly string[] {
  return incidents.map(({ fromAt, abortedAt, metric }) => {
    const name = `incident of ${formatDate(fromAt)}`;
    if (abortedAt === undefined) return `${name}: not found`;
    return `${name}: found after ${formatLength(abortedAt - fromAt)}${metric === undefined ? '' : ` by ${oneLine(metric)}`}`;
  });
}

function countLine({ aborts, judgedMs }: HistoryResult, { incidents }: HistoryQuestion): string {
  const said = falseAlarms(aborts, judgedMs);
  if (aborts.length === 0 || incidents.length > 0) return said;
  return `${said}, unless something was wrong then: name such times with --incident FROM..TO`;
}

function checksTable({ plan }: HistoryQuestion, finding: HistoryFinding, width: number, paint: Paint): string {
  const { asked, unseen, result } = finding;
  const isSeen = ({ metric }: CheckHistory) => asked.includes(metric) && !unseen.includes(metric);
  const rows = result.checks.filter(
    (check) => isSeen(check) && (check.tier !== 'alert' || check.firstFailAt !== undefined),
  );
  if (rows.length === 0) return '';
  return renderTable<CheckHistory>(
    {
      rows,
      columns: [
        { title: 'CHECK', cell: ({ metric }) => oneLine(metric) },
        { title: 'TIER', cell: (check) => tierWords(check, [plan]) },
        { title: 'LIMIT', cell: ({ limit }) => oneLine(limit) },
        { title: 'SAID', cell: (check) => checkWords(check) },
        { title: 'ALARMS', cell: ({ alarms }) => String(alarms) },
      ],
    },
    width,
    paint,
  );
}

function notesOf(finding: HistoryFinding): readonly string[] {
  const { elsewhere, unseen, hasArms, warnings, result } = finding;
  const others = elsewhere.map(({ name, source }) => `${name} (${source})`).map(oneLine);
  return [
    hasArms
      ? 'Variants are told apart by their label; what has neither is left out. Requests are taken as independent: a Prometheus does not know users.'
      : 'This history does not know variants: everything counts as exposed, and there is no control to compare with. Requests are taken as independent: a Prometheus does not know users.',
    ...(others.length === 0 ? [] : [`Not judged, from elsewhere: ${others.join(', ')}.`]),
    ...(unseen.length === 0 ? [] : [`Without any observation: ${unseen.map(oneLine).join(', ')}.`]),
    ...(result.silentSteps === 0 ? [] : [`${result.silentSteps} of ${result.steps} steps have no observation at all.`]),
    ...warnings.map((warning) => `Prometheus warns: ${oneLine(warning)}`),
  ];
}
