import type { Arm, Evaluation, EvaluationContext, JsonValue, Ruleset } from '@rampart/flags';
import type { Clock } from './clock.ts';
import type { Fetch } from './connection.ts';
import type { ClientEvent, ClientListener, RulesetSource } from './event.ts';
import type { Scope } from './scope.ts';

/** How to create a client. Everything is optional; without `url` it lives on `bootstrap`, `file` and `cacheFile` alone. */
export type ClientOptions = {
  /** Address of the control plane without a path, for example `https://rampart.example.com`. */
  readonly url?: string;
  /** Token of kind sdk-server: `rmp_sdk-server_…`. */
  readonly token?: string;
  /** Name of the environment. When given, rulesets of any other are refused, from wherever they come. */
  readonly environment?: string;
  /** Ruleset to start from, for example bundled with the build. */
  readonly bootstrap?: Ruleset;
  /** Path of a ruleset as JSON to start from. */
  readonly file?: string;
  /** Path where the last ruleset from the server is kept, for the next start. */
  readonly cacheFile?: string;
  /** Longest interval of telemetry in milliseconds; a rollout with short stages asks for a shorter one. Default: 5000. */
  readonly flushIntervalMs?: number;
  /** Longest wait of `ready()` in milliseconds. Default: 2000. */
  readonly initTimeoutMs?: number;
  /** Default: the `fetch` of the platform. */
  readonly fetch?: Fetch;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /** Uniform in [0, 1), for the jitter of retries. Default: `Math.random`. */
  readonly random?: () => number;
  /** Hears every event, from the first one on: put your logger here. */
  readonly onEvent?: (event: ClientEvent) => void;
};

/**
 * `connecting`: no ruleset confirmed by the server yet · `live`: in touch with the server, or there is none to be in
 * touch with · `stale`: out of touch, serving the last good ruleset · `closed`.
 */
export type ClientState = 'connecting' | 'live' | 'stale' | 'closed';

/** How a client stands at a moment. */
export type ClientStatus = {
  readonly state: ClientState;
  /** Revision evaluated by; undefined while there is no ruleset. */
  readonly revision?: number;
  readonly environment?: string;
  readonly source: RulesetSource;
  /** Milliseconds since the server last confirmed or sent the ruleset; undefined when it never did in this process. */
  readonly ageMs?: number;
  /** Observations lost since the start because a bound was reached, a value was no number or the server refused them. */
  readonly dropped: number;
  /** Set when the address is no URL or the server refuses the token: nothing is tried any more. */
  readonly fatal?: string;
};

/** How a piece of work went. */
export type Outcome = {
  /** True when the work failed. Counts as 1 in `errorRate`. */
  readonly error: boolean;
  /** Default: the time since the scope was opened. Goes to `p99Latency`, in seconds. */
  readonly durationMs?: number;
  /** Time to the first token of a streamed answer. Goes to `timeToFirstToken`, in seconds. */
  readonly timeToFirstTokenMs?: number;
};

/** Where a user stands in the rollout of a flag. */
export type Placement = {
  readonly flag: string;
  /** Variant that is served there. */
  readonly variant: string;
  readonly arm: Arm;
  readonly rollout: string;
  /** User bucket in [0, 64); it tells users apart without saying who they are. */
  readonly bucket: number;
  /** Keep it with an answer that is scored later: `POST /v1/scores` counts the score where the answer was given. */
  readonly evaluation: string;
};

/** Evaluates flags in this process and reports how their users fare. No method throws, no promise rejects. */
export type RampartClient = {
  /** Resolves when there is a ruleset, the token is refused, or `initTimeoutMs` is over. */
  ready(): Promise<void>;
  /** Value of a flag; `fallback` when it has none or it is not a boolean. `context` defaults to that of the scope. */
  boolean(key: string, fallback: boolean, context?: EvaluationContext): boolean;
  string(key: string, fallback: string, context?: EvaluationContext): string;
  number(key: string, fallback: number, context?: EvaluationContext): number;
  /** Value of a flag with objects or lists. It is shared: do not change it. */
  object(key: string, fallback: JsonValue, context?: EvaluationContext): JsonValue;
  /** Value with variant, reason, error and place in a rollout. The type of `fallback` is the type asked for. */
  details(key: string, fallback: JsonValue, context?: EvaluationContext): Evaluation;
  /**
   * Records a value of a metric (1 for something that happened). Given a scope, or called inside one, it counts for the
   * flags evaluated there. Given a context, it counts for every rollout that judges the metric, where it places this
   * context: give the attributes that evaluation gets.
   */
  track(metric: string, value?: number, target?: EvaluationContext | Scope): void;
  /** Opens a scope: outcomes inside it belong to the flags evaluated inside it. Use `scope.run(work)`. */
  openScope(context?: EvaluationContext): Scope;
  /** For middlewares: tells, the first time only, that the context of a request could not be made (`CONTEXT_FAILED`). */
  contextFailed(error: unknown): void;
  /** Records errorRate, p99Latency and throughput for the flags evaluated in a scope. Default: the scope of the caller. */
  recordOutcome(outcome: Outcome, scope?: Scope): void;
  /**
   * Where the user stands in every rollout: of a scope (the flags evaluated in it), or of a context. Default: the scope of
   * the caller; outside of one, empty.
   */
  placements(target?: EvaluationContext | Scope): readonly Placement[];
  /** Names the price book that `costPerQuery` is worked out by; it stands in the report. `@rampart/sdk/ai` does this. */
  usePriceBook(version: string): void;
  status(): ClientStatus;
  /** Listens to events of one type; the result ends it. */
  on<T extends ClientEvent['type']>(type: T, listener: ClientListener<T>): () => void;
  /** Delivers telemetry now. True when the server has it all; false when it is still being retried. */
  flush(): Promise<boolean>;
  /** Delivers telemetry (within 2 s) and ends all connections. Evaluation goes on with what is there. Idempotent. */
  close(): Promise<void>;
};
