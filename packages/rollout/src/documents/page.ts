import { formatElapsed } from '../plan/duration.ts';
import type { MetricUnit } from '../plan.ts';
import { type DocumentOptions, formatCount, formatInstant, formatMeasured, formatWeight, NOTHING } from './format.ts';
import { plainLine } from './markdown.ts';

/** Unit of a figure: a metric's own, an instant (epoch ms), a duration (ms), a number of people or things, or a share in [0, 1]. */
export type FigureUnit = MetricUnit | 'instant' | 'ms' | 'count' | 'share';

/**
 * How a figure that stands in no event is worked out from those it comes from: the instant of the document, time between two
 * instants, time left until one, a sum, a difference, how many there are, or an estimate whose method the document states.
 */
export type Rule = 'as-of' | 'elapsed' | 'time-left' | 'sum' | 'difference' | 'number-of' | 'estimate';

/** A piece of text in a document. Plain text: whoever renders it escapes it. */
export type Span = {
  readonly text: string;
  /** Versions of the events it comes from; absent in words of Rampart's own. */
  readonly from?: readonly number[];
  /** The figure in it. */
  readonly value?: number;
  readonly unit?: FigureUnit;
  readonly rule?: Rule;
  /** Where it leads: `http:` or `https:`. */
  readonly href?: string;
};

/** A line of text. */
export type Line = readonly Span[];

/** An entry of a list: `lead` stands out before it, `done` makes it a check-box, `more` are lines below it. */
export type Item = {
  readonly line: Line;
  readonly lead?: Line;
  readonly done?: boolean;
  readonly more?: readonly Line[];
};

/** A named value. */
export type Fact = { readonly key: string; readonly title: string; readonly value: Line };

/** A point of a chart: a value at an instant, with its interval. */
export type ChartPoint = {
  readonly at: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
  readonly from: readonly number[];
};

/** Lines over time, in one unit, against limits. */
export type DocumentChart = {
  readonly title: string;
  /** What it shows, for people who do not see it. */
  readonly description: string;
  readonly unit: FigureUnit | 'nat';
  readonly series: readonly {
    readonly name: string;
    readonly shape: 'straight' | 'steps';
    readonly points: readonly ChartPoint[];
  }[];
  readonly references: readonly { readonly at: number; readonly label: string; readonly from: readonly number[] }[];
};

/** A part of a section. A fact is `quiet` where its name does not stand out. Markdown leaves charts out. */
export type Block =
  | { readonly kind: 'text'; readonly line: Line }
  | { readonly kind: 'heading'; readonly line: Line }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[]; readonly quiet?: true }
  | { readonly kind: 'list'; readonly items: readonly Item[] }
  | {
      readonly kind: 'table';
      readonly columns: readonly { readonly key: string; readonly title: string }[];
      readonly rows: readonly Readonly<Record<string, Line>>[];
    }
  | { readonly kind: 'chart'; readonly chart: DocumentChart };

/** A section of a document. */
export type Section = { readonly id: string; readonly title: string; readonly blocks: readonly Block[] };

/**
 * A document about a rollout, of which Markdown and HTML are renderings and which is published as JSON: every figure in it says from
 * which events it comes.
 */
export type RolloutDocument = {
  readonly schema: 1;
  readonly kind: 'report' | 'incident';
  readonly rollout: string;
  /** Version of the last event it tells of. */
  readonly version: number;
  /** When it was written, epoch ms. */
  readonly at: number;
  readonly title: Line;
  readonly sections: readonly Section[];
};

/** Words of Rampart's own. */
export const words = (text: string): Span => ({ text });

/** What people or other systems wrote, on one line. */
export function said(text: string, from: readonly number[]): Span {
  const plain = plainLine(text);
  return { text: plain, from, ...(isLink(plain) && { href: plain }) };
}

function isLink(text: string): boolean {
  return /^https?:\/\/[^\s"'<>\\]+$/i.test(text);
}

/** An instant, in the zone of the document. */
export function instant(at: number, from: readonly number[], { timeZone }: DocumentOptions, rule?: Rule): Span {
  return { text: formatInstant(at, timeZone), value: at, unit: 'instant', from, ...(rule && { rule }) };
}

/** A measured value in its unit. */
export function measured(value: number, unit: MetricUnit, from: readonly number[]): Span {
  return { text: formatMeasured(value, unit), ...(Number.isFinite(value) && { value, unit }), from };
}

/** How many. */
export function count(value: number, from: readonly number[], rule?: Rule): Span {
  return { text: formatCount(value), value, unit: 'count', from, ...(rule && { rule }) };
}

/** A duration between two instants. */
export function elapsed(ms: number, from: readonly number[], rule: Rule = 'elapsed'): Span {
  return { text: formatElapsed(ms), value: ms, unit: 'ms', from, rule };
}

/** A weight in thousandths of a percent. */
export function share(weight: number, from: readonly number[]): Span {
  return { text: formatWeight(weight), value: weight / 100_000, unit: 'share', from };
}

/** A line of parts; texts are words of Rampart's own. */
export function line(...parts: readonly (string | Span | Line)[]): Line {
  return parts.flatMap((part) => (typeof part === 'string' ? [words(part)] : part)).filter(({ text }) => text !== '');
}

/** Lines with a separator between them. */
export function joined(lines: readonly Line[], separator: string): Line {
  return lines.flatMap((one, index) => (index === 0 ? one : [words(separator), ...one]));
}

/** Where there is nothing to show. */
export const NONE: Line = [words(NOTHING)];

/** A paragraph. */
export const text = (...parts: readonly (string | Span | Line)[]): Block => ({ kind: 'text', line: line(...parts) });

/** A named value of a list of facts. */
export const fact = (key: string, title: string, ...parts: readonly (string | Span | Line)[]): Fact => ({
  key,
  title,
  value: line(...parts),
});

/** A table from columns named by key and title; `undefined` where it has no rows. */
export function tableOf(
  columns: Readonly<Record<string, string>>,
  rows: readonly Readonly<Record<string, Line>>[],
): Block | undefined {
  if (rows.length === 0) return undefined;
  return { kind: 'table', columns: Object.entries(columns).map(([key, title]) => ({ key, title })), rows };
}

/** A section of the blocks that are there. */
export function section(id: string, title: string, ...blocks: readonly (Block | undefined)[]): Section {
  return { id, title, blocks: blocks.filter((block) => block !== undefined) };
}
