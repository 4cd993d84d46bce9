import { createHash } from 'node:crypto';
import type { MetricQuery, SourceAnswer } from '@rampart/connectors';
import { type EvidenceSeries, type Metric, noDataFailure, type RolloutState, silenceMs } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { PulledBody } from './evidence-batcher.ts';
import type { Timelines } from './exposure-timeline.ts';
import type { Log } from './log.ts';
import { LONGEST_PULL_MS, nextPull, type Pull } from './next-pull.ts';
import type { RolloutTable } from './rollout-table.ts';
import type { PulledSource } from './source-book.ts';
import type { SourcePauses } from './source-pauses.ts';
import type { MetricSight } from './source-sight.ts';
import type { Store } from './store/store.ts';

/** Shortest interval asked for, whatever the time scale, milliseconds. */
const SHORTEST_PULL_MS = 200;
/** Unanswered questions in a row that make a failure of it; fewer are told once there is no evidence for too long. */
const FAILED_TO_TELL = 4;
const FIRST_RETRY_MS = 1_000;
/** Longest time until a metric is asked for again, milliseconds. */
export const LONGEST_RETRY_MS = 60_000;

/** What is known of one metric of one rollout between questions. Lost at a restart, and worked out again. */
export type Progress = {
  /** Absent: nothing was asked yet. */
  sight: MetricSight | undefined;
  /** Longest interval that the source can answer for, milliseconds. */
  longestMs: number;
  /** No data before this is worth asking for. */
  skipTo: number;
  nextAt: number;
  /** What stands in the store. */
  toldFailure: string | undefined;
  isAsking: boolean;
};

/** One metric of one rollout, and the source it is asked of. */
export type Job = { readonly state: RolloutState; readonly metric: Metric; readonly pulled: PulledSource };

/** What a question works with. `wake` has what was written counted, and resolves then. */
export type Means = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly wake: (rollout: string) => Promise<void>;
  readonly timelines: Timelines;
  readonly pauses: SourcePauses;
  readonly signal: AbortSignal;
};

/** One question and what follows from the answer; whether there may be more to ask for at once. */
export async function pullOnce(job: Job, own: Progress, means: Means): Promise<boolean> {
  const { metric, pulled, state } = job;
  const { table, clock } = means;
  const { plan } = state;
  const now = clock.now();
  const { spans } = await means.timelines.of(state);
  const endAt = now - pulled.settleMs - metric.lagMs;
  const everyMs = Math.max(SHORTEST_PULL_MS, Math.floor(pulled.everyMs * plan.timeScale));
  const counted = table.get(state.id)?.open.carried.pulledTo[metric.name] ?? Number.NEGATIVE_INFINITY;
  const position = Math.max(counted, own.skipTo);
  const pull = nextPull({ spans, position, endAt, everyMs, longestMs: own.longestMs });
  if (pull === undefined) {
    own.nextAt = now + everyMs - (endAt % everyMs);
    return false;
  }
  if (metric.kind === 'rate' && pull.toAt - pull.fromAt > silenceMs(plan)) {
    // Growth of an hour in the minute in which it is read would look like traffic.
    own.skipTo = pull.toAt;
    return true;
  }
  const paused = means.pauses.pausedBy(pulled.name, now);
  const answer = paused ?? (await pulled.source.read(queryOf(job, pull, means.signal)));
  if (means.signal.aborted) return false;
  const isLate = endAt - pull.toAt > silenceMs(plan);
  const sight = sightAfter(job, own.sight, answer, isLate || endAt - pull.fromAt > silenceMs(plan) + everyMs);
  own.sight = sight;
  if (answer.kind === 'value') {
    const failure = isLate ? noDataFailure(catchingUp(pulled)) : undefined;
    await write(job, own, means, valueBody(metric, pull, answer, failure), pull);
    const pulledTo = table.get(state.id)?.open.carried.pulledTo[metric.name] ?? pull.fromAt;
    // Written, but not counted yet: the rollout is in the hands of another, or could not be read.
    own.nextAt = pulledTo > pull.fromAt ? 0 : now + everyMs;
    own.longestMs = Math.min(LONGEST_PULL_MS, own.longestMs * 2);
    return pulledTo > pull.fromAt;
  }
  const isAgain = await unanswered(job, own, means, { answer, sight, pull, endAt, everyMs });
  if (answer.kind === 'error' && paused === undefined) means.pauses.note(pulled.name, own.nextAt, answer);
  return isAgain;
}

const catchingUp = ({ name }: PulledSource): string => `${name} is being caught up with: what was read is not of now`;

function queryOf({ state, metric }: Job, { fromAt, toAt, span }: Pull, signal: AbortSignal): MetricQuery {
  const { id, plan } = state;
  const { epoch, stratum, isUniform } = span;
  const { flag, treatment, control } = plan;
  return { metric, rollout: id, flag, treatment, control, epoch, stratum, isUniform, fromAt, toAt, signal };
}

