import type { Identity } from '@rampart/api';
import type { Handlers } from './handler.ts';
import { principalOf } from './rollout-handlers.ts';

/** Routes about the caller. */
export function identityHandlers(): Handlers<'whoAmI'> {
  return {
    whoAmI(ask) {
      const { id, kind } = principalOf(ask);
      const principal = kind === 'agent' ? 'agent' : 'person';
      const body: Identity = { kind: ask.caller?.kind ?? 'viewer', name: id, principal };
      return { body };
    },
  };
}
