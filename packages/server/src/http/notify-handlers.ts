import type { NotifyTest } from '@rampart/api';
import type { NotifyDesk } from '../notify-desk.ts';
import type { Handlers } from './handler.ts';
import { principalOf } from './rollout-handlers.ts';

/** Routes of channels. Bodies and queries were checked by the schema of their route: each cast is that edge. */
export function notifyHandlers(desk: NotifyDesk): Handlers<'getNotify' | 'testNotify'> {
  return {
    getNotify: async ({ query }) => ({ body: await desk.view((query as { readonly rollout?: string }).rollout) }),
    testNotify: async (ask) => ({ body: await desk.test(ask.body as NotifyTest, principalOf(ask).id) }),
  };
}
