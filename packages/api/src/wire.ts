import type { EvaluationContext, Ruleset, RulesetPatch } from '@rampart/flags';
import type { EvidenceSeries } from '@rampart/rollout/evidence';

/** Histogram binning and the number of user buckets: one definition for what an SDK sends and what judges it. */
export { binOf, type Companion, companionOf, metricOfSeries, USER_BUCKETS } from '@rampart/rollout/evidence';
export { type EvaluationPlace, evaluationIdOf, parseEvaluationId } from './evaluation-id.ts';

/**
 * Types an SDK and the control plane exchange. Free of zod, so that importing them costs an SDK nothing;
 * the schemas that check them on arrival are in `telemetry-schema.ts`.
 */

/** Path of the Server-Sent Events stream of rulesets: `GET /v1/stream?revision=R`. */
export const STREAM_PATH = '/v1/stream';
/** Path of the ruleset itself, with `ETag`/`If-None-Match`: `GET /v1/ruleset`. */
export const RULESET_PATH = '/v1/ruleset';
/** Path telemetry is posted to. */
export const TELEMETRY_PATH = '/v1/telemetry';
/** Path occurrences (complaints, tickets) are posted to. */
export const SIGNALS_PATH = '/v1/signals';
/** Path of hooks, and before the name of one. */
export const HOOKS_PATH = '/v1/hooks';

/** Path scores of answers are posted to. */
export const SCORES_PATH = '/v1/scores';

/** Server comments `: heartbeat` at this interval; a client that reads nothing for three of them reconnects. */
export const HEARTBEAT_MS = 15_000;

/**
 * Frames of the stream. `put` carries a whole ruleset (unknown, too old or future revision), `patch` the difference
 * to the revision before; both have `id: <revision>`. A client whose revision is not `fromRevision` refetches.
 */
export type StreamFrame =
  | { readonly event: 'put'; readonly data: Ruleset }
  | { readonly event: 'patch'; readonly data: RulesetPatch };

/**
 * Header an SDK sends with telemetry: the revision it evaluates by. The control plane uses it to tell when an abort
 * has taken effect everywhere. The stream query carries the same.
 */
export const REVISION_HEADER = 'x-rampart-revision';
/** Beginning of the keys of flags that only drills use, before the key of the flag whose rollback is tried. */
export const DRILL_FLAG_PREFIX = 'rampart.drill/';
/** The user that a drill is for: nobody else evaluates its flag. */
export const DRILL_UNIT = 'rampart.drill';

/** Header with the id of the SDK process (random, per process), on stream, ruleset and telemetry requests. */
export const INSTANCE_HEADER = 'x-rampart-instance';

/**
 * Sums of one metric of one flag, arm and stratum by user bucket, since the flush before: evidence, and the rollout it is
 * of. `metric` is one of the flag's exposure, or `assigned`/`reported` (users, once each per epoch and process).
 */
export type TelemetrySeries = EvidenceSeries & {
  readonly flag: string;
  readonly rollout: string;
  readonly attempt: number;
};

/** One flush of one SDK process. The same `batchId` is counted once, however often it is delivered. */
export type TelemetryBatch = {
  readonly schema: 1;
  readonly batchId: string;
  readonly instance: string;
  /**
   * Place of this batch among those of its instance: 1, 2, … Only for senders that deliver one batch after the other, each
   * until it is acknowledged: one at or below the last that the server has is a repeat, and the server need not remember ids.
   */
  readonly sequence?: number;
  /** Name and version of the SDK, for example `rampart-node/0.1.0`. */
  readonly sdk: string;
  readonly fromAt: number;
  readonly toAt: number;
  /** Revision of the ruleset the process evaluates by. */
  readonly revision: number;
  /** Observations dropped since the last flush because a bound was reached. */
  readonly dropped: number;
  /** Only on the last batch: the process has closed its client, and no confirmation waits for it any more. */
  readonly closing?: true;
  /** Name and version of the price book that costs in it were worked out by. */
  readonly priceBook?: string;
  /**
   * Rollouts that this process has evaluated before and that nobody was evaluated for since `fromAt`: it is there, and there is
   * nothing to report.
   */
  readonly idle?: readonly string[];
  /** Of drills: what this process evaluates their flags to, for `DRILL_UNIT`. */
  readonly evaluated?: Readonly<Record<string, boolean>>;
  readonly series: readonly TelemetrySeries[];
};

/** Answer to telemetry: sent only after the batch is durable. */
export type TelemetryReceipt = { readonly batchId: string; readonly status: 'accepted' | 'duplicate' };

/** Occurrences of a count metric reported from outside an SDK, for example by a support desk. */
export type SignalBatch = {
  readonly schema: 1;
  /** Idempotency key: the same id is counted once. */
  readonly batchId: string;
  readonly flag: string;
  readonly occurrences: readonly { readonly metric: string; readonly at?: number; readonly count?: number }[];
};

/**
 * What an evaluator says of one answer, possibly long after it was given. Where it counts is said by one of `evaluation` (the
 * best: exact also after the stage has changed), `context` (placed by the flag as it is now) and `variant` (users unknown).
 */
export type Score = {
  /** Idempotency key within the flag and metric: a score with the same id is counted once. */
  readonly id: string;
  readonly metric: string;
  /** In the metric's unit; for a proportion 1 is bad. Absent where the judge failed: then it counts as not measured, never as 0. */
  readonly score?: number;
  /** Why there is no score. */
  readonly error?: string;
  /** When the answer was given, epoch ms. Default: now. */
  readonly at?: number;
  readonly evaluation?: string;
  readonly context?: EvaluationContext;
  readonly variant?: string;
  /** Share of answers that are scored, in (0, 1]. */
  readonly samplingRate?: number;
  /** What judging it cost, in USD. */
  readonly cost?: number;
};

/** Scores of answers of one flag. */
export type ScoreBatch = { readonly schema: 1; readonly flag: string; readonly scores: readonly Score[] };

/** What became of scores; sent only after they are durable. */
export type ScoreReceipt = {
  readonly accepted: number;
  readonly duplicates: number;
  /** Scores that count nowhere, and why: repeating them helps nothing. */
  readonly ignored: readonly { readonly id: string; readonly reason: string }[];
};
