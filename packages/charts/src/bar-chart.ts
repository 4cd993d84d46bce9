import { type Axis, type LaidAxis, layAxis } from './axis.ts';
import { type ChartText, frame, TITLE_HEIGHT, textWidth } from './frame.ts';
import type { Reference } from './line-chart.ts';
import { type Element, element } from './markup.ts';
import { fill, stroke } from './theme.ts';

/** One bar, with the interval of its value where it has one. */
export type Bar = {
  readonly label: string;
  /** A value that the axis cannot show (not finite, or 0 on a log axis) has no bar, only its text. */
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  /** Drawn in the second colour and named in bold: the bar that the chart is about. Default: false. */
  readonly stands?: boolean;
  /** Written beside the bar instead of the value. */
  readonly text?: string;
};

/** Horizontal bars over a common axis. */
export type BarChart = ChartText & {
  readonly value: Axis;
  readonly bars: readonly Bar[];
  /** Limits to compare the bars with, drawn across them. Default: none. */
  readonly references?: readonly Reference[];
  /** Default: 720 user units; the height follows from the bars. */
  readonly width?: number;
};

const ROW = 26;
const BAR = 14;

/** Horizontal bars from the top down, each with its name, value and interval: a complete SVG document. */
export function barChart(chart: BarChart): string {
  const { width = 720, bars, references = [] } = chart;
  const write = chart.value.format ?? plain;
  const textOf = (bar: Bar) => bar.text ?? write(bar.value);
  const left = 16 + Math.max(40, ...bars.map(({ label }) => textWidth(label)));
  const right = width - 16 - Math.max(32, ...bars.map((bar) => textWidth(textOf(bar)) + 6));
  const top = TITLE_HEIGHT + (references.length > 0 ? 22 : 6);
  const bottom = top + bars.length * ROW;
  const values = [...bars.flatMap(({ value, low = value, high = value }) => [value, low, high])];
  const axis = layAxis(chart.value, [...values, ...references.map(({ at }) => at)], left, right);
  return frame(chart, width, bottom + 48, [
    ...axis.ticks.flatMap(({ at, text }) => [
      element('line', { x1: at, x2: at, y1: top, y2: bottom, ...stroke('grid') }),
      element('text', { x: at, y: bottom + 16, 'text-anchor': 'middle', ...fill('quiet') }, text),
    ]),
    element(
      'text',
      { x: (left + right) / 2, y: bottom + 36, 'text-anchor': 'middle', ...fill('ink') },
      chart.value.label,
    ),
    ...references.flatMap((reference) => crossing(reference, axis, { top, bottom, left, right })),
    ...bars.map((bar, index) => row(bar, textOf(bar), axis, { left, y: top + index * ROW + ROW / 2 })),
  ]);
}

/** Three significant digits. */
function plain(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '–';
}

function row(bar: Bar, text: string, axis: LaidAxis, place: { readonly left: number; readonly y: number }): Element {
  const { left, y } = place;
  const { origin } = axis;
  const weight = bar.stands ? 600 : 400;
  const end = axis.at(bar.value);
  const low = bar.low === undefined ? end : (axis.at(bar.low) ?? origin);
  const high = bar.high === undefined ? end : (axis.at(bar.high) ?? origin);
  const far = Math.max(origin, end ?? origin, low ?? origin, high ?? origin);
  return element(
    'g',
    {},
    element('text', { x: left - 8, y: y + 4, 'text-anchor': 'end', 'font-weight': weight, ...fill('ink') }, bar.label),
    ...(end === undefined ? [] : [box(origin, end, y, bar.stands ?? false)]),
    ...(low === undefined || high === undefined || low === high ? [] : whisker(low, high, y)),
    element('text', { x: far + 6, y: y + 4, 'font-weight': weight, ...fill('ink') }, text),
  );
}

function box(origin: number, end: number, y: number, stands: boolean): Element {
  return element('rect', {
    x: Math.min(origin, end),
    y: y - BAR / 2,
    width: Math.abs(end - origin),
    height: BAR,
    ...fill(stands ? 'hue1' : 'hue0'),
    'fill-opacity': 0.75,
  });
}

function whisker(low: number, high: number, y: number): readonly Element[] {
  return [
    element('path', {
      d: `M${round(low)} ${y - 4}V${y + 4}M${round(low)} ${y}H${round(high)}M${round(high)} ${y - 4}V${y + 4}`,
      ...stroke('ink', 1.5),
    }),
  ];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

type Area = { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };

function crossing({ at, label }: Reference, axis: LaidAxis, { top, bottom, left, right }: Area): readonly Element[] {
  const x = axis.at(at);
  if (x === undefined) return [];
  const anchor = x > (left + right) / 2 ? 'end' : 'start';
  return [
    element('line', { x1: x, x2: x, y1: top, y2: bottom, ...stroke('limit', 1.5), 'stroke-dasharray': '3 3' }),
    element('text', { x, y: top - 6, 'text-anchor': anchor, ...fill('quiet') }, label),
  ];
}
