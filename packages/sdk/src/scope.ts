import { AsyncLocalStorage } from 'node:async_hooks';
import type { EvaluationContext } from '@rampart/flags';
import type { Assignment } from './telemetry.ts';

/** Most flags remembered in one scope: a scope that never ends must not grow for ever. */
const MAX_ASSIGNMENTS = 1000;

/**
 * One piece of work whose outcome belongs to the flags evaluated in it: a request, a job, a message. Everything that
 * runs inside `run`, through awaits and callbacks, shares it.
 */
export class Scope {
  readonly #storage: AsyncLocalStorage<Scope>;
  readonly #assignments = new Map<string, Assignment>();
  /** Context of evaluations in this scope that are given none. */
  readonly context: EvaluationContext | undefined;
  /** When the scope was opened, on the monotonic clock of its client. */
  readonly openedMs: number;

  constructor(storage: AsyncLocalStorage<Scope>, openedMs: number, context?: EvaluationContext) {
    this.#storage = storage;
    this.openedMs = openedMs;
    this.context = context;
  }

  /** Runs `work` inside the scope and gives what it gives. May be called again to re-enter the scope. */
  run<T>(work: () => T): T {
    return this.#storage.run(this, work);
  }

  /** Places of the flags evaluated so far. */
  get assignments(): Iterable<Assignment> {
    return this.#assignments.values();
  }

  /** Remembers where a flag placed the user. The first evaluation of a flag wins: it decided what the user got. */
  remember(assignment: Assignment): void {
    const { flag } = assignment.slot;
    if (this.#assignments.size < MAX_ASSIGNMENTS && !this.#assignments.has(flag)) {
      this.#assignments.set(flag, assignment);
    }
  }
}

/** Opens scopes and finds the one the caller is in. */
export class ScopeStore {
  readonly #storage = new AsyncLocalStorage<Scope>();

  open(openedMs: number, context?: EvaluationContext): Scope {
    return new Scope(this.#storage, openedMs, context);
  }

  /** The innermost scope around the caller. */
  get current(): Scope | undefined {
    return this.#storage.getStore();
  }
}
