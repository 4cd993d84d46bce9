import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import { recordsFrom, START_AT, stateOf } from './arbitraries.contract.ts';
import { incidentDocument } from './incident.ts';
import type { Block, RolloutDocument } from './page.ts';
import { documentMarkdown } from './page-markdown.ts';
import { reportDocument } from './report.ts';
import { RICH_PLAN, richHappenings } from './rich-story.contract.ts';

/** GitHub Flavored Markdown as a reader's browser gets it; `raw`: with the HTML that the text itself holds. */
const render = (markdown: string, raw = false): string =>
  micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: raw });

const HOSTILE = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        ...['\n', '\n\n', '## ', '|', '\\', '<b>', '<script>alert(1)</script>', '<!--', '&lt;', '`', '```', '- [x] '],
        ...[
          '---',
          '***',
          '[a](javascript:alert(1))',
          '![a](//x)',
          '~~',
          'https://e.example/_a_',
          '\u2028',
          ' ',
          'a',
          '1. ',
        ],
        ...['[^1]', '[^1]: x', '$', '\u001b[2J', '_', '*', 'www.example.com', '<https://a.example>'],
      ),
    )
    .map((parts) => parts.join('')),
);

function documentsOf(text: (value: string) => string): readonly RolloutDocument[] {
  const plan = { ...RICH_PLAN, title: text('XYZ'), flag: text('feature-xyz'), version: text('build-4711') };
  const named = richHappenings(plan).map(
    ([after, by, event]) => [after, by === 'rampart' ? by : text(by), hostileIn(event, text)] as const,
  );
  const records = recordsFrom(named);
  const state = stateOf(records);
  const options = { now: START_AT };
  const incident = incidentDocument(records, state, 1, options);
  return [reportDocument(records, state, options), ...(incident ? [incident] : [])];
}

const WRITTEN = ['reason', 'text', 'title', 'url', 'link', 'owner', 'assignee', 'note', 'reference', 'evidence'];

/** An event with everything that people or other systems write in it replaced. */
function hostileIn<T>(value: T, text: (value: string) => string): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, child]) =>
    WRITTEN.includes(key) && typeof child === 'string' ? [key, text(child)] : [key, child],
  );
  return Object.fromEntries(entries) as T;
}

const blocksOf = ({ sections }: RolloutDocument): readonly Block[] => sections.flatMap(({ blocks }) => blocks);
const matches = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** What a parser must find in a document, whatever stands in its cells. */
function expectStructure(document: RolloutDocument): void {
  const html = render(documentMarkdown(document), true);
  // Tags that the structure makes, and no other: with the document's own HTML let through there is none.
  expect(html).not.toMatch(/<(?!\/?(?:h[123]|p|ul|li|table|thead|tbody|tr|th|td|strong|a|input)\b)/);
  expect(html.replaceAll(/>[^<]*</g, '><')).not.toMatch(/href="(?!https?:|mailto:)/);
  const blocks = blocksOf(document);
  const tables = blocks.flatMap((block) => (block.kind === 'table' ? [block] : []));
  expect(matches(html, /<h1>/g)).toBe(1);
  expect(matches(html, /<h2>/g)).toBe(document.sections.length);
  expect(matches(html, /<h3>/g)).toBe(blocks.filter(({ kind }) => kind === 'heading').length);
  expect(matches(html, /<table>/g)).toBe(tables.length);
  const parsed = html
    .split('<table>')
    .slice(1)
    .map((part) => part.split('</table>')[0] ?? '');
  for (const [index, table] of parsed.entries()) {
    const rows = table
      .split('<tr>')
      .slice(1)
      .map((row) => matches(row, /<t[hd][ >]/g));
    const { columns, rows: cells } = tables[index] as (typeof tables)[number];
    expect(rows).toEqual(Array.from({ length: cells.length + 1 }, () => columns.length));
  }
}

describe('documents in Markdown', () => {
  it('are read by a parser of GitHub Flavored Markdown as they are meant', () => {
    const documents = documentsOf((value) => value);
    expect(documents).toHaveLength(2);
    for (const document of documents) expectStructure(document);
    for (const markdown of documents.map(documentMarkdown)) expect(render(markdown, true)).toBe(render(markdown));
    const [report, incident] = documents.map((document) => render(documentMarkdown(document)));
    expect(report).toMatch(/<input type="checkbox"[^>]* checked=""[^>]*> Hold/);
    expect(incident).toContain('<a href="https://grafana.example/d/77?from=1">');
  });

  it('keep their structure and hold no HTML, whatever people and other systems wrote', () => {
    fc.assert(
      fc.property(HOSTILE, (text) => {
        for (const document of documentsOf(() => text)) expectStructure(document);
      }),
      { numRuns: 25 },
    );
  });
});
