import type { RolloutView } from '@rampart/api';
import type { MetricSnapshot, Verdict } from '@rampart/rollout';
import { z } from 'zod';
import { dataOf, nameOf, nameSchema, untrustedSchema } from './untrusted.ts';

const measured = z.number().optional();

/** What one check says, with its evidence. */
export const checkRowSchema = z.strictObject({
  check: nameSchema,
  tier: z.enum(['alert', 'gate', 'abort', 'kill']),
  metric: nameSchema,
  status: z.enum(['pass', 'fail', 'inconclusive', 'insufficient', 'no-data', 'error']),
  limit: nameSchema.describe('As the plan has it.'),
  value: measured.describe('Of treatment, in the unit of the metric.'),
  failLine: measured,
  passLine: measured,
  reference: z.strictObject({ kind: z.enum(['control', 'baseline']), value: z.number() }).optional(),
  interval: z.array(z.number()).optional().describe('Anytime-valid 95 % interval of the value: low, high.'),
  treatmentCount: measured,
  controlCount: measured,
  validity: z.string().describe('How far its error rate can be trusted.'),
  source: nameSchema,
  wouldChange: untrustedSchema.describe('What would change it, or why there is no data.'),
  note: untrustedSchema.optional(),
});

/** One metric as observed. */
export const metricRowSchema = z.strictObject({
  metric: nameSchema,
  unit: z.string().optional(),
  source: nameSchema.optional(),
  status: z.string(),
  observed: measured.describe('In treatment.'),
  control: measured,
  baseline: measured,
  count: measured.describe('Observations in treatment.'),
});

const finite = (name: string, value: number | undefined) =>
  value !== undefined && Number.isFinite(value) ? { [name]: value } : {};

/** What one check says now. */
export function checkRow(verdict: Verdict): z.output<typeof checkRowSchema> {
  const { check, tier, metric, status, limit, reference, interval, validity, source, wouldChange, note } = verdict;
  return {
    ...{ tier, status, validity },
    ...{ check: nameOf(check), metric: nameOf(metric), limit: nameOf(limit), source: nameOf(source) },
    ...finite('value', verdict.value),
    ...finite('failLine', verdict.failLine),
    ...finite('passLine', verdict.passLine),
    ...(reference && Number.isFinite(reference.value) && { reference }),
    ...(interval?.every(Number.isFinite) && { interval: [...interval] }),
    ...finite('treatmentCount', verdict.treatmentCount),
    ...finite('controlCount', verdict.controlCount),
    wouldChange: dataOf(wouldChange),
    ...(note !== undefined && { note: dataOf(note) }),
  };
}

/** Every check as judged last. */
export function checkRows({ state, judgement }: RolloutView): readonly z.output<typeof checkRowSchema>[] {
  return (judgement?.verdicts ?? state.verdicts).map(checkRow);
}

/** One metric of a rollout as observed in a stage. */
export function metricRow(
  { metric, status, observed, control, baseline, count }: MetricSnapshot,
  { state }: RolloutView,
): z.output<typeof metricRowSchema> {
  const known = Object.hasOwn(state.plan.metrics, metric) ? state.plan.metrics[metric] : undefined;
  return {
    ...{ metric: nameOf(metric), status },
    ...(known && { unit: known.unit, source: nameOf(known.source) }),
    ...finite('observed', observed),
    ...finite('control', control),
    ...finite('baseline', baseline ?? state.baseline?.metrics[metric]?.value),
    ...finite('count', count),
  };
}
