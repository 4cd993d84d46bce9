import {
  type Context,
  createContextKey,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
} from '@opentelemetry/api';
import { BAGGAGE_PREFIX } from './otel-names.ts';

const TRUSTED = createContextKey('rampart.trusted');

/** Marks a context whose outgoing requests stay among your own services: arms in its baggage go along. */
export function trustedContext(context: Context): Context {
  return context.setValue(TRUSTED, true);
}

/** What a boundary lets through. */
export type BoundaryOptions = {
  /** Takes arms from incoming baggage. Say true only where nobody but your own services can call. Default: false. */
  readonly trustIncoming?: boolean;
};

function withoutArms(context: Context): Context {
  const baggage = propagation.getBaggage(context);
  const arms = baggage?.getAllEntries().filter(([key]) => key.startsWith(BAGGAGE_PREFIX)) ?? [];
  if (baggage === undefined || arms.length === 0) return context;
  return propagation.setBaggage(context, baggage.removeEntries(...arms.map(([key]) => key)));
}

/**
 * A propagator around another one that keeps arms inside your services: baggage is sent to whomever the application calls,
 * and taken from whoever calls it. Outgoing arms are stripped unless the context is trusted; incoming ones always are, unless told otherwise.
 */
export class ArmBoundary implements TextMapPropagator {
  readonly #inner: TextMapPropagator;
  readonly #trustsIncoming: boolean;

  constructor(inner: TextMapPropagator, options: BoundaryOptions = {}) {
    this.#inner = inner;
    this.#trustsIncoming = options.trustIncoming ?? false;
  }

  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const isTrusted = context.getValue(TRUSTED) === true;
    this.#inner.inject(isTrusted ? context : withoutArms(context), carrier, setter);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const extracted = this.#inner.extract(context, carrier, getter);
    return this.#trustsIncoming ? extracted : withoutArms(extracted);
  }

  fields(): string[] {
    return this.#inner.fields();
  }
}
