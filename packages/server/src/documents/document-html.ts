import { type Axis, lineChart } from '@rampart/charts';
import {
  type Block,
  type DocumentChart,
  formatMeasured,
  type Line,
  type RolloutDocument,
  type Span,
} from '@rampart/rollout';
import { escapeHtml, htmlPage, shownText } from './html.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function spanHtml({ text, href, unit, value, from }: Span): string {
  const shown = escapeHtml(text);
  if (href !== undefined) return `<a href="${escapeHtml(href)}" rel="noopener noreferrer nofollow">${shown}</a>`;
  const title =
    from === undefined || from.length === 0
      ? ''
      : ` title="${from.length === 1 ? 'event' : 'events'} ${from.join(', ')}"`;
  if (unit === 'instant' && value !== undefined)
    return `<time datetime="${new Date(value).toISOString()}"${title}>${shown}</time>`;
  return value === undefined ? shown : `<span class="figure"${title}>${shown}</span>`;
}

function lineHtml(line: Line): string {
  return line.map(spanHtml).join('');
}

function textOf(line: Line): string {
  return line.map(({ text }) => text).join('');
}

function listHtml({ items }: Extract<Block, { kind: 'list' }>): string {
  const areBoxes = items.some(({ done }) => done !== undefined);
  const rows = items.map(({ line, lead, done, more = [] }) => {
    const box =
      done === undefined
        ? ''
        : `<span class="box" role="img" aria-label="${done ? 'done' : 'open'}">${done ? '☑' : '☐'}</span>`;
    const before = lead === undefined ? '' : `<strong>${lineHtml(lead)}</strong>: `;
    const below = more.length === 0 ? '' : `<ul>${more.map((one) => `<li>${lineHtml(one)}</li>`).join('')}</ul>`;
    return `<li>${box}${before}${lineHtml(line)}${below}</li>`;
  });
  return `<ul${areBoxes ? ' class="boxes"' : ''}>\n${rows.join('\n')}\n</ul>`;
}

function tableHtml({ columns, rows }: Extract<Block, { kind: 'table' }>): string {
  const head = columns.map(({ title }) => `<th scope="col">${escapeHtml(title)}</th>`).join('');
  const body = rows.map(
    (row) => `<tr>${columns.map(({ key }) => `<td>${lineHtml(row[key] ?? []) || '–'}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join('\n')}\n</tbody>\n</table></div>`;
}

/** Evidence against safety beyond this is drawn at it: a certain breach would flatten everything else. */
const LEAST_EVIDENCE = -20;

/** The axis of a chart over time: hours or days since its first point, whichever reads better. */
function timeAxis(instants: readonly number[]): { readonly axis: Axis; readonly xOf: (at: number) => number } {
  const first = Math.min(...instants);
  const span = Math.max(...instants) - first;
  const [unitMs, name] = span >= 3 * DAY_MS ? ([DAY_MS, 'days'] as const) : ([HOUR_MS, 'hours'] as const);
  const since = `${new Date(first).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return { axis: { label: `${name} since ${since}` }, xOf: (at) => (at - first) / unitMs };
}

function valueAxis(unit: DocumentChart['unit']): Axis {
  if (unit === 'nat') return { label: `evidence, log e (below ${LEAST_EVIDENCE} drawn there)` };
  if (unit === 'share') return { label: 'share of everyone', format: (value) => formatMeasured(value, 'ratio') };
  if (unit === 'instant' || unit === 'ms' || unit === 'count') return { label: 'value' };
  return { label: 'value', format: (value) => formatMeasured(value, unit) };
}

function chartHtml(chart: DocumentChart): string {
  const instants = chart.series.flatMap(({ points }) => points.map(({ at }) => at));
  const { axis, xOf } = timeAxis(instants);
  const svg = lineChart({
    title: shownText(chart.title),
    description: shownText(chart.description),
    x: axis,
    y: valueAxis(chart.unit),
    series: chart.series.map(({ name, shape, points }) => ({
      ...{ name: shownText(name), shape },
      points: points.map(({ at, y, low, high }) => ({
        ...{ x: xOf(at), y: chart.unit === 'nat' ? Math.max(LEAST_EVIDENCE, y) : y },
        ...(low !== undefined && { low }),
        ...(high !== undefined && { high }),
      })),
    })),
    references: chart.references.map(({ at, label }) => ({ at, label: shownText(label) })),
  });
  return `<figure>${svg}</figure>`;
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${lineHtml(block.line)}</p>`;
    case 'heading':
      return `<h3>${lineHtml(block.line)}</h3>`;
    case 'facts':
      return `<dl>\n${block.facts
        .map(({ title, value }) => `<dt>${escapeHtml(title)}</dt><dd>${lineHtml(value) || '–'}</dd>`)
        .join('\n')}\n</dl>`;
    case 'list':
      return listHtml(block);
    case 'table':
      return tableHtml(block);
    case 'chart':
      return chartHtml(block.chart);
  }
}

/** A document as a page of its own: no scripts, nothing from elsewhere, everything that people or other systems wrote escaped. */
export function documentHtml({ title, sections, rollout, version }: RolloutDocument): string {
  const contents = sections
    .map((section) => `<li><a href="#${escapeHtml(section.id)}">${escapeHtml(section.title)}</a></li>`)
    .join('');
  const body = sections.map(({ id, title: name, blocks }) => {
    const parts = blocks.map(blockHtml).join('\n');
    return `<section id="${escapeHtml(id)}">\n<h2>${escapeHtml(name)}</h2>\n${parts}\n</section>`;
  });
  return htmlPage(
    textOf(title),
    [
      `<nav aria-label="Contents"><ul>${contents}</ul></nav>`,
      `<main>\n<h1>${lineHtml(title)}</h1>`,
      ...body,
      '</main>',
      `<footer>Rollout ${escapeHtml(rollout)}, events 1 to ${version}. Every figure names its events when pointed at.</footer>`,
    ].join('\n'),
  );
}
