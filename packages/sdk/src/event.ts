/** Where the ruleset in use came from. `none`: there is none yet, every evaluation gives its fallback. */
export type RulesetSource = 'none' | 'bootstrap' | 'file' | 'cache' | 'network';

/** Why the SDK reports an error. */
export type ClientErrorCode =
  /** 401 or 403: the token is missing, wrong, expired, revoked or of another kind. Nothing is retried. */
  | 'TOKEN_REFUSED'
  /** The stream or the ruleset endpoint could not be read; it is being retried. */
  | 'CONNECTION_FAILED'
  /** A ruleset or patch could not be understood; the last good one stays in use. */
  | 'RULESET_INVALID'
  /** A ruleset is of another environment than `environment` says; it was not used. */
  | 'ENVIRONMENT_MISMATCH'
  | 'FILE_UNREADABLE'
  | 'CACHE_UNREADABLE'
  | 'CACHE_UNWRITABLE'
  /** The server will never take this batch of telemetry (4xx); it was dropped and counted. */
  | 'TELEMETRY_REFUSED'
  /** Telemetry could not be delivered; the same batch is being retried. */
  | 'TELEMETRY_UNSENT'
  /** The `context` option of a middleware threw; told once. Its requests are evaluated with an empty context. */
  | 'CONTEXT_FAILED'
  /** The option `url` is no http or https address. Nothing is tried. */
  | 'URL_INVALID'
  /** A listener threw. */
  | 'LISTENER_FAILED';

/** Everything the SDK tells the application about itself. */
export type ClientEvent =
  | {
      readonly type: 'change';
      readonly revision: number;
      /** Revision in use before; undefined for the first ruleset. */
      readonly fromRevision?: number;
      readonly source: RulesetSource;
      /** Keys of flags that changed, were added or removed, or use a segment that changed. */
      readonly flagsChanged: readonly string[];
    }
  /** In touch with the control plane (again), and in possession of its ruleset. */
  | { readonly type: 'live'; readonly revision: number }
  /** Out of touch; evaluation goes on with the last good ruleset. */
  | { readonly type: 'stale'; readonly message: string }
  | { readonly type: 'error'; readonly code: ClientErrorCode; readonly message: string; readonly fatal: boolean }
  /** The server answered a lower revision than the one in use (a restored backup); it was accepted. */
  | { readonly type: 'went-back'; readonly fromRevision: number; readonly revision: number };

/** A listener for one type of event. */
export type ClientListener<T extends ClientEvent['type']> = (event: Extract<ClientEvent, { type: T }>) => void;

/** Tells events to whoever listens. A listener that throws hurts nobody else. */
export class EventHub {
  readonly #listeners = new Map<ClientEvent['type'], Set<(event: ClientEvent) => void>>();
  readonly #all: ((event: ClientEvent) => void) | undefined;

  constructor(all?: (event: ClientEvent) => void) {
    this.#all = all;
  }

  on<T extends ClientEvent['type']>(type: T, listener: ClientListener<T>): () => void {
    const entry = (event: ClientEvent): void => {
      if (isOfType(event, type)) listener(event);
    };
    const set = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, set.add(entry));
    return () => {
      set.delete(entry);
    };
  }

  emit(event: ClientEvent): void {
    const failure = this.#deliver(event);
    // A failing listener is told of once: if the listeners for errors fail too, nobody is left to tell.
    if (failure !== undefined) {
      this.#deliver({ type: 'error', code: 'LISTENER_FAILED', message: failure, fatal: false });
    }
  }

  error(code: ClientErrorCode, message: string, fatal = false): void {
    this.emit({ type: 'error', code, message, fatal });
  }

  #deliver(event: ClientEvent): string | undefined {
    let failure: string | undefined;
    for (const listener of [this.#all, ...(this.#listeners.get(event.type) ?? [])]) {
      try {
        listener?.(event);
      } catch (error) {
        failure = `A listener for "${event.type}" threw: ${messageOf(error)}. Catch errors inside the listener.`;
      }
    }
    return failure;
  }
}

function isOfType<T extends ClientEvent['type']>(
  event: ClientEvent,
  type: T,
): event is Extract<ClientEvent, { type: T }> {
  return event.type === type;
}

/** The text of anything thrown, with the cause that network errors hide the reason in. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  return cause === undefined || cause === '' ? error.message : `${error.message} (${cause})`;
}
