import type { Flag, Segment } from '@rampart/flags';
import type {
  EventRecord,
  EvidenceBatch,
  Judgement,
  Plan,
  PlanIssue,
  RolloutEvent,
  RolloutState,
  Verdict,
} from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { eventRecordSchema, rolloutEventSchema } from './event-schema.ts';
import type { evidenceBatchSchema } from './evidence-schema.ts';
import type { segmentSchema, servedFlagSchema } from './flag-schema.ts';
import type { planIssueSchema, planSchema } from './plan-schema.ts';
import type { rolloutStateSchema } from './state-schema.ts';
import type { judgementSchema, verdictSchema } from './verdict-schema.ts';

/** Paths of properties that a type has and its schema does not, three levels deep; `never` when it has them all. */
type Missing<T, S, Depth extends 0[] = [0, 0, 0]> = Depth extends [0, ...infer Rest extends 0[]]
  ? T extends readonly (infer Item)[]
    ? S extends readonly (infer Other)[]
      ? Missing<Item, Other, Rest>
      : 'array'
    : T extends { readonly type: infer Tag }
      ? MissingKeys<T, Extract<S, { type: Tag }>, Rest>
      : T extends object
        ? S extends object
          ? MissingKeys<T, S, Rest>
          : never
        : never
  : never;
type MissingKeys<T, S, Rest extends 0[]> =
  | Exclude<keyof T, keyof S>
  | { [K in keyof T & keyof S]: Missing<NonNullable<T[K]>, NonNullable<S[K]>, Rest> }[keyof T & keyof S];

/** Compiles only for `never`: the type check of the tests is what fails when a core type grows. */
const complete = <M extends never>(...missing: M[]): number => missing.length;

describe('schemas of what the server shows', () => {
  it('have every property the core types have, also the optional ones', () => {
    const checked = [
      complete<Missing<Verdict, z.output<typeof verdictSchema>>>(),
      complete<Missing<Judgement, z.output<typeof judgementSchema>>>(),
      complete<Exclude<keyof Plan, keyof z.output<typeof planSchema>>>(),
      complete<Exclude<keyof PlanIssue, keyof z.output<typeof planIssueSchema>>>(),
      complete<Exclude<keyof RolloutState, keyof z.output<typeof rolloutStateSchema>>>(),
      complete<Missing<RolloutState['incidents'], z.output<typeof rolloutStateSchema>['incidents']>>(),
      complete<Missing<RolloutState['history'], z.output<typeof rolloutStateSchema>['history']>>(),
      complete<Missing<NonNullable<RolloutState['stage']>, z.output<typeof rolloutStateSchema>['stage'] & object>>(),
      complete<Exclude<keyof EventRecord, keyof z.output<typeof eventRecordSchema>>>(),
      complete<Exclude<RolloutEvent['type'], z.output<typeof rolloutEventSchema>['type']>>(),
      complete<Missing<RolloutEvent, z.output<typeof rolloutEventSchema>, [0]>>(),
      complete<Missing<EvidenceBatch, z.output<typeof evidenceBatchSchema>>>(),
      complete<Exclude<keyof Flag, keyof z.output<typeof servedFlagSchema>>>(),
      complete<Exclude<keyof Segment, keyof z.output<typeof segmentSchema>>>(),
    ];
    expect(checked).toEqual(checked.map(() => 0));
  });
});
