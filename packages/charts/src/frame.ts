import { type Element, element, render } from './markup.ts';
import { darkStyle, fill } from './theme.ts';

/** What every chart says in words. */
export type ChartText = {
  /** Heading, drawn above the chart and read out first. */
  readonly title: string;
  /** What the chart shows and what follows from it, for people who do not see it; not drawn. */
  readonly description: string;
};

/** Size of the text in a chart, in user units; widths of text are estimated from it. */
export const FONT_SIZE = 12;
/** Height above the plot that the title takes. */
export const TITLE_HEIGHT = 36;

/** Upper estimate of the width of a text in user units: fonts differ, and none is loaded. */
export function textWidth(text: string): number {
  return Math.ceil(text.length * FONT_SIZE * 0.58);
}

/** The whole drawing with its words, on a paper of its own. */
export function frame(
  { title, description }: ChartText,
  width: number,
  height: number,
  drawing: readonly Element[],
): string {
  const id = idOf(`${title}\n${description}`);
  const root = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-labelledby': `${id}-title ${id}-desc`,
      'font-family': 'system-ui, sans-serif',
      'font-size': FONT_SIZE,
    },
    element('title', { id: `${id}-title` }, title),
    element('desc', { id: `${id}-desc` }, description),
    darkStyle(),
    element('rect', { width, height, ...fill('paper') }),
    element('text', { x: 12, y: 22, 'font-size': FONT_SIZE + 2, 'font-weight': 600, ...fill('ink') }, title),
    ...drawing,
  );
  return `${render(root)}\n`;
}

/** Charts on one page need ids of their own, and the same chart should give the same text: FNV-1a over its words. */
function idOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `rc-${(hash >>> 0).toString(36)}`;
}
