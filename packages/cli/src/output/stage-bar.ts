import { formatShare, type RolloutState, type Stage, type StageRecord, servedMs } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { formatLength } from './format.ts';
import { cut, oneLine, padEnd } from './text.ts';

const NARROWEST = 16;
const WIDEST = 24;
const GAP = '  ';

/** Characters of one stage and stages in one row; rows are filled evenly. */
function layoutOf(count: number, width: number): { readonly cell: number; readonly perRow: number } {
  const most = Math.max(1, Math.floor((width + GAP.length) / (NARROWEST + GAP.length)));
  const perRow = Math.ceil(count / Math.ceil(count / most));
  return { cell: Math.min(WIDEST, Math.floor((width + GAP.length) / perRow) - GAP.length), perRow };
}

type Cell = { readonly bar: string; readonly name: string; readonly note: string };

function recordOf(state: RolloutState, index: number): StageRecord | undefined {
  return state.history.findLast((record) => record.attempt === state.attempt && record.index === index);
}

/** Whether the rollout serves a stage now: after an abort it stands in none. */
function isRunning(state: RolloutState, index: number): boolean {
  return state.stage?.index === index && (state.phase === 'exposing' || state.phase === 'monitoring');
}

function runningNote(state: RolloutState, now: number): string {
  const total = state.stage?.durationMs ?? 0;
  const served = Math.min(total, servedMs(state, now));
  return served >= total
    ? `served ${formatLength(total)}`
    : `${formatLength(served)}, ${formatLength(total - served)} left`;
}

function noteOf(state: RolloutState, stage: Stage, index: number, now: number): string {
  if (isRunning(state, index)) return runningNote(state, now);
  const record = recordOf(state, index);
  if (record?.result === 'rolled-back') return 'rolled back';
  if (record?.result === 'passed' || state.phase === 'complete') return 'passed';
  if (record?.result === 'overridden') return 'overridden';
  return stage.durationMs === null ? 'permanent' : formatLength(stage.durationMs);
}

function filled(state: RolloutState, index: number, now: number, width: number): number {
  if (state.phase === 'complete' || ['passed', 'overridden'].includes(recordOf(state, index)?.result ?? ''))
    return width;
  const total = state.stage?.durationMs ?? 0;
  if (!isRunning(state, index) || total <= 0) return 0;
  return Math.floor(width * Math.min(1, servedMs(state, now) / total));
}

type Page = { readonly now: number; readonly width: number; readonly paint: Paint };

function cellOf(state: RolloutState, stage: Stage, index: number, { now, width, paint }: Page): Cell {
  const full = filled(state, index, now, width);
  const isBack = recordOf(state, index)?.result === 'rolled-back' && !isRunning(state, index);
  const colour = isBack ? paint.red : isRunning(state, index) ? paint.cyan : paint.green;
  const mark = isRunning(state, index) ? '▶ ' : '';
  const name = cut(`${mark}${oneLine(stage.name)} ${formatShare(stage)}`, width);
  return {
    bar: isBack ? paint.red('×'.repeat(width)) : colour('█'.repeat(full)) + paint.dim('░'.repeat(width - full)),
    name: isRunning(state, index) ? paint.bold(name) : name,
    note: paint.dim(cut(noteOf(state, stage, index, now), width)),
  };
}

/** The stages of a plan side by side, each with its share and how far it has come; as many in a row as fit. */
export function renderStageBar(state: RolloutState, now: number, width: number, paint: Paint): string {
  const { cell: cellWidth, perRow } = layoutOf(state.plan.stages.length, width);
  const cells = state.plan.stages.map((stage, index) => cellOf(state, stage, index, { now, width: cellWidth, paint }));
  const rows = Array.from({ length: Math.ceil(cells.length / perRow) }, (_, row) =>
    cells.slice(row * perRow, (row + 1) * perRow),
  );
  const line = (row: readonly Cell[], part: keyof Cell) =>
    row
      .map((cell) => padEnd(cell[part], cellWidth))
      .join(GAP)
      .trimEnd();
  return rows.map((row) => [line(row, 'bar'), line(row, 'name'), line(row, 'note')].join('\n')).join('\n');
}
