import type { RolloutDocument, Section } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { documentHtml } from './document-html.ts';
import { escapeHtml } from './html.ts';

const AT = Date.UTC(2026, 0, 5, 9);
const HOSTILE = `<script>alert("1")</script>&'\u0000\u202E`;

function documentOf(...blocks: Section['blocks']): RolloutDocument {
  return {
    ...{ schema: 1, kind: 'report', rollout: 'r<1>', version: 7, at: AT },
    title: [{ text: 'Report: ' }, { text: HOSTILE, from: [1] }],
    sections: [{ id: 'a', title: 'Section A', blocks }],
  };
}

const figure = { text: '1,234', value: 1234, unit: 'count', from: [3, 4] } as const;

describe('documentHtml', () => {
  it('escapes what anyone wrote, wherever it stands', () => {
    const span = { text: HOSTILE, from: [2] };
    const html = documentHtml(
      documentOf(
        { kind: 'text', line: [span] },
        { kind: 'heading', line: [span] },
        { kind: 'facts', facts: [{ key: 'k', title: HOSTILE, value: [span] }] },
        { kind: 'list', items: [{ line: [span], lead: [span], more: [[span]] }] },
        { kind: 'table', columns: [{ key: 'c', title: HOSTILE }], rows: [{ c: [span] }] },
        { kind: 'text', line: [{ text: 'link', href: `https://x.example/"onmouseover="${HOSTILE}` }] },
        {
          kind: 'chart',
          chart: {
            ...{ title: HOSTILE, description: HOSTILE, unit: 'ratio' },
            series: [{ name: HOSTILE, shape: 'steps', points: [{ at: AT, y: 0.1, from: [1] }] }],
            references: [{ at: 0.2, label: HOSTILE, from: [1] }],
          },
        },
      ),
    );
    expect(html).not.toMatch(/<script|\son\w+="/);
    for (const character of ['\u0000', '\u202E']) expect(html).not.toContain(character);
    expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;');
    expect(html).toContain('Rollout r&lt;1&gt;');
  });

  it('shows boxes as done and open, empty cells as dashes, instants as times, and the events of a figure when pointed at', () => {
    const html = documentHtml(
      documentOf(
        {
          kind: 'list',
          items: [
            { line: [{ text: 'one' }], done: true },
            { line: [{ text: 'two' }], done: false },
          ],
        },
        { kind: 'table', columns: [{ key: 'c', title: 'C' }], rows: [{}] },
        { kind: 'facts', facts: [{ key: 'k', title: 'K', value: [] }] },
        { kind: 'text', line: [{ text: '2026', value: AT, unit: 'instant', from: [2] }, { text: ' ' }, figure] },
      ),
    );
    expect(html).toContain('aria-label="done">☑</span>one');
    expect(html).toContain('aria-label="open">☐</span>two');
    expect(html).toContain('<td>–</td>');
    expect(html).toContain('<dt>K</dt><dd>–</dd>');
    expect(html).toContain('<time datetime="2026-01-05T09:00:00.000Z" title="event 2">2026</time>');
    expect(html).toContain('<span class="figure" title="events 3, 4">1,234</span>');
  });

  it('prints no number that the document has not', () => {
    const html = documentHtml(documentOf({ kind: 'text', line: [{ text: 'about ' }, figure, { text: ' people' }] }));
    const main = html.split('<main>')[1]?.split('</main>')[0] ?? '';
    expect(main.replaceAll(/<[^>]*>|&#?\w+;/g, ' ').match(/\d[\d,.]*/g)).toEqual(['1', '1,234']);
  });

  it('counts time in days over long spans, and draws evidence that is beyond doubt at the edge', () => {
    const chart = (days: number, y: number) =>
      documentHtml(
        documentOf({
          kind: 'chart',
          chart: {
            ...{ title: 'Evidence', description: 'd', unit: 'nat', references: [] },
            series: [
              {
                ...{ name: 'e', shape: 'steps' },
                points: [
                  { at: AT, y: 0, from: [1] },
                  { at: AT + days * 86_400_000, y, from: [2] },
                ],
              },
            ],
          },
        }),
      );
    expect(chart(5, 1)).toContain('days since 2026-01-05 09:00 UTC');
    expect(chart(1, 1)).toContain('hours since 2026-01-05 09:00 UTC');
    expect(chart(1, -500)).toContain('below -20 drawn there');
    expect(chart(1, -500)).not.toContain('>−500<');
  });
});

describe('escapeHtml', () => {
  it('leaves nothing that opens a tag, an attribute or an entity', () => {
    expect(escapeHtml(`a<b>&"'c`)).toBe('a&lt;b&gt;&amp;&quot;&#39;c');
    expect(escapeHtml('a\u0000\n\u202Eb')).toBe('a b');
  });
});
