import type { RolloutView, SourceSight } from '@rampart/api';
import {
  formatDuration,
  type Judgement,
  openItems,
  type RolloutState,
  readsHistory,
  waitingFor,
  waitsOfStart,
} from '@rampart/rollout';
import type { RolloutRun } from './rollout-run.ts';

type Viewed = Pick<RolloutRun, 'state' | 'look' | 'pastWait'>;

/** A rollout as the API shows it. */
export function viewOf(
  { state, look, pastWait }: Viewed,
  now: number,
  sources: readonly SourceSight[] = [],
): RolloutView {
  const judgement = look?.judgement;
  return {
    state,
    ...(judgement && { judgement }),
    now,
    waitingFor: waitsOf(state, judgement, now, pastWait),
    ...(sources.length > 0 && { sources }),
  };
}

function waitsOf(
  state: RolloutState,
  judgement: Judgement | undefined,
  now: number,
  pastWait: string | undefined,
): readonly string[] {
  const held = state.hold === undefined ? [] : [`held by ${state.hold.by}: ${state.hold.reason}`];
  const proposals = state.proposals.filter(({ decided }) => decided === undefined);
  const asked = proposals.map(({ number, action, by }) => `approval of proposal ${number} (${action}, by ${by})`);
  const waits =
    readsHistory(state) && pastWait !== undefined ? [...held, pastWait] : waitsOfPhase(state, judgement, held, now);
  return [...waits, ...asked];
}

function waitsOfPhase(
  state: RolloutState,
  judgement: Judgement | undefined,
  held: readonly string[],
  now: number,
): readonly string[] {
  switch (state.phase) {
    case 'draft':
      return ['the start'];
    case 'preflight':
      return [...held, ...openItems(state).map((item) => `pre-flight item "${item}"`)];
    case 'baseline':
      return [...held, ...baselineWaits(state, now)];
    case 'exposing':
    case 'monitoring':
      return waitingFor(state, judgement, now);
    case 'aborted':
      return [state.killed ? 'the kill switch to be re-armed, then a retry' : 'a retry, or the end'];
    case 'complete':
    case 'cancelled':
      return [];
  }
}

function baselineWaits(state: RolloutState, now: number): readonly string[] {
  if (state.baseline !== undefined || state.baselineSince === undefined) {
    return waitsOfStart(state, now);
  }
  const leftMs = state.plan.baseline.windowMs - (now - state.baselineSince);
  const left = formatDuration(Math.max(0, Math.ceil(leftMs / 1000) * 1000));
  return leftMs > 0 ? [`the baseline: ${left} more`] : ['fresh evidence for the baseline'];
}
