import type { RolloutView } from '@rampart/api';
import { openItems, type RolloutState, servedMs } from '@rampart/rollout';
import { z } from 'zod';

/** Everything that can come next, in words that hold nothing of what others wrote. */
const STEPS = {
  start: 'An operator starts it.',
  'give-items': 'The open pre-flight items are given.',
  resume: 'The hold is ended; until then nothing advances.',
  'measure-baseline': 'The baseline is measured; stage 1 begins by itself.',
  're-arm': 'A person re-arms the kill switch; an agent cannot.',
  'restore-evidence': 'Evidence comes back; until then time does not count and nothing advances.',
  'repair-data': 'The data becomes valid again; until then nothing advances.',
  decide: 'The stage is undecided after its longest duration: proceed, extend or abort.',
  'serve-time': 'The stage serves its least duration; it advances by itself when every check has passed.',
  'gather-evidence': 'Its time is served; it advances by itself once what it waits for is there.',
  monitor: 'Everyone has it; it completes by itself after its quiet time, with every exit item given.',
  retry: 'The incident is understood and fixed; then a retry from stage 1.',
  'new-rollout': 'No retry is left: a new rollout is needed.',
  nothing: 'It has ended.',
} as const;

type Step = keyof typeof STEPS;

/** What comes next, and from when. */
export const nextSchema = z.strictObject({
  step: z.string().describe(`One of: ${Object.keys(STEPS).join(', ')}.`),
  says: z.string(),
  at: z
    .string()
    .optional()
    .describe('ISO 8601: when at the earliest; absent where that depends on people or evidence.'),
});

/** What comes next for a rollout; derived from its state alone. */
export function nextOf({ state, now }: RolloutView): z.output<typeof nextSchema> {
  const [step, at] = stepOf(state, now);
  return { step, says: STEPS[step], ...(at !== undefined && { at: new Date(at).toISOString() }) };
}

type Dated = readonly [step: Step, at?: number];

function stepOf(state: RolloutState, now: number): Dated {
  switch (state.phase) {
    case 'draft':
      return ['start'];
    case 'preflight':
      return openItems(state).length > 0 || state.hold === undefined ? ['give-items'] : ['resume'];
    case 'baseline':
      return baselineStep(state);
    case 'exposing':
    case 'monitoring':
      return stopStep(state) ?? runningStep(state, now);
    case 'aborted':
      return afterAbort(state);
    case 'complete':
    case 'cancelled':
      return ['nothing'];
  }
}

function baselineStep(state: RolloutState): Dated {
  if (state.hold !== undefined) return ['resume'];
  const { baselineSince, plan, baseline } = state;
  if (baselineSince === undefined || baseline !== undefined) return ['measure-baseline'];
  return ['measure-baseline', baselineSince + plan.baseline.windowMs];
}

/** What stops the clock of a stage. */
function stopStep(state: RolloutState): Dated | undefined {
  if (state.killed) return ['re-arm'];
  if (state.hold !== undefined) return ['resume'];
  if (state.dataInvalid !== undefined) return ['repair-data'];
  return state.blindSince === undefined ? undefined : ['restore-evidence'];
}

function runningStep(state: RolloutState, now: number): Dated {
  const { stage } = state;
  if (stage === undefined) return ['gather-evidence'];
  const leftMs = stage.durationMs - servedMs(state, now);
  if (state.phase === 'monitoring') return leftMs > 0 ? ['monitor', now + leftMs] : ['monitor'];
  if (stage.askedAt !== undefined) return ['decide'];
  return leftMs > 0 ? ['serve-time', now + leftMs] : ['gather-evidence'];
}

function afterAbort({ killed, attempt, plan, incidents }: RolloutState): Dated {
  if (attempt > plan.retry.limit) return ['new-rollout'];
  if (killed) return ['re-arm'];
  return ['retry', (incidents.at(-1)?.openedAt ?? 0) + plan.retry.cooldownMs];
}
