import { type MetricTest, type MetricTestResult, ProblemError } from '@rampart/api';
import type { MetricQuery, SourceAnswer, SourceExchange } from '@rampart/connectors';
import {
  type EvidenceBatch,
  evolve,
  foldEvidence,
  judge,
  layersOf,
  type Metric,
  NO_EVIDENCE,
  noDataFailure,
  type Plan,
  RAMPART,
  type RolloutEvent,
  type RolloutState,
  stageOf,
  type Verdict,
} from '@rampart/rollout';
import type { Clock } from './clock.ts';
import { exposureTraits } from './exposure-timeline.ts';
import type { SourceBook } from './source-book.ts';

const DEFAULT_OVER_MS = 10 * 60_000;

/** What a test works with. `plan`: reads a plan as it would run here. */
export type MetricTestParts = {
  readonly clock: Clock;
  readonly sources: SourceBook;
  readonly stateOf: (rollout: string) => RolloutState;
  /** @throws ProblemError `PLAN_INVALID` */
  readonly planOf: (test: MetricTest & { readonly text: string }) => Plan;
};

/**
 * Asks the source of a metric once, for the exposure of a stage, and judges the answer by itself. Nothing is recorded.
 * @throws ProblemError `BODY_INVALID`, `PLAN_INVALID`, `ROLLOUT_UNKNOWN`
 */
export async function testMetric(test: MetricTest, parts: MetricTestParts): Promise<MetricTestResult> {
  const state = stateFor(test, parts);
  const { metric, pulled } = metricFor(test.metric, state.plan, parts.sources);
  const toAt = parts.clock.now() - pulled.settleMs - metric.lagMs;
  const fromAt = toAt - (test.overMs ?? DEFAULT_OVER_MS);
  // Judged as if the stage had been entered where the interval begins.
  const staged = inStage(state, test.stage, fromAt);
  const exchanges: SourceExchange[] = [];
  const { plan, id, epoch, layers } = staged;
  const query: MetricQuery = {
    ...{ metric, rollout: id, flag: plan.flag, treatment: plan.treatment, control: plan.control, epoch, fromAt, toAt },
    ...exposureTraits(layers),
    onExchange: (exchange) => void exchanges.push(exchange),
  };
  const answer = await pulled.source.read(query);
  const { newestAt } = { newestAt: undefined, ...answer };
  return {
    ...{ metric: metric.name, source: pulled.name, stage: stageOf(staged)?.name ?? '', fromAt, toAt, exchanges },
    outcome: answer.kind,
    ...(answer.kind === 'error' && { message: answer.message }),
    ...(newestAt !== undefined && { newestAt }),
    warnings: answer.kind === 'value' ? (answer.warnings ?? []) : [],
    arms: armsOf(answer),
    occurrences: answer.kind === 'value' ? (answer.occurrences ?? []).reduce((sum, one) => sum + one.count, 0) : 0,
    verdicts: verdictsOn(answer, staged, metric, query),
  };
}

function stateFor(test: MetricTest, { clock, stateOf, planOf }: MetricTestParts): RolloutState {
  if (test.rollout !== undefined) return stateOf(test.rollout);
  const { text = '' } = test;
  const plan = planOf({ ...test, text });
  const created: RolloutEvent = { type: 'RolloutCreated', id: `${plan.flag}-test`, plan, warnings: [] };
  return evolve(undefined, { version: 1, at: clock.now(), by: RAMPART.id, event: created });
}

function metricFor(name: string, { metrics }: Plan, sources: SourceBook) {
  const metric = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
  if (metric === undefined) {
    const message = `metric: received ${JSON.stringify(name)}; the plan has ${Object.keys(metrics).join(', ')}`;
    throw new ProblemError('BODY_INVALID', message);
  }
  const pulled = sources.get(metric.source);
  if (pulled !== undefined) return { metric, pulled };
  const pulledHere = sources.names.filter((source) => sources.get(source) !== undefined).join(', ') || 'none';
  const message = `metric: ${name} comes from ${metric.source}, which cannot be asked; sources of this server that can: ${pulledHere}`;
  throw new ProblemError('BODY_INVALID', message);
}

/** A rollout as it would stand in a stage: the one it stands in where none is named. */
function inStage(state: RolloutState, name: string | undefined, at: number): RolloutState {
  const { plan } = state;
  const named = plan.stages.findIndex((stage) => stage.name === name);
  if (name !== undefined && named < 0) {
    const known = plan.stages.map((stage) => stage.name).join(', ');
    throw new ProblemError('BODY_INVALID', `stage: received ${JSON.stringify(name)}; the plan has ${known}`);
  }
  const index = name === undefined ? (state.stage?.index ?? 0) : named;
  const stage = plan.stages[index];
  const entered: RolloutEvent = {
    type: 'StageEntered',
    ...{ index, name: stage?.name ?? '', layers: layersOf(plan, index), epoch: state.epoch + 1 },
    ...{ durationMs: stage?.durationMs ?? plan.monitorMs, why: 'a test' },
  };
  return evolve(state, { version: state.version + 1, at, by: RAMPART.id, event: entered });
}

function armsOf(answer: SourceAnswer): MetricTestResult['arms'] {
  if (answer.kind !== 'value') return [];
  return answer.series.map(({ arm, bucket, count, sum }) => {
    const n = count.reduce((all, one) => all + one, 0);
    const x = sum.reduce((all, one) => all + one, 0);
    const userBuckets = bucket.filter((one) => one >= 0).length;
    return { arm, count: n, sum: x, ...(n > 0 && { average: x / n }), userBuckets };
  });
}

/** What each check of a metric would say if this were all the evidence. */
function verdictsOn(
  answer: SourceAnswer,
  state: RolloutState,
  { name }: Metric,
  { fromAt, toAt }: MetricQuery,
): readonly Verdict[] {
  const failure = {
    'no-data': noDataFailure('the source has none'),
    stale: noDataFailure('what the source has, has ended'),
  };
  const message = answer.kind === 'error' ? answer.message : answer.kind === 'value' ? undefined : failure[answer.kind];
  const batch: EvidenceBatch = {
    ...{ seq: 1, fromAt, toAt },
    series: answer.kind === 'value' ? answer.series : [],
    ...(answer.kind === 'value' && answer.occurrences && { occurrences: answer.occurrences }),
    ...(message !== undefined && { failures: [{ metric: name, message }] }),
  };
  const { verdicts } = judge(foldEvidence(NO_EVIDENCE, batch, state), state, toAt);
  return verdicts.filter(({ metric }) => metric === name);
}
