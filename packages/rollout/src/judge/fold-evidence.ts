import { FULL_WEIGHT } from '@rampart/flags';
import { restartEveryMs, silenceMs } from '../decide/cadence.ts';
import { weightOfEveryone } from '../decide/exposure.ts';
import type { Metric, Plan } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import {
  emptyMetricEvidence,
  type Ledger,
  type MetricEvidence,
  noPeople,
  noRestarts,
  type Pace,
  type StreamEvidence,
} from './evidence-state.ts';
import { foldBaseline, foldMetric } from './fold-metric.ts';
import { foldOccurrences, unattributedIn } from './fold-occurrences.ts';
import { foldPeople, foldSampleRatios } from './fold-users.ts';
import { quantileEdgeOf } from './histogram.ts';
import { foldPlainRule } from './plain-rule.ts';
import { type PlanMetric, type PlanStream, planChecksOf } from './plan-checks.ts';
import type { ArmSums, BinCounts, MetricBatch, PreparedBatch } from './prepared-batch.ts';
import type { FoldContext, Stream } from './side-judge.ts';
import { emptyTally } from './tally.ts';

/** Live restarts of the late-onset mixture; an older one is dropped, which only costs power (its e-value counts as 0). */
const LIVE_RESTARTS = 4;
const QUARTERS = 4;
/** Control observations of the running stage after which quantile cuts come from it alone, so that old noise is forgotten. */
const ENOUGH_FOR_CUT = 1000;
const NO_BATCH: MetricBatch = { strata: [], targeted: [] };
const NONE: Ledger['failures'] = {};

/** Evidence that belongs to the rollout as it is now: a new lineage begins empty, a new stage begins its pass sides afresh. */
function align(into: Ledger, state: RolloutState, at: number): void {
  if (into.statistics === state.statistics && into.epoch === state.epoch) return;
  const isNewLineage = into.statistics !== state.statistics && into.statistics !== 0;
  if (isNewLineage) {
    Object.assign(into, {
      streams: {},
      ...noRestarts(),
      people: noPeople(),
      occurrences: {},
      failures: {},
    });
    delete into.exposed;
  }
  for (const stream of Object.values(into.streams)) {
    // A vector of its own: what is remembered of the last stage's is of that one.
    stream.stage = emptyTally(stream.stage.length);
    stream.marks = [];
  }
  for (const [name, { controlSoFar }] of Object.entries(into.metrics)) {
    into.metrics[name] = { ...emptyMetricEvidence(), ...(!isNewLineage && { controlSoFar }) };
  }
  Object.assign(into, {
    statistics: state.statistics,
    epoch: state.epoch,
    stageSince: at,
    quarter: 0,
    trips: {},
    assignment: [],
    deficit: [],
    assigned: {},
    peopleNow: noPeople(),
  });
  restart(into, state, at, 'slow');
  restart(into, state, at, 'quick');
}

/** Starts one more process of a series of the late-onset mixture in every check. */
function restart(into: Ledger, state: RolloutState, at: number, pace: Pace): void {
  into.restartedAt = { ...into.restartedAt, [pace]: at };
  if (Object.keys(into.streams).length === 0) return;
  const index = into.restarts[pace] + 1;
  into.restarts = { ...into.restarts, [pace]: index };
  for (const { streams } of planChecksOf(state).metrics) {
    for (const { stream, attempt } of streams) {
      const own = into.streams[stream.key];
      if (own === undefined || !attempt) continue;
      const sums = [...own.attempt];
      own.restarts = { ...own.restarts, [pace]: [...own.restarts[pace], { index, at, sums }].slice(-LIVE_RESTARTS) };
    }
  }
}

function restartWhereDue(into: Ledger, state: RolloutState, at: number): void {
  const every = restartEveryMs(state.plan);
  for (const pace of ['slow', 'quick'] as const) {
    if (at - into.restartedAt[pace] >= every[pace]) restart(into, state, at, pace);
  }
}

/** Marks the ends of stage quarters, so that the last one can be looked at by itself. */
function markQuarter(into: Ledger, state: RolloutState, at: number): void {
  const duration = state.stage?.durationMs;
  if (duration === undefined || into.stageSince === undefined) return;
  const quarter = Math.floor(((at - into.stageSince) / duration) * QUARTERS);
  if (quarter <= into.quarter) return;
  into.quarter = quarter;
  for (const { streams } of planChecksOf(state).metrics) {
    for (const { stream } of streams) {
      const own = into.streams[stream.key];
      if (own === undefined) continue;
      const mark = { attempt: [...own.attempt], stage: [...own.stage] };
      own.marks = [...own.marks, mark].slice(-2);
    }
  }
}

/** Whether nothing but occurrences judges a plan, so that these are all there is to see. */
function hasCountsAlone({ metrics }: Plan): boolean {
  return Object.values(metrics).every(({ kind }) => kind === 'count');
}

