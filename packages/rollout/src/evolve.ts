import { freshWindowMs } from './decide/cadence.ts';
import type { EventRecord, RolloutEvent } from './event.ts';
import { type Evolver, type OfEvent as Of, RECORD_EVOLVERS } from './evolve-records.ts';
import { shutGates, shutSince } from './external-gates.ts';
import { recentOverlaps } from './overlap.ts';
import { RAMPART } from './principal.ts';
import type { Incident, Issue, RolloutState, StageRecord, StageRun } from './state.ts';

/** Stops the served-time clock of the running stage at an instant (never before it last started). */
function stopCounting(stage: StageRun | undefined, at: number): StageRun | undefined {
  if (stage?.countingSince === undefined) return stage;
  const { countingSince, ...rest } = stage;
  return { ...rest, servedMs: stage.servedMs + Math.max(0, at - countingSince) };
}

/**
 * Sight was lost at an instant in the past: what was counted since does not count after all. A hold or a gate may have stopped the
 * clock in between; time before it that may not have been seen is taken back too, rather too much than too little.
 */
function uncountSince(state: RolloutState, since: number): RolloutState {
  const stage = stopCounting(state.stage, since);
  if (stage === undefined) return state;
  const unseen = Math.max(0, (state.hold?.at ?? since) - since, (shutSince(state) ?? since) - since);
  const servedMs = Math.max(0, Math.min(stage.servedMs - unseen, since - stage.enteredAt));
  return { ...state, stage: { ...stage, servedMs } };
}

/** Starts the served-time clock again unless something still stops it. */
function startCounting(state: RolloutState, at: number): RolloutState {
  const stopped = state.hold !== undefined || state.blindSince !== undefined || state.dataInvalid !== undefined;
  if (stopped || shutGates(state).length > 0 || state.stage === undefined || state.stage.countingSince !== undefined)
    return state;
  return { ...state, stage: { ...state.stage, countingSince: at } };
}

function pause(state: RolloutState, at: number): RolloutState {
  const stage = stopCounting(state.stage, at);
  return stage === undefined ? state : { ...state, stage };
}

function without<K extends keyof RolloutState>(state: RolloutState, ...keys: readonly K[]): RolloutState {
  const copy: Record<string, unknown> = { ...state };
  for (const key of keys) delete copy[key];
  return copy as RolloutState;
}

/** What is about the running attempt only and goes with it. */
const OF_AN_ATTEMPT = [
  'stage',
  'hold',
  'blindSince',
  'blindAlertedAt',
  'blindNoticedAt',
  'blindMs',
  'gates',
  'stuckAt',
  'sightSince',
  'monitoringSince',
  'dataInvalid',
  'baselineSince',
] as const;

/** An extended stage may ask again, once the extension is served. */
function withoutAsked(stage: StageRun): StageRun {
  const { askedAt: _asked, ...rest } = stage;
  return rest;
}

function closeRecord(
  state: RolloutState,
  at: number,
  end: Pick<StageRecord, 'result' | 'overriddenBy' | 'metrics'>,
): readonly StageRecord[] {
  return state.history.map((record) => (record.endedAt === undefined ? { ...record, endedAt: at, ...end } : record));
}

function endAttempt(
  state: RolloutState,
  at: number,
  outcome: 'completed' | 'aborted' | 'cancelled',
): RolloutState['attempts'] {
  return state.attempts.map((attempt) =>
    attempt.number === state.attempt && attempt.endedAt === undefined ? { ...attempt, endedAt: at, outcome } : attempt,
  );
}

/** Open proposals lapse with the stage or attempt they are about: approved later they would raise something else. */
function lapsed(proposals: RolloutState['proposals'], at: number): RolloutState['proposals'] {
  return proposals.map((one) =>
    one.decided === undefined ? { ...one, decided: { by: RAMPART.id, at, approved: false } } : one,
  );
}

function abort(state: RolloutState, event: Of<'RolloutAborted'>, at: number, by: string): RolloutState {
  const overlapping = recentOverlaps(state, at);
  const incident: Incident = {
    number: event.incident,
    attempt: state.attempt,
    kind: event.kind,
    reason: event.reason,
    openedAt: at,
    openedBy: by,
    stage: event.stage,
    people: event.people,
    ...(event.verdict && { verdict: event.verdict }),
    ...(event.assignee && { assignee: event.assignee }),
    ...(overlapping.length > 0 && { overlapping }),
  };
  const issue: Issue | undefined =
    event.issue === undefined
      ? undefined
      : {
          number: state.issues.length + 1,
          title: event.issue,
          severity: 'major',
          stageFound: event.stage,
          status: 'open',
        };
  const ended = without(state, ...OF_AN_ATTEMPT);
  return {
    ...ended,
    phase: 'aborted',
    epoch: event.epoch,
    layers: [],
    alerting: [],
    history: closeRecord(state, at, { result: 'rolled-back', metrics: event.metrics }),
    attempts: endAttempt(state, at, 'aborted'),
    incidents: [...state.incidents, incident],
    issues: issue === undefined ? state.issues : [...state.issues, issue],
    failedChecks: [...new Set([...state.failedChecks, ...event.failed])],
    proposals: lapsed(state.proposals, at),
  };
}

