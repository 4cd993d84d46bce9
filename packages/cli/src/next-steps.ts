import { evidenceNeedOf, openItems, ROLLBACK_TESTED, type RolloutState } from '@rampart/rollout';
import { oneLine, shellWord } from './output/text.ts';

/** A command to type, and what it is for. */
export type NextStep = { readonly command: string; readonly why: string };

function confirmation({ id }: RolloutState, item: string): NextStep {
  return { command: `rampart approve ${id} ${shellWord(item)}`, why: 'once it is so' };
}

/** How a person gives an item of pre-flight; nothing where Rampart or a hook does. */
function preflightStep(state: RolloutState, item: string): readonly NextStep[] {
  const need = evidenceNeedOf(state, item);
  if (item === ROLLBACK_TESTED && need !== 'not-by-hand') {
    return [{ command: `rampart drill ${state.id}`, why: 'tries a rollback in the connected SDKs' }];
  }
  if (need === 'not-by-hand') return [];
  const evidence = need === 'none' ? '' : ' --evidence URL';
  return [{ command: `rampart approve ${state.id} ${shellWord(item)}${evidence}`, why: 'once it is done' }];
}

function approvals(state: RolloutState): readonly NextStep[] {
  // Exit items can be given early, but nobody has to.
  const isDue = (item: string) => state.phase !== 'exposing' || !Object.hasOwn(state.exit, item);
  const items = openItems(state)
    .filter(isDue)
    .flatMap((item) => (state.phase === 'preflight' ? preflightStep(state, item) : [confirmation(state, item)]));
  const open = state.proposals.filter((proposal) => proposal.decided === undefined);
  const proposals = open.map(({ number, action, by }) => ({
    command: `rampart approve ${state.id} ${shellWord(`proposal ${number}`)}`,
    why: `lets ${oneLine(by)} ${action}; or: rampart decline ${state.id} ${number} --reason …`,
  }));
  return [...items, ...proposals];
}

/** How to raise exposure again, unless that must fail: a latched kill switch comes first, and attempts are limited. */
function nextAttempt({ id, killed, attempt, plan, incidents }: RolloutState): readonly NextStep[] {
  if (attempt > plan.retry.limit) return [];
  if (killed) {
    const why = 'lifts the latch of the kill switch; exposure stays 0 until a retry';
    return [{ command: `rampart rearm ${id} --reason …`, why }];
  }
  const { number = 1, fix } = incidents.at(-1) ?? {};
  const retry = `rampart retry ${id} --version NEW-VERSION`;
  if (fix !== undefined) return [{ command: retry, why: 'next attempt, from stage 1, on fresh statistics' }];
  return [
    { command: `rampart incident fix ${number} 'what was fixed' --rollout ${id}`, why: 'needed for fresh statistics' },
    { command: `${retry} --reason …`, why: 'next attempt; without a fix it needs a reason' },
  ];
}

function afterAbort(state: RolloutState): readonly NextStep[] {
  const incident = state.incidents.at(-1);
  const number = incident?.number ?? 1;
  return [
    { command: `rampart incident show ${number} --rollout ${state.id}`, why: 'what happened, with the evidence' },
    ...(incident?.acknowledged === undefined && incident?.rootCause === undefined
      ? [{ command: `rampart incident acknowledge ${number} --rollout ${state.id}`, why: 'says that you look into it' }]
      : []),
    ...(incident?.rootCause === undefined
      ? [
          {
            command: `rampart incident root-cause ${number} 'what went wrong' --rollout ${state.id}`,
            why: 'adds the root cause to the record',
          },
        ]
      : []),
    ...nextAttempt(state),
    { command: `rampart cancel ${state.id} --reason …`, why: 'ends it, and frees the flag for another plan' },
  ];
}

function whileRunning(state: RolloutState): readonly NextStep[] {
  const resume = { command: `rampart resume ${state.id}`, why: 'ends the hold' };
  const decide = ['proceed', 'extend', 'abort'].map((name) => ({
    command: `rampart ${name} ${state.id} --reason …`,
    why: 'you are asked to decide',
  }));
  return [...(state.hold ? [resume] : []), ...(state.stage?.askedAt === undefined ? [] : decide), ...approvals(state)];
}

/** Where the steps are shown. */
export type StepsAt = {
  /** How this command line is called. */
  readonly call: string;
  /** Whether the rollout is being watched already. */
  readonly isWatching?: boolean;
};

/** What a person can usefully type next, nothing that is bound to fail; the first is the likeliest. */
export function nextStepsOf(state: RolloutState, { call, isWatching = false }: StepsAt): readonly NextStep[] {
  const steps = stepsOf(state, isWatching);
  return steps.map((step) => ({ ...step, command: step.command.replace(/^rampart/, call) }));
}

function stepsOf(state: RolloutState, isWatching: boolean): readonly NextStep[] {
  if (state.phase === 'draft') return [{ command: `rampart start --rollout ${state.id}`, why: 'enters pre-flight' }];
  if (state.phase === 'aborted') return afterAbort(state);
  if (state.phase === 'complete' || state.phase === 'cancelled') {
    return [{ command: `rampart report ${state.id}`, why: 'the whole story' }];
  }
  const steps = whileRunning(state);
  const watch = isWatching ? [] : [{ command: `rampart status --watch ${state.id}`, why: 'follows it' }];
  return steps.length > 0
    ? [...steps, ...watch]
    : [...watch, { command: `rampart abort ${state.id} --reason …`, why: 'exposure to 0 at once' }];
}
