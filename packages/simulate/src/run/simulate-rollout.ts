import {
  applyAll,
  currentStageName,
  decide,
  openItems,
  openLoop,
  type Plan,
  type Principal,
  RAMPART,
  type RolloutEvent,
  type RolloutLoop,
  type RolloutState,
} from '@rampart/rollout';
import { openChance, seedOfRun } from '../chance/chance.ts';
import { peopleHarmed } from '../site/harm-ledger.ts';
import { openSite, type Site } from '../site/site.ts';
import { harmBegins, isHarmful } from '../world/truth.ts';
import type { World } from '../world/world.ts';
import { modelBaseline } from './model-baseline.ts';
import { openMatters } from './open-matters.ts';
import type { AbortCause, Outcome, PassedStage, SimulatedRun } from './simulated-run.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A Monday morning (UTC): runs do not depend on when they are run. */
const DEFAULT_START_AT = Date.UTC(2026, 0, 5, 9);
/** How many times its planned length a rollout may take before its run is given up. */
const LONGEST_TIMES = 4;
/** Silence that counts as blindness; a batch must be shorter. */
const SILENCE_MS = 5 * MINUTE_MS;

/** How a run is driven. */
export type SimulationOptions = {
  /** Length of a batch: above 0, at most 5 min (scaled with the plan). Default: 1 min. */
  readonly batchMs?: number;
  /** `capture`: the baseline's window is simulated before the first exposure, in batches of 5 min. `model`: it is drawn at once. Default: `model`. */
  readonly baseline?: 'capture' | 'model';
  /** Whether a run goes on after the last stage is reached, until it is complete. Default: `complete`. */
  readonly until?: 'ga' | 'complete';
  /** Simulated time after the first exposure. Default: four times the planned length. */
  readonly longestMs?: number;
  /** Instant of the start, epoch ms. Default: Monday 2026-01-05 09:00 UTC. */
  readonly startAt?: number;
  /** What people do about an undecided stage: nothing (the run ends), or move on. Default: `stop`. */
  readonly undecided?: 'stop' | 'proceed';
};

const STARTER: Principal = { id: 'ana', kind: 'person', roles: ['operator', 'approver'] };
const APPROVER: Principal = { id: 'ben', kind: 'person', roles: ['operator', 'approver'] };

/** Planned length from the first exposure to the exit gate. */
export function plannedMs(plan: Plan): number {
  return plan.stages.reduce((sum, stage) => sum + (stage.durationMs ?? 0), plan.monitorMs);
}

/** Longest batch of a plan: evidence further apart would count as silence. */
export function longestBatchMs(plan: Plan): number {
  return Math.max(2000, SILENCE_MS * plan.timeScale);
}

function openRollout(plan: Plan, at: number): RolloutLoop {
  const created = decide(undefined, { type: 'Create', id: 'simulated', plan, warnings: [] }, STARTER, at);
  const state = created.ok ? applyAll(undefined, created.events, STARTER, at) : undefined;
  if (state === undefined) throw new TypeError(`a rollout cannot be created: ${JSON.stringify(created)}`);
  return openLoop(state);
}

/** Gives whatever waits for a principal now. */
function approveAll(loop: RolloutLoop, at: number): readonly RolloutEvent[] {
  const given: RolloutEvent[] = [];
  const inPreflight = loop.state().phase === 'preflight' ? openItems(loop.state()) : [];
  if (inPreflight.length > 0) {
    // There is nobody to ask, and nothing to look at: in this world all of pre-flight holds.
    const findings = inPreflight.map((item) => ({ item, evidence: 'simulated' }));
    const decision = loop.command({ type: 'CheckPreflight', findings }, RAMPART, at);
    if (decision.ok) given.push(...decision.events);
  }
  for (const item of openItems(loop.state())) {
    const decision = loop.command({ type: 'Approve', item }, APPROVER, at);
    if (decision.ok) given.push(...decision.events);
  }
  return given;
}

/** One run while it goes on. */
type Course = {
  readonly plan: Plan;
  readonly world: World;
  readonly options: SimulationOptions;
  readonly loop: RolloutLoop;
  readonly site: Site;
  readonly startAt: number;
  exposedAt: number | undefined;
  gaAt: number | undefined;
  stageEnteredAt: number;
  now: number;
  batches: number;
  outcome: Outcome | undefined;
  abort: AbortCause | undefined;
  readonly passed: PassedStage[];
  readonly events: { readonly afterMs: number; readonly type: string; readonly why?: string }[];
};

