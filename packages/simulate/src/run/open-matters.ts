import { type Judgement, type RolloutState, stageOf, type Verdict, waitingFor } from '@rampart/rollout';

/** Why a check of the gate has not passed, in words that are the same for every run. */
function checkMatter({ metric, limit, status }: Verdict): string {
  switch (status) {
    case 'no-data':
      return `${metric} ${limit}: silent, nothing new was observed`;
    case 'insufficient':
      return `${metric} ${limit}: too few observations to begin with`;
    case 'fail':
      return `${metric} ${limit}: fails`;
    default:
      return `${metric} ${limit}: not enough evidence either way`;
  }
}

/** Which metrics cannot be seen, where others can. */
function blindMatter({ verdicts }: Judgement): string {
  const silent = verdicts.filter(({ status }) => status === 'no-data').map(({ metric }) => metric);
  if (silent.length === 0 || silent.length === verdicts.length) return 'blind: no evidence arrives';
  return `blind: ${[...new Set(silent)].join(', ')} silent, nothing new was observed`;
}

/** What keeps a rollout where it stands: gate checks that have not passed, else whatever else it waits for. Most telling first. */
export function openMatters(state: RolloutState, judgement: Judgement, now: number): readonly string[] {
  if (state.blindSince !== undefined) return [blindMatter(judgement)];
  if (state.dataInvalid !== undefined) return [`data invalid: ${state.dataInvalid}`];
  if (state.hold !== undefined) return [`held: ${state.hold.reason}`];
  const gate = state.phase === 'monitoring' ? [] : (stageOf(state)?.gate ?? []);
  const waits = waitingFor(state, judgement, now);
  const isOpen = (id: string) => waits.includes(`evidence for ${id}`) || waits.includes(`${id}, which fails`);
  const open = gate.flatMap(({ id }) => {
    const verdict = judgement.verdicts.find((one) => one.check === id);
    return verdict !== undefined && isOpen(id) ? [checkMatter(verdict)] : [];
  });
  if (open.length > 0) return [...new Set(open)];
  // Figures differ from run to run; what is waited for does not.
  return waits.map((text) => text.replace(/: \d.*$/, ''));
}
