import type { RolloutEvent } from '../event.ts';
import { judgesToCalibrate } from '../judge/judge-trust.ts';
import { calendarOpen, closedWords } from '../plan/calendar.ts';
import { formatElapsedUp } from '../plan/duration.ts';
import type { Stage } from '../plan.ts';
import type { Hold, RolloutState, StageRun } from '../state.ts';
import type { Judgement, Verdict } from '../verdict.ts';
import { freshWindowMs, silenceMs } from './cadence.ts';
import { failedChecks } from './decide-abort.ts';
import { confirmationKey, deniesCriticalBugs, openCriticalIssue } from './decide-start.ts';
import { openExitItems, stillToCome } from './exit-gate.ts';
import { enterStage, stageOf } from './exposure.ts';
import { closedGates, staleGates } from './gate-waits.ts';
import { servedMs } from './served.ts';

/** What an optional check may say without being waited for: it is shown as unmeasured, and left out (semantics §3). */
const UNMEASURED: readonly Verdict['status'][] = ['no-data', 'insufficient', 'error'];

/** Gate checks of the running stage that have not passed, optional ones that are not measured left out. */
export function undecidedChecks(
  stage: Stage,
  verdicts: readonly Pick<Verdict, 'check' | 'status'>[],
): readonly string[] {
  const statuses = new Map(verdicts.map((one) => [one.check, one.status]));
  return stage.gate
    .filter((check) => {
      const status = statuses.get(check.id) ?? 'insufficient';
      return status !== 'pass' && !(check.optional && UNMEASURED.includes(status));
    })
    .map((check) => check.id);
}

/** Confirmations not given, and one given before a critical issue was found that it denies. */
function missingConfirmations(state: RolloutState, stage: Stage): readonly string[] {
  const isDenied = openCriticalIssue(state) !== undefined;
  return stage.confirmations.filter(
    (text) => !(confirmationKey(stage.name, text) in state.confirmations) || (isDenied && deniesCriticalBugs(text)),
  );
}

/** Who holds it, and why. */
export function heldWords({ by, reason }: Hold): string {
  return `held by ${by}: ${reason}`;
}

/** What stops the clock of the stage. */
function stops(state: RolloutState): readonly (string | false | undefined)[] {
  return [
    state.killed && 'the kill switch is latched',
    state.hold && heldWords(state.hold),
    state.dataInvalid && `data invalid: ${state.dataInvalid}`,
    state.blindSince !== undefined && 'blind: no evidence to decide on',
  ];
}

/** Time to serve, and evidence that is fresh for long enough. */
function timeLeft(state: RolloutState, run: StageRun, stage: Stage, freshAt: number | undefined, now: number) {
  const left = run.durationMs - servedMs(state, now);
  const window = freshWindowMs(state.plan, stage);
  const seen = state.sightSince === undefined ? 0 : now - state.sightSince;
  const isStale = freshAt === undefined || now - freshAt > silenceMs(state.plan);
  return [
    left > 0 && `minimum duration of ${stage.name}: ${formatElapsedUp(left)} to serve`,
    isStale && 'fresh evidence',
    seen < window && left <= 0 && `a fresh window of evidence: ${formatElapsedUp(window - seen)} more`,
  ];
}

/** Checks that fail, and those of the gate that are still open; the last stage only has to stay free of failures. */
function evidenceLeft(state: RolloutState, stage: Stage, verdicts: readonly Verdict[]): readonly string[] {
  const failed = failedChecks(verdicts);
  const open = state.phase === 'monitoring' ? [] : undecidedChecks(stage, verdicts);
  return [
    ...failed.map((id) => `${id}, which fails`),
    ...open.filter((id) => !failed.includes(id)).map((id) => `evidence for ${id}`),
  ];
}

/**
 * Gate checks of the running stage whose metric nobody has observed since sight returned: what passed before the gap is not
 * fresh (semantics §4). A count is seen while its source is alive, and an optional check that is not measured is left out.
 */
function unseenChecks(state: RolloutState, stage: Stage, judgement: Judgement | undefined): readonly string[] {
  const { phase, sightSince, plan } = state;
  if (judgement === undefined || sightSince === undefined || phase === 'monitoring') return [];
  const passed = new Set(judgement.verdicts.filter(({ status }) => status === 'pass').map(({ check }) => check));
  const unseen = stage.gate.filter(({ id, metric }) => {
    const isCount = plan.metrics[metric]?.kind === 'count';
    return passed.has(id) && !isCount && (judgement.seenAt[metric] ?? 0) < sightSince;
  });
  return unseen.map(({ id }) => id);
}

