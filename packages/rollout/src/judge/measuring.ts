import type { Metric } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import type { MetricSnapshot } from '../verdict.ts';
import type { EvidenceState } from './evidence-state.ts';

/** What judging a metric cost so far, its calibrations included, in USD. */
export function judgingCostOf(metric: string, evidence: EvidenceState, state: RolloutState): number {
  return (evidence.measuring?.[metric]?.cost ?? 0) + (state.judges?.[metric]?.cost ?? 0);
}

/** How a metric was measured, for its snapshot; nothing where no source says so. */
export function measuringOf(
  { name, unit }: Metric,
  evidence: EvidenceState,
  state: RolloutState,
): Pick<MetricSnapshot, 'measuring'> {
  const { unmeasured = 0, sampled = 0, rates = 0 } = evidence.measuring?.[name] ?? {};
  const cost = judgingCostOf(name, evidence, state);
  const priceBook = unit === 'USD' ? evidence.priceBooks?.join(', ') : undefined;
  const measuring = {
    ...(unmeasured > 0 && { unmeasured }),
    ...(sampled > 0 && { samplingRate: rates / sampled }),
    ...(cost > 0 && { cost }),
    ...(priceBook !== undefined && { priceBook }),
  };
  return Object.keys(measuring).length === 0 ? {} : { measuring };
}

/** A judge that has cost its budget. Amounts in USD. */
type SpentBudget = { readonly metric: string; readonly cost: number; readonly budget: number };

/** Judges whose budget is spent and of which nobody was told yet. */
export function newlySpent(state: RolloutState, costOf: (metric: string) => number): readonly SpentBudget[] {
  return Object.entries(state.plan.judges ?? {}).flatMap(([metric, { budget }]) => {
    if (budget === undefined || state.spentJudges?.includes(metric)) return [];
    const cost = costOf(metric);
    return cost < budget ? [] : [{ metric, cost, budget }];
  });
}
