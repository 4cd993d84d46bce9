import type { Calibration, DrillLeg, Overlap, RolloutState } from '@rampart/rollout';
import { z } from 'zod';
import { planSchema } from './plan-schema.ts';
import { instantSchema } from './primitive-schema.ts';
import { baselineSchema, metricSnapshotSchema, peopleSchema, verdictSchema } from './verdict-schema.ts';

/** One audience of a rollout. */
export const layerSchema = z.object({ segment: z.string().optional(), weight: z.int() });
/** What ended an attempt early. */
export const abortKindSchema = z.enum([
  'criterion',
  'gate',
  'kill',
  'person',
  'telemetry-missing',
  'blind',
  'external-gate',
]);
/** How bad an abort was. */
export const incidentSeveritySchema = z.enum(['critical', 'major', 'minor']);
/** Severity of an issue. */
export const issueSeveritySchema = z.enum(['critical', 'major', 'minor']);
/** Status of an issue. */
export const issueStatusSchema = z.enum(['open', 'fixed', 'monitoring', 'closed']);
/** What a proposal asks for. */
export const proposalActionSchema = z.enum(['proceed', 'kill', 'retry']);

/** Metrics whose baseline is read from a recorded past. */
export const recordedSchema = z.record(z.string(), z.string()).describe('Name of the source by metric.');

/** How SDKs followed one step of a drill. */
export const drillLegSchema = z.object({
  confirmed: z.int(),
  evaluated: z.int().describe('How many of them said what they evaluate.'),
  left: z.int().optional().describe('SDKs that ended meanwhile.'),
  worstMs: z.number().optional().describe('Until the last SDK had confirmed, milliseconds.'),
  slowest: z.array(z.object({ instance: z.string(), ms: z.number() })),
}) satisfies z.ZodType<DrillLeg>;

const drillSchema = z.object({
  number: z.int(),
  by: z.string(),
  startedAt: instantSchema,
  connected: z.int(),
  on: drillLegSchema.optional(),
  offAt: instantSchema.optional(),
  off: drillLegSchema.optional(),
  finishedAt: instantSchema.optional(),
  passed: z.boolean().optional(),
  why: z.string().optional(),
});

const share = z.number().optional();

/** Another rollout that shares people and metrics. */
export const overlapSchema = z.object({
  rollout: z.string(),
  flag: z.string(),
  stage: z.string().optional(),
  advancedAt: instantSchema.optional(),
  metrics: z.array(z.string()),
  share: share.describe('Of treatment that is in its treatment too, in [0, 1].'),
  controlShare: share.describe('Of control that is in its treatment, in [0, 1].'),
  isConfounded: z.boolean().describe('Its effect falls more on one arm than on the other.'),
}) satisfies z.ZodType<Overlap>;

const attestationSchema = z.object({
  by: z.string(),
  at: instantSchema,
  evidence: z.string().optional(),
  note: z.string().optional(),
  waived: z.literal(true).optional().describe('Given without the evidence it asks for.'),
});
const itemsSchema = z.record(z.string(), attestationSchema.nullable());

const actionSchema = z.object({
  number: z.int(),
  text: z.string(),
  owner: z.string().optional(),
  link: z.string().optional(),
  addedAt: instantSchema,
  addedBy: z.string(),
  done: z.object({ at: instantSchema, by: z.string() }).optional(),
});

const incidentSchema = z.object({
  number: z.int(),
  attempt: z.int(),
  kind: abortKindSchema,
  reason: z.string(),
  openedAt: instantSchema,
  openedBy: z.string(),
  stage: z.string(),
  verdict: verdictSchema.optional(),
  people: peopleSchema,
  overlapping: z.array(overlapSchema).optional().describe('Other rollouts that had advanced shortly before.'),
  tookEffectAt: instantSchema.optional().describe('When the connected SDKs had confirmed exposure 0.'),
  exposureFellAt: instantSchema.optional().describe('When telemetry had shown that nobody is treated any more.'),
  unconfirmedAt: instantSchema.optional().describe('When on-call was told that the abort had not taken in time.'),
  assignee: z.string().optional(),
  acknowledged: z.object({ at: instantSchema, by: z.string() }).optional(),
  severity: incidentSeveritySchema.optional(),
  notes: z.array(z.object({ at: instantSchema, by: z.string(), text: z.string() })).optional(),
  links: z.array(z.object({ title: z.string(), url: z.string() })).optional(),
  actions: z.array(actionSchema).optional(),
  rootCause: z.string().optional(),
  fix: z.object({ text: z.string(), reference: z.string().optional(), at: instantSchema, by: z.string() }).optional(),
  resolvedAt: instantSchema.optional(),
  resolvedBecause: z.string().optional(),
  unattendedAt: instantSchema.optional().describe('When people were told that nobody has taken it on.'),
});

const issueSchema = z.object({
  number: z.int(),
  title: z.string(),
  severity: issueSeveritySchema,
  stageFound: z.string(),
  stageFixed: z.string().optional(),
  status: issueStatusSchema,
  link: z.string().optional(),
});

