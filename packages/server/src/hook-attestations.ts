import { type HookReceipt, type HookSetting, ProblemError } from '@rampart/api';
import { readAttestationMapping } from '@rampart/connectors';
import { hookPrincipalId, type Principal, type RolloutState } from '@rampart/rollout';
import type { ControlPlane } from './control-plane.ts';

/** What deliveries that give pre-flight items work with. */
export type AttestationParts = {
  readonly rollouts: () => readonly RolloutState[];
  readonly command: ControlPlane['command'];
};

/** Takes what was delivered to a hook; `undefined`: it is not what the mapping reads, and says why. */
export type Attest = (setting: HookSetting, body: unknown) => Promise<HookReceipt>;

function principalOf(hook: string): Principal {
  return { id: hookPrincipalId(hook), kind: 'agent', roles: ['approver'] };
}

/** Items that a plan binds to a hook. */
function itemsOf({ plan }: RolloutState, hook: string): readonly string[] {
  return Object.entries(plan.preflightChecks ?? {}).flatMap(([item, { by }]) =>
    by?.kind === 'hook' && by.hook === hook ? [item] : [],
  );
}

/** Gives the pre-flight items that plans bind to the hook, of rollouts of the flag that the delivery names. @throws ProblemError */
export function createAttest({ rollouts, command }: AttestationParts): Attest {
  return async ({ name, attestation }, body) => {
    const mapping = readAttestationMapping(attestation);
    const read = 'problem' in mapping ? mapping : mapping(body);
    if (read === undefined) return { status: 'ignored', detail: 'its `when` does not hold' };
    if ('problem' in read)
      throw new ProblemError('TELEMETRY_INVALID', `The delivery to hook ${name} gives nothing: ${read.problem}.`);
    const { flag, link, note } = read;
    const meant = rollouts().filter(({ phase, plan }) => phase === 'preflight' && plan.flag === flag);
    const items = meant.flatMap((state) => itemsOf(state, name).map((item) => ({ state, item })));
    if (items.length === 0)
      return { status: 'ignored', detail: `no rollout of flag ${flag} is in pre-flight and waits for hook ${name}` };
    const open = items.filter(({ state, item }) => state.preflight[item] === null);
    for (const { state, item } of open) {
      const given = { type: 'Approve', item, evidence: link, ...(note !== undefined && { note }) } as const;
      await command(state.id, given, principalOf(name));
    }
    return { status: open.length > 0 ? 'accepted' : 'duplicate' };
  };
}
