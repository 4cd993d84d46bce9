import { escapeMarkdown } from '@rampart/rollout';
import { encodedUrl } from './encoded-url.ts';
import { escapeHtml } from './html-text.ts';

/** What stands in an issue or a comment, in plain text: words of people among it, escaped for where it is shown. */
export type TrackerText = {
  /** Bold, on top. Default: none. */
  readonly heading?: string;
  readonly lines: readonly string[];
  /** Whether the lines are a list, else paragraphs. */
  readonly isList?: boolean;
  readonly links?: readonly { readonly title: string; readonly url: string }[];
};

/** As HTML: trackers that take it do not always clean it. */
export function htmlOf({ heading, lines, isList = false, links = [] }: TrackerText): string {
  const tag = isList ? 'li' : 'p';
  const body = lines.map((line) => `<${tag}>${escapeHtml(line)}</${tag}>`).join('');
  return [
    heading === undefined ? '' : `<p><strong>${escapeHtml(heading)}</strong></p>`,
    isList && body !== '' ? `<ul>${body}</ul>` : body,
    ...links.map(({ title, url }) => `<p><a href="${escapeHtml(url)}">${escapeHtml(title)}</a></p>`),
  ].join('');
}

/** As Markdown of GitHub, in which nobody is called by `@name` and no other issue is touched by `#1`. */
export function markdownOf({ heading, lines, isList = false, links = [] }: TrackerText): string {
  const body = lines.map((line) => `${isList ? '- ' : ''}${quiet(line)}`).join(isList ? '\n' : '\n\n');
  return [
    heading === undefined ? '' : `**${quiet(heading)}**`,
    body,
    ...links.map(({ title, url }) => `[${quiet(title)}](<${encodedUrl(url)}>)`),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** A zero-width space takes the meaning from `@name`, `#1`, `owner/name#1` and `GH-1`. */
function quiet(text: string): string {
  return escapeMarkdown(text).replace(/[@#](?=\w)|(?<=\bGH)-(?=\d)/gi, '$&\u200B');
}
