import { createHash } from 'node:crypto';
import type { MetricQuery, SourceAnswer } from '@rampart/connectors';
import { type EvidenceSeries, type Metric, noDataFailure, type RolloutState, silenceMs } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import { recordOf, streamOf } from './event-records.ts';
import type { PulledBody } from './evidence-batcher.ts';
import { type ExposureTimeline, NO_EXPOSURE, withRecords } from './exposure-timeline.ts';
import { type Log, messageOf } from './log.ts';
import { nextPull, type Pull } from './next-pull.ts';
import type { RolloutTable } from './rollout-table.ts';
import { DELIVERED, type PulledSource, type SourceBook } from './source-book.ts';
import { createSourcePauses, type SourcePauses } from './source-pauses.ts';
import type { MetricSight } from './source-sight.ts';
import type { Store } from './store/store.ts';

/** Questions that one source is asked at a time. */
const AT_ONCE = 4;
/** Interval of looks for metrics that are due, milliseconds. */
const BEAT_MS = 250;
/** Shortest interval asked for, whatever the time scale, milliseconds. */
const SHORTEST_PULL_MS = 200;
/** Unanswered questions in a row that make a failure of it; fewer are told once there is no evidence for too long. */
const FAILED_TO_TELL = 4;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** Asks the sources that plans name, and has what they answer counted like telemetry. */
export type Puller = {
  /** Asks for all that is due now, until nothing is; for tests and first looks. Never rejects. */
  readonly pullAll: () => Promise<void>;
  /** How the metrics of a rollout were answered last. */
  readonly sightsOf: (rollout: string) => readonly MetricSight[];
  /** Asks regularly from now on. */
  readonly start: () => void;
  /** Asks no more; resolves when the last question has ended. */
  readonly stop: () => Promise<void>;
};

/** What a puller works with. */
export type PullerOptions = {
  readonly store: Store;
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly sources: SourceBook;
  readonly log: Log;
  /** In [0, 1): spreads repetitions. */
  readonly random: () => number;
  /** Has what was written counted; resolves then. */
  readonly wake: (rollout: string) => Promise<void>;
};

/** What is known of one metric of one rollout between questions. Lost at a restart, and worked out again. */
type Progress = {
  sight: MetricSight;
  /** No data before this is worth asking for. */
  skipTo: number;
  nextAt: number;
  /** What stands in the store. */
  toldFailure: string | undefined;
  isAsking: boolean;
};

type Job = { readonly state: RolloutState; readonly metric: Metric; readonly pulled: PulledSource };

/** A puller at rest. */
export function createPuller(options: PullerOptions): Puller {
  const { table, sources, clock, log } = options;
  const progress = new Map<string, Map<string, Progress>>();
  const timelines = createTimelines(options.store);
  const pauses = createSourcePauses();
  const asking = new Set<Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const jobs = (): readonly Job[] =>
    table.all().flatMap(({ state }) => {
      const isPulled = state.phase === 'baseline' || state.phase === 'exposing' || state.phase === 'monitoring';
      if (isPulled) return Object.values(state.plan.metrics).flatMap((metric) => jobOf(state, metric, sources));
      progress.delete(state.id);
      timelines.forget(state.id);
      return [];
    });
  /** Asks once; whether it is worth asking at once again. */
  const askOnce = async (job: Job): Promise<boolean> => {
    const own = progressOf(progress, job, table.get(job.state.id)?.open.carried.failures[job.metric.name]);
    if (own.isAsking || clock.now() < own.nextAt) return false;
    own.isAsking = true;
    try {
      return await pauses.limited(job.pulled.name, AT_ONCE, () =>
        pullOnce(job, own, { ...options, timelines, pauses, signal: stopping.signal }),
      );
    } catch (error) {
      own.nextAt = clock.now() + LONGEST_RETRY_MS;
      log.error(
        { rollout: job.state.id, err: error },
        `metrics.${job.metric.name} could not be pulled: ${messageOf(error)}`,
      );
      return false;
    } finally {
      own.isAsking = false;
    }
  };
  const askAll = async (job: Job): Promise<void> => {
    // One question after the other: each begins where what the one before it gave was counted.
    while (!stopping.signal.aborted && (await askOnce(job)));
  };
  const beat = (): void => {
    for (const job of jobs()) {
      const turn = askAll(job).finally(() => asking.delete(turn));
      asking.add(turn);
    }
  };
  return {
    async pullAll() {
      await Promise.all(asking);
      await Promise.all(jobs().map(askAll));
    },
    sightsOf: (rollout) => [...(progress.get(rollout)?.values() ?? [])].map(({ sight }) => sight),
    start() {
      timer = setInterval(beat, BEAT_MS);
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await Promise.all(asking);
    },
  };
}