function enterStage(state: RolloutState, event: Of<'StageEntered'>, at: number): RolloutState {
  const record: StageRecord = {
    attempt: state.attempt,
    index: event.index,
    name: event.name,
    startedAt: at,
    result: 'in-progress',
    metrics: [],
  };
  const entered: RolloutState = {
    ...without(state, 'blindAlertedAt', 'blindMs', 'gates', 'stuckAt'),
    phase: 'exposing',
    epoch: event.epoch,
    layers: event.layers,
    stage: { index: event.index, enteredAt: at, servedMs: 0, durationMs: event.durationMs },
    // What was not seen of the baseline is no blindness of the stage.
    ...(state.blindSince !== undefined && { blindSince: at, blindNoticedAt: at }),
    sightSince: at,
    history: [...state.history, record],
    verdicts: [],
    proposals: lapsed(state.proposals, at),
  };
  return startCounting(entered, at);
}

function startAttempt(state: RolloutState, event: Of<'AttemptStarted'>, at: number): RolloutState {
  const fresh = event.statistics !== state.statistics;
  const isStarting = event.attempt === 1 || Object.values(state.preflight).includes(null);
  const started: RolloutState = {
    ...without(state, 'salt', 'baselineSince', 'stuckAt', 'cleanup'),
    attempt: event.attempt,
    statistics: event.statistics,
    statisticsFromEpoch: fresh ? state.epoch : state.statisticsFromEpoch,
    failedChecks: fresh ? [] : state.failedChecks,
    attempts: [...state.attempts, { number: event.attempt, version: event.version, startedAt: at }],
    confirmations: {},
    verdicts: [],
    exit: Object.fromEntries(state.plan.exit.map((item) => [item, null])),
    phase: isStarting ? 'preflight' : 'baseline',
    proposals: lapsed(state.proposals, at),
  };
  return event.salt === undefined ? started : { ...started, salt: event.salt };
}

/** New lines ask for evidence that is fresh against them: sight counts from here, so that no advance follows by itself. */
function captureBaseline(state: RolloutState, { baseline }: Of<'BaselineCaptured'>, at: number): RolloutState {
  const captured = { ...without(state, 'baselineSince'), baseline };
  return captured.sightSince === undefined ? captured : { ...captured, sightSince: at };
}

/** A gap is one of several as long as no fresh window of evidence lies between them. */
function loseSight(state: RolloutState, { since }: Of<'SightLost'>, at: number): RolloutState {
  const stage = state.stage && state.plan.stages[state.stage.index];
  const seenMs = since - (state.sightSince ?? since);
  const isWhole = stage === undefined || seenMs >= freshWindowMs(state.plan, stage);
  const before = isWhole ? without(state, 'blindMs') : state;
  return { ...without(uncountSince(before, since), 'sightSince'), blindSince: since, blindNoticedAt: at };
}

function regainSight(state: RolloutState, _event: Of<'SightReturned'>, at: number): RolloutState {
  const { blindSince = at, blindAlertedAt = blindSince, blindMs = 0 } = state;
  const back = without(state, 'blindSince', 'blindAlertedAt', 'blindNoticedAt');
  const missingMs = blindMs + Math.max(0, at - Math.max(blindSince, blindAlertedAt));
  return startCounting({ ...back, sightSince: at, blindMs: missingMs }, at);
}

/** A gate that closes stops the served-time clock where it is one of `during`, and the last of them to open starts it again. */
function answerGate(state: RolloutState, { gate, open, why }: Of<'GateAnswered'>, at: number): RolloutState {
  const before = state.gates?.[gate];
  const since = !open && before?.open === false ? before.at : at;
  const answered = { ...state, gates: { ...state.gates, [gate]: { open, why, at: since } } };
  return shutGates(answered).length > 0 ? pause(answered, at) : startCounting(answered, at);
}

function create(record: EventRecord, event: Of<'RolloutCreated'>): RolloutState {
  return {
    id: event.id,
    plan: event.plan,
    createdAt: record.at,
    createdBy: record.by,
    version: record.version,
    phase: 'draft',
    attempt: 0,
    attempts: [],
    history: [],
    epoch: 0,
    layers: [],
    statistics: 0,
    statisticsFromEpoch: 0,
    preflight: {},
    exit: {},
    confirmations: {},
    killed: false,
    verdicts: [],
    failedChecks: [],
    alerting: [],
    incidents: [],
    issues: [],
    proposals: [],
    overrides: [],
  };
}

