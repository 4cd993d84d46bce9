import { DRILL_FLAG_PREFIX, DRILL_UNIT, evaluationIdOf, metricOfSeries } from '@rampart/api/wire';
import type { Evaluation, EvaluationContext, JsonValue } from '@rampart/flags';
import { CacheFile, readJsonFile } from './cache-file.ts';
import type { ClientOptions, ClientState, ClientStatus, Outcome, Placement, RampartClient } from './client-options.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { Connection } from './connection.ts';
import { Evaluator } from './evaluator.ts';
import { type ClientEvent, type ClientListener, EventHub, messageOf } from './event.ts';
import { RulesetHolder } from './ruleset-holder.ts';
import { Scope, ScopeStore } from './scope.ts';
import { sdkVersion } from './sdk-version.ts';
import { Sync } from './sync.ts';
import { type Assignment, bucketOf, Telemetry } from './telemetry.ts';

const DEFAULT_FLUSH_INTERVAL_MS = 5000;
const DEFAULT_INIT_TIMEOUT_MS = 2000;
const NO_CONTEXT: EvaluationContext = Object.freeze({});

/** Creates a client and starts connecting. One per process is meant: each has its own stream and telemetry. */
export function createClient(options: ClientOptions = {}): RampartClient {
  return new Client(options);
}

