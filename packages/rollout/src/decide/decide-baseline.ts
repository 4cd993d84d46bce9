import { originOf } from '../baseline/origin.ts';
import type { RolloutCommand } from '../command.ts';
import type { RolloutEvent } from '../event.ts';
import { checksOf } from '../judge/evidence-state.ts';
import type { Check } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { Baseline, BaselineMetric, Verdict } from '../verdict.ts';
import { accept, type Decision, type Handler, lacksReason, lacksRole, notIn, refuse } from './decision.ts';
import { beginExposure, hasControl } from './exposure.ts';

type Capture = Extract<RolloutCommand, { type: 'CaptureBaseline' }>;

/** Part of the observations of a metric so far that new ones must reach: fewer would only widen its bounds. */
const LEAST_PART = 0.1;
/** Part of the evidence that would end the attempt from which the lines it is held against may not be moved. */
const DISPUTED_PART = 0.5;

/**
 * The first baseline, which ends the wait for it, or a new version of it. A new version changes the lines of checks and nothing
 * else: exposure stays, and an advance needs a fresh window of evidence after it (docs/decisions/0013).
 */
export const captureBaseline: Handler<Capture> = (state, command, by, now) => {
  const isFirst = state.baseline === undefined;
  const what = isFirst ? 'capture the baseline' : 're-capture the baseline';
  const no =
    lacksRole(by, ['system', 'admin', 'operator', 'observer'], what) ??
    notIn(state, isFirst ? ['baseline'] : ['baseline', 'exposing', 'monitoring'], what);
  if (no) return no;
  if (!isFirst) return recapture(state, state.baseline, command);
  const baseline = numbered(command.baseline, 1);
  const captured: RolloutEvent = { type: 'BaselineCaptured', baseline };
  return accept(captured, ...beginExposure({ ...state, baseline }, now));
};

function numbered(baseline: Baseline, version: number): Baseline {
  const metrics = Object.entries(baseline.metrics).map(([name, metric]) => {
    const { origin } = metric;
    return [name, origin === undefined ? metric : { ...metric, origin: { ...origin, version } }];
  });
  return { ...baseline, version, source: baseline.source ?? 'live', metrics: Object.fromEntries(metrics) };
}

function recapture(state: RolloutState, before: Baseline, command: Capture): Decision {
  const { baseline, reason } = command;
  const no = lacksReason(reason, 're-capture the baseline') ?? withoutOldVariant(state, baseline);
  if (no) return no;
  const disputed = evidenceOfHarm(state, command.verdicts ?? state.verdicts);
  if (disputed !== undefined) return refuse('EVIDENCE_OF_HARM', disputed);
  const taken = Object.entries(baseline.metrics).filter(([name, { count }]) => count >= leastCount(before, name));
  if (taken.length === 0) return refuse('BASELINE_UNAVAILABLE', tooLittle(before, baseline));
  const version = (before.version ?? 1) + 1;
  const captured = numbered({ ...baseline, metrics: Object.fromEntries(taken) }, version);
  return accept({
    type: 'BaselineCaptured',
    baseline: { ...captured, metrics: { ...kept(before), ...captured.metrics } },
    ...(reason !== undefined && { reason }),
  });
}

/** A new baseline of live traffic comes from those who see the old variant, never from treatment. */
function withoutOldVariant(state: RolloutState, { source }: Baseline): Decision | undefined {
  const isExposed = state.phase !== 'baseline' && !hasControl(state.layers);
  if (!isExposed || source === 'history') return undefined;
  return refuse(
    'BASELINE_UNAVAILABLE',
    `Nobody is in control in stage ${state.plan.stages[state.stage?.index ?? 0]?.name ?? ''}, and no source has a history of the metrics of this plan: a baseline is never taken from treatment. Bind metrics to a source with history, or keep a hold-back.`,
  );
}

/** Why the lines may not be moved now: what has been counted against them is well on its way to end the attempt. */
function evidenceOfHarm(state: RolloutState, verdicts: readonly Verdict[]): string | undefined {
  const checks = checksOf(state);
  const found = verdicts.find(({ check, tier, status, logEFail, failAt }) => {
    return (
      usesBaseline(checks.get(check), state) &&
      tier !== 'alert' &&
      (status === 'fail' || logEFail >= DISPUTED_PART * failAt)
    );
  });
  if (found === undefined) return undefined;
  const share = found.status === 'fail' ? 'fails' : `has ${Math.floor((100 * found.logEFail) / found.failAt)} %`;
  const of = found.status === 'fail' ? '' : ' of the evidence it needs to fail';
  return `${found.metric} against ${found.limit} ${share}${of}: its line may not be moved away from that. Abort, or let the check decide.`;
}

/** Rates fall back on the baseline where there is no control. */
function usesBaseline(check: Check | undefined, { plan }: RolloutState): boolean {
  if (check?.limit.kind !== 'relative') return false;
  const kind = plan.metrics[check.metric]?.kind;
  return check.limit.reference === 'baseline' || kind === 'rate' || kind === 'count';
}

function leastCount(before: Baseline, name: string): number {
  return LEAST_PART * (before.metrics[name]?.count ?? 0);
}

function tooLittle(before: Baseline, { metrics }: Baseline): string {
  const [name, one] = Object.entries(metrics)[0] ?? [];
  if (name === undefined || one === undefined) {
    return 'No metric has been observed of those who see the old variant, and none is in a history: there is nothing to take a baseline from.';
  }
  const { count = 0 } = before.metrics[name] ?? {};
  return `${name} has ${one.count} observations, and the baseline in force rests on ${count}; a new one needs at least a tenth of that. Wait for more evidence.`;
}

/** What the version before says stays for metrics that are not taken anew: a baseline never gets poorer. */
function kept(before: Baseline): Readonly<Record<string, BaselineMetric>> {
  return Object.fromEntries(
    Object.entries(before.metrics).map(([name, metric]) => [name, { ...metric, origin: originOf(before, name) }]),
  );
}