const EVOLVERS: { readonly [T in Exclude<RolloutEvent['type'], 'RolloutCreated'>]: Evolver<T> } = {
  PreflightStarted: (state, event, _at, by) => ({
    ...state,
    phase: 'preflight',
    startedBy: by,
    preflight: Object.fromEntries(event.items.map((item) => [item, null])),
    ...(event.recorded && { recorded: event.recorded }),
  }),
  BaselineStarted: (state, _event, at) => ({ ...without(state, 'stuckAt'), phase: 'baseline', baselineSince: at }),
  BaselineCaptured: captureBaseline,
  StageEntered: enterStage,
  StagePassed: (state, event, at, by) => ({
    ...without(pause(state, at), 'stage'),
    history: event.overridden
      ? closeRecord(state, at, { result: 'overridden', overriddenBy: by, metrics: event.metrics })
      : closeRecord(state, at, { result: 'passed', metrics: event.metrics }),
  }),
  ChecksJudged: (state, event) => ({
    ...state,
    verdicts: event.verdicts,
    history: state.history.map((one) => (one.endedAt === undefined ? { ...one, metrics: event.metrics } : one)),
  }),
  AlertRaised: (state, event) => ({ ...state, alerting: [...new Set([...state.alerting, event.check])] }),
  AlertCleared: (state, event) => ({ ...state, alerting: state.alerting.filter((one) => one !== event.check) }),
  DataFoundInvalid: (state, event, at) => ({ ...pause(state, at), dataInvalid: event.why }),
  DataFoundValid: (state, _event, at) => startCounting(without(state, 'dataInvalid'), at),
  GateAnswered: answerGate,
  RolloutHeld: (state, { reason, byPerson }, at, by) => ({
    ...pause(state, at),
    hold: { by, reason, at: state.hold?.at ?? at, ...(byPerson && { byPerson }) },
  }),
  RolloutResumed: (state, _event, at) => startCounting(without(state, 'hold'), at),
  StageExtended: (state, event) =>
    state.stage === undefined
      ? state
      : { ...state, stage: { ...withoutAsked(state.stage), durationMs: state.stage.durationMs + event.byMs } },
  SightLost: loseSight,
  BlindLimitReached: (state, _event, at) => ({ ...without(state, 'blindMs'), blindAlertedAt: at }),
  WatchResumed: (state, _event, at) => ({ ...state, blindNoticedAt: at }),
  SightReturned: regainSight,
  PrincipalAsked: (state, _event, at) =>
    state.stage === undefined ? state : { ...state, stage: { ...state.stage, askedAt: at } },
  KillSwitchTripped: (state) => ({ ...state, killed: true }),
  KillSwitchRearmed: (state) => ({ ...state, killed: false }),
  RolloutAborted: abort,
  AttemptStarted: startAttempt,
  MonitoringStarted: (state, _event, at) => ({ ...state, phase: 'monitoring', monitoringSince: at }),
  RolloutCompleted: (state, event, at) => ({
    ...pause(state, at),
    phase: 'complete',
    verdicts: event.verdicts,
    history: closeRecord(state, at, { result: 'passed', metrics: event.metrics }),
    attempts: endAttempt(state, at, 'completed'),
  }),
  ...RECORD_EVOLVERS,
  RolloutCancelled: (state, _event, at) => ({
    ...without(state, ...OF_AN_ATTEMPT),
    phase: 'cancelled',
    epoch: state.epoch + 1,
    layers: [],
    alerting: [],
    proposals: lapsed(state.proposals, at),
    history: closeRecord(state, at, { result: 'rolled-back', metrics: state.history.at(-1)?.metrics ?? [] }),
    attempts: endAttempt(state, at, 'cancelled'),
  }),
};

/** State after one more event. Total: accepts every event in every state, and reads no clock. */
export function evolve(state: RolloutState | undefined, record: EventRecord): RolloutState {
  if (record.event.type === 'RolloutCreated') return create(record, record.event);
  if (state === undefined) throw new TypeError(`a rollout begins with RolloutCreated, not ${record.event.type}`);
  const apply = EVOLVERS[record.event.type] as Evolver<RolloutEvent['type']>;
  return { ...apply(state, record.event as never, record.at, record.by), version: record.version };
}

/** State that a whole history makes; `undefined` for an empty one. */
export function replay(records: readonly EventRecord[]): RolloutState | undefined {
  return records.reduce<RolloutState | undefined>(evolve, undefined);
}
