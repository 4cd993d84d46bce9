import { type Evaluation, type EvaluationContext, type ExposurePlace, evaluate, type JsonValue } from '@rampart/flags';
import { messageOf } from './event.ts';
import type { Held } from './ruleset-holder.ts';
import { type Slot, slotOf } from './slot.ts';
import type { Assignment } from './telemetry.ts';
import { unitOf } from './unit.ts';

/** Evaluates by the ruleset in use and tells of users found to be in a rollout. Never throws. */
export class Evaluator {
  readonly #held: () => Held | undefined;
  readonly #onPlaced: (assignment: Assignment) => void;
  // Places are shared by the evaluations of one compiled ruleset, so that this finds nearly every slot at once.
  readonly #slots = new WeakMap<ExposurePlace, Slot>();

  constructor(held: () => Held | undefined, onPlaced: (assignment: Assignment) => void) {
    this.#held = held;
    this.#onPlaced = onPlaced;
  }

  /** Evaluates and counts: whoever is in a rollout of the flag is now one of its users. */
  evaluate(key: string, fallback: JsonValue, context: EvaluationContext): Evaluation {
    try {
      const held = this.#held();
      if (held === undefined) return notReady(fallback);
      const evaluation = evaluate(held.compiled, key, fallback, context);
      if (evaluation.place !== undefined) {
        const assignment = this.#assignmentOf(held, key, evaluation.place, context);
        if (assignment !== undefined) this.#onPlaced(assignment);
      }
      return evaluation;
    } catch (error) {
      return { value: fallback, reason: 'ERROR', errorCode: 'GENERAL', errorMessage: messageOf(error) };
    }
  }

  /** Places of a context in the rollouts that judge a metric. */
  placesFor(metric: string, context: EvaluationContext): readonly Assignment[] {
    const held = this.#held();
    const keys = held?.flagsByMetric.get(metric) ?? [];
    return keys.flatMap((key) => (held === undefined ? [] : (this.#place(held, key, context) ?? [])));
  }

  /** Places of a context in every rollout there is. */
  places(context: EvaluationContext): readonly Assignment[] {
    const held = this.#held();
    if (held === undefined) return [];
    const keys = Object.keys(held.ruleset.flags).filter((key) => held.ruleset.flags[key]?.exposure !== undefined);
    return keys.flatMap((key) => this.#place(held, key, context) ?? []);
  }

  #place(held: Held, key: string, context: EvaluationContext): Assignment | undefined {
    // The fallback has the type of the flag's values, so that its type is never the reason for having no place.
    const [sample] = Object.values(held.ruleset.flags[key]?.variants ?? {});
    try {
      const { place } = evaluate(held.compiled, key, sample ?? null, context);
      return place === undefined ? undefined : this.#assignmentOf(held, key, place, context);
    } catch {
      // An evaluation that fails places nobody; the application hears of it where it evaluates.
      return undefined;
    }
  }

  #assignmentOf(held: Held, key: string, place: ExposurePlace, context: EvaluationContext): Assignment | undefined {
    const flag = held.ruleset.flags[key];
    if (flag?.exposure === undefined) return undefined;
    let slot = this.#slots.get(place);
    if (slot?.flag !== key) {
      slot = slotOf(key, place, flag.exposure);
      this.#slots.set(place, slot);
    }
    return { slot, unit: unitOf(flag, context) };
  }
}

function notReady(fallback: JsonValue): Evaluation {
  return {
    value: fallback,
    reason: 'ERROR',
    errorCode: 'PROVIDER_NOT_READY',
    errorMessage: 'No ruleset yet: await ready(), or give the client a bootstrap, file or cacheFile to start from.',
  };
}