function jobOf(state: RolloutState, metric: Metric, sources: SourceBook): readonly Job[] {
  if (DELIVERED.includes(metric.source)) return [];
  const pulled = sources.get(metric.source);
  if (pulled !== undefined) return [{ state, metric, pulled }];
  return [{ state, metric, pulled: goneSource(metric.source, sources) }];
}

/** A source that a running rollout needs and that this server was not set up with again. */
function goneSource(name: string, { names }: SourceBook): PulledSource {
  const message = `source ${name} is not set up on this server any more (it has: ${names.join(', ')}); start it with the settings that have it`;
  const source = { name, read: async () => ({ kind: 'error', message }) as const };
  return {
    name,
    kind: 'none',
    source,
    readBinding: () => ({ tellsArms: true }),
    everyMs: LONGEST_RETRY_MS,
    settleMs: 0,
  };
}

function progressOf(
  all: Map<string, Map<string, Progress>>,
  { state, metric, pulled }: Job,
  toldFailure: string | undefined,
): Progress {
  const own = all.get(state.id) ?? new Map<string, Progress>();
  all.set(state.id, own);
  const known = own.get(metric.name);
  if (known !== undefined) return known;
  const place = { metric: metric.name, source: pulled.name };
  const fresh: Progress = {
    // Nothing was asked yet: nothing is wrong with it.
    sight: { ...place, outcome: 'value', isBehind: false, failed: 0 },
    ...{ skipTo: Number.NEGATIVE_INFINITY, nextAt: 0, toldFailure, isAsking: false },
  };
  own.set(metric.name, fresh);
  return fresh;
}

type Timelines = {
  readonly of: (state: RolloutState) => Promise<ExposureTimeline>;
  readonly forget: (rollout: string) => void;
};

/** Timelines of exposure, read on where they end. */
function createTimelines(store: Store): Timelines {
  const known = new Map<string, ExposureTimeline>();
  return {
    async of({ id, version }) {
      const before = known.get(id) ?? NO_EXPOSURE;
      const upTo = before.state?.version ?? 0;
      if (upTo >= version) return before;
      const records = (await store.readStream(streamOf(id), upTo)).map(recordOf);
      const timeline = withRecords(before, records);
      known.set(id, timeline);
      return timeline;
    },
    forget: (rollout) => void known.delete(rollout),
  };
}

type Means = PullerOptions & {
  readonly timelines: Timelines;
  readonly pauses: SourcePauses;
  readonly signal: AbortSignal;
};

