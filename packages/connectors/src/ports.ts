import type { EvidenceSeries, Metric, Occurrence, RecordedSeries } from '@rampart/rollout';
import type { Notification } from './notification.ts';

/**
 * What is asked of a metric source: one metric of one rollout between two instants, epoch milliseconds, [fromAt, toAt).
 * The exposure did not change in between.
 */
export type MetricQuery = {
  readonly metric: Metric;
  /** Id of the rollout. */
  readonly rollout: string;
  readonly flag: string;
  /** Names of the variants, to tell arms apart. */
  readonly treatment: string;
  readonly control: string;
  /** Exposure in force: what the answer's series carry. */
  readonly epoch: number;
  readonly stratum: number;
  readonly fromAt: number;
  readonly toAt: number;
  /**
   * Whether everyone sees the same variant: the treatment, or in stratum 0 the control. A source that cannot tell arms apart
   * answers only then. Default: whether `stratum` is 0 or 100 000.
   */
  readonly isUniform?: boolean;
  /** Fires when the answer is no longer wanted. */
  readonly signal?: AbortSignal;
  /** Told each question to the system behind and its raw answer, without secrets: for people who test a binding. */
  readonly onExchange?: (exchange: SourceExchange) => void;
};

/** One question to the system behind a source, and what it answered; a long answer is cut. */
export type SourceExchange = { readonly asked: string; readonly answered: string };

/**
 * Why a source could not answer, where it matters to who asks: nothing is there (`unreachable`), it asks for patience
 * (`throttled`), its answer is larger than is read (`too-large`: ask for less), parts of it did not answer (`partial`), or its
 * numbers cannot be true together (`contradictory`).
 */
export type SourceErrorReason = 'unreachable' | 'throttled' | 'too-large' | 'partial' | 'contradictory';

/**
 * What a source knows (design §6). The four are never confused: zero errors is a `value`, silence is `no-data`, a source
 * that stopped reporting is `stale`, and one that could not answer is an `error`. Only a `value` can move a rollout on.
 */
export type SourceAnswer =
  /**
   * Disjoint increments of sufficient statistics; `newestAt` is the instant of the newest of them. `occurrences`: of a count
   * metric, each with its own instant. `warnings`: what makes the numbers less than certain; they go on, and are shown.
   */
  | {
      readonly kind: 'value';
      readonly series: readonly EvidenceSeries[];
      readonly occurrences?: readonly Occurrence[];
      readonly newestAt: number;
      readonly warnings?: readonly string[];
    }
  /** The source answers and has nothing for this metric. */
  | { readonly kind: 'no-data' }
  /** What the source has ends at `newestAt`, before the interval asked for. */
  | { readonly kind: 'stale'; readonly newestAt: number }
  /** The source could not answer; `message` carries no secret. `retryAfterMs`: not to be asked earlier, milliseconds. */
  | {
      readonly kind: 'error';
      readonly message: string;
      readonly reason?: SourceErrorReason;
      readonly retryAfterMs?: number;
    };

/** What a source says to an expression: how many series it returned, or why it could not answer. */
export type ProbeAnswer =
  | { readonly kind: 'value'; readonly series: number }
  | { readonly kind: 'no-data' }
  /** `message` carries no secret. */
  | { readonly kind: 'error'; readonly message: string };

/** Where the numbers of a metric come from. */
export type MetricSource = {
  /** Name a plan refers to, for example `telemetry`. */
  readonly name: string;
  /** Never rejects: what goes wrong is an answer of kind `error`. */
  readonly read: (query: MetricQuery) => Promise<SourceAnswer>;
  /** Asks whether an expression of its language returns anything now. Never rejects. Default: it cannot be asked. */
  readonly probe?: (query: string, signal?: AbortSignal) => Promise<ProbeAnswer>;
  /** Where the past of its metrics can be read. Default: nowhere. */
  readonly history?: HistorySource;
  /** Ends connections that are kept open. Default: there are none. */
  readonly close?: () => Promise<void>;
};

/**
 * What is asked of recorded history: what was counted of one metric in each step between two instants, epoch milliseconds.
 * The first step is (fromAt, fromAt + stepMs], the last ends at `toAt`.
 */
export type HistoryQuery = {
  readonly metric: Metric;
  /** Names of the variants, to tell arms apart. */
  readonly treatment: string;
  readonly control: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly stepMs: number;
  /** Steps per answer, from 1. */
  readonly partSteps: number;
  /** Fires when the answers are no longer wanted. */
  readonly signal?: AbortSignal;
};

/** What was counted in the step that ended at `at`. */
export type HistoryPoint = RecordedSeries & { readonly at: number };

/** What a history knows. Steps without observations are left out. `warnings`: what makes the numbers less than certain. */
export type HistoryAnswer =
  | { readonly kind: 'value'; readonly points: readonly HistoryPoint[]; readonly warnings: readonly string[] }
  | { readonly kind: 'no-data' }
  /** It could not answer; `message` carries no secret. `isUnreachable`: nothing answers at the address. Default: false. */
  | { readonly kind: 'error'; readonly message: string; readonly isUnreachable?: boolean };

/** Where the past of a metric can be read. */
export type HistorySource = {
  /** Name a plan refers to, for example `prometheus`. */
  readonly name: string;
  /** One answer per part, in order. Never throws: what goes wrong is an answer of kind `error`, and the last. */
  readonly read: (query: HistoryQuery) => AsyncGenerator<HistoryAnswer, void, undefined>;
};

/** How a delivery ended. `why` carries neither URL nor secret. */
export type DeliveryResult =
  | { readonly kind: 'delivered' }
  /** Worth another try; not before `afterMs` (milliseconds) where the receiver said so. */
  | { readonly kind: 'retry'; readonly why: string; readonly afterMs?: number }
  /** No repetition will help. `disable`: the receiver asks for no further message at all. */
  | { readonly kind: 'refused'; readonly why: string; readonly disable?: boolean };

/** Whoever is told what happens to rollouts. */
export type Notifier = {
  readonly name: string;
  /**
   * Delivers one message, at least once: the receiver tells repetitions by `message.id`. Never rejects.
   * Ends as `retry` when `signal` fires.
   */
  readonly deliver: (message: Notification, signal: AbortSignal) => Promise<DeliveryResult>;
};
