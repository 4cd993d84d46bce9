import type { Flag, Segment } from '@rampart/flags';
import type { FlagDesk } from '../flag-desk.ts';
import type { Handlers } from './handler.ts';
import { principalOf } from './rollout-handlers.ts';

type FlagRoute =
  | 'listFlags'
  | 'getFlag'
  | 'putFlag'
  | 'deleteFlag'
  | 'listSegments'
  | 'getSegment'
  | 'putSegment'
  | 'deleteSegment';

/** Routes of flags and segments. Bodies were checked by the schema of their route: each cast is that edge. */
export function flagHandlers(desk: FlagDesk): Handlers<FlagRoute> {
  return {
    listFlags: () => ({ body: { flags: desk.listFlags() } }),
    getFlag: ({ params }) => ({ body: desk.getFlag(params.key ?? '') }),
    putFlag: async ({ params, body }) => ({ body: await desk.putFlag(params.key ?? '', body as Flag) }),
    async deleteFlag(ask) {
      const { force } = ask.query as { readonly force?: 'true' | 'false' };
      await desk.deleteFlag(ask.params.key ?? '', principalOf(ask), force === 'true');
      return { status: 204 };
    },
    listSegments: () => ({ body: { segments: desk.listSegments() } }),
    getSegment: ({ params }) => ({ body: desk.getSegment(params.key ?? '') }),
    putSegment: async ({ params, body }) => ({ body: await desk.putSegment(params.key ?? '', body as Segment) }),
    async deleteSegment({ params }) {
      await desk.deleteSegment(params.key ?? '');
      return { status: 204 };
    },
  };
}
