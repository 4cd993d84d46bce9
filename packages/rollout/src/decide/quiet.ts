import type { EvidenceState } from '../judge/evidence-state.ts';
import { sampleRatio, standingOf } from '../judge/judge.ts';
import { distrustOf } from '../judge/judge-trust.ts';
import { judgingCostOf, newlySpent } from '../judge/measuring.ts';
import { type PlanCheck, planChecksOf } from '../judge/plan-checks.ts';
import type { RolloutState } from '../state.ts';
import type { Verdict } from '../verdict.ts';
import { silenceMs } from './cadence.ts';
import { stageOf } from './exposure.ts';
import { undecidedChecks } from './tick-advance.ts';
import { stuckDueAt } from './tick-stuck.ts';

/** What a rollout as it stands needs to be quiet. Looks come with every batch, and a rollout changes with events only. */
type Calm = {
  /** Instant before which time alone leads to nothing. */
  readonly until: number;
  readonly silenceMs: number;
  readonly sightSince: number;
  readonly checks: readonly { readonly one: PlanCheck; readonly recorded: Verdict['status'] }[];
};

/** Checks with where they were last recorded, none of them where something follows from it at every look; else `undefined`. */
function recordedChecks(state: RolloutState): Calm['checks'] | undefined {
  const { active } = planChecksOf(state);
  const isCalm = active.every(({ check }, index) => {
    const recorded = state.verdicts[index];
    if (recorded?.check !== check.id) return false;
    const isTrusted = distrustOf(state, check.metric) === undefined;
    const isAsTrusted = isTrusted === (recorded.untrusted === undefined);
    return isAsTrusted && ['pass', 'inconclusive', 'insufficient'].includes(recorded.status);
  });
  if (!isCalm || active.length !== state.verdicts.length) return undefined;
  return active.map((one, index) => ({ one, recorded: state.verdicts[index].status }));
}

/**
 * Until when time alone leads to nothing: the stage's duration is not served, or it is and a gate check is still open that
 * neither extends the stage nor makes Rampart ask a person yet.
 */
function quietUntil(state: RolloutState): number {
  const [run, stage] = [state.stage, stageOf(state)];
  if (run === undefined || stage === undefined) return Number.NEGATIVE_INFINITY;
  const servedAt = (ms: number) => {
    if (run.countingSince !== undefined) return run.countingSince + ms - run.servedMs;
    return run.servedMs < ms ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  };
  const dueAt = servedAt(run.durationMs);
  if (state.phase !== 'exposing' || stage.durationMs === null || stage.onInconclusive === 'extend') return dueAt;
  if (undecidedChecks(stage, state.verdicts).length === 0) return dueAt;
  if (run.askedAt !== undefined) return Number.POSITIVE_INFINITY;
  return Math.max(dueAt, servedAt(stage.maxDurationMs ?? 3 * stage.durationMs));
}

function calmOf(state: RolloutState): Calm | undefined {
  const { phase, blindSince, dataInvalid, sightSince, alerting, killed } = state;
  if (phase !== 'exposing' && phase !== 'monitoring') return undefined;
  if (blindSince !== undefined || dataInvalid !== undefined || alerting.length > 0 || killed) return undefined;
  const checks = recordedChecks(state);
  return (
    checks && {
      until: Math.min(quietUntil(state), stuckDueAt(state) ?? Number.POSITIVE_INFINITY),
      silenceMs: silenceMs(state.plan),
      sightSince: sightSince ?? Number.NEGATIVE_INFINITY,
      checks,
    }
  );
}

const known = new WeakMap<RolloutState, { readonly calm: Calm | undefined }>();

/** As `calmOf`, worked out once per state. */
function rememberedCalm(state: RolloutState): Calm | undefined {
  const last = known.get(state);
  if (last !== undefined) return last.calm;
  const calm = calmOf(state);
  known.set(state, { calm });
  return calm;
}

/** Whether nothing of what can be seen is lost, regained or in doubt. */
function seesAsBefore(calm: Calm, evidence: EvidenceState, now: number): boolean {
  const { freshAt, gap } = evidence;
  if (freshAt === undefined || now - freshAt > calm.silenceMs) return false;
  if (gap !== undefined && gap.toAt > calm.sightSince) return false;
  const { dataInvalid, telemetryMissing } = sampleRatio(evidence);
  return dataInvalid === undefined && telemetryMissing === undefined;
}

/**
 * Whether a look would find nothing to record and nothing to decide, so that it need not be taken: every check stands as
 * recorded, sight is as before, and no time is up. It may say no where the answer is yes, never the reverse.
 */
export function isQuiet(state: RolloutState, evidence: EvidenceState, now: number): boolean {
  const calm = rememberedCalm(state);
  if (calm === undefined || now >= calm.until) return false;
  if (evidence.epoch !== state.epoch || evidence.statistics !== state.statistics) return false;
  if (newlySpent(state, (metric) => judgingCostOf(metric, evidence, state)).length > 0) return false;
  if (!seesAsBefore(calm, evidence, now)) return false;
  return calm.checks.every(({ one, recorded }) => standingOf(one, evidence, state, now) === recorded);
}