/** One question and what follows from the answer; whether there may be more to ask for at once. */
async function pullOnce(job: Job, own: Progress, means: Means): Promise<boolean> {
  const { metric, pulled, state } = job;
  const { table, clock } = means;
  const { plan } = state;
  const now = clock.now();
  const { spans } = await means.timelines.of(state);
  const endAt = now - pulled.settleMs - metric.lagMs;
  const everyMs = Math.max(SHORTEST_PULL_MS, Math.floor(pulled.everyMs * plan.timeScale));
  const counted = table.get(state.id)?.open.carried.pulledTo[metric.name] ?? Number.NEGATIVE_INFINITY;
  const position = Math.max(counted, own.skipTo);
  const pull = nextPull({ spans, position, endAt, everyMs });
  if (pull === undefined) return false;
  if (metric.kind === 'rate' && pull.toAt - pull.fromAt > silenceMs(plan)) {
    // Growth of an hour in the minute in which it is read would look like traffic.
    own.skipTo = pull.toAt;
    return true;
  }
  const paused = means.pauses.pausedBy(pulled.name, now);
  const answer = paused ?? (await pulled.source.read(queryOf(job, pull, means.signal)));
  if (means.signal.aborted) return false;
  const isLate = endAt - pull.toAt > silenceMs(plan);
  own.sight = sightAfter(own.sight, answer, isLate || endAt - pull.fromAt > silenceMs(plan) + everyMs);
  if (answer.kind === 'value') {
    const failure = isLate ? noDataFailure(catchingUp(pulled)) : undefined;
    await write(job, own, means, valueBody(metric, pull, answer, failure), pull);
    const pulledTo = table.get(state.id)?.open.carried.pulledTo[metric.name] ?? pull.fromAt;
    // Written, but not counted yet: the rollout is in the hands of another, or could not be read.
    own.nextAt = pulledTo > pull.fromAt ? 0 : now + everyMs;
    return pulledTo > pull.fromAt;
  }
  const isAgain = await unanswered(job, own, means, { answer, pull, endAt, everyMs });
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

function sightAfter(before: MetricSight, answer: SourceAnswer, isBehind: boolean): MetricSight {
  const { metric, source, newestAt } = before;
  const newest = 'newestAt' in answer ? answer.newestAt : newestAt;
  const failed = answer.kind === 'error' ? before.failed + 1 : 0;
  const why = whyOf(answer, metric);
  return {
    ...{ metric, source, outcome: answer.kind, isBehind, failed },
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
  readonly pull: Pull;
  readonly endAt: number;
  readonly everyMs: number;
};

/** A question without a value: it is asked again, or given up where no answer can come any more; and told when it lasts. */
async function unanswered(job: Job, own: Progress, means: Means, asked: Unanswered): Promise<boolean> {
  const { answer, pull, endAt } = asked;
  const { state, metric, pulled } = job;
  const patience = silenceMs(state.plan);
  const isError = answer.kind === 'error';
  const isOver = endAt - pull.fromAt > patience;
  if (isOver || (isError && own.sight.failed >= FAILED_TO_TELL)) {
    const why = own.sight.why ?? answer.kind;
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
  own.nextAt = means.clock.now() + waitAfter(own.sight.failed, patience, asked, means.random());
  return false;
}

/** Time to the next question, milliseconds: doubled after each error, as long as is asked for, and until new data can be there. */
function waitAfter(failed: number, patience: number, { answer, everyMs }: Unanswered, chance: number): number {
  if (answer.kind !== 'error') return Math.min(LONGEST_RETRY_MS, everyMs);
  const longest = Math.min(LONGEST_RETRY_MS, Math.max(FIRST_RETRY_MS, patience / 5));
  const waitMs = Math.min(longest, FIRST_RETRY_MS * 2 ** Math.min(failed - 1, 10));
  return Math.max(answer.retryAfterMs ?? 0, waitMs * (1 - chance / 2));
}

/** Durable, and counted by the time it resolves. The same interval has the same id, whoever asks. */
async function write(
  { state, metric }: Job,
  own: Progress,
  { store, clock, wake }: Means,
  body: PulledBody,
  { fromAt, toAt }: Pull,
): Promise<void> {
  const { interval, failure } = body;
  const position = interval === undefined ? `${fromAt}` : `${fromAt}-${toAt}`;
  const what = failure === undefined ? '' : `/${createHash('sha256').update(failure).digest('hex').slice(0, 16)}`;
  const batchId = `pull/${state.id}/${metric.name}/${state.epoch}/${position}${what}`;
  await store.putTelemetry({ batchId, receivedAt: clock.now(), rollouts: [state.id], body });
  own.toldFailure = failure;
  await wake(state.id);
}
