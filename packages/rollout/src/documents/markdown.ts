const BREAKS = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069\s]+/gu;
const INLINE = /[\\`*[\]|~]/g;
const EDGE_UNDERSCORE = /(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;
const ENTITY = /&(?=#?\w+;)/g;
const HEADING_END = /(?<=^|\s)#+$/;
const BLOCK_START = /^(?:#(?=[#\s]|$)|[-+](?=[-+\s]|$)|[=>:]|\d+(?=[.)](?:\s|$)))/;

/** What readers of Markdown make a link of, up to the next space: in it a backslash escapes nothing, so that it is percent-encoded. */
const BARE_LINK = /((?:https?:\/\/|www\.)\S*)/giu;
const IN_LINK = /[\\`*[\]|~<>]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** `text` on one line: control characters (terminal escapes among them), line breaks and bidi overrides become one space. */
export function plainLine(text: string): string {
  return text.replace(BREAKS, ' ').trim();
}

/**
 * Text that somebody supplied, made safe anywhere inside a line of GitHub Flavored Markdown: it stays one line, opens no
 * block, table cell, emphasis, link or HTML tag, and reads as it was written once rendered.
 */
export function escapeMarkdown(text: string): string {
  return plainLine(text)
    .split(BARE_LINK)
    .map((part, index) => (index % 2 === 0 ? escapeInline(part) : encodeLink(part)))
    .join('')
    .replace(HEADING_END, '\\$&')
    .replace(BLOCK_START, (start) => (/\d/.test(start) ? `${start}\\` : `\\${start}`));
}

function escapeInline(text: string): string {
  return text.replace(ENTITY, '&amp;').replace(INLINE, '\\$&').replace(EDGE_UNDERSCORE, '\\_').replaceAll('<', '&lt;');
}

function encodeLink(link: string): string {
  const encoded = link.replace(IN_LINK, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return encoded.replace(ENTITY, '&amp;');
}
