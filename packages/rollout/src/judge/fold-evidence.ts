import { FULL_WEIGHT } from '@rampart/flags';
import { updateDeficit, updateSampleRatio } from '@rampart/stats';
import { restartEveryMs, silenceMs } from '../decide/cadence.ts';
import type { EvidenceBatch, UserCount } from '../evidence.ts';
import type { Check } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import { type Histogram, type MetricBatch, metricBatch, ofEpoch } from './arm-sums.ts';
import {
  type CheckEvidence,
  checksOf,
  type EvidenceState,
  type MetricEvidence,
  NO_CHECK_EVIDENCE,
  NO_EVIDENCE,
  NO_METRIC_EVIDENCE,
} from './evidence-state.ts';
import { foldMetric } from './fold-metric.ts';
import { foldOccurrences, withOccurrences } from './fold-occurrences.ts';
import { type MethodContext, methodOf } from './method.ts';
import { foldPlainRule } from './plain-rule.ts';
import { plus, total } from './tally.ts';

/** Live restarts of the late-onset mixture; an older one is dropped, which only costs power (its e-value counts as 0). */
const LIVE_RESTARTS = 6;
const QUARTERS = 4;
/** Control observations of the running stage after which quantile cuts come from it alone, so that old noise is forgotten. */
const ENOUGH_FOR_CUT = 1000;

/** Evidence that belongs to the rollout as it is now: a new lineage begins empty, a new stage begins its pass sides afresh. */
function aligned(evidence: EvidenceState, state: RolloutState, at: number): EvidenceState {
  if (evidence.statistics === state.statistics && evidence.epoch === state.epoch) return evidence;
  const isNewLineage = evidence.statistics !== state.statistics && evidence.statistics !== 0;
  const base = isNewLineage ? { ...NO_EVIDENCE, throughSeq: evidence.throughSeq, metrics: evidence.metrics } : evidence;
  const checks = Object.fromEntries(
    Object.entries(base.checks).map(([id, check]) => [id, { ...check, pass: [], marks: [], window: [], broken: 0 }]),
  );
  const metrics = Object.fromEntries(
    Object.entries(base.metrics).map(([name, metric]) => [
      name,
      { ...NO_METRIC_EVIDENCE, controlSoFar: isNewLineage ? {} : metric.controlSoFar },
    ]),
  );
  const { freshAt, gap } = evidence;
  return restarted(
    {
      ...base,
      statistics: state.statistics,
      epoch: state.epoch,
      stageSince: at,
      quarter: 0,
      checks,
      metrics,
      assignment: [],
      deficit: [],
      assigned: {},
      peopleNow: NO_EVIDENCE.peopleNow,
      ...(freshAt !== undefined && { freshAt }),
      ...(gap !== undefined && { gap }),
    },
    at,
  );
}

/** Starts one more process of the late-onset mixture in every check. */
function restarted(evidence: EvidenceState, at: number): EvidenceState {
  if (Object.keys(evidence.checks).length === 0) return { ...evidence, restartedAt: at };
  const index = evidence.restarts + 1;
  const checks = Object.fromEntries(
    Object.entries(evidence.checks).map(([id, check]) => [
      id,
      { ...check, restarts: [...check.restarts, { index, at, tally: check.fail }].slice(-LIVE_RESTARTS) },
    ]),
  );
  return { ...evidence, checks, restarts: index, restartedAt: at };
}

/** Marks the ends of stage quarters, so that the last one can be looked at by itself. */
function quartered(evidence: EvidenceState, state: RolloutState, at: number): EvidenceState {
  const duration = state.stage?.durationMs;
  if (duration === undefined || evidence.stageSince === undefined) return evidence;
  const quarter = Math.floor(((at - evidence.stageSince) / duration) * QUARTERS);
  if (quarter <= evidence.quarter) return evidence;
  const checks = Object.fromEntries(
    Object.entries(evidence.checks).map(([id, check]) => [
      id,
      { ...check, marks: [...check.marks, check.pass].slice(-2) },
    ]),
  );
  return { ...evidence, quarter, checks };
}

function foldCheck(
  before: CheckEvidence,
  check: Check,
  all: MetricBatch,
  now: MetricBatch,
  context: MethodContext,
  at: number,
): CheckEvidence {
  if (check.limit.kind === 'count') return before;
  const method = methodOf(check, context.metric);
  const folded = {
    ...before,
    fail: plus(before.fail, method.increment(all, 'fail', context)),
    pass: plus(before.pass, method.increment(now, 'pass', context)),
  };
  return check.tier === 'kill' ? foldPlainRule(folded, check, now, context, at) : folded;
}

type Users = { readonly treatment: number; readonly control: number };