function sightAfter(
  { metric, pulled }: Job,
  before: MetricSight | undefined,
  answer: SourceAnswer,
  isBehind: boolean,
): MetricSight {
  const newest = 'newestAt' in answer ? answer.newestAt : before?.newestAt;
  const failed = answer.kind === 'error' ? (before?.failed ?? 0) + 1 : 0;
  const why = whyOf(answer, metric.name);
  return {
    ...{ metric: metric.name, source: pulled.name, outcome: answer.kind, isBehind, failed },
    ...(answer.kind === 'error' && answer.reason && { reason: answer.reason }),
    ...(why !== undefined && { why }),
    ...(newest !== undefined && { newestAt: newest }),
  };
}

function whyOf(answer: SourceAnswer, metric: string): string | undefined {
  if (answer.kind === 'error') return answer.message;
  if (answer.kind === 'no-data') return `it has no data of ${metric}`;
  if (answer.kind === 'stale') return `its data of ${metric} has ended`;
  return answer.warnings?.join('; ');
}

function valueBody(
  metric: Metric,
  { fromAt, toAt, span }: Pull,
  answer: Extract<SourceAnswer, { kind: 'value' }>,
  failure: string | undefined,
): PulledBody {
  const series = span.isAudience ? answer.series.flatMap(ofAudience) : answer.series;
  const interval = { fromAt, toAt, series, occurrences: answer.occurrences ?? [] };
  return { type: 'pulled', metric: metric.name, interval, ...(failure !== undefined && { failure }) };
}

/** Whoever an audience exposes was chosen, not drawn; the others are in neither arm. */
function ofAudience(series: EvidenceSeries): readonly EvidenceSeries[] {
  return series.arm === 'control' ? [] : [{ ...series, arm: 'targeted' }];
}

type Unanswered = {
  readonly answer: Exclude<SourceAnswer, { kind: 'value' }>;
  readonly sight: MetricSight;
  readonly pull: Pull;
  readonly endAt: number;
  readonly everyMs: number;
};

/** A question without a value: it is asked again, or given up where no answer can come any more; and told when it lasts. */
async function unanswered(job: Job, own: Progress, means: Means, asked: Unanswered): Promise<boolean> {
  const { answer, sight, pull, endAt } = asked;
  const { state, metric, pulled } = job;
  const patience = silenceMs(state.plan);
  const isError = answer.kind === 'error';
  const isOver = endAt - pull.fromAt > patience + asked.everyMs;
  if (isOver || (isError && sight.failed >= FAILED_TO_TELL)) {
    const why = sight.why ?? answer.kind;
    const failure = isError ? why : noDataFailure(`${pulled.name}: ${why}`);
    const body: PulledBody = { type: 'pulled', metric: metric.name, failure };
    if (failure !== own.toldFailure) await write(job, own, means, body, pull);
  }
  const isHopeless = !isError || answer.reason === 'contradictory';
  const isEnded = pull.span.toAt === pull.toAt && isOver;
  if (isHopeless && (pull.isPast || isEnded)) {
    own.skipTo = pull.toAt;
    return true;
  }
  if (isError && answer.reason === 'too-large') {
    own.longestMs = Math.max(asked.everyMs, Math.floor((pull.toAt - pull.fromAt) / 2));
  }
  own.nextAt = means.clock.now() + waitAfter(patience, asked, means.random());
  return false;
}

/** Time to the next question, milliseconds: doubled after each error, as long as is asked for, and until new data can be there. */
function waitAfter(patience: number, { answer, sight, everyMs }: Unanswered, chance: number): number {
  if (answer.kind !== 'error') return Math.min(LONGEST_RETRY_MS, everyMs);
  const longest = Math.min(LONGEST_RETRY_MS, Math.max(FIRST_RETRY_MS, patience / 5));
  const waitMs = Math.min(longest, FIRST_RETRY_MS * 2 ** Math.min(sight.failed - 1, 10));
  return Math.max(answer.retryAfterMs ?? 0, waitMs * (1 - chance / 2));
}

/** Durable, and counted by the time it resolves. The same interval has the same id, whoever asks. */
async function write(
  { state, metric }: Job,
  own: Progress,
  { store, clock, log, wake }: Means,
  body: PulledBody,
  pull: Pull,
): Promise<void> {
  const { interval, failure } = body;
  const { fromAt, toAt, span } = pull;
  const position = interval === undefined ? `${fromAt}` : `${fromAt}-${toAt}`;
  const what = failure === undefined ? '' : `/${createHash('sha256').update(failure).digest('hex').slice(0, 16)}`;
  const batchId = `pull/${state.id}/${metric.name}/${span.epoch}/${position}${what}`;
  if (failure !== own.toldFailure) {
    const fields = { rollout: state.id, metric: metric.name, source: metric.source };
    if (failure === undefined) log.info(fields, `${state.id}: ${metric.name} is read from ${metric.source} again`);
    else log.warn(fields, `${state.id}: ${metric.name} cannot be judged: ${failure}`);
  }
  await store.putTelemetry({ batchId, receivedAt: clock.now(), rollouts: [state.id], body });
  own.toldFailure = failure;
  await wake(state.id);
}
