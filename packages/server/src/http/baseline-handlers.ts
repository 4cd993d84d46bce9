import type { BaselineRequest } from '@rampart/api';
import type { BaselineDesk } from '../baseline-desk.ts';
import type { Handlers } from './handler.ts';
import { idempotencyOf, principalOf } from './rollout-handlers.ts';

/** Routes of baselines. Bodies and queries were checked by the schema of their route: each cast is that edge. */
export function baselineHandlers(desk: BaselineDesk): Handlers<'listBaselines' | 'captureBaseline'> {
  return {
    async listBaselines({ params, query }) {
      const { current } = query as { readonly current?: 'true' | 'false' };
      return { body: await desk.list(params.id ?? '', { current: current === 'true' }) };
    },
    async captureBaseline(ask) {
      const answer = await desk.capture(
        ask.params.id ?? '',
        ask.body as BaselineRequest,
        principalOf(ask),
        idempotencyOf(ask),
      );
      return { headers: { etag: `"${answer.rollout.state.version}"` }, body: answer };
    },
  };
}
