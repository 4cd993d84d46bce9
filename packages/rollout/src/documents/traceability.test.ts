import { describe, expect, it } from 'vitest';
import type { EventRecord } from '../event.ts';
import { METRIC_CATALOG } from '../plan/catalog.ts';
import { formatDuration, formatElapsed } from '../plan/duration.ts';
import { formatValue } from '../plan/format-limit.ts';
import type { MetricUnit } from '../plan.ts';
import { DAY_MS, HOUR_MS, recordsFrom, SAMPLE_PLAN, START_AT, stateOf } from './arbitraries.contract.ts';
import { excessOf } from './blast-radius.ts';
import { formatCount, formatInstant, formatMeasured, formatWeight } from './format.ts';
import { incidentDocument } from './incident.ts';
import type { Block, Line, RolloutDocument, Span } from './page.ts';
import { documentMarkdown } from './page-markdown.ts';
import { reportDocument } from './report.ts';
import { BREACHED, richHappenings } from './rich-story.contract.ts';

/** Words of Rampart's own with a number in them: constants of the method, not measurements. */
const CONSTANTS = new Set([
  '95 % interval',
  '99 % bounds',
  'Flag to 0 %',
  ' went to 0 in stage ',
  'Retry from stage 1',
  'Retry from stage 1 as attempt ',
]);
const isConstant = (text: string) =>
  CONSTANTS.has(text) || /^[1-6]$/.test(text) || text.startsWith('How this is counted: ');

const UNITS: readonly MetricUnit[] = ['ratio', 'seconds', 'USD', 'tokens', 'perSecond', 'events', 'score', 'value'];
const numeralsOf = (text: string): readonly string[] => text.match(/\d+(?:[.,]\d+)*/g) ?? [];

/** Every numeral a value may be printed as. */
function renderingsOf(value: number): readonly string[] {
  if (!Number.isFinite(value)) return [];
  const isInstant = Math.abs(value) < 8.64e15 && value > 1e11;
  const texts = [
    ...[String(value), formatCount(value), formatWeight(value), value.toFixed(1), formatElapsed(value)],
    ...UNITS.flatMap((unit) => [formatMeasured(value, unit), formatValue(value, unit, 6)]),
    ...(Number.isInteger(value) && value > 0 ? [formatDuration(value)] : []),
    ...(isInstant ? [formatInstant(value)] : []),
  ];
  return texts.flatMap(numeralsOf);
}

/** All numbers and texts of a JSON value, names of its properties among them. */
function leavesOf(value: unknown): readonly (number | string)[] {
  if (typeof value === 'number' || typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [key, ...leavesOf(child)]);
}

const numbersIn = (events: readonly EventRecord[]): readonly number[] =>
  events.flatMap((record) => [record.at, ...leavesOf(record.event)]).filter((leaf) => typeof leaf === 'number');

const pairs = (numbers: readonly number[], combine: (one: number, other: number) => number) =>
  numbers.flatMap((one) => numbers.map((other) => combine(one, other)));

/** What a rule may make of the numbers of its events. */
function derivedBy(span: Span, events: readonly EventRecord[], now: number): readonly number[] {
  const instants = events.map(({ at }) => at);
  switch (span.rule) {
    case 'as-of':
      return [now];
    case 'elapsed':
      return pairs(instants, (one, other) => one - other);
    case 'time-left':
      return pairs(numbersIn(events), (length, at) => length - (now - at));
    case 'difference':
      return pairs(numbersIn(events), (one, other) => one - other);
    case 'sum':
      return [
        ...pairs([...new Set(numbersIn(events))].slice(0, 200), (one, other) => one + other),
        ...numbersIn(events).map((one) => one + 1),
      ];
    case 'number-of':
      return Array.from({ length: 20 }, (_, i) => i);
    case 'estimate': {
      const excess = excessOf(BREACHED, SAMPLE_PLAN.metrics.errorRate, undefined);
      return [excess?.value ?? 0, excess?.low ?? 0, excess?.high ?? 0];
    }
    case undefined:
      return [];
  }
}

/** Numerals a figure may be printed as, where it is one of the numbers known. */
function figuresOf(value: number, { unit, text }: Span, known: readonly number[]): readonly string[] {
  const own = unit === 'share' ? Math.round(value * 100_000) : value;
  // Evidence beyond this is printed as "> 100".
  const beyond = /^[<>] -?100$/.test(text) && Math.abs(value) > 100 ? ['100'] : [];
  return known.includes(own) ? [...renderingsOf(own), ...beyond] : [];
}

/** Numerals in a span that no event of its explains. */
function untraced(span: Span, records: readonly EventRecord[], now: number): readonly string[] {
  const found = numeralsOf(span.text.replace(/exposure (?:to )?0/gi, 'no exposure'));
  if (found.length === 0 || (span.from === undefined && isConstant(span.text))) return [];
  const events = records.filter(({ version }) => span.from?.includes(version));
  const leaves = events.flatMap((record) => [record.at, record.by, ...leavesOf(record.event)]);
  const derived = derivedBy(span, events, now);
  const allowed = new Set(
    span.value === undefined
      ? [
          ...leaves.flatMap((leaf) => (typeof leaf === 'number' ? renderingsOf(leaf) : numeralsOf(leaf))),
          ...derived.flatMap(renderingsOf),
        ]
      : figuresOf(span.value, span, [...leaves.filter((leaf) => typeof leaf === 'number'), ...derived]),
  );
  return found.filter((numeral) => !allowed.has(numeral));
}

