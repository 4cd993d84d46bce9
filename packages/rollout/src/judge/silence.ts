import { metricSilenceMs, silenceMs } from '../decide/cadence.ts';
import { stageOf } from '../decide/exposure.ts';
import { formatElapsed } from '../plan/duration.ts';
import { pluralOf } from '../plan/format-limit.ts';
import type { Metric } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { EvidenceState } from './evidence-state.ts';

/** How long nothing at all, or one metric, has been silent; absent while it is not for too long. */
type Silence = { readonly forMs: number; readonly isAll: boolean };

function longSilence(metric: Metric, evidence: EvidenceState, state: RolloutState, now: number): Silence | undefined {
  const stage = stageOf(state);
  const enteredAt = state.stage?.enteredAt ?? now;
  const quiet = now - Math.max(evidence.freshAt ?? 0, enteredAt);
  if (quiet > silenceMs(state.plan)) return { forMs: quiet, isAll: true };
  if (stage === undefined || metric.kind === 'count') return undefined;
  const own = evidence.metrics[metric.name];
  const forMs = now - Math.max(own?.quietFrom ?? own?.lastAt ?? 0, enteredAt, state.sightSince ?? 0);
  return forMs > metricSilenceMs(state.plan, stage, metric) ? { forMs, isAll: false } : undefined;
}

/** Whether a metric cannot be seen now: nothing arrives at all, or it has been silent while its source is alive. */
export function isSilent(metric: Metric, evidence: EvidenceState, state: RolloutState, now: number): boolean {
  const { freshAt } = evidence;
  const lastAt = metric.kind === 'count' ? freshAt : evidence.metrics[metric.name]?.lastAt;
  // Most looks: something arrived just now.
  if (freshAt !== undefined && lastAt !== undefined && now - Math.min(freshAt, lastAt) <= silenceMs(state.plan)) {
    return false;
  }
  return longSilence(metric, evidence, state, now) !== undefined;
}

/** As `isSilent`, in words. */
export function silenceOf(metric: Metric, evidence: EvidenceState, state: RolloutState, now: number) {
  const silence = longSilence(metric, evidence, state, now);
  if (silence === undefined) return undefined;
  const time = formatElapsed(silence.forMs);
  return silence.isAll
    ? `no evidence for ${time}`
    : `no ${metric.name} from exposed ${pluralOf(metric.per)} for ${time}`;
}
