import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { currentStageName } from '../evolve-records.ts';
import { formatElapsedUp } from '../plan/duration.ts';
import type { Principal } from '../principal.ts';
import type { AbortKind, Incident, Proposal, RolloutState } from '../state.ts';
import type { Judgement, MetricSnapshot, Verdict } from '../verdict.ts';
import {
  accept,
  type Decision,
  type Handler,
  LOWERING,
  lacksReason,
  lacksRole,
  notIn,
  RAISING,
  refuse,
} from './decision.ts';
import { beginExposure } from './exposure.ts';

type Of<T extends RolloutCommand['type']> = Extract<RolloutCommand, { type: T }>;

const NOBODY: Judgement['people'] = { treatment: 0, control: 0, targeted: 0 };
/** Phases an abort may come from: everything between the start and the end. */
const ABORTABLE = ['preflight', 'baseline', 'exposing', 'monitoring'] as const;

/** Why an abort happens and what was seen then. */
export type AbortCause = {
  readonly kind: AbortKind;
  readonly reason: string;
  readonly verdict?: Verdict;
  readonly people?: Judgement['people'];
  readonly metrics?: readonly MetricSnapshot[];
  readonly failed?: readonly string[];
  readonly issue?: string;
};

/** Checks with consequences that stand at `fail`. */
export function failedChecks(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.filter((one) => one.status === 'fail' && one.tier !== 'alert').map((one) => one.check);
}

/** The one event that sets exposure to 0 and opens the incident: both in one transaction (I4). */
export function abortEvent(state: RolloutState, cause: AbortCause): RolloutEvent {
  return {
    type: 'RolloutAborted',
    kind: cause.kind,
    reason: cause.reason,
    incident: state.incidents.length + 1,
    stage: currentStageName(state),
    epoch: state.epoch + 1,
    people: cause.people ?? NOBODY,
    metrics: cause.metrics ?? state.history.at(-1)?.metrics ?? [],
    failed: cause.failed ?? failedChecks(state.verdicts),
    ...(cause.verdict && { verdict: cause.verdict }),
    ...(cause.issue && { issue: cause.issue }),
    ...(state.plan.owners.analyst && { assignee: state.plan.owners.analyst }),
  };
}

export const abort: Handler<Of<'Abort'>> = (state, command, by) => {
  const no =
    lacksRole(by, LOWERING, 'abort') ?? notIn(state, ABORTABLE, 'abort') ?? lacksReason(command.reason, 'abort');
  if (no) return no;
  return accept(
    abortEvent(state, { kind: 'person', reason: command.reason, ...(command.people && { people: command.people }) }),
  );
};

/** Latches the kill switch and, where anything may be exposed, aborts in the same decision. */
export function killNow(state: RolloutState, reason: string, cause: Partial<AbortCause>): Decision {
  const tripped: RolloutEvent = {
    type: 'KillSwitchTripped',
    reason,
    ...(cause.verdict && { check: cause.verdict.check }),
  };
  const inPhase = ABORTABLE.some((phase) => phase === state.phase);
  return accept(tripped, ...(inPhase ? [abortEvent(state, { ...cause, kind: 'kill', reason })] : []));
}

export const kill: Handler<Of<'Kill'>> = (state, command, by) => {
  const no =
    lacksRole(by, LOWERING, 'trip the kill switch') ??
    notIn(state, [...ABORTABLE, 'aborted'], 'trip the kill switch') ??
    lacksReason(command.reason, 'trip the kill switch');
  if (no) return no;
  if (state.killed) return accept();
  return killNow(state, command.reason, command.people ? { people: command.people } : {});
};

export const rearm: Handler<Of<'Rearm'>> = (state, command, by) => {
  const no = lacksRole(by, RAISING, 're-arm the kill switch') ?? lacksReason(command.reason, 're-arm the kill switch');
  if (no) return no;
  if (by.kind !== 'person')
    return refuse('FORBIDDEN', `${by.id} is not a person; only a person may re-arm a kill switch.`);
  if (!state.killed) return refuse('NOT_KILLED', 'The kill switch is not latched.');
  return accept({ type: 'KillSwitchRearmed', reason: command.reason });
};

function retryRefusal(state: RolloutState, version: string, isReasoned: boolean, now: number): Decision | undefined {
  const wrongPhase = notIn(state, ['aborted'], 'retry');
  if (wrongPhase) return wrongPhase;
  const last = state.incidents.at(-1);
  const { cooldownMs, limit } = state.plan.retry;
  if (state.killed)
    return refuse('KILL_SWITCH_LATCHED', 'The kill switch is latched: re-arm it with a reason before a retry.');
  if (state.attempt > limit)
    return refuse('RETRY_LIMIT', `Attempt ${state.attempt} was the last: the plan allows ${limit} retries.`);
  const coolAt = (last?.openedAt ?? 0) + cooldownMs;
  if (now < coolAt) return refuse('COOLDOWN', `Retry after the cool-down, in ${formatElapsedUp(coolAt - now)}.`);
  const isNewVersion = isUntried(state, version);
  if (isNewVersion && !last?.fix) {
    return refuse(
      'FIX_REQUIRED',
      `Record what was fixed for incident ${last?.number ?? 1} before retrying with version "${version}".`,
    );
  }
  if (!isNewVersion && state.failedChecks.length > 0) {
    return refuse(
      'STATISTICS_STILL_FAIL',
      `Version "${version}" continues the same statistics, and these checks failed in them: ${state.failedChecks.join(', ')}. Record a fix and retry with a new version.`,
    );
  }
  if (!last?.fix && !isReasoned) {
    return refuse(
      'FIX_REQUIRED',
      `Nothing is recorded as fixed since incident ${last?.number ?? 1}: record what was fixed (rampart incident fix), or say with a reason why version "${version}" may be shown again.`,
    );
  }
  return undefined;
}