const sinceExposed = ({ exposedAt, now }: Course) => (exposedAt === undefined ? 0 : now - exposedAt);

/** Whether the new variant was harmful on or beyond a line of the stage's gate since the stage was entered. */
function isFalsePass({ plan, world, exposedAt, stageEnteredAt }: Course, index: number): boolean {
  const since = stageEnteredAt - (exposedAt ?? stageEnteredAt);
  const gate = plan.stages[index]?.gate ?? [];
  const crashes = (world.disturbances.crashShare ?? 0) > 0;
  return crashes || gate.some((check) => isHarmful(plan, world, check, 'pass', since));
}

function causeOf(course: Course, event: Extract<RolloutEvent, { type: 'RolloutAborted' }>): AbortCause {
  const { plan, world } = course;
  const { kind, reason, verdict } = event;
  const checks = [
    ...plan.abortCriteria,
    ...plan.stages.flatMap((stage) => stage.gate),
    ...(plan.killSwitch?.trips ?? []),
  ];
  const check = checks.find((one) => one.id === verdict?.check);
  const isTrue =
    check === undefined
      ? kind === 'telemetry-missing' && (world.disturbances.crashShare ?? 0) > 0
      : isHarmful(plan, world, check, 'fail', sinceExposed(course));
  return { kind, reason, isFalse: !isTrue, ...(verdict && { metric: verdict.metric, check: verdict.check }) };
}

function whyOf(event: RolloutEvent): string | undefined {
  if ('reason' in event) return event.reason;
  if ('why' in event) return event.why;
  return 'name' in event ? event.name : undefined;
}

function enter(course: Course, index: number): void {
  course.exposedAt ??= course.now;
  course.stageEnteredAt = course.now;
  if (index === course.plan.stages.length - 1) {
    course.gaAt = course.now;
    if (course.options.until === 'ga') course.outcome = 'completed';
  }
}

function proceed(course: Course): void {
  const { loop, now, options } = course;
  if (options.undecided !== 'proceed') {
    course.outcome = 'undecided';
    return;
  }
  const decision = loop.command({ type: 'Proceed', reason: 'simulated: undecided' }, APPROVER, now);
  if (decision.ok) note(course, decision.events);
  else course.outcome = 'undecided';
}

function noteEvent(course: Course, event: RolloutEvent): void {
  switch (event.type) {
    case 'StagePassed': {
      const isFalse = event.overridden !== true && isFalsePass(course, event.index);
      course.passed.push({ stage: event.name, afterMs: sinceExposed(course), isFalse });
      return;
    }
    case 'StageEntered':
      enter(course, event.index);
      return;
    case 'RolloutAborted':
      course.abort = causeOf(course, event);
      course.outcome = 'aborted';
      return;
    case 'RolloutCompleted':
      course.outcome = 'completed';
      return;
    case 'RolloutHeld':
      course.outcome = 'held';
      return;
    case 'PrincipalAsked':
      proceed(course);
      return;
    default:
  }
}

/** Keeps account of what happened. */
function note(course: Course, events: readonly RolloutEvent[]): void {
  for (const event of events) {
    if (event.type === 'ChecksJudged') continue;
    const why = whyOf(event);
    course.events.push({ afterMs: sinceExposed(course), type: event.type, ...(why !== undefined && { why }) });
    noteEvent(course, event);
  }
}

/** Feeds one batch, and gives what people are asked for. */
function turn(course: Course, batchMs: number): void {
  const { loop, site } = course;
  const fromAt = course.now;
  course.now += batchMs;
  course.batches += 1;
  const batch = site.step(loop.state(), fromAt, course.now, course.exposedAt);
  const events = batch === undefined ? loop.tick(course.now) : loop.feed(batch, course.now);
  if (events.length === 0) return;
  note(course, events);
  if (course.outcome === undefined) note(course, approveAll(loop, course.now));
}

