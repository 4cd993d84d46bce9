import type { GateChange } from '@rampart/api';
import type { GateDesk } from '../gate-desk.ts';
import type { Handlers } from './handler.ts';
import { principalOf } from './rollout-handlers.ts';

/** Routes of external gates. The body was checked by the schema of its route: the cast is that edge. */
export function gateHandlers(desk: GateDesk): Handlers<'listGates' | 'setGate'> {
  return {
    listGates: async () => ({ body: await desk.list() }),
    setGate: async (ask) => ({
      body: await desk.set(ask.params.name ?? '', ask.body as GateChange, principalOf(ask)),
    }),
  };
}
