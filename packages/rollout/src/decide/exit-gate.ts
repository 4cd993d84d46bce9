import { formatElapsedUp } from '../plan/duration.ts';
import type { Check, Metric } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Judgement, Verdict } from '../verdict.ts';
import { CLEANUP_SCHEDULED, DOCS_UPDATED, isGivenUp, SELF_CHECKED_EXIT, withoutItem } from './exit-items.ts';
import { stageOf } from './exposure.ts';
import { servedMs } from './served.ts';

/** One line of the exit gate. */
export type ExitItem = {
  readonly item: string;
  readonly isMet: boolean;
  /** What is known of it, or what it lacks, in words. */
  readonly detail: string;
  /** Words after `rampart` that give it. Absent where nobody has to do anything. */
  readonly how?: readonly string[];
};

/** A check without a measurement: no failure is not the same as quiet. */
const UNSEEN: readonly Verdict['status'][] = ['no-data', 'error'];

/** Checks that must be quiet through monitoring: those with consequences, optional ones and those given up left out. */
function quietChecks(state: RolloutState): readonly Check[] {
  const { abortCriteria, killSwitch } = state.plan;
  const all = [...abortCriteria, ...(killSwitch?.trips ?? []), ...(stageOf(state)?.gate ?? [])];
  return all.filter(({ optional, metric }) => !optional && !isGivenUp(state, metric));
}

/** Metrics of checks with consequences that nothing measures, as last judged. */
export function unmeasuredMetrics(state: RolloutState, verdicts: readonly Verdict[]): readonly string[] {
  if (state.phase !== 'monitoring') return [];
  const checks = new Set(quietChecks(state).map(({ id }) => id));
  const unseen = verdicts.filter(({ check, status }) => checks.has(check) && UNSEEN.includes(status));
  return [...new Set(unseen.map(({ metric }) => metric))];
}

/** What a check still has to see after the quiet time is served, in words: data that comes late, and a count's whole window. */
function lateWait(check: Check, metric: Metric, judgement: Judgement | undefined, served: Served): string | undefined {
  const { lagMs, name, kind } = metric;
  const windowMs = check.limit.kind === 'count' ? check.limit.windowMs : 0;
  const windowLeft = windowMs + lagMs - served.ms;
  if (windowLeft > Math.max(0, lagMs - served.overMs))
    return `the whole window of ${name}: ${formatElapsedUp(windowLeft)} more`;
  if (served.overMs < lagMs) return `late data of ${name}: ${formatElapsedUp(lagMs - served.overMs)} more`;
  if (lagMs === 0 || kind === 'count') return undefined;
  const isIn = (judgement?.seenAt[name] ?? 0) >= served.endAt + lagMs;
  return isIn ? undefined : `${name}, which has not reported for the end of the quiet time`;
}

/** Time served, time beyond what was to serve, and when that was reached. */
type Served = { readonly ms: number; readonly overMs: number; readonly endAt: number };

function servedOf(state: RolloutState, now: number): Served | undefined {
  if (state.stage === undefined || state.phase !== 'monitoring') return undefined;
  const ms = servedMs(state, now);
  const overMs = ms - state.stage.durationMs;
  return overMs < 0 ? undefined : { ms, overMs, endAt: now - overMs };
}

/** What must still arrive once the quiet time is served, in words: what a metric says late of its end, and a count's whole window. */
export function stillToCome(state: RolloutState, judgement: Judgement | undefined, now: number): readonly string[] {
  const served = servedOf(state, now);
  if (served === undefined) return [];
  const waits = quietChecks(state).flatMap((check) => {
    const metric = state.plan.metrics[check.metric];
    return metric === undefined ? [] : (lateWait(check, metric, judgement, served) ?? []);
  });
  return [...new Set(waits)];
}

/** Exit items that somebody has yet to give. */
export function openExitItems(state: RolloutState): readonly string[] {
  return Object.keys(state.exit).filter((item) => state.exit[item] === null && !SELF_CHECKED_EXIT.includes(item));
}

