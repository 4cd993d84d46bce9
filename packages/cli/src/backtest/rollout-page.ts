import type { BacktestResult, CheckHistory, Plan, ReplayDifference, TrialReport } from '@rampart/rollout';
import { formatCount, formatLength } from '../output/format.ts';
import { renderTable, type Table } from '../output/table.ts';
import { oneLine, plural, wrap } from '../output/text.ts';
import type { Paint } from '../session.ts';
import { checkWords, falseAlarms, nameOf, tierWords, trialLines, type When, whenOf } from './verdict-words.ts';

/** What a page is made of. */
export type RolloutPage = {
  readonly id: string;
  readonly result: BacktestResult;
  /** The edited plan, and its file. */
  readonly edited?: Plan;
  readonly file?: string;
};

const INDENT = '  ';
/** Differences that are shown one by one. */
const SHOWN = 5;

/** The outcome of a backtest of a rollout, for people. */
export function renderRolloutBacktest(page: RolloutPage, width: number, paint: Paint): string {
  const { id, result, file } = page;
  const { original, edited, replay } = result;
  const when = whenOf(replay.state.plan.timeScale);
  const block = (title: string, lines: readonly string[]) =>
    [paint.bold(title), ...lines.map((line) => INDENT + wrap(line, width - INDENT.length, INDENT))].join('\n');
  const parts = [
    replayLines(id, result, paint, when).join('\n'),
    block(edited === undefined ? 'Its plan' : 'Its own plan', ownLines(result, when)),
    ...(edited === undefined ? [] : [block(oneLine(file ?? 'the edited plan'), editedLines(edited, result, when))]),
    checksTable(page, when, width, paint),
    ...(edited === undefined ? [] : [gatesTable(original, edited, width, paint), notes(page, edited, width, paint)]),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function ownLines({ original, replay, exposedMs }: BacktestResult, when: When): readonly string[] {
  const lines = trialLines(original, 'aborted', when);
  const others = replay.state.incidents
    .filter(({ kind }) => kind === 'person' || kind === 'blind')
    .map(({ openedAt, openedBy, reason }) => `aborted ${when(openedAt)} by ${oneLine(openedBy)} (${oneLine(reason)})`);
  const all = [...lines, ...others];
  return [...(all.length === 0 ? ['was not aborted'] : all), falseAlarms(original.aborts, exposedMs)];
}

function editedLines(edited: TrialReport, { exposedMs }: BacktestResult, when: When): readonly string[] {
  const lines = trialLines(edited, 'would have aborted', when);
  return [...(lines.length === 0 ? ['would not have aborted'] : lines), falseAlarms(edited.aborts, exposedMs)];
}

function batchesOf(count: number): string {
  return count === 1 ? '1 batch' : `${formatCount(count)} batches`;
}

function replayLines(id: string, { replay }: BacktestResult, paint: Paint, when: When): readonly string[] {
  const { batches, reproduced, differences } = replay;
  const run = `${id}: ${batchesOf(batches)} of evidence run again`;
  if (differences.length === 0) {
    return [
      `${paint.green('✔')} ${run}; all ${plural(reproduced, 'decision')} of Rampart came out exactly as recorded`,
    ];
  }
  const more = differences.length > SHOWN ? [`${INDENT}and ${differences.length - SHOWN} more`] : [];
  return [
    `${paint.red('✖')} ${run}; ${plural(differences.length, 'look')} came out otherwise (${plural(reproduced, 'decision')} the same):`,
    ...differences.slice(0, SHOWN).map((one) => INDENT + differenceWords(one, when)),
    ...more,
  ];
}

function differenceWords({ at, recorded, replayed }: ReplayDifference, when: When): string {
  const names = (events: ReplayDifference['recorded']) => events.map(({ type }) => type).join(', ') || 'nothing';
  const [then, now] = [names(recorded), names(replayed)];
  const what = then === now ? `${then}, with other numbers` : `recorded ${then}, now ${now}`;
  return `${when(at)}: ${what}`;
}

type Row = { readonly of: CheckHistory; readonly own?: CheckHistory; readonly other?: CheckHistory };

/** Checks of both plans, those of the original first. */
function rowsOf(original: TrialReport, edited: TrialReport | undefined): readonly Row[] {
  const others = new Map((edited?.checks ?? []).map((check) => [check.check, check]));
  const own = original.checks.map((check): Row => {
    const other = others.get(check.check);
    return { of: check, own: check, ...(other && { other }) };
  });
  const known = new Set(original.checks.map(({ check }) => check));
  const added = [...others.values()]
    .filter(({ check }) => !known.has(check))
    .map((check): Row => ({ of: check, other: check }));
  return [...own, ...added];
}

function checksTable({ result, edited: plan }: RolloutPage, when: When, width: number, paint: Paint): string {
  const { original, edited, replay } = result;
  const plans = plan === undefined ? [replay.state.plan] : [replay.state.plan, plan];
  const isQuiet = ({ own, other }: Row) =>
    (own ?? other)?.tier === 'alert' && own?.firstFailAt === undefined && other?.firstFailAt === undefined;
  const rows = rowsOf(original, edited).filter((row) => !isQuiet(row));
  if (rows.length === 0) return '';
  const columns: Table<Row>['columns'] = [
    { title: 'CHECK', cell: ({ of }) => oneLine(of.metric) },
    { title: 'TIER', cell: ({ of }) => tierWords(of, plans) },
    { title: 'LIMIT', cell: ({ of }) => oneLine(of.limit) },
    { title: edited === undefined ? 'SAID' : 'ITS OWN PLAN', cell: ({ own }) => checkWords(own, when) },
    ...(edited === undefined ? [] : [{ title: 'EDITED PLAN', cell: ({ other }: Row) => checkWords(other, when) }]),
  ];
  return renderTable({ rows, columns }, width, paint);
}

type Gate = { readonly stage: string; readonly attempt: number; readonly own: string; readonly other: string };

function gatesTable(original: TrialReport, edited: TrialReport, width: number, paint: Paint): string {
  const words = (report: TrialReport, key: string) => {
    const gate = report.gates.find((one) => `${one.attempt}/${one.enteredAt}` === key);
    if (gate === undefined) return '–';
    if (gate.openAt !== undefined) return `open after ${formatLength(gate.openAt - gate.enteredAt)}`;
    return `waits for ${gate.undecided.map((id) => nameOf(id, report.checks)).join(', ')}`;
  };
  const keyed = new Map([...original.gates, ...edited.gates].map((one) => [`${one.attempt}/${one.enteredAt}`, one]));
  const rows = [...keyed].map(
    ([key, { stage, attempt }]): Gate => ({
      stage,
      attempt,
      own: words(original, key),
      other: words(edited, key),
    }),
  );
  if (rows.length === 0) return '';
  const columns: Table<Gate>['columns'] = [
    { title: 'GATE OF', cell: ({ stage }) => oneLine(stage) },
    { title: 'ATTEMPT', keep: 1, cell: ({ attempt }) => String(attempt) },
    { title: 'ITS OWN PLAN', cell: ({ own }) => own },
    { title: 'EDITED PLAN', cell: ({ other }) => other },
  ];
  return renderTable({ rows, columns }, width, paint);
}

function notes({ result, edited }: RolloutPage, { unknownStages }: TrialReport, width: number, paint: Paint): string {
  const { flag } = result.replay.state.plan;
  const other = edited === undefined || edited.flag === flag ? '' : edited.flag;
  const stages = unknownStages.map(oneLine).join(', ');
  const lines = [
    ...(other === '' ? [] : [`The edited plan is for ${oneLine(other)}, this rollout is of ${oneLine(flag)}.`]),
    'The evidence was collected at the exposure the rollout really had: an edited plan changes what is decided on it, not who saw the feature. Gates show what the evidence alone allows, without minimum durations and confirmations.',
    ...(stages === '' ? [] : [`The edited plan has no stage ${stages}: no gate was judged there.`]),
  ];
  return lines.map((line) => paint.dim(wrap(line, width))).join('\n');
}

/** Whether the edited plan would have aborted other attempts than were aborted by the original. */
export function decidesOtherwise({ original, edited }: BacktestResult): boolean {
  if (edited === undefined) return false;
  const attempts = ({ aborts }: TrialReport) => aborts.map(({ attempt }) => attempt).join();
  return attempts(original) !== attempts(edited);
}