/**
 * What still keeps the rollout where it is, in words; empty when it may advance now (I2): minimum duration served,
 * every gate check passed on fresh evidence of this stage, no check with consequences failing, every confirmation given,
 * calendar and external gates open, nothing held.
 */
export function waitingFor(state: RolloutState, judgement: Judgement | undefined, now: number): readonly string[] {
  const stage = stageOf(state);
  if (stage === undefined || state.stage === undefined) return [];
  const calendar = calendarOpen(state.plan.calendar, now);
  const exit = state.phase === 'monitoring' ? openExitItems(state) : [];
  const left = [
    ...stops(state),
    ...timeLeft(state, state.stage, stage, judgement?.freshAt, now),
    ...evidenceLeft(state, stage, judgement?.verdicts ?? []),
    ...unseenChecks(state, stage, judgement).map((id) => `fresh evidence for ${id}`),
    ...stillToCome(state, judgement, now),
    ...judgesToCalibrate(state, now),
    ...missingConfirmations(state, stage).map((text) => `confirmation "${text}"`),
    ...exit.map((item) => `exit item "${item}"`),
    ...state.alerting.map((check) => `alert ${check} to clear`),
    ...closedGates(state, now),
    !calendar.open && `the calendar: ${closedWords(state.plan.calendar, calendar)}`,
  ];
  const reasons = left.filter((reason) => typeof reason === 'string');
  return reasons.length > 0 ? reasons : staleGates(state, now);
}

/** What keeps a rollout from its first stage, once pre-flight and baseline are done, in words. */
export function waitsOfStart(state: RolloutState, now: number): readonly string[] {
  const { calendar } = state.plan;
  const opening = calendarOpen(calendar, now);
  return [
    ...judgesToCalibrate(state, now),
    ...closedGates(state, now),
    ...staleGates(state, now),
    ...(opening.open ? [] : [`the calendar: ${closedWords(calendar, opening)}`]),
  ];
}

/** Whether nothing is waited for but that gates answer once more, because what they said last is too old to count. */
export function needsGatesAnew(state: RolloutState, judgement: Judgement | undefined, now: number): boolean {
  const stale = staleGates(state, now);
  if (stale.length === 0) return false;
  if (state.phase !== 'baseline') return waitingFor(state, judgement, now)[0] === stale[0];
  return state.hold === undefined && !state.killed && waitsOfStart(state, now).length === stale.length;
}

/** An undecided stage whose time is served: extend it, or ask a principal once its longest duration is reached. */
function undecided(
  state: RolloutState,
  stage: Stage,
  judgement: Judgement | undefined,
  now: number,
): readonly RolloutEvent[] {
  const run = state.stage;
  if (run === undefined || state.phase === 'monitoring' || stage.durationMs === null) return [];
  const canCount = state.hold === undefined && state.blindSince === undefined && state.dataInvalid === undefined;
  const checks = undecidedChecks(stage, judgement?.verdicts ?? []);
  const served = servedMs(state, now);
  if (!canCount || checks.length === 0 || served < run.durationMs) return [];
  const longest = stage.maxDurationMs ?? 3 * stage.durationMs;
  const failing = judgement?.verdicts.find((one) => one.status === 'fail' && checks.includes(one.check));
  const extends_ = stage.onInconclusive === 'extend' || (failing !== undefined && stage.onFail === 'extend');
  if (extends_ && run.durationMs + stage.durationMs <= longest) {
    return [{ type: 'StageExtended', byMs: stage.durationMs, reason: `undecided: ${checks.join(', ')}` }];
  }
  if (served < longest || run.askedAt !== undefined) return [];
  const question = `${stage.name} is undecided after its longest duration: proceed with a reason, extend, or abort?`;
  return [{ type: 'PrincipalAsked', question, undecided: checks }];
}

/** At most one advance: to the next stage, or through the exit gate; or what an undecided stage leads to. */
export function advance(state: RolloutState, judgement: Judgement | undefined, now: number): readonly RolloutEvent[] {
  const stage = stageOf(state);
  if (stage === undefined || state.stage === undefined || judgement === undefined) return [];
  if (waitingFor(state, judgement, now).length > 0) return undecided(state, stage, judgement, now);
  const { metrics, verdicts } = judgement;
  if (state.phase === 'monitoring') return [{ type: 'RolloutCompleted', metrics, verdicts }];
  const index = state.stage.index;
  return [
    { type: 'StagePassed', index, name: stage.name, metrics, verdicts },
    ...enterStage(state, index + 1, now, `every check of ${stage.name} passed`),
  ];
}
