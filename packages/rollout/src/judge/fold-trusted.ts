import { companionOf, type EvidenceBatch } from '../evidence.ts';
import type { RolloutState } from '../state.ts';
import {
  type EvidenceState,
  emptyMetricEvidence,
  type Ledger,
  ledgerOf,
  type MeasuringTotals,
} from './evidence-state.ts';
import { foldInto } from './fold-evidence.ts';
import { distrustOf } from './judge-trust.ts';
import { planChecksOf } from './plan-checks.ts';
import { prepareBatch } from './prepare-batch.ts';
import type { MetricBatch, PreparedBatch } from './prepared-batch.ts';
import { total } from './tally.ts';

/** Most price books remembered: processes of a few versions report at once while a deployment goes on. */
const MOST_PRICE_BOOKS = 5;

const NO_TOTALS: MeasuringTotals = { unmeasured: 0, sampled: 0, rates: 0, cost: 0 };

/** Removes what was gathered from a judge: it was found to have drifted, and nobody knows since when. */
function voidMetric(into: Ledger, metric: string, state: RolloutState): void {
  const plan = planChecksOf(state).metrics.find((one) => one.metric.name === metric);
  const own = new Set(plan?.streams.map(({ stream }) => stream.key));
  // A record of its own: where sums are found is remembered by the record that holds them.
  into.streams = Object.fromEntries(Object.entries(into.streams).filter(([key]) => !own.has(key)));
  for (const check of plan?.trips ?? []) delete into.trips[check.id];
  into.metrics[metric] = emptyMetricEvidence();
}

/** Metrics of a batch without those whose judge could not be trusted while it was open. */
function trustedIn(batch: PreparedBatch, state: RolloutState): PreparedBatch {
  const isTrusted = ([metric]: readonly [string, MetricBatch]) => {
    const driftedAt = state.judges?.[metric]?.driftedAt;
    return distrustOf(state, metric) === undefined && (driftedAt === undefined || driftedAt < batch.fromAt);
  };
  const metrics = Object.entries(batch.metrics);
  const trusted = metrics.filter(isTrusted);
  return trusted.length === metrics.length ? batch : { ...batch, metrics: Object.fromEntries(trusted) };
}

/** Observations of a companion series, and their sum, over all arms. */
function sumOf(batch: MetricBatch | undefined): { readonly count: number; readonly sum: number } {
  const arms = [
    ...(batch?.strata ?? []).flatMap(({ treatment, control }) => [treatment, control]),
    ...(batch?.targeted ?? []).map(({ sums }) => sums),
  ];
  return {
    count: arms.reduce((count, { n }) => count + total(n), 0),
    sum: arms.reduce((sum, { x }) => sum + total(x), 0),
  };
}

/** How metrics were measured: in the running stage, but for costs, which are those of the whole rollout. */
function foldMeasuring(into: Ledger, batch: PreparedBatch, state: RolloutState, isNewEpoch: boolean): void {
  if (isNewEpoch && into.measuring !== undefined) {
    const ofBefore = Object.entries(into.measuring);
    into.measuring = Object.fromEntries(ofBefore.map(([name, { cost }]) => [name, { ...NO_TOTALS, cost }]));
  }
  for (const metric of Object.keys(state.plan.metrics)) {
    const unmeasured = batch.metrics[companionOf(metric, 'unmeasured')];
    const sampling = batch.metrics[companionOf(metric, 'sampling')];
    const cost = batch.metrics[companionOf(metric, 'cost')];
    if (unmeasured === undefined && sampling === undefined && cost === undefined) continue;
    const before = into.measuring?.[metric] ?? NO_TOTALS;
    const rates = sumOf(sampling);
    const after = {
      unmeasured: before.unmeasured + sumOf(unmeasured).count,
      sampled: before.sampled + rates.count,
      rates: before.rates + rates.sum,
      cost: before.cost + sumOf(cost).sum,
    };
    into.measuring = { ...into.measuring, [metric]: after };
  }
  if (batch.priceBooks !== undefined) {
    into.priceBooks = [...new Set([...(into.priceBooks ?? []), ...batch.priceBooks])].slice(-MOST_PRICE_BOOKS);
  }
}

/**
 * Folds a batch into a ledger in place, as far as it can be trusted: scores of a judge that is not calibrated are left out,
 * and those gathered before a drift was found go with it. Every fold goes through here.
 */
export function foldTrusted(into: Ledger, batch: PreparedBatch, state: RolloutState): void {
  if (batch.seq <= into.throughSeq) return;
  const freshAt = into.freshAt ?? Number.NEGATIVE_INFINITY;
  for (const metric of Object.keys(state.plan.judges ?? {})) {
    const driftedAt = state.judges?.[metric]?.driftedAt;
    if (driftedAt !== undefined && driftedAt >= freshAt) voidMetric(into, metric, state);
  }
  const isNewEpoch = into.epoch !== state.epoch || into.statistics !== state.statistics;
  foldInto(into, state.plan.judges === undefined ? batch : trustedIn(batch, state), state);
  foldMeasuring(into, batch, state, isNewEpoch);
}

/**
 * Evidence after one more batch. Batches are folded in the order of `seq`, each once; one that was folded already
 * changes nothing. `state` is the rollout when the batch was closed.
 */
export function foldEvidence(evidence: EvidenceState, batch: EvidenceBatch, state: RolloutState): EvidenceState {
  if (batch.seq <= evidence.throughSeq) return evidence;
  const ledger = ledgerOf(evidence);
  foldTrusted(ledger, prepareBatch(batch), state);
  return ledger;
}
