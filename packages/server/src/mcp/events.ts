import { describeEvent, type EventRecord, type RolloutState } from '@rampart/rollout';
import { z } from 'zod';
import { isoOf } from './rollout-summary.ts';
import { dataOf, nameOf, nameSchema, untrustedSchema } from './untrusted.ts';

/** An event as tools tell it. */
export const toldEventSchema = z.strictObject({
  version: z.int(),
  at: z.string(),
  by: nameSchema,
  type: z.string(),
  says: untrustedSchema,
});

/** An event as tools tell it, in the words of the report. */
export function toldEvent(record: EventRecord, { plan }: RolloutState): z.output<typeof toldEventSchema> {
  const { version, at, by, event } = record;
  return {
    ...{ version, at: isoOf(at), by: nameOf(by), type: event.type },
    says: dataOf(describeEvent(record, plan.metrics)),
  };
}