const proposalSchema = z.object({
  number: z.int(),
  action: proposalActionSchema,
  by: z.string(),
  at: instantSchema,
  reason: z.string(),
  version: z.string().optional(),
  people: z.enum(['same', 'fresh']).optional(),
  decided: z.object({ by: z.string(), at: instantSchema, approved: z.boolean() }).optional(),
});

const attemptSchema = z.object({
  number: z.int(),
  version: z.string(),
  startedAt: instantSchema,
  endedAt: instantSchema.optional(),
  outcome: z.enum(['completed', 'aborted', 'cancelled']).optional(),
});

/** What a calibration says, apart from who made it when. */
export const CALIBRATION_SHAPE = {
  goldenSet: z.string(),
  items: z.int(),
  failed: z.int(),
  mean: z.number(),
  deviation: z.number(),
  tolerance: z.number(),
  drifted: z.boolean(),
  judge: z.string().optional(),
};
const judgeRecordSchema = z.object({
  last: z.object({ at: instantSchema, by: z.string(), ...CALIBRATION_SHAPE }) satisfies z.ZodType<Calibration>,
  driftedAt: instantSchema.optional(),
  cost: z.number().describe('USD.'),
});

const stageRunSchema = z.object({
  index: z.int(),
  enteredAt: instantSchema,
  servedMs: z.number(),
  countingSince: instantSchema.optional(),
  durationMs: z.number(),
  askedAt: instantSchema.optional(),
});

const stageRecordSchema = z.object({
  attempt: z.int(),
  index: z.int(),
  name: z.string(),
  startedAt: instantSchema,
  endedAt: instantSchema.optional(),
  result: z.enum(['in-progress', 'passed', 'overridden', 'rolled-back']),
  overriddenBy: z.string().optional(),
  metrics: z.array(metricSnapshotSchema),
});

const cleanupSchema = z.object({
  dueAt: instantSchema,
  owner: z.string().optional(),
  link: z.string().optional(),
  by: z.string(),
  at: instantSchema,
  remindedAt: instantSchema.optional(),
  reminders: z.int().optional(),
});

const handoverSchema = z.object({
  name: z.string(),
  at: instantSchema,
  isDelivered: z.boolean(),
  why: z.string().optional(),
});

/** A rollout, as its events make it. */
export const rolloutStateSchema = z
  .object({
    id: z.string(),
    plan: planSchema,
    createdAt: instantSchema,
    createdBy: z.string(),
    startedBy: z.string().optional(),
    version: z.int().describe('Number of events so far; the ETag.'),
    phase: z.enum(['draft', 'preflight', 'baseline', 'exposing', 'monitoring', 'complete', 'aborted', 'cancelled']),
    attempt: z.int(),
    attempts: z.array(attemptSchema),
    stage: stageRunSchema.optional(),
    history: z.array(stageRecordSchema),
    hold: z
      .object({
        by: z.string(),
        reason: z.string(),
        at: instantSchema,
        byPerson: z.literal(true).optional().describe('Only a person may resume it.'),
      })
      .optional(),
    blindSince: instantSchema.optional(),
    blindAlertedAt: instantSchema.optional(),
    blindNoticedAt: instantSchema.optional(),
    blindMs: z.number().optional(),
    gates: z
      .record(z.string(), z.object({ open: z.boolean(), why: z.string(), at: instantSchema }))
      .optional()
      .describe('What external gates said in this stage, by their name.'),
    stuckAt: instantSchema.optional().describe('When people were told that it waits too long.'),
    sightSince: instantSchema.optional(),
    epoch: z.int(),
    layers: z.array(layerSchema),
    salt: z.string().optional(),
    statistics: z.int(),
    statisticsFromEpoch: z.int(),
    preflight: itemsSchema,
    preflightFailures: z
      .record(z.string(), z.object({ at: instantSchema, why: z.string() }))
      .optional()
      .describe('Why items that were looked at are open.'),
    drills: z.array(drillSchema).optional(),
    overlaps: z.array(overlapSchema).optional(),
    exit: itemsSchema,
    confirmations: z.record(z.string(), attestationSchema),
    recorded: recordedSchema.optional(),
    baselineSince: instantSchema.optional(),
    baseline: baselineSchema.optional(),
    killed: z.boolean(),
    monitoringSince: instantSchema.optional(),
    verdicts: z.array(verdictSchema),
    failedChecks: z.array(z.string()),
    alerting: z.array(z.string()),
    dataInvalid: z.string().optional(),
    judges: z.record(z.string(), judgeRecordSchema).optional(),
    spentJudges: z.array(z.string()).optional(),
    cleanup: cleanupSchema.optional(),
    flagRemoved: z.object({ by: z.string(), at: instantSchema }).optional(),
    handovers: z.array(handoverSchema).optional(),
    incidents: z.array(incidentSchema),
    issues: z.array(issueSchema),
    proposals: z.array(proposalSchema),
    overrides: z.array(z.object({ by: z.string(), at: instantSchema, what: z.string(), reason: z.string() })),
  })
  .describe('A rollout, as its events make it.') satisfies z.ZodType<RolloutState>;