function linesOf(block: Block): readonly Line[] {
  switch (block.kind) {
    case 'text':
    case 'heading':
      return [block.line];
    case 'facts':
      return block.facts.flatMap(({ title, value }) => [[{ text: title }], value]);
    case 'list':
      return block.items.flatMap(({ line, lead = [], more = [] }) => [line, lead, ...more]);
    case 'table':
      return [
        ...block.columns.map(({ title }) => [{ text: title }]),
        ...block.rows.flatMap((row) => Object.values(row)),
      ];
    case 'chart':
      return [];
  }
}

const spansOf = ({ title, sections }: RolloutDocument): readonly Span[] => [
  ...title,
  ...sections.flatMap((section) => [{ text: section.title }, ...section.blocks.flatMap(linesOf).flat()]),
];

/** Numerals of a document that come from nowhere, with the text they stand in. */
function strays(document: RolloutDocument, records: readonly EventRecord[]): readonly string[] {
  return spansOf(document).flatMap((span) =>
    untraced(span, records, document.at).map((numeral) => `${numeral} in ${JSON.stringify(span.text)}`),
  );
}

const RECORDS = recordsFrom(richHappenings());
const STATE = stateOf(RECORDS);
const OPTIONS = { now: START_AT + 5 * DAY_MS + 1_234 };
const REPORT = reportDocument(RECORDS, STATE, OPTIONS);
const INCIDENT = incidentDocument(RECORDS, STATE, 1, OPTIONS) as RolloutDocument;
const early = recordsFrom(richHappenings().slice(0, -9));
const OPEN = incidentDocument(early, stateOf(early), 1, OPTIONS) as RolloutDocument;
const RUNNING = reportDocument(early.slice(0, 18), stateOf(early.slice(0, 18)), OPTIONS);

describe('every number in a document', () => {
  it.each([
    ['the report', REPORT, RECORDS],
    ['the report of a running stage', RUNNING, early],
    ['the incident document', INCIDENT, RECORDS],
    ['the document of an open incident', OPEN, early],
  ] as const)('of %s is in an event, or follows from events by a named rule', (_, document, records) => {
    expect(strays(document, records)).toEqual([]);
    expect(spansOf(document).filter(({ text }) => numeralsOf(text).length > 0).length).toBeGreaterThan(60);
  });

  it('that comes from nowhere, or from another event, is found', () => {
    const [configuration, ...rest] = REPORT.sections;
    const withLine = (span: Span): RolloutDocument => ({
      ...REPORT,
      sections: [{ ...configuration!, blocks: [{ kind: 'text', line: [span] }] }, ...rest],
    });
    expect(strays(withLine({ text: 'about 42 people' }), RECORDS)).toEqual(['42 in "about 42 people"']);
    expect(strays(withLine({ text: '1,203', from: [1] }), RECORDS)).toHaveLength(1);
    expect(
      strays(withLine({ text: '1 d 17 h', value: 41 * HOUR_MS, from: [1], rule: 'elapsed' }), RECORDS),
    ).toHaveLength(2);
  });

  it('is printed by the Markdown as the document has it, and no other', () => {
    for (const document of [REPORT, INCIDENT, OPEN]) {
      const known = new Set(spansOf(document).flatMap(({ text }) => numeralsOf(text)));
      const printed = numeralsOf(documentMarkdown(document).replaceAll('\\', ''));
      expect(printed.filter((numeral) => !known.has(numeral))).toEqual([]);
    }
  });

  it('of a chart is a value of the event it names', () => {
    const charts = [REPORT, INCIDENT].flatMap(({ sections }) =>
      sections.flatMap(({ blocks }) => blocks.flatMap((block) => (block.kind === 'chart' ? [block.chart] : []))),
    );
    expect(charts.map(({ title }) => title)).toContain('Exposure over time');
    expect(charts.length).toBeGreaterThan(5);
    for (const { series, references, unit } of charts) {
      const inEvents = (from: readonly number[]) =>
        numbersIn(RECORDS.filter(({ version }) => from.includes(version))).map((one) =>
          unit === 'share' ? one / 100_000 : one,
        );
      for (const { y, low = y, high = y, from } of series.flatMap(({ points }) => points)) {
        const known = new Set([0, ...inEvents(from)]);
        expect([y, low, high].filter((value) => !known.has(value))).toEqual([]);
      }
      for (const { at, from } of references) expect(inEvents(from)).toContain(at);
    }
  });

  it('has a unit for every metric of the catalog', () => {
    for (const { metric } of METRIC_CATALOG.values()) expect(UNITS).toContain(metric.unit);
  });
});
