import type { EventRecord, RolloutEvent } from '@rampart/rollout';
import { z } from 'zod';
import { planIssueSchema, planSchema } from './plan-schema.ts';
import { instantSchema } from './primitive-schema.ts';
import {
  abortKindSchema,
  CALIBRATION_SHAPE,
  drillLegSchema,
  incidentSeveritySchema,
  issueSeveritySchema,
  issueStatusSchema,
  layerSchema,
  overlapSchema,
  proposalActionSchema,
  recordedSchema,
} from './state-schema.ts';
import { baselineSchema, metricSnapshotSchema, peopleSchema, verdictSchema } from './verdict-schema.ts';

const text = z.string();
const incident = z.int();
const metrics = z.array(metricSnapshotSchema);
const verdicts = z.array(verdictSchema);

const event = <Type extends RolloutEvent['type'], Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.object({ type: z.literal(type), ...shape });

/** What happened to a rollout. */
export const rolloutEventSchema = z
  .discriminatedUnion('type', [
    event('RolloutCreated', { id: text, plan: planSchema, warnings: z.array(planIssueSchema) }),
    event('PreflightStarted', { items: z.array(text), recorded: recordedSchema.optional() }),
    event('ItemAttested', {
      list: z.enum(['preflight', 'exit', 'confirmation']),
      item: text,
      evidence: text.optional(),
      note: text.optional(),
      waived: z.literal(true).optional(),
    }),
    event('PreflightItemFailed', { item: text, why: text }),
    event('DrillStarted', { number: z.int(), connected: z.int() }),
    event('DrillSwitchedOff', { number: z.int(), on: drillLegSchema }),
    event('DrillFinished', {
      number: z.int(),
      passed: z.boolean(),
      off: drillLegSchema.optional(),
      why: text.optional(),
    }),
    event('OverlapsFound', { overlaps: z.array(overlapSchema) }),
    event('BaselineStarted', {}),
    event('BaselineCaptured', { baseline: baselineSchema, reason: text.optional() }),
    event('StageEntered', {
      index: z.int(),
      name: text,
      layers: z.array(layerSchema),
      epoch: z.int(),
      durationMs: z.number(),
      why: text,
    }),
    event('StagePassed', { index: z.int(), name: text, metrics, verdicts, overridden: z.literal(true).optional() }),
    event('ChecksJudged', { verdicts, metrics }),
    event('AlertRaised', { check: text, verdict: verdictSchema }),
    event('AlertCleared', { check: text }),
    event('DataFoundInvalid', { why: text }),
    event('DataFoundValid', {}),
    event('JudgeCalibrated', { metric: text, ...CALIBRATION_SHAPE, cost: z.number().optional() }),
    event('JudgeBudgetSpent', { metric: text, cost: z.number(), budget: z.number() }),
    event('RolloutHeld', { reason: text, byPerson: z.literal(true).optional() }),
    event('RolloutResumed', { reason: text.optional() }),
    event('StageExtended', { byMs: z.number(), reason: text }),
    event('SightLost', { since: instantSchema, why: text }),
    event('BlindLimitReached', {
      since: instantSchema,
      why: text.optional(),
      inAllMs: z.number().optional(),
    }),
    event('WatchResumed', {}),
    event('SightReturned', {}),
    event('GateAnswered', { gate: text, open: z.boolean(), why: text }),
    event('RolloutStuck', { since: instantSchema, waitingFor: z.array(text) }),
    event('PrincipalAsked', { question: text, undecided: z.array(text) }),
    event('ProposalMade', {
      number: z.int(),
      action: proposalActionSchema,
      reason: text,
      version: text.optional(),
      people: z.enum(['same', 'fresh']).optional(),
    }),
    event('ProposalDecided', { number: z.int(), approved: z.boolean(), reason: text.optional() }),
    event('OverrideRecorded', { what: text, reason: text }),
    event('KillSwitchTripped', { reason: text, check: text.optional() }),
    event('KillSwitchRearmed', { reason: text }),
    event('RolloutAborted', {
      kind: abortKindSchema,
      reason: text,
      incident,
      stage: text,
      epoch: z.int(),
      verdict: verdictSchema.optional(),
      people: peopleSchema,
      metrics,
      assignee: text.optional(),
      failed: z.array(text),
      issue: text.optional(),
    }),
    event('AbortTookEffect', { incident, acknowledged: z.int(), connected: z.int() }),
    event('ExposureFell', { incident, reports: z.int() }),
    event('AbortUnconfirmed', {
      incident,
      acknowledged: z.int(),
      connected: z.int(),
      treated: z.number(),
      treating: z.int(),
    }),
    event('IncidentUnattended', { incident, since: instantSchema }),
    event('IncidentAssigned', { incident, assignee: text }),
    event('IncidentAcknowledged', { incident }),
    event('IncidentRated', { incident, severity: incidentSeveritySchema, reason: text }),
    event('IncidentNoted', { incident, text }),
    event('IncidentLinked', { incident, title: text, url: text }),
    event('ActionAdded', { incident, action: z.int(), text, owner: text.optional(), link: text.optional() }),
    event('ActionDone', { incident, action: z.int() }),
    event('RootCauseRecorded', { incident, text }),
    event('FixRecorded', { incident, text, reference: text.optional() }),
    event('IncidentResolved', { incident, reason: text.optional() }),
    event('AttemptStarted', { attempt: z.int(), version: text, statistics: z.int(), salt: text.optional() }),
    event('IssueAdded', { number: z.int(), title: text, severity: issueSeveritySchema, link: text.optional() }),
    event('IssueChanged', { number: z.int(), status: issueStatusSchema }),
    event('MonitoringStarted', { untilAt: instantSchema }),
    event('RolloutCompleted', { metrics, verdicts }),
    event('FlagCleanupScheduled', { dueAt: instantSchema, owner: text.optional(), link: text.optional() }),
    event('FlagCleanupDue', { dueAt: instantSchema, reminder: z.int() }),
    event('FlagRemoved', { flag: text }),
    event('HandoverTold', { name: text, isDelivered: z.boolean(), why: text.optional() }),
    event('RolloutCancelled', { reason: text }),
  ])
  .describe('What happened to a rollout, in the past tense.') satisfies z.ZodType<RolloutEvent>;

/** An event with its place in the stream of its rollout. */
export const eventRecordSchema = z.object({
  version: z.int().describe('1, 2, … without gaps.'),
  at: instantSchema,
  by: z.string().describe('Id of the principal.'),
  event: rolloutEventSchema,
}) satisfies z.ZodType<EventRecord>;
