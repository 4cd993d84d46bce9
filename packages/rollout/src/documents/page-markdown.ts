import { NOTHING } from './format.ts';
import { escapeMarkdown } from './markdown.ts';
import type { Block, Item, Line, RolloutDocument } from './page.ts';

/** A line as Markdown that is safe anywhere inside a line; its text is escaped as a whole. */
export function lineMarkdown(line: Line): string {
  return escapeMarkdown(line.map(({ text }) => text).join(''));
}

function itemMarkdown({ line, lead, done, more = [] }: Item): string {
  const box = done === undefined ? '' : `[${done ? 'x' : ' '}] `;
  const before = lead === undefined ? '' : `**${lineMarkdown(lead)}**: `;
  return [`- ${box}${before}${lineMarkdown(line)}`, ...more.map((one) => `  - ${lineMarkdown(one)}`)].join('\n');
}

function tableMarkdown({ columns, rows }: Extract<Block, { kind: 'table' }>): string {
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell || NOTHING).join(' | ')} |`;
  return [
    row(columns.map(({ title }) => escapeMarkdown(title))),
    row(columns.map(() => '---')),
    ...rows.map((cells) => row(columns.map(({ key }) => lineMarkdown(cells[key] ?? [])))),
  ].join('\n');
}

/** A block as GitHub Flavored Markdown; `undefined` for a chart, whose numbers stand in the tables beside it. */
export function blockMarkdown(block: Block): string | undefined {
  switch (block.kind) {
    case 'text':
      return lineMarkdown(block.line);
    case 'heading':
      return `### ${lineMarkdown(block.line)}`;
    case 'facts': {
      const name = (title: string) => (block.quiet ? escapeMarkdown(title) : `**${escapeMarkdown(title)}**`);
      return block.facts.map(({ title, value }) => `- ${name(title)}: ${lineMarkdown(value) || NOTHING}`).join('\n');
    }
    case 'list':
      return block.items.map(itemMarkdown).join('\n');
    case 'table':
      return tableMarkdown(block);
    case 'chart':
      return undefined;
  }
}

/** A document as GitHub Flavored Markdown. */
export function documentMarkdown({ title, sections }: RolloutDocument): string {
  const parts = sections.map((section) => {
    const blocks = section.blocks.map(blockMarkdown).filter((block) => block !== undefined);
    return [`## ${escapeMarkdown(section.title)}`, ...blocks].join('\n\n');
  });
  return `${[`# ${lineMarkdown(title)}`, ...parts].join('\n\n')}\n`;
}