function captureBaseline(course: Course, seed: number): void {
  const { plan, world, loop, options } = course;
  const until = course.startAt + LONGEST_TIMES * Math.max(DAY_MS, plan.baseline.windowMs);
  if (options.baseline !== 'capture' && loop.state().phase === 'baseline') {
    const baseline = modelBaseline(plan, world, openChance(seedOfRun(seed, 1)), course.now);
    const decision = loop.command({ type: 'CaptureBaseline', baseline }, RAMPART, course.now);
    if (decision.ok) note(course, decision.events);
  }
  const batchMs = longestBatchMs(plan);
  while (loop.state().phase === 'baseline' && course.now < until) turn(course, batchMs);
}

/** Whether harm on or beyond a line that a pass would deny has begun. */
function isLetThrough(course: Course): boolean {
  const begins = harmBegins(course.plan, course.world, 'pass');
  return begins !== undefined && begins < sinceExposed(course);
}

/** What a run that came to no end of its own waited for, and since when it was blind. */
function stuckAt(
  { loop, now, exposedAt }: Course,
  state: RolloutState,
): Pick<SimulatedRun, 'waiting' | 'blindAfterMs'> {
  const { blindSince } = state;
  return {
    waiting: openMatters(state, loop.judge(now), now),
    ...(blindSince !== undefined && exposedAt !== undefined && { blindAfterMs: Math.max(0, blindSince - exposedAt) }),
  };
}

function finish(course: Course, state: RolloutState, seed: number): SimulatedRun {
  const { plan, world, site, exposedAt, now, abort, gaAt } = course;
  const outcome = course.outcome ?? 'unfinished';
  const begins = harmBegins(plan, world, 'fail');
  const harmAt = begins === undefined || exposedAt === undefined ? undefined : exposedAt + begins;
  const isHarmed = harmAt !== undefined && harmAt < now;
  return {
    seed,
    outcome,
    stage: state.history.at(-1)?.name ?? currentStageName(state),
    afterMs: sinceExposed(course),
    ...(abort && { abort }),
    ...(outcome !== 'completed' && outcome !== 'aborted' && stuckAt(course, state)),
    ...(abort && isHarmed && { detectionMs: now - harmAt }),
    ...(gaAt !== undefined && exposedAt !== undefined && { timeToGaMs: gaAt - exposedAt }),
    passed: course.passed,
    isFalsePass: outcome === 'completed' && isLetThrough(course),
    isHarmed,
    exposed: Math.round(site.ledger.exposed),
    harmed: peopleHarmed(site.ledger),
    excessEvents: site.ledger.events,
    excess: site.ledger.excess,
    batches: course.batches,
    events: course.events,
  };
}

/**
 * One rollout of a plan on a simulated site, driven through the real core from creation to its end: pre-flight items and
 * confirmations are given when they are asked for, everything else is decided by the core. The same seed gives the same run.
 * Throws `RangeError` for a batch longer than the core takes for silence.
 */
export function simulateRollout(plan: Plan, world: World, seed: number, options: SimulationOptions = {}): SimulatedRun {
  const { batchMs = MINUTE_MS, startAt = DEFAULT_START_AT, longestMs = LONGEST_TIMES * plannedMs(plan) } = options;
  const most = longestBatchMs(plan);
  if (!(batchMs > 0 && batchMs <= most)) {
    throw new RangeError(`received batches of ${batchMs} ms; give more than 0 and at most ${most} ms`);
  }
  const loop = openRollout(plan, startAt);
  const course: Course = {
    plan,
    world,
    options,
    loop,
    site: openSite(plan, world, seed, startAt, plannedMs(plan)),
    startAt,
    exposedAt: undefined,
    gaAt: undefined,
    stageEnteredAt: startAt,
    now: startAt,
    batches: 0,
    outcome: undefined,
    abort: undefined,
    passed: [],
    events: [],
  };
  loop.command({ type: 'Start' }, STARTER, startAt);
  for (let round = 0; round < 2 && loop.state().phase === 'preflight'; round += 1) approveAll(loop, startAt);
  captureBaseline(course, seed);
  while (course.outcome === undefined && sinceExposed(course) < longestMs) {
    if (course.exposedAt === undefined && course.now - startAt > longestMs) break;
    turn(course, batchMs);
  }
  return finish(course, loop.state(), seed);
}