/**
 * The exit gate as a list: each item of the plan, met or with what it lacks and how to give it, and metrics that keep the quiet
 * time open because nothing measures them. `waiting`: what `waitingFor` says now.
 */
export function exitGateOf(
  state: RolloutState,
  judgement: Judgement | undefined,
  waiting: readonly string[],
): readonly ExitItem[] {
  const unmeasured = unmeasuredMetrics(state, judgement?.verdicts ?? state.verdicts);
  const items = Object.entries(state.exit);
  // What is not in the plan is a metric that a person has ended without.
  const isOwn = (item: string) => state.plan.exit.includes(item);
  const gate = items.filter(([item]) => isOwn(item)).map(([item]) => exitItem(state, item, waiting));
  const givenUp = items.flatMap(([item, given]) =>
    given && !isOwn(item) ? [{ item, isMet: true, detail: `${given.by}: ${given.note ?? given.evidence}` }] : [],
  );
  const lacking = unmeasured.map((metric) => ({
    item: `${metric} measured`,
    isMet: false,
    detail: 'nothing measures it now; bring its source back, or end without it and say why',
    how: ['approve', state.id, withoutItem(metric), '--note', '…'],
  }));
  return [...gate, ...givenUp, ...lacking];
}

function exitItem(state: RolloutState, item: string, waiting: readonly string[]): ExitItem {
  if (item === 'ga-stable') return gaStable(state, waiting);
  if (item === 'no-abort') return noAbort(state);
  const given = state.exit[item];
  if (given) return { item, isMet: true, ...givenWords(state, item, given) };
  return { item, isMet: false, ...lackWords(state, item) };
}

function gaStable(state: RolloutState, waiting: readonly string[]): ExitItem {
  const item = 'ga-stable';
  if (state.phase === 'complete') return { item, isMet: true, detail: 'the quiet time was served' };
  const own = waiting.filter((wait) => !wait.startsWith('exit item '));
  if (own.length === 0) return { item, isMet: true, detail: 'the quiet time is served, every check with it' };
  return { item, isMet: false, detail: `waits for ${own.join('; ')}` };
}

function noAbort({ attempt, attempts, phase }: RolloutState): ExitItem {
  const earlier = attempts.filter(({ outcome }) => outcome === 'aborted').length;
  const before =
    earlier === 0
      ? ''
      : `; ${earlier} earlier ${earlier === 1 ? 'attempt was' : 'attempts were'} aborted, see the report`;
  const isMet = phase === 'monitoring' || phase === 'complete';
  return {
    item: 'no-abort',
    isMet,
    detail: `attempt ${attempt} ${isMet ? 'reached 100 % without an abort' : 'has not reached 100 %'}${before}`,
  };
}

function givenWords(state: RolloutState, item: string, given: { readonly by: string; readonly evidence?: string }) {
  const { by, evidence } = given;
  if (item === CLEANUP_SCHEDULED && state.cleanup) return { detail: `by ${by}: ${cleanupWords(state.cleanup)}` };
  if (item !== DOCS_UPDATED || evidence !== undefined)
    return { detail: `by ${by}${evidence === undefined ? '' : `: ${evidence}`}` };
  return { detail: `by ${by}, without a link`, how: ['approve', state.id, item, '--evidence', 'LINK'] };
}

/** When a flag is to be removed and by whom: `due 2026-03-01, by team-web`. */
function cleanupWords({ dueAt, owner }: NonNullable<RolloutState['cleanup']>): string {
  return `due ${new Date(dueAt).toISOString().slice(0, 10)}${owner === undefined ? '' : `, by ${owner}`}`;
}

function lackWords({ id, plan }: RolloutState, item: string): Pick<ExitItem, 'detail' | 'how'> {
  if (item === DOCS_UPDATED) {
    return { detail: 'somebody says where the documentation is', how: ['approve', id, item, '--evidence', 'LINK'] };
  }
  if (item === CLEANUP_SCHEDULED) {
    return { detail: 'somebody says when the flag goes', how: ['flag', 'cleanup', plan.flag, '--by', 'DATE'] };
  }
  return { detail: 'somebody says so', how: ['approve', id, item] };
}
