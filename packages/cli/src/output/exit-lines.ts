import type { RolloutView } from '@rampart/api';
import { exitGateOf, formatElapsed, handoversOf, type RolloutState } from '@rampart/rollout';
import type { Paint } from '../session.ts';
import { formatDate, withReadableTimes } from './format.ts';
import { oneLine, shellWord } from './text.ts';

/** The exit gate, a line for each item: met or not, what it lacks, and the command that gives it. Empty before everyone is exposed. */
export function exitGateLines(
  { state, judgement, waitingFor }: RolloutView,
  call: string,
  paint: Paint,
): readonly string[] {
  if (state.phase !== 'monitoring') return [];
  return exitGateOf(state, judgement, waitingFor).map(({ item, isMet, detail, how }) => {
    const mark = isMet ? paint.green('✔') : paint.yellow('☐');
    const give = how === undefined ? '' : ` · ${call} ${how.map(shellWord).join(' ')}`;
    return `${mark} ${oneLine(item)}: ${withReadableTimes(oneLine(detail))}${give}`;
  });
}

function cleanupLine({ cleanup, flagRemoved, plan }: RolloutState, now: number): readonly string[] {
  if (flagRemoved)
    return [`flag ${plan.flag} was removed by ${oneLine(flagRemoved.by)} on ${formatDate(flagRemoved.at)}`];
  if (cleanup === undefined) return [];
  const { dueAt, owner, link } = cleanup;
  const who = owner === undefined ? '' : `, by ${oneLine(owner)}`;
  const late = now > dueAt ? ` (${formatElapsed(now - dueAt)} ago)` : '';
  return [
    `flag ${plan.flag} is to be removed by ${formatDate(dueAt)}${late}${who}${link === undefined ? '' : `: ${oneLine(link)}`}`,
  ];
}

/** What follows a rollout: the removal of its flag, and the steps of `next` with who was told when. */
export function afterLines(state: RolloutState, now: number): readonly string[] {
  const steps = handoversOf(state.plan).map(({ name }) => {
    const told = state.handovers?.find((one) => one.name === name);
    const step = `next: ${oneLine(name)}`;
    if (told?.isDelivered === true) return `${step} was told on ${formatDate(told.at)}`;
    if (told !== undefined)
      return `${step} could not be told: ${oneLine(told.why ?? 'no reason known')} · it is a dead letter, which can be sent again`;
    return state.phase === 'complete' ? `${step} is being told` : `${step} is told once the rollout is complete`;
  });
  const isAfter = state.phase === 'monitoring' || state.phase === 'complete' || state.phase === 'cancelled';
  return isAfter ? [...cleanupLine(state, now), ...(state.phase === 'cancelled' ? [] : steps)] : [];
}