/** Users counted in this batch, by stratum of the running epoch's split. A user seen by several processes is counted by each, so counts are divided by their number. */
function usersByStratum(batch: EvidenceBatch, metric: UserCount, epoch: number): ReadonlyMap<number, Users> {
  const instances = Math.max(1, batch.instances ?? 1);
  const strata = new Map<number, Users>();
  for (const series of batch.series) {
    const { arm, stratum } = series;
    if (series.metric !== metric || series.epoch !== epoch || arm === 'targeted') continue;
    if (stratum <= 0 || stratum >= FULL_WEIGHT) continue;
    const before = strata.get(stratum) ?? { treatment: 0, control: 0 };
    strata.set(stratum, { ...before, [arm]: before[arm] + total(series.count) / instances });
  }
  return strata;
}

/** Sample ratios: users assigned against the designed share, and users reporting against those assigned so far. */
function foldSampleRatios(evidence: EvidenceState, batch: EvidenceBatch): EvidenceState {
  let { assignment, deficit } = evidence;
  const assigned: Record<string, Users> = { ...evidence.assigned };
  for (const [stratum, users] of usersByStratum(batch, 'assigned', evidence.epoch)) {
    assignment = updateSampleRatio(assignment, { ...users, treatmentShare: stratum / FULL_WEIGHT });
    const before = assigned[stratum] ?? { treatment: 0, control: 0 };
    assigned[stratum] = { treatment: before.treatment + users.treatment, control: before.control + users.control };
  }
  for (const [stratum, users] of usersByStratum(batch, 'reported', evidence.epoch)) {
    const known = assigned[stratum];
    const treatmentShare = known ? known.treatment / (known.treatment + known.control) : stratum / FULL_WEIGHT;
    deficit = updateDeficit(deficit, { ...users, treatmentShare });
  }
  return { ...evidence, assignment, deficit, assigned };
}

/** People who saw each variant: a user is counted once per epoch, so the most of any epoch counts, not the sum. */
function foldPeople(evidence: EvidenceState, batch: EvidenceBatch): EvidenceState {
  const now = { ...evidence.peopleNow };
  for (const series of batch.series) {
    if (series.metric === 'assigned' && series.epoch === evidence.epoch) now[series.arm] += total(series.count);
  }
  const most = (arm: keyof typeof now) => Math.max(evidence.people[arm], now[arm]);
  const people = { treatment: most('treatment'), control: most('control'), targeted: most('targeted') };
  return { ...evidence, peopleNow: now, people };
}

/** Source freshness: any data of any arm shows that the source is alive. */
function foldFreshness(evidence: EvidenceState, batch: EvidenceBatch, state: RolloutState): EvidenceState {
  const hasData = batch.series.length > 0 || (batch.occurrences?.length ?? 0) > 0;
  const failures = Object.fromEntries((batch.failures ?? []).map((one) => [one.metric, one.message]));
  if (!hasData) return { ...evidence, failures };
  const before = evidence.freshAt;
  const isGap = before !== undefined && batch.toAt - before > silenceMs(state.plan);
  return { ...evidence, failures, freshAt: batch.toAt, ...(isGap && { gap: { fromAt: before, toAt: batch.toAt } }) };
}

/** Control's histogram that cuts are taken from: of the running stage once it holds enough, of the attempt before that. */
function controlBefore(before: MetricEvidence): Histogram {
  return before.control.n >= ENOUGH_FOR_CUT ? before.control.bins : before.controlSoFar;
}

/**
 * Evidence after one more batch. Batches are folded in the order of `seq`, each once; one that was folded already
 * changes nothing. `state` is the rollout when the batch was closed.
 */
export function foldEvidence(evidence: EvidenceState, batch: EvidenceBatch, state: RolloutState): EvidenceState {
  if (batch.seq <= evidence.throughSeq) return evidence;
  let next = quartered(aligned(evidence, state, batch.fromAt), state, batch.toAt);
  if (batch.toAt - next.restartedAt >= restartEveryMs(state.plan)) next = restarted(next, batch.toAt);
  next = foldFreshness(next, batch, state);
  next = foldSampleRatios(foldPeople(next, batch), batch);
  const metrics = { ...next.metrics };
  const checks = { ...next.checks };
  const isBaseline = state.phase === 'baseline';
  const lastedMs = batch.toAt - batch.fromAt;
  const batchMs = lastedMs > silenceMs(state.plan) ? 0 : lastedMs;
  const planChecks = [...checksOf(state)];
  for (const [name, metric] of Object.entries(state.plan.metrics)) {
    const all = withOccurrences(metricBatch(batch, name, state.statisticsFromEpoch), batch, metric);
    const before = metrics[name] ?? NO_METRIC_EVIDENCE;
    const now = ofEpoch(all, state.epoch);
    for (const [id, check] of planChecks) {
      if (check.metric !== name || isBaseline) continue;
      const context: MethodContext = {
        check,
        metric,
        controlBefore: controlBefore(before),
        batchMs,
        ...(state.baseline && { baseline: state.baseline }),
      };
      checks[id] = foldCheck(checks[id] ?? NO_CHECK_EVIDENCE, check, all, now, context, batch.toAt);
    }
    metrics[name] = foldMetric(before, all, now, { isBaseline, at: batch.toAt, batchMs });
  }
  return foldOccurrences({ ...next, metrics, checks, throughSeq: batch.seq }, batch, state);
}
