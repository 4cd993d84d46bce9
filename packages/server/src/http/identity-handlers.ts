import type { Identity } from '@rampart/api';
import type { Handlers } from './handler.ts';
import { principalOf } from './rollout-handlers.ts';

/** Routes about the caller. */
export function identityHandlers(): Handlers<'whoAmI'> {
  return {
    whoAmI(ask) {
      const { id, kind } = principalOf(ask);
      const body = { kind: ask.caller?.kind, name: id, principal: kind } as Identity;
      return { body };
    },
  };
}
