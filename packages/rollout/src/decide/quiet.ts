import type { EvidenceState } from '../judge/evidence-state.ts';
import { type Standing, sampleRatio, standingsOf } from '../judge/judge.ts';
import { distrustOf } from '../judge/judge-trust.ts';
import { judgingCostOf, newlySpent } from '../judge/measuring.ts';
import type { RolloutState } from '../state.ts';
import { silenceMs } from './cadence.ts';
import { servedMs, stageOf } from './exposure.ts';
import { undecidedChecks } from './tick-advance.ts';

/** Whether every check stands where it was last recorded, none of them where something follows from it at every look. */
function standsStill(state: RolloutState, standings: readonly Standing[]): boolean {
  if (standings.length !== state.verdicts.length) return false;
  return standings.every(({ one, status }, index) => {
    const recorded = state.verdicts[index];
    const isCalm = status === 'pass' || status === 'inconclusive' || status === 'insufficient';
    const isTrusted = distrustOf(state, one.metric.name) === undefined;
    const isAsTrusted = isTrusted === (recorded.untrusted === undefined);
    return isCalm && isAsTrusted && recorded.check === one.check.id && recorded.status === status;
  });
}

/** Whether nothing of what can be seen is lost, regained or in doubt. */
function seesAsBefore(state: RolloutState, evidence: EvidenceState, now: number): boolean {
  const { blindSince, dataInvalid, sightSince, alerting, killed } = state;
  if (blindSince !== undefined || dataInvalid !== undefined || alerting.length > 0 || killed) return false;
  const { freshAt, gap } = evidence;
  if (freshAt === undefined || now - freshAt > silenceMs(state.plan)) return false;
  const isRecorded = gap === undefined || (sightSince !== undefined && gap.toAt <= sightSince);
  const { dataInvalid: isInvalid, telemetryMissing } = sampleRatio(evidence);
  return isRecorded && isInvalid === undefined && telemetryMissing === undefined;
}

/**
 * Whether time alone leads to nothing yet: the stage's duration is not served, or it is and a gate check is still open that
 * neither extends the stage nor makes Rampart ask a person now.
 */
function hasTimeLeft(state: RolloutState, now: number): boolean {
  const [run, stage] = [state.stage, stageOf(state)];
  if (run === undefined || stage === undefined) return false;
  const served = servedMs(state, now);
  if (served < run.durationMs) return true;
  if (state.phase !== 'exposing' || stage.durationMs === null || stage.onInconclusive === 'extend') return false;
  const isAskedLater = run.askedAt !== undefined || served < (stage.maxDurationMs ?? 3 * stage.durationMs);
  return isAskedLater && undecidedChecks(stage, state.verdicts).length > 0;
}

/**
 * Whether a look would find nothing to record and nothing to decide, so that it need not be taken: every check stands as
 * recorded, sight is as before, and no time is up. It may say no where the answer is yes, never the reverse.
 */
export function isQuiet(state: RolloutState, evidence: EvidenceState, now: number): boolean {
  if (state.phase !== 'exposing' && state.phase !== 'monitoring') return false;
  if (evidence.epoch !== state.epoch || evidence.statistics !== state.statistics) return false;
  if (newlySpent(state, (metric) => judgingCostOf(metric, evidence, state)).length > 0) return false;
  if (!hasTimeLeft(state, now) || !seesAsBefore(state, evidence, now)) return false;
  return standsStill(state, standingsOf(evidence, state, now));
}