class Client implements RampartClient {
  readonly #options: ClientOptions;
  readonly #clock: Clock;
  readonly #events: EventHub;
  readonly #holder: RulesetHolder;
  readonly #evaluator: Evaluator;
  readonly #scopes = new ScopeStore();
  readonly #cache: CacheFile | undefined;
  readonly #sync: Sync | undefined;
  readonly #telemetry: Telemetry | undefined;
  readonly #ready: Promise<void>;
  #settleReady: () => void = () => undefined;
  #state: ClientState = 'connecting';
  #contactMs: number | undefined;
  #fatal: string | undefined;
  #toldContext = false;
  #closing: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#events = new EventHub(options.onEvent);
    const path = options.cacheFile;
    this.#cache =
      path === undefined
        ? undefined
        : new CacheFile(path, (message) => this.#events.error('CACHE_UNWRITABLE', message));
    this.#holder = new RulesetHolder(this.#events, options.environment, (ruleset) => this.#cache?.save(ruleset));
    this.#evaluator = new Evaluator(
      () => this.#holder.held,
      (assignment) => this.#onPlaced(assignment),
    );
    this.#ready = this.#untilReady();
    this.#loadLocal();
    const connection = this.#connect(options);
    if (connection === undefined) {
      this.#state = this.#fatal === undefined ? 'live' : 'stale';
    } else {
      this.#telemetry = this.#createTelemetry(connection);
      this.#telemetry.start();
      this.#events.on('change', ({ flagsChanged }) => {
        this.#telemetry?.adapt();
        this.#confirmDrills(flagsChanged);
      });
      this.#sync = this.#createSync(connection);
      void this.#sync.run();
    }
    if (this.#holder.held !== undefined || connection === undefined) this.#settleReady();
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  boolean(key: string, fallback: boolean, context?: EvaluationContext): boolean {
    const { value } = this.details(key, fallback, context);
    return typeof value === 'boolean' ? value : fallback;
  }

  string(key: string, fallback: string, context?: EvaluationContext): string {
    const { value } = this.details(key, fallback, context);
    return typeof value === 'string' ? value : fallback;
  }

  number(key: string, fallback: number, context?: EvaluationContext): number {
    const { value } = this.details(key, fallback, context);
    return typeof value === 'number' ? value : fallback;
  }

  object(key: string, fallback: JsonValue, context?: EvaluationContext): JsonValue {
    return this.details(key, fallback, context).value;
  }

  details(key: string, fallback: JsonValue, context?: EvaluationContext): Evaluation {
    return this.#evaluator.evaluate(key, fallback, context ?? this.#scopes.current?.context ?? NO_CONTEXT);
  }

  track(metric: string, value = 1, target?: EvaluationContext | Scope): void {
    const telemetry = this.#telemetry;
    if (telemetry === undefined) return;
    if (!Number.isFinite(value)) {
      telemetry.drop(1);
      return;
    }
    for (const assignment of this.#targets(metric, target)) this.#observe(telemetry, assignment, metric, value);
  }

  openScope(context?: EvaluationContext): Scope {
    return this.#scopes.open(this.#clock.monotonicMs(), context);
  }

  contextFailed(error: unknown): void {
    if (this.#toldContext) return;
    this.#toldContext = true;
    const message = `The context of a request could not be made: ${messageOf(error)}. It is empty instead, so its user is in no split. Told once.`;
    this.#events.error('CONTEXT_FAILED', message);
  }

  recordOutcome(outcome: Outcome, scope: Scope | undefined = this.#scopes.current): void {
    const telemetry = this.#telemetry;
    if (telemetry === undefined || scope === undefined) return;
    const durationMs = outcome.durationMs ?? this.#clock.monotonicMs() - scope.openedMs;
    for (const assignment of scope.assignments) {
      telemetry.reported(assignment);
      telemetry.observe(assignment, 'errorRate', outcome.error ? 1 : 0);
      telemetry.observe(assignment, 'p99Latency', durationMs / 1000);
      telemetry.observe(assignment, 'throughput', 1);
      if (outcome.timeToFirstTokenMs !== undefined) {
        telemetry.observe(assignment, 'timeToFirstToken', outcome.timeToFirstTokenMs / 1000);
      }
    }
  }

  placements(target: EvaluationContext | Scope | undefined = this.#scopes.current): readonly Placement[] {
    if (target === undefined) return [];
    const assignments = target instanceof Scope ? [...target.assignments] : this.#evaluator.places(target);
    return assignments.map(placementOf);
  }

  usePriceBook(version: string): void {
    if (this.#telemetry !== undefined) this.#telemetry.priceBook = version;
  }

  status(): ClientStatus {
    const held = this.#holder.held;
    return {
      state: this.#state,
      source: held?.source ?? 'none',
      dropped: this.#telemetry?.dropped ?? 0,
      ...(held === undefined ? {} : { revision: held.ruleset.revision, environment: held.ruleset.environment }),
      ...(this.#contactMs === undefined ? {} : { ageMs: this.#clock.monotonicMs() - this.#contactMs }),
      ...(this.#fatal === undefined ? {} : { fatal: this.#fatal }),
    };
  }

  on<T extends ClientEvent['type']>(type: T, listener: ClientListener<T>): () => void {
    return this.#events.on(type, listener);
  }

  async flush(): Promise<boolean> {
    return (await this.#telemetry?.flush()) ?? true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    this.#settleReady();
    this.#sync?.stop();
    await this.#telemetry?.close();
    await this.#cache?.settled();
  }

  #untilReady(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#options.initTimeoutMs ?? DEFAULT_INIT_TIMEOUT_MS, 'init', resolve);
      this.#settleReady = () => {
        cancel();
        resolve();
      };
    });
  }

  #loadLocal(): void {
    const { bootstrap, file, cacheFile } = this.#options;
    if (bootstrap !== undefined) this.#holder.offer(bootstrap, 'bootstrap');
    if (file !== undefined) this.#loadFile(file, 'file');
    if (cacheFile !== undefined) this.#loadFile(cacheFile, 'cache');
  }

  #loadFile(path: string, source: 'file' | 'cache'): void {
    const answer = readJsonFile(path);
    const code = source === 'file' ? 'FILE_UNREADABLE' : 'CACHE_UNREADABLE';
    if (answer.kind === 'json') this.#holder.offer(answer.json, source);
    else if (answer.kind === 'unreadable') this.#events.error(code, answer.message);
    else if (source === 'file') this.#events.error(code, `${path} does not exist. Give "file" the path of a ruleset.`);
  }

  #connect(options: ClientOptions): Connection | undefined {
    const { url } = options;
    if (url === undefined || isHttpAddress(url)) return connectionOf(options, this.#clock);
    const received = JSON.stringify(url);
    this.#fatal = `"url" is no http or https address: received ${received}. Give the address of the control plane, for example http://127.0.0.1:4180.`;
    this.#events.error('URL_INVALID', this.#fatal, true);
    return undefined;
  }

  #createTelemetry(connection: Connection): Telemetry {
    return new Telemetry({
      connection,
      events: this.#events,
      random: this.#options.random ?? Math.random,
      sdk: sdkVersion(),
      flushIntervalMs: () => this.#flushIntervalMs,
      revision: () => this.#holder.held?.ruleset.revision ?? 0,
      serves: (rollout) => {
        const flags = Object.values(this.#holder.held?.ruleset.flags ?? {});
        return flags.some(({ exposure }) => exposure?.rollout === rollout);
      },
    });
  }

  /** A rollout that judges quickly needs reports more often than the application asked for. */
  get #flushIntervalMs(): number {
    return Math.min(
      this.#options.flushIntervalMs ?? DEFAULT_FLUSH_INTERVAL_MS,
      this.#holder.held?.reportEveryMs ?? Number.POSITIVE_INFINITY,
    );
  }

  #createSync(connection: Connection): Sync {
    return new Sync(connection, this.#holder, this.#events, this.#options.random ?? Math.random, {
      onContact: () => this.#onContact(),
      onLost: (message) => this.#onLost(message),
      onRefused: (message) => this.#onRefused(message),
    });
  }

  /** A drill measures how soon this process evaluates what was switched: its flag is evaluated as any other, and told at once. */
  #confirmDrills(flagsChanged: readonly string[]): void {
    const flags = this.#holder.held?.ruleset.flags ?? {};
    const keys = flagsChanged.filter((key) => key.startsWith(DRILL_FLAG_PREFIX) && Object.hasOwn(flags, key));
    if (keys.length === 0) return;
    const context = { targetingKey: DRILL_UNIT };
    this.#telemetry?.confirm(
      Object.fromEntries(keys.map((key) => [key, this.#evaluator.evaluate(key, false, context).value === true])),
    );
  }

  #onContact(): void {
    this.#contactMs = this.#clock.monotonicMs();
    this.#settleReady();
    const revision = this.#holder.held?.ruleset.revision;
    if (this.#state === 'live' || this.#state === 'closed' || revision === undefined) return;
    this.#state = 'live';
    this.#events.emit({ type: 'live', revision });
  }

  #onLost(message: string): void {
    if (this.#state === 'stale' || this.#state === 'closed' || this.#holder.held === undefined) return;
    this.#state = 'stale';
    this.#events.emit({ type: 'stale', message });
  }

  #onRefused(message: string): void {
    this.#fatal = `${message}. Give the client a valid token of kind sdk-server for this environment.`;
    this.#onLost(message);
    this.#events.error('TOKEN_REFUSED', this.#fatal, true);
    this.#settleReady();
  }

  #onPlaced(assignment: Assignment): void {
    this.#telemetry?.assigned(assignment);
    this.#scopes.current?.remember(assignment);
  }

  #targets(metric: string, target: EvaluationContext | Scope | undefined): Iterable<Assignment> {
    const scope = target === undefined ? this.#scopes.current : target;
    if (scope instanceof Scope) return scope.assignments;
    return scope === undefined ? [] : this.#evaluator.placesFor(metricOfSeries(metric), scope);
  }

  #observe(telemetry: Telemetry, assignment: Assignment, metric: string, value: number): void {
    if (!Object.hasOwn(assignment.slot.metrics, metricOfSeries(metric))) return;
    // Also where this process never evaluated the flag for this user: who is reported on must be among the assigned.
    telemetry.assigned(assignment);
    telemetry.reported(assignment);
    telemetry.observe(assignment, metric, value);
  }
}

function placementOf(assignment: Assignment): Placement {
  const { flag, variant, place } = assignment.slot;
  const bucket = bucketOf(assignment);
  return {
    flag,
    variant,
    arm: place.arm,
    rollout: place.rollout,
    bucket,
    evaluation: evaluationIdOf({ ...place, bucket }),
  };
}

function isHttpAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function connectionOf(options: ClientOptions, clock: Clock): Connection | undefined {
  if (options.url === undefined) return undefined;
  const platformFetch = (url: string, init: RequestInit): Promise<Response> => globalThis.fetch(url, init);
  return {
    url: options.url,
    token: options.token,
    instance: crypto.randomUUID(),
    fetch: options.fetch ?? platformFetch,
    clock,
  };
}
