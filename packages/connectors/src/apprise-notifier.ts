import { z } from 'zod';
import { openChannelDoor } from './channel-post.ts';
import { channelSecret, channelUrl, readChannel, timeoutSchema } from './channel-settings.ts';
import type { PostAnswer } from './guarded-post.ts';
import { secretRefSchema } from './http-access.ts';
import { noticeOf, type Tone } from './notice.ts';
import type { NotifierKind } from './notifier-deps.ts';
import type { DeliveryResult } from './ports.ts';

const settingsSchema = z
  .strictObject({
    url: z.string().min(1),
    /** Of a configuration that the Apprise API holds: whoever has it can send. */
    key: secretRefSchema.optional(),
    /** Addresses of Apprise, with their credentials. */
    urls: secretRefSchema.optional(),
    /** Which services of the configuration. Default: all. */
    tag: z.string().min(1).optional(),
    timeout: timeoutSchema,
  })
  .refine(({ key, urls }) => (key === undefined) !== (urls === undefined), {
    message: 'give key or urls, and not both',
  });

const TYPES: Readonly<Record<Tone, string>> = {
  bad: 'failure',
  caution: 'warning',
  good: 'success',
  neutral: 'info',
};

/** An Apprise API server, which passes messages on to more than a hundred services. */
export const APPRISE: NotifierKind = {
  open(given, deps) {
    const settings = readChannel(settingsSchema, given, deps);
    const key = settings.key && channelSecret('key', settings.key, deps);
    const urls = settings.urls && channelSecret('urls', settings.urls, deps);
    const base = channelUrl('url', settings.url, deps);
    const url = key === undefined ? `${base}/notify/` : `${base}/notify/${encodeURIComponent(key)}`;
    const door = openChannelDoor(deps, { timeoutMs: settings.timeout, secrets: [key ?? '', urls ?? ''] });
    return {
      name: deps.name,
      deliver: (message, signal) => {
        const { title, lines, links, tone, emoji } = noticeOf(message, deps.publicUrl);
        const json = {
          title: `${emoji} ${title}`,
          body: [...lines, ...links.map((link) => `${link.title}: ${link.url}`)].join('\n'),
          type: TYPES[tone],
          format: 'text',
          ...(urls !== undefined && { urls }),
          ...(settings.tag !== undefined && { tag: settings.tag }),
        };
        return door.deliver({ url, json }, signal, meaningOf);
      },
    };
  },
};

/** 204: nothing is configured under the key, or no address is valid: nobody was told. 424: a service did not take it; others may have. */
function meaningOf({ status, headers }: PostAnswer): DeliveryResult | undefined {
  if (status === 204)
    return {
      kind: 'refused',
      why: 'it answered 204: nothing is configured under the key, or no address is valid, so nobody was told',
    };
  if (status === 424) return { kind: 'retry', why: 'it answered 424: at least one of its services did not take it' };
  if (status === 200 && headers['content-type']?.startsWith('text/html') === true)
    return { kind: 'retry', why: 'it answered 200 with a page, so it may not be Apprise that answers there' };
  return undefined;
}
