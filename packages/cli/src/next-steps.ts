import { openItems, type RolloutState } from '@rampart/rollout';

/** A command to type, and what it is for. */
export type NextStep = { readonly command: string; readonly why: string };

/** Words as a shell takes them: quoted where they hold anything but plain characters. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

const WATCH = 'rampart status --watch';

function approvals(state: RolloutState): readonly NextStep[] {
  // Exit items can be given early, but nobody has to.
  const isDue = (item: string) => state.phase !== 'exposing' || !Object.hasOwn(state.exit, item);
  const items = openItems(state)
    .filter(isDue)
    .map((item) => ({
      command: `rampart approve ${state.id} ${shellWord(item)}`,
      why: state.phase === 'preflight' ? 'once it is done' : 'once it is so',
    }));
  const open = state.proposals.filter((proposal) => proposal.decided === undefined);
  const proposals = open.map(({ number, action, by }) => ({
    command: `rampart approve ${state.id} ${shellWord(`proposal ${number}`)}`,
    why: `lets ${by} ${action}; or: rampart decline ${state.id} ${number} --reason …`,
  }));
  return [...items, ...proposals];
}

function afterAbort(state: RolloutState): readonly NextStep[] {
  const incident = state.incidents.at(-1);
  const number = incident?.number ?? 1;
  return [
    { command: `rampart incident show ${number} --rollout ${state.id}`, why: 'what happened, with the evidence' },
    ...(incident?.fix === undefined
      ? [
          {
            command: `rampart incident fix ${number} 'what was fixed' --rollout ${state.id}`,
            why: 'needed for fresh statistics',
          },
        ]
      : []),
    ...(state.killed
      ? [
          {
            command: `rampart rearm ${state.id} --reason …`,
            why: 'lifts the latch of the kill switch; exposure stays 0',
          },
        ]
      : []),
    { command: `rampart retry ${state.id} --release NEW-VERSION`, why: 'next attempt, from stage 1' },
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

/** What a person can usefully type next; the first is the likeliest. */
export function nextStepsOf(state: RolloutState): readonly NextStep[] {
  if (state.phase === 'draft') return [{ command: `rampart start --rollout ${state.id}`, why: 'enters pre-flight' }];
  if (state.phase === 'aborted') return afterAbort(state);
  if (state.phase === 'complete' || state.phase === 'cancelled') {
    return [{ command: `rampart report ${state.id}`, why: 'the whole story' }];
  }
  const steps = whileRunning(state);
  const watch = { command: `${WATCH} ${state.id}`, why: 'follows it' };
  return steps.length > 0
    ? [...steps, watch]
    : [watch, { command: `rampart abort ${state.id}`, why: 'exposure to 0 at once' }];
}