/** Whether a batch shows that what measures the rollout is alive. Occurrences come another way: they speak for themselves alone. */
function showsLife({ hasSeries, idle, occurrences }: PreparedBatch, plan: Plan): boolean {
  if (hasSeries || (idle !== undefined && idle.length > 0)) return true;
  return occurrences !== undefined && occurrences.length > 0 && hasCountsAlone(plan);
}

/** Source freshness: any data of any arm shows that the source is alive, and so does a source that says it has none. */
function foldFreshness(into: Ledger, batch: PreparedBatch, state: RolloutState): void {
  into.failures = batch.failures ? Object.fromEntries(batch.failures.map((one) => [one.metric, one.message])) : NONE;
  if (!showsLife(batch, state.plan)) return;
  const before = into.freshAt;
  into.freshAt = batch.toAt;
  const isGap = before !== undefined && batch.toAt - before > silenceMs(state.plan);
  if (isGap) into.gap = { fromAt: before, toAt: batch.toAt };
}

/** Where control's quantile lies: in the running stage once it holds enough, in the attempt before that. */
function cutOf(of: MetricEvidence, { quantile = 0.99 }: Metric): number | undefined {
  return quantileEdgeOf(of.control.n >= ENOUGH_FOR_CUT ? of.control.bins : of.controlSoFar, quantile);
}

/** Whether all of a metric's batch is of one exposure. */
function isAllOf({ strata, targeted }: MetricBatch, epoch: number): boolean {
  for (const one of strata) if (one.epoch !== epoch) return false;
  for (const one of targeted) if (one.epoch !== epoch) return false;
  return true;
}

/** The part of a metric's batch from some epochs. */
function ofEpochs({ strata, targeted }: MetricBatch, belongs: (epoch: number) => boolean): MetricBatch {
  const isOwn = ({ epoch }: { readonly epoch: number }) => belongs(epoch);
  return { strata: strata.filter(isOwn), targeted: targeted.filter(isOwn) };
}

/** Entries of a histogram up to which each stream may pass over those it does not look at. */
const FEW_ENTRIES = 64;

const isLong = ({ bins }: ArmSums) => bins !== undefined && bins.bin.length > FEW_ENTRIES;

function hasManyEntries({ strata, targeted }: MetricBatch): boolean {
  for (const { treatment, control } of strata) if (isLong(treatment) || isLong(control)) return true;
  for (const { sums } of targeted) if (isLong(sums)) return true;
  return false;
}

/** The entries from a bin on, of counts whose highest bins stand first. */
function beginningOf({ bucket, bin, count }: BinCounts, from: number): BinCounts {
  let [size, beyond] = [0, bin.length];
  while (size < beyond) {
    const middle = (size + beyond) >> 1;
    if (bin[middle] >= from) size = middle + 1;
    else beyond = middle;
  }
  return { bucket: bucket.slice(0, size), bin: bin.slice(0, size), count: count.slice(0, size) };
}

function tailOf(arm: ArmSums, from: number): ArmSums {
  if (arm.bins === undefined) return arm;
  if (arm.bins.isDescending) return { ...arm, bins: beginningOf(arm.bins, from) };
  const [bucket, bin, count]: [number[], number[], number[]] = [[], [], []];
  for (let index = 0; index < arm.bins.bin.length; index += 1) {
    if (arm.bins.bin[index] < from) continue;
    bucket.push(arm.bins.bucket[index]);
    bin.push(arm.bins.bin[index]);
    count.push(arm.bins.count[index]);
  }
  return { ...arm, bins: { bucket, bin, count } };
}

/** A batch whose histograms hold only what some stream looks at: most values lie below every cut. */
function withTails(batch: MetricBatch, streams: readonly PlanStream[], context: FoldContext): MetricBatch {
  let from = Number.POSITIVE_INFINITY;
  for (const { stream } of streams) {
    from = Math.min(from, stream.fromBin === undefined ? Number.NEGATIVE_INFINITY : stream.fromBin(context));
  }
  if (!Number.isFinite(from) || !hasManyEntries(batch)) return batch;
  return {
    strata: batch.strata.map((one) => ({
      ...one,
      treatment: tailOf(one.treatment, from),
      control: tailOf(one.control, from),
    })),
    targeted: batch.targeted.map((one) => ({ ...one, sums: tailOf(one.sums, from) })),
  };
}

/** Whether a batch holds several exposures: which seconds were whose is not known. */
function isMixed(batch: MetricBatch): boolean {
  const first = batch.strata[0] ?? batch.targeted[0];
  return first !== undefined && !isAllOf(batch, first.epoch);
}

function openStream(into: Ledger, { key, size }: Stream): StreamEvidence {
  const fresh = { attempt: emptyTally(size), stage: emptyTally(size), restarts: { slow: [], quick: [] }, marks: [] };
  into.streams[key] = fresh;
  return fresh;
}

