import { type RunShare, runShare, type Summary } from '@rampart/simulate';

/** One outcome of simulated rollouts, in words, and how many had it. */
export type OutcomeRow = { readonly label: string; readonly share: RunShare };

const WORDS = {
  aborted: 'aborted in',
  undecided: 'undecided in',
  held: 'held in',
  unfinished: 'unfinished in',
} as const;
const UNHAPPY = ['aborted', 'undecided', 'held', 'unfinished'] as const;

/** Every outcome that some run had: completed first, then what ended runs early, by stage. */
export function outcomeRows({ runs, outcomes, stages }: Summary): readonly OutcomeRow[] {
  const completed = outcomes.completed.count > 0 ? [{ label: 'completed', share: outcomes.completed }] : [];
  const ended = UNHAPPY.flatMap((outcome) =>
    stages
      .filter((one) => one.ended[outcome] > 0)
      .map(({ stage, ended: by }) => ({ label: `${WORDS[outcome]} ${stage}`, share: runShare(by[outcome], runs) })),
  );
  return [...completed, ...ended];
}
