import type { RolloutView, SourceSight } from '@rampart/api';
import {
  baselineUnseenMs,
  describeMissing,
  formatDuration,
  type Judgement,
  missingPreflight,
  NO_EVIDENCE,
  readsHistory,
  waitingFor,
  waitsOfStart,
} from '@rampart/rollout';
import type { RolloutRun } from './rollout-run.ts';

type Viewed = Pick<RolloutRun, 'state' | 'look' | 'pastWait'> & Partial<Pick<RolloutRun, 'evidence'>>;

/** A rollout as the API shows it. */
export function viewOf(run: Viewed, now: number, sources: readonly SourceSight[] = []): RolloutView {
  const { state, look } = run;
  const judgement = look?.judgement;
  return {
    state,
    ...(judgement && { judgement }),
    now,
    waitingFor: waitsOf(run, judgement, now),
    ...(sources.length > 0 && { sources }),
  };
}

function waitsOf(run: Viewed, judgement: Judgement | undefined, now: number): readonly string[] {
  const { state, pastWait } = run;
  const held = state.hold === undefined ? [] : [`held by ${state.hold.by}: ${state.hold.reason}`];
  const proposals = state.proposals.filter(({ decided }) => decided === undefined);
  const asked = proposals.map(({ number, action, by }) => `approval of proposal ${number} (${action}, by ${by})`);
  const waits =
    readsHistory(state) && pastWait !== undefined ? [...held, pastWait] : waitsOfPhase(run, judgement, held, now);
  return [...waits, ...asked];
}

function waitsOfPhase(
  { state, evidence }: Viewed,
  judgement: Judgement | undefined,
  held: readonly string[],
  now: number,
): readonly string[] {
  switch (state.phase) {
    case 'draft':
      return ['the start'];
    case 'preflight':
      return [...held, ...missingPreflight(state).map((one) => `pre-flight item ${describeMissing(one)}`)];
    case 'baseline':
      return [...held, ...baselineWaits({ state, evidence }, now)];
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

function baselineWaits({ state, evidence = NO_EVIDENCE }: Viewed, now: number): readonly string[] {
  if (state.baseline !== undefined || state.baselineSince === undefined) {
    return waitsOfStart(state, now);
  }
  const leftMs = state.plan.baseline.windowMs - (now - state.baselineSince);
  const inSeconds = (ms: number) => formatDuration(Math.max(0, Math.ceil(ms / 1000) * 1000));
  if (leftMs > 0) return [`the baseline: ${inSeconds(leftMs)} more`];
  const unseenMs = baselineUnseenMs(evidence, state);
  return [unseenMs > 0 ? `evidence for the baseline: ${inSeconds(unseenMs)} more` : 'fresh evidence for the baseline'];
}
