import { type Identity, type RolloutView, rolesOf } from '@rampart/api';
import { decide, openItems, type Principal, type RolloutCommand, type RolloutState } from '@rampart/rollout';
import { z } from 'zod';
import { nameOf, nameSchema } from './untrusted.ts';

/** Something the caller may do with a rollout now. */
export const actionSchema = z.strictObject({
  tool: z.string(),
  arguments: z
    .record(z.string(), z.union([nameSchema, z.number()]))
    .describe('Those that choose what is done; add the others.'),
  effect: z.enum(['at-once', 'proposal']).describe('proposal: another principal has to approve it first.'),
});

/** Something the caller may do. */
export type AllowedAction = z.output<typeof actionSchema>;

type Candidate = {
  readonly tool: string;
  readonly arguments: AllowedAction['arguments'];
  readonly command: RolloutCommand;
};

/** Stands in for the reason that the caller will give: whether one is needed is not what is asked here. */
const REASON = 'asked in advance';
/** The same for evidence. */
const EVIDENCE = 'https://example.com/asked-in-advance';

/**
 * What the holder of a token may do with a rollout now, by the rules that would decide on it: each candidate is decided on, and
 * nothing of it is done.
 */
export function allowedActions({ state, now }: RolloutView, me: Identity): readonly AllowedAction[] {
  const by: Principal = { id: me.name, kind: me.principal, roles: rolesOf(me.kind) };
  return candidates(state).flatMap(({ tool, arguments: chosen, command }) => {
    const decision = decide(state, command, by, now);
    if (!decision.ok) return [];
    const isProposal = decision.events.some(({ type }) => type === 'ProposalMade');
    return [{ tool, arguments: chosen, effect: isProposal ? 'proposal' : 'at-once' }];
  });
}

function candidates(state: RolloutState): readonly Candidate[] {
  return [
    { tool: 'rollout_start', arguments: {}, command: { type: 'Start' } },
    { tool: 'rollout_drill', arguments: {}, command: { type: 'Drill' } },
    ...approvals(state),
    ...steering(state),
    ...lowering(),
    ...followUp(state),
  ];
}

function approvals(state: RolloutState): readonly Candidate[] {
  const items = openItems(state);
  const proposals = state.proposals.filter(({ decided }) => decided === undefined);
  const approve = (item: string): Candidate => ({
    tool: 'rollout_approve',
    arguments: { item: nameOf(item), decision: 'approve' },
    command: { type: 'Approve', item, evidence: EVIDENCE },
  });
  return [
    ...items.map(approve),
    ...proposals.flatMap(({ number }): readonly Candidate[] => [
      { ...approve(`proposal ${number}`), arguments: { item: `proposal ${number}`, decision: 'approve' } },
      {
        tool: 'rollout_approve',
        arguments: { item: `proposal ${number}`, decision: 'decline' },
        command: { type: 'Decline', proposal: number, reason: REASON },
      },
    ]),
  ];
}

function steering(state: RolloutState): readonly Candidate[] {
  const paced = { hold: 'Hold', resume: 'Resume', extend: 'Extend' } as const;
  return [
    ...recaptures(state),
    ...Object.entries(paced).map(([action, type]) => {
      return { tool: 'rollout_pace', arguments: { action }, command: { type, reason: REASON } };
    }),
    { tool: 'rollout_advance', arguments: { action: 'proceed' }, command: { type: 'Proceed', reason: REASON } },
    { tool: 'rollout_advance', arguments: { action: 'rearm' }, command: { type: 'Rearm', reason: REASON } },
    ...retries(state),
  ];
}

/** The first baseline is not taken by hand. Whether there is enough for another one shows when it is taken. */
function recaptures({ baseline }: RolloutState): readonly Candidate[] {
  if (baseline === undefined) return [];
  const standIn = { ...baseline, source: 'history' } as const;
  const command = { type: 'CaptureBaseline', baseline: standIn, reason: REASON } as const;
  return [{ tool: 'rollout_baseline_capture', arguments: {}, command }];
}

/** With the version that runs, and with one that no attempt has run. */
function retries({ attempts }: RolloutState): readonly Candidate[] {
  const untried = `untried${attempts.map(({ version }) => version).join('')}`;
  const retry = { type: 'Retry', reason: REASON } as const;
  return [
    { tool: 'rollout_advance', arguments: { action: 'retry' }, command: retry },
    {
      tool: 'rollout_advance',
      arguments: { action: 'retry', version: 'a new one' },
      command: { ...retry, version: untried },
    },
  ];
}

function lowering(): readonly Candidate[] {
  const how = { abort: 'Abort', kill: 'Kill', cancel: 'Cancel' } as const;
  return Object.entries(how).map(([name, type]) => {
    return { tool: 'rollout_abort', arguments: { how: name }, command: { type, reason: REASON } };
  });
}

function followUp({ incidents, issues }: RolloutState): readonly Candidate[] {
  const open = incidents.filter(({ resolvedAt }) => resolvedAt === undefined);
  return [
    ...open.map(({ number }): Candidate => {
      return {
        tool: 'rollout_incident_write',
        arguments: { incident: number },
        command: { type: 'RecordRootCause', incident: number, text: REASON },
      };
    }),
    {
      tool: 'rollout_issue_write',
      arguments: { action: 'add' },
      command: { type: 'AddIssue', title: REASON, severity: 'minor' },
    },
    ...issues.slice(-1).map(({ number, status }): Candidate => {
      return {
        tool: 'rollout_issue_write',
        arguments: { action: 'change' },
        command: { type: 'ChangeIssue', number, status },
      };
    }),
  ];
}
