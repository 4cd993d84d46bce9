import type { Paint } from '../session.ts';
import { NOTHING } from './format.ts';
import { padEnd, widthOf, wrap } from './text.ts';

/** One column of a table. A droppable one moves into the lines below the row when the page is too narrow. */
type Column<Row> = {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Lower ones move first. Default: stays. */
  readonly keep?: number;
};

/** A table and what stands below each row. */
export type Table<Row> = {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Plain text below a row; empty: nothing. */
  readonly below?: (row: Row) => string;
};

const GAP = '  ';
const INDENT = '    ';

/** A table that fits the width as far as it can: columns that do not fit are told below each row. */
export function renderTable<Row>({ columns, rows, below }: Table<Row>, width: number, paint: Paint): string {
  const shown = fitting(columns, rows, width);
  const hidden = columns.filter((column) => !shown.includes(column));
  const widths = shown.map((column) => widthOfColumn(column, rows));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => padEnd(cell, widths[index] ?? 0))
      .join(GAP)
      .trimEnd();
  const head = paint.dim(line(shown.map(({ title }) => title)));
  const lines = rows.flatMap((row) => {
    const told = hidden.filter((column) => column.cell(row) !== '' && column.cell(row) !== NOTHING);
    const notes = [
      told.map(({ title, cell }) => `${title.toLowerCase()} ${cell(row)}`).join(' · '),
      below?.(row) ?? '',
    ];
    const more = notes.filter((note) => note !== '');
    return [
      line(shown.map(({ cell }) => cell(row))),
      ...more.map((note) => INDENT + paint.dim(wrap(note, width - INDENT.length, INDENT))),
    ];
  });
  return [head, ...lines].join('\n');
}

function widthOfColumn<Row>(column: Column<Row>, rows: readonly Row[]): number {
  return Math.max(widthOf(column.title), ...rows.map((row) => widthOf(column.cell(row))));
}

function fitting<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): readonly Column<Row>[] {
  const total = columns.reduce((sum, column) => sum + widthOfColumn(column, rows) + GAP.length, -GAP.length);
  const droppable = columns.filter(({ keep }) => keep !== undefined);
  if (total <= width || droppable.length === 0) return columns;
  const first = droppable.reduce((least, column) => ((column.keep ?? 0) < (least.keep ?? 0) ? column : least));
  return fitting(
    columns.filter((column) => column !== first),
    rows,
    width,
  );
}
