import { stripVTControlCharacters } from 'node:util';

const UNSAFE = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu;
const segmenter = new Intl.Segmenter();

/** Text of others on one line: nothing in it can move the cursor, change colours or reverse the reading direction. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text).replace(UNSAFE, ' ').trim();
}

/** Characters a text takes on the screen; colours take none. */
export function widthOf(text: string): number {
  return [...segmenter.segment(stripVTControlCharacters(text))].length;
}

/** Fills up with spaces to the right. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Cuts plain text that is too long, with an ellipsis. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const parts = [...segmenter.segment(text)].slice(0, Math.max(0, width - 1)).map(({ segment }) => segment);
  return `${parts.join('').trimEnd()}…`;
}

/** Breaks text between words; every line but the first begins with `indent`. Words longer than a line stay whole. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const room = width - (lines.length === 0 ? 0 : indent.length);
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join(`\n${indent}`);
}

/** `1 error`, `2 errors`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Words as a shell takes them: quoted where they hold anything but plain characters. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
