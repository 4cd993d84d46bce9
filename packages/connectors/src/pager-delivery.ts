import type { ChannelPost } from './channel-post.ts';
import { type Matter, matterChangeOf } from './matter.ts';
import type { Notification } from './notification.ts';
import type { NotifierMemory } from './notifier-deps.ts';
import { endedMatters, noteMatters } from './open-matters.ts';
import type { DeliveryResult } from './ports.ts';

/** How a pager is told. */
export type Pager = {
  /** From which severity on it is triggered. A test always triggers it. */
  readonly trigger: 'page' | 'warn';
  readonly opening: (message: Notification, matter: Matter) => ChannelPost;
  /** To be repeated without harm, also for a matter that was never opened. */
  readonly closing: (matter: Matter) => ChannelPost;
  /** What stands on a timeline and wakes nobody; `undefined` for what does not. Default: it has none. */
  readonly news?: (message: Notification) => ChannelPost | undefined;
  readonly send: (post: ChannelPost) => Promise<DeliveryResult>;
  readonly memory: NotifierMemory;
};

/** Opens what a message opens, closes what it ends, and then tells the news; ends with the first that does not go through. */
export async function deliverToPager(message: Notification, pager: Pager): Promise<DeliveryResult> {
  const { opens, closes, sweeps } = matterChangeOf(message);
  const opened = opens !== undefined && isTriggered(message, pager.trigger) ? opens : undefined;
  const ended = await endedMatters(closes, sweeps, pager.memory);
  // The one that is not idempotent goes when all else went through.
  const news = pager.news?.(message);
  const posts = [
    ...(opened === undefined ? [] : [pager.opening(message, opened)]),
    ...ended.map(pager.closing),
    ...(news === undefined ? [] : [news]),
  ];
  for (const post of posts) {
    const result = await pager.send(post);
    if (result.kind !== 'delivered') return result;
  }
  await noteMatters(opened, ended, pager.memory);
  return { kind: 'delivered' };
}

function isTriggered({ severity, type }: Notification, trigger: Pager['trigger']): boolean {
  return severity === 'page' || type === 'test' || (trigger === 'warn' && severity === 'warn');
}
