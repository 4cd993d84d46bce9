import { area, curveLinear, curveStepAfter, line } from 'd3-shape';
import { type Axis, type LaidAxis, layAxis } from './axis.ts';
import { type ChartText, frame, TITLE_HEIGHT, textWidth } from './frame.ts';
import { type Element, element } from './markup.ts';
import { dashOf, fill, hueOf, stroke } from './theme.ts';

/** A value at a place, with its interval where it has one. A value that is not finite leaves a gap in the line. */
export type Point = { readonly x: number; readonly y: number; readonly low?: number; readonly high?: number };

/** One line of a chart. */
export type LineSeries = {
  readonly name: string;
  readonly points: readonly Point[];
  /** `steps`: a value holds until the next one, as a log e-value or an exposure does. Default: straight. */
  readonly shape?: 'straight' | 'steps';
};

/** A value that the lines are to be compared with, drawn right across. */
export type Reference = { readonly at: number; readonly label: string };

/** Lines over a common axis. */
export type LineChart = ChartText & {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly LineSeries[];
  /** Limits and thresholds of the y axis. Default: none. */
  readonly references?: readonly Reference[];
  /** Default: 720 by 360 user units. */
  readonly width?: number;
  readonly height?: number;
};

type Plot = { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
type Laid = { readonly plot: Plot; readonly x: LaidAxis; readonly y: LaidAxis };

const LABEL_GAP = 15;
const SAMPLE = 22;

/** Lines with their intervals as bands, named at their right ends and told apart by colour and dashes: a complete SVG document. */
export function lineChart(chart: LineChart): string {
  const { width = 720, height = 360, series, references = [] } = chart;
  const names = [...series.map(({ name }) => name), ...references.map(({ label }) => label)];
  const right = width - Math.max(24, ...names.map((name) => textWidth(name) + SAMPLE + 16));
  const plot = { left: 64, right, top: TITLE_HEIGHT + 26, bottom: height - 48 };
  const points = series.flatMap((one) => one.points);
  const laid: Laid = {
    plot,
    x: layAxis({ ...chart.x, domain: chart.x.domain ?? domainOf(points) }, [], plot.left, plot.right),
    y: layAxis(chart.y, heights(points, references), plot.bottom, plot.top),
  };
  return frame(chart, width, height, [
    ...axes(chart, laid),
    ...references.flatMap((reference) => referenceLine(reference, laid)),
    ...series.flatMap((one, index) => [...band(one, index, laid), curve(one, index, laid)]),
    ...endLabels(series, references, laid),
  ]);
}

function heights(points: readonly Point[], references: readonly Reference[]): readonly number[] {
  return [...points.flatMap(({ y, low = y, high = y }) => [y, low, high]), ...references.map(({ at }) => at)];
}

/** The x axis fits the data: it need not include 0. */
function domainOf(points: readonly Point[]): readonly [number, number] {
  const places = points.map(({ x }) => x).filter(Number.isFinite);
  const low = places.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = places.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (places.length === 0) return [0, 1];
  return low === high ? [low, low + 1] : [low, high];
}

function axes(chart: LineChart, { plot, x, y }: Laid): readonly Element[] {
  const { left, right, top, bottom } = plot;
  const middle = (left + right) / 2;
  return [
    ...y.ticks.flatMap(({ at, text }) => [
      element('line', { x1: left, x2: right, y1: at, y2: at, ...stroke('grid') }),
      element('text', { x: left - 8, y: at + 4, 'text-anchor': 'end', ...fill('quiet') }, text),
    ]),
    ...x.ticks.flatMap(({ at, text }) => [
      element('line', { x1: at, x2: at, y1: bottom, y2: bottom + 4, ...stroke('quiet') }),
      element('text', { x: at, y: bottom + 18, 'text-anchor': 'middle', ...fill('quiet') }, text),
    ]),
    element('line', { x1: left, x2: right, y1: bottom, y2: bottom, ...stroke('quiet') }),
    element('text', { x: middle, y: bottom + 38, 'text-anchor': 'middle', ...fill('ink') }, chart.x.label),
    element('text', { x: 12, y: top - 16, ...fill('ink') }, chart.y.label),
  ];
}

function referenceLine({ at }: Reference, { plot, y }: Laid): readonly Element[] {
  const height = y.at(at);
  if (height === undefined) return [];
  return [
    element('line', {
      x1: plot.left,
      x2: plot.right,
      y1: height,
      y2: height,
      ...stroke('limit'),
      'stroke-dasharray': '3 3',
    }),
  ];
}

function curve(one: LineSeries, index: number, { x, y }: Laid): Element {
  const path = line<Point>()
    .defined((point) => x.at(point.x) !== undefined && y.at(point.y) !== undefined)
    .x((point) => x.at(point.x) ?? 0)
    .y((point) => y.at(point.y) ?? 0)
    .curve(one.shape === 'steps' ? curveStepAfter : curveLinear)
    .digits(2);
  return element('path', {
    d: path(one.points) ?? '',
    ...stroke(hueOf(index), 2),
    'stroke-dasharray': dashOf(index),
    'stroke-linejoin': 'round',
  });
}

function band(one: LineSeries, index: number, { x, y }: Laid): readonly Element[] {
  if (one.points.every(({ low, high }) => low === undefined && high === undefined)) return [];
  const lowOf = ({ y: value, low = value }: Point) => y.at(low);
  const highOf = ({ y: value, high = value }: Point) => y.at(high);
  const path = area<Point>()
    .defined((point) => x.at(point.x) !== undefined && lowOf(point) !== undefined && highOf(point) !== undefined)
    .x((point) => x.at(point.x) ?? 0)
    .y0((point) => lowOf(point) ?? 0)
    .y1((point) => highOf(point) ?? 0)
    .curve(one.shape === 'steps' ? curveStepAfter : curveLinear)
    .digits(2);
  return [element('path', { d: path(one.points) ?? '', ...fill(hueOf(index)), 'fill-opacity': 0.15 })];
}

type EndLabel = { readonly text: string; readonly at: number; readonly sample: Element };

/** Names at the right end, as near to where their line ends as the others allow. */
function endLabels(
  series: readonly LineSeries[],
  references: readonly Reference[],
  { plot, y }: Laid,
): readonly Element[] {
  const labels: readonly EndLabel[] = [
    ...series.map(({ name, points }, index) => {
      const last = points.findLast((point) => y.at(point.y) !== undefined);
      const sample = sampleOf({ ...stroke(hueOf(index), 2), 'stroke-dasharray': dashOf(index) });
      return { text: name, at: last ? (y.at(last.y) ?? plot.bottom) : plot.bottom, sample };
    }),
    ...references.flatMap(({ label, at }) => {
      const height = y.at(at);
      return height === undefined
        ? []
        : [{ text: label, at: height, sample: sampleOf({ ...stroke('limit'), 'stroke-dasharray': '3 3' }) }];
    }),
  ];
  return spread(
    labels.toSorted((a, b) => a.at - b.at),
    plot,
  ).map(({ text, at, sample }) =>
    element(
      'g',
      { transform: `translate(${plot.right + 6} ${Math.round(at)})` },
      sample,
      element('text', { x: SAMPLE + 4, y: 4, ...fill('ink') }, text),
    ),
  );
}

function sampleOf(attributes: Readonly<Record<string, string | number>>): Element {
  return element('line', { x1: 0, x2: SAMPLE, y1: 0, y2: 0, ...attributes });
}

/** Moves labels, sorted from the top, apart: first up from the bottom edge, then down from the top one. */
function spread(labels: readonly EndLabel[], { top, bottom }: Plot): readonly EndLabel[] {
  const places = labels.map(({ at }) => at);
  for (let i = places.length - 1, ceiling = bottom; i >= 0; i -= 1) {
    places[i] = Math.min(places[i], ceiling);
    ceiling = places[i] - LABEL_GAP;
  }
  for (let i = 0, floor = top; i < places.length; i += 1) {
    places[i] = Math.max(places[i], floor);
    floor = places[i] + LABEL_GAP;
  }
  return labels.map((label, i) => ({ ...label, at: places[i] }));
}