/** Whether no attempt ran this version yet: going back to an earlier one is no way to be rid of its statistics. */
function isUntried(state: RolloutState, version: string): boolean {
  return state.attempts.every((attempt) => attempt.version !== version);
}

/** Plan version of the running or last attempt. */
export function currentVersion(state: RolloutState): string {
  return state.attempts.at(-1)?.version ?? state.plan.version;
}

/**
 * Starts the next attempt from stage 1; statistics are fresh only with a new version and a recorded fix (semantics §5).
 * The same version without a recorded fix needs a reason, which is kept as an override.
 */
export function retryNow(state: RolloutState, command: Omit<Of<'Retry'>, 'type'>, now: number): Decision {
  const version = command.version ?? currentVersion(state);
  const reason = command.reason?.trim() ?? '';
  const no = retryRefusal(state, version, reason !== '', now);
  if (no) return no;
  const isFixed = state.incidents.at(-1)?.fix !== undefined;
  const fresh = isUntried(state, version);
  const attempt = state.attempt + 1;
  const people = command.people ?? state.plan.retry.people;
  const started: RolloutEvent = {
    type: 'AttemptStarted',
    attempt,
    version,
    statistics: state.statistics + (fresh ? 1 : 0),
    ...(people === 'fresh' && { salt: `${state.plan.flag}#${attempt}` }),
    ...(people === 'same' && state.salt !== undefined && { salt: state.salt }),
  };
  // An attempt that ended inside pre-flight skips none of it: the next one begins there again.
  const isAttested = !Object.values(state.preflight).includes(null);
  return accept(
    ...(isFixed ? [] : [{ type: 'OverrideRecorded', what: 'retry with the same version', reason } as const]),
    started,
    ...(isAttested ? beginExposure(state, now) : []),
  );
}

/** Proposes a raise. Whoever proposes the same while it is still open says nothing new: each would be a message to people. */
export function proposeOnce(
  { proposals }: RolloutState,
  wish: Pick<Proposal, 'action' | 'reason' | 'version' | 'people'>,
  by: Principal,
): Decision {
  const isKnown = proposals.some(
    (one) =>
      one.decided === undefined &&
      one.by === by.id &&
      one.action === wish.action &&
      one.version === wish.version &&
      one.people === wish.people,
  );
  return isKnown ? accept() : accept({ type: 'ProposalMade', number: proposals.length + 1, ...wish });
}

export const retry: Handler<Of<'Retry'>> = (state, command, by, now) => {
  const no = lacksRole(by, RAISING, 'retry');
  if (no) return no;
  const outcome = retryNow(state, command, now);
  if (!outcome.ok || (by.kind === 'person' && !state.plan.fourEyes)) return outcome;
  const { reason = 'retry from stage 1', version, people } = command;
  const asked = { ...(version !== undefined && { version }), ...(people !== undefined && { people }) };
  return proposeOnce(state, { action: 'retry', reason, ...asked }, by);
};

function onEffect(
  state: RolloutState,
  number: number,
  by: Principal,
  then: (incident: Incident) => RolloutEvent | undefined,
): Decision {
  const no = lacksRole(by, ['system', 'admin', 'operator'], 'say whether an abort took');
  if (no) return no;
  const incident = state.incidents.find((one) => one.number === number);
  if (!incident) return refuse('INCIDENT_UNKNOWN', `There is no incident ${number}.`);
  const event = then(incident);
  return event === undefined ? accept() : accept(event);
}

export const confirmEffect: Handler<Of<'ConfirmEffect'>> = (state, { type: _type, ...effect }, by) =>
  onEffect(state, effect.incident, by, ({ tookEffectAt }) =>
    tookEffectAt === undefined ? { type: 'AbortTookEffect', ...effect } : undefined,
  );

/** What telemetry says counts only after the SDKs have confirmed: before that, silence may be a process that is not reached. */
export const confirmExposureFell: Handler<Of<'ConfirmExposureFell'>> = (state, { incident, reports }, by) =>
  onEffect(state, incident, by, ({ tookEffectAt, exposureFellAt }) =>
    tookEffectAt !== undefined && exposureFellAt === undefined
      ? { type: 'ExposureFell', incident, reports }
      : undefined,
  );

/** On-call is told once per incident, and never of an abort that is known to have taken. */
export const reportUnconfirmed: Handler<Of<'ReportUnconfirmed'>> = (state, { type: _type, ...effect }, by) =>
  onEffect(state, effect.incident, by, ({ tookEffectAt, exposureFellAt, unconfirmedAt }) => {
    const hasTaken = exposureFellAt !== undefined || (tookEffectAt !== undefined && effect.treated === 0);
    return hasTaken || unconfirmedAt !== undefined ? undefined : { type: 'AbortUnconfirmed', ...effect };
  });
