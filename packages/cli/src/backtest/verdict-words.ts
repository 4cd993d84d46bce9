import type { CheckHistory, Plan, TrialReport } from '@rampart/rollout';
import { formatDate, formatLength, formatMoment, NOTHING } from '../output/format.ts';
import { oneLine, plural } from '../output/text.ts';

/** How instants are told. */
export type When = (at: number) => string;

/** To the minute; to the second where the plan's durations are scaled down, as in a demo. */
export function whenOf(timeScale: number): When {
  return timeScale < 1 ? (at) => `${formatMoment(at)} UTC` : formatDate;
}

type Abort = TrialReport['aborts'][number];

/** An abort in words: `Mon 2026-01-05 14:10 UTC for p99Latency in canary (p99Latency breaches 2x baseline)`. */
export function abortWords(
  { at, metric, kind, stage, reason }: Pick<Abort, 'at' | 'metric' | 'kind' | 'stage' | 'reason'>,
  when: When = formatDate,
): string {
  const where = stage === 'history' ? '' : ` in ${oneLine(stage)}`;
  return `${when(at)} for ${oneLine(metric ?? kind)}${where} (${oneLine(reason)})`;
}

/** How an abort compares with what became of its attempt. */
function againstReality({ at, realAbortAt, isFalse }: Abort): string {
  if (isFalse) return 'false alarm, that attempt was never aborted';
  if (realAbortAt === undefined || realAbortAt === at) return 'as it was';
  const length = formatLength(Math.abs(realAbortAt - at));
  return realAbortAt > at ? `${length} earlier than it was` : `${length} after it was`;
}

/** What a plan would have done, one line each; `would` is how its aborts are told: `aborted`, `would have aborted`. */
export function trialLines(report: TrialReport, would: string, when: When): readonly string[] {
  const aborts = report.aborts.map((abort) => `${would} ${abortWords(abort, when)}: ${againstReality(abort)}`);
  const missed = report.missed.map(({ at, reason }) => `misses the abort of ${when(at)} (${oneLine(reason)})`);
  return [...aborts, ...missed];
}

/** `2 false alarms in 30 d`. */
export function falseAlarms(aborts: readonly { readonly isFalse: boolean }[], judgedMs: number): string {
  return `${plural(aborts.filter(({ isFalse }) => isFalse).length, 'false alarm')} in ${formatLength(judgedMs)}`;
}

/** Stages that are named one by one. */
const NAMED = 3;

/** Tier of a check; of a gate with the stages that have it: `gate of canary, beta`. */
export function tierWords({ check, tier }: Pick<CheckHistory, 'check' | 'tier'>, plans: readonly Plan[]): string {
  if (tier !== 'gate') return tier;
  const stages = plans.flatMap((plan) => plan.stages.filter(({ gate }) => gate.some(({ id }) => id === check)));
  const names = [...new Set(stages.map(({ name }) => oneLine(name)))];
  if (names.length === 0) return tier;
  return `gate of ${names.length > NAMED ? plural(names.length, 'stage') : names.join(', ')}`;
}

/** A check as people name it, by its id: its metric and limit. */
export function nameOf(id: string, checks: readonly CheckHistory[]): string {
  const check = checks.find((one) => one.check === id);
  return oneLine(check === undefined ? id : `${check.metric} ${check.limit}`);
}

/** What one check said over the whole time: `fails Mon 2026-01-05 14:10 UTC`, `passes …`, or how far it got. */
export function checkWords(check: CheckHistory | undefined, when: When = formatDate): string {
  if (check === undefined) return NOTHING;
  const { firstFailAt, firstPassAt, furthest, alarms } = check;
  const again = alarms > 1 ? `, ${alarms} times` : '';
  if (firstFailAt !== undefined) return `✖ fails ${when(firstFailAt)}${again}`;
  if (firstPassAt !== undefined) return `✔ passes ${when(firstPassAt)}`;
  return furthest === 'inconclusive' ? '~ inconclusive' : `… ${furthest}`;
}