function metricIn(into: Ledger, name: string): MetricEvidence {
  const known = into.metrics[name];
  if (known !== undefined) return known;
  const fresh = emptyMetricEvidence();
  into.metrics[name] = fresh;
  return fresh;
}

/** Adds a metric's batch to one stream. */
function addTo(
  into: Ledger,
  one: PlanStream,
  ofAttempt: MetricBatch,
  ofStage: MetricBatch,
  context: FoldContext,
): void {
  const { stream, find } = one;
  const sums = find(into.streams) ?? openStream(into, stream);
  if (one.attempt && stream.addToAttempt) stream.addToAttempt(sums.attempt, ofAttempt, context);
  else if (one.attempt) stream.add(sums.attempt, ofAttempt, context);
  if (one.stage) stream.add(sums.stage, ofStage, context);
}

/** What the fold of every metric of a batch needs to know. */
type Fold = {
  readonly batch: PreparedBatch;
  readonly state: RolloutState;
  readonly lastedMs: number;
  readonly isEveryone: boolean;
};

/** Whether the source of a metric was there, and nobody came: no series of anything arrived. */
function isIdleFor({ hasSeries, idle }: PreparedBatch, { source }: Metric): boolean {
  return !hasSeries && idle !== undefined && idle.includes(source);
}

/** Time in which nobody came is no silence of a metric: its clock stands still. */
function stopSilence(
  into: MetricEvidence,
  { stage, sightSince }: RolloutState,
  { toAt }: PreparedBatch,
  forMs: number,
) {
  const from = Math.max(into.quietFrom ?? into.lastAt ?? 0, stage?.enteredAt ?? 0, sightSince ?? 0);
  into.quietFrom = Math.min(toAt, from + forMs);
}

/** What streams may look at beside the batch. */
function contextOf(
  { batch, state, lastedMs, isEveryone }: Fold,
  plan: PlanMetric,
  own: MetricBatch,
  evidence: MetricEvidence,
): FoldContext {
  const isIdle = isIdleFor(batch, plan.metric);
  return {
    isIdle,
    cut: plan.hasCuts ? cutOf(evidence, plan.metric) : undefined,
    at: (batch.fromAt + lastedMs / 2) / state.plan.timeScale,
    batchMs: lastedMs > silenceMs(state.plan) || isMixed(own) ? 0 : lastedMs,
    isAlive: batch.hasSeries || isIdle,
    isEveryone,
    unattributed: unattributedIn(batch, plan.metric, state),
  };
}

/** One metric's part of a batch: epochs of the current statistics for the attempt, the running epoch for the stage. */
function foldOneMetric(into: Ledger, plan: PlanMetric, fold: Fold): void {
  const { metric, streams, trips } = plan;
  const { batch, state } = fold;
  const own = batch.metrics[metric.name] ?? NO_BATCH;
  const isPlain = state.epoch >= state.statisticsFromEpoch && isAllOf(own, state.epoch);
  const attempt = isPlain ? own : ofEpochs(own, (epoch) => epoch >= state.statisticsFromEpoch);
  const stage = isPlain ? own : ofEpochs(attempt, (epoch) => epoch === state.epoch);
  const evidence = metricIn(into, metric.name);
  const context = contextOf(fold, plan, own, evidence);
  if (metric.kind === 'count') foldOccurrences(into, plan, batch, attempt);
  if (state.phase === 'baseline') {
    foldBaseline(evidence, metric, attempt, context, state.plan.timeScale);
    return;
  }
  const ofAttempt = withTails(attempt, streams, context);
  const ofStage = stage === attempt ? ofAttempt : withTails(stage, streams, context);
  for (const one of streams) addTo(into, one, ofAttempt, ofStage, context);
  for (const check of trips) foldPlainRule(into.trips, check, metric, stage, batch.toAt, state.baseline);
  foldMetric(evidence, attempt, stage, batch.toAt);
  if (context.isIdle) stopSilence(evidence, state, batch, fold.lastedMs);
}

/** Folds a batch into a ledger in place. It takes every batch as it is: `fold-trusted.ts` leaves out what no judge can be trusted in. */
export function foldInto(into: Ledger, batch: PreparedBatch, state: RolloutState): void {
  if (batch.seq <= into.throughSeq) return;
  align(into, state, batch.fromAt);
  markQuarter(into, state, batch.toAt);
  restartWhereDue(into, state, batch.toAt);
  foldFreshness(into, batch, state);
  foldPeople(into, batch);
  foldSampleRatios(into, batch);
  const fold: Fold = {
    batch,
    state,
    lastedMs: batch.toAt - batch.fromAt,
    isEveryone: weightOfEveryone(state.layers) === FULL_WEIGHT,
  };
  for (const metric of planChecksOf(state).metrics) foldOneMetric(into, metric, fold);
  into.throughSeq = batch.seq;
}
