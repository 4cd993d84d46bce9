import type { HookSetting } from '@rampart/api';
import type { Hooks } from '../hooks.ts';
import type { Handlers } from './handler.ts';

/** Routes of hooks. The body of a delivery is its bytes; that of settings was checked by the schema of its route. */
export function hookHandlers(hooks: Hooks): Handlers<'receiveHook' | 'getHooks' | 'putHooks'> {
  return {
    async receiveHook({ params, header, body }) {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
      return { status: 202, body: await hooks.receive({ name: params.name ?? '', header, body: bytes }) };
    },
    getHooks: () => ({ body: hooks.list() }),
    putHooks: async ({ body }) => ({ body: await hooks.replace(body as readonly HookSetting[]) }),
  };
}
