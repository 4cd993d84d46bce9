import { z } from 'zod';
import { openChannelDoor } from './channel-post.ts';
import { channelSecret, channelUrl, readChannel, timeoutSchema } from './channel-settings.ts';
import type { PostAnswer } from './guarded-post.ts';
import { secretRefSchema } from './http-access.ts';
import { clipped, type Notice, noticeOf, type Tone } from './notice.ts';
import type { NotifierKind } from './notifier-deps.ts';
import type { DeliveryResult } from './ports.ts';

const settingsSchema = z.strictObject({ url: secretRefSchema, timeout: timeoutSchema });

/** Teams refuses messages of about 28 KB. */
const MOST_BYTES = 24 * 1024;
const COLORS: Readonly<Record<Tone, string>> = {
  bad: 'Attention',
  caution: 'Warning',
  good: 'Good',
  neutral: 'Default',
};

/**
 * A workflow of Microsoft Teams ("When a Teams webhook request is received") that takes an Adaptive Card. Teams answers before it
 * posts, so a message that it then drops is not heard of. The URL is the secret, and is not taken apart.
 */
export const TEAMS: NotifierKind = {
  open(given, deps) {
    const settings = readChannel(settingsSchema, given, deps);
    const secret = channelSecret('url', settings.url, deps);
    channelUrl('url', secret, deps);
    const door = openChannelDoor(deps, { timeoutMs: settings.timeout, secrets: [secret] });
    return {
      name: deps.name,
      deliver: (message, signal) => {
        const json = teamsMessage(noticeOf(message, deps.publicUrl));
        return door.deliver({ url: secret, json }, signal, meaningOf);
      },
    };
  },
};

/** 202, or 200 of a workflow that answers by itself; a page of a proxy is neither. */
function meaningOf({ status, headers }: PostAnswer): DeliveryResult | undefined {
  return status === 200 && headers['content-type']?.startsWith('text/html') === true
    ? { kind: 'retry', why: 'it answered 200 with a page, so it is not Teams that answers there' }
    : undefined;
}

/** A card that fits, however long the text is. */
export function teamsMessage(notice: Notice): unknown {
  for (const most of [8000, 2000, 500]) {
    const message = messageOf(notice, most);
    if (Buffer.byteLength(JSON.stringify(message)) <= MOST_BYTES) return message;
  }
  return messageOf({ ...notice, facts: [], links: [] }, 500);
}

function messageOf({ title, emoji, lines, facts, links, tone, summary }: Notice, most: number) {
  const body = [
    paragraph([run(`${emoji} ${clipped(title, 200)}`, { weight: 'Bolder', size: 'Medium', color: COLORS[tone] })]),
    ...clipped(lines.join('\n'), most)
      .split('\n')
      .map((line) => paragraph([run(line)])),
    ...facts.map(({ name, value }) => paragraph([run(`${name}: `, { weight: 'Bolder' }), run(clipped(value, most))])),
  ];
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    fallbackText: clipped(summary, 300),
    body,
    actions: links.map((link) => ({ type: 'Action.OpenUrl', title: link.title, url: link.url })),
  };
  const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content };
  return { type: 'message', attachments: [attachment] };
}

/** Runs of text know no Markdown: words of people are shown as they are. */
function paragraph(inlines: readonly unknown[]) {
  return { type: 'RichTextBlock', inlines };
}

function run(text: string, look: Readonly<Record<string, string>> = {}) {
  return { type: 'TextRun', text, ...look };
}
