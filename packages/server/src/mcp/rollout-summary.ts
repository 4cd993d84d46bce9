import type { RolloutView } from '@rampart/api';
import { openItems, type RolloutState, servedMs, stageOf, weightOfEveryone } from '@rampart/rollout';
import { z } from 'zod';
import { nextOf, nextSchema } from './next-step.ts';
import { dataOf, nameOf, nameSchema, untrustedSchema } from './untrusted.ts';

const instant = z.string().describe('ISO 8601, UTC.');

/** A rollout in short, as every tool gives it. */
export const summarySchema = z.strictObject({
  id: z.string(),
  flag: nameSchema,
  title: untrustedSchema,
  environment: nameSchema,
  phase: z.enum(['draft', 'preflight', 'baseline', 'exposing', 'monitoring', 'complete', 'aborted', 'cancelled']),
  version: z.int().describe('Number of events so far; give it as expected_version.'),
  attempt: z.int(),
  build: nameSchema.describe('Build, prompt or model version that is shown.'),
  exposure: z
    .array(z.strictObject({ audience: nameSchema, percent: z.number() }))
    .describe('Who may see the feature now; empty: nobody.'),
  stage: z
    .strictObject({
      name: nameSchema,
      number: z.int(),
      of: z.int(),
      enteredAt: instant,
      servedMs: z.number(),
      durationMs: z.number().describe('Least time to serve, neither held nor blind.'),
    })
    .optional(),
  hold: z.strictObject({ by: nameSchema, at: instant, reason: untrustedSchema }).optional(),
  killSwitchLatched: z.boolean(),
  blindSince: instant.optional().describe('Since when there is no evidence to decide on.'),
  dataInvalid: untrustedSchema.optional(),
  waitingFor: z.array(untrustedSchema).describe('What keeps it where it is; empty: nothing.'),
  next: nextSchema,
  openItems: z.array(nameSchema).describe('Pre-flight items, confirmations and exit items that can be given now.'),
  openProposals: z.array(
    z.strictObject({ number: z.int(), action: z.string(), by: nameSchema, at: instant, reason: untrustedSchema }),
  ),
  openIncidents: z.array(z.int()),
  openIssues: z.array(z.int()),
});

/** A rollout in short. */
export type Summary = z.output<typeof summarySchema>;

/** An instant as agents read it. */
export function isoOf(at: number): string {
  return new Date(at).toISOString();
}

/** A rollout in short, its texts marked. */
export function summaryOf(view: RolloutView): Summary {
  const { state, waitingFor } = view;
  const { id, plan, phase, version, attempt, killed, blindSince, dataInvalid, hold } = state;
  return {
    ...{ id, phase, version, attempt, killSwitchLatched: killed },
    ...{ flag: nameOf(plan.flag), title: dataOf(plan.title), environment: nameOf(plan.environment) },
    build: nameOf(state.attempts.at(-1)?.version ?? plan.version),
    exposure: exposureOf(state),
    ...stagePart(view),
    ...(hold && { hold: { by: nameOf(hold.by), at: isoOf(hold.at), reason: dataOf(hold.reason) } }),
    ...(blindSince !== undefined && { blindSince: isoOf(blindSince) }),
    ...(dataInvalid !== undefined && { dataInvalid: dataOf(dataInvalid) }),
    waitingFor: waitingFor.map(dataOf),
    next: nextOf(view),
    openItems: openItems(state).map(nameOf),
    openProposals: openProposals(state),
    openIncidents: state.incidents.filter(({ resolvedAt }) => resolvedAt === undefined).map(({ number }) => number),
    openIssues: state.issues.filter(({ status }) => status === 'open').map(({ number }) => number),
  };
}

function exposureOf({ layers }: RolloutState): Summary['exposure'] {
  const everyone = weightOfEveryone(layers);
  const audiences = layers.flatMap(({ segment, weight }) =>
    segment === undefined ? [] : [{ audience: nameOf(segment), percent: weight / 1000 }],
  );
  return [...(everyone > 0 ? [{ audience: 'everyone', percent: everyone / 1000 }] : []), ...audiences];
}

function stagePart({ state, now }: RolloutView): Pick<Summary, 'stage'> {
  const [stage, run] = [stageOf(state), state.stage];
  if (stage === undefined || run === undefined) return {};
  return {
    stage: {
      ...{ name: nameOf(stage.name), number: run.index + 1, of: state.plan.stages.length },
      ...{ enteredAt: isoOf(run.enteredAt), servedMs: servedMs(state, now), durationMs: run.durationMs },
    },
  };
}

function openProposals({ proposals }: RolloutState): Summary['openProposals'] {
  return proposals
    .filter(({ decided }) => decided === undefined)
    .map(({ number, action, by, at, reason }) => {
      return { number, action, by: nameOf(by), at: isoOf(at), reason: dataOf(reason) };
    });
}
