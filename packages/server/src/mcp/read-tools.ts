import { z } from 'zod';
import { actionSchema, allowedActions } from './allowed-actions.ts';
import { checkRow, checkRowSchema, checkRows, metricRow, metricRowSchema } from './check-rows.ts';
import { toldEvent, toldEventSchema } from './events.ts';
import { isoOf, summaryOf, summarySchema } from './rollout-summary.ts';
import { callerOf, defineTool, READS, type Tool } from './tool.ts';
import { dataOf, nameOf, nameSchema, untrustedSchema } from './untrusted.ts';

/** The rollout a tool is about. */
export const rolloutInput = z.string().min(1).max(200).describe('Id of the rollout, as rollout_list gives it.');

const MOST_LISTED = 50;
const MOST_EVENTS = 200;
const EVENTS = 50;

const identitySchema = z.strictObject({ name: nameSchema, kind: z.string(), principal: z.enum(['person', 'agent']) });

const list = defineTool({
  name: 'rollout_list',
  title: 'List rollouts',
  description:
    'Rollouts of this environment, newest first, each with its phase, exposure, what it waits for and what comes next; and who you are. Every role.',
  annotations: READS,
  input: z.strictObject({
    state: z.enum(['active', 'all']).default('active').describe('active: neither complete nor cancelled.'),
    limit: z.int().min(1).max(MOST_LISTED).default(MOST_LISTED),
  }),
  output: z.strictObject({ rollouts: z.array(summarySchema), total: z.int(), you: identitySchema }),
  async run({ state, limit }, deps) {
    const [all, me] = await Promise.all([deps.client.listRollouts(state), callerOf(deps)]);
    const { kind, name, principal } = me;
    return {
      rollouts: all.slice(0, limit).map(summaryOf),
      total: all.length,
      you: { name: nameOf(name), kind, principal },
    };
  },
});

const givenSchema = z.strictObject({
  item: nameSchema,
  given: z.strictObject({ by: nameSchema, at: z.string(), evidence: untrustedSchema.optional() }).optional(),
});

const status = defineTool({
  name: 'rollout_status',
  title: 'Status of a rollout',
  description:
    'Where a rollout stands: stage, every check with its verdict, what blocks it, what comes next and when, pre-flight and exit items given and missing, and what your token may do now. Read it before and after every write. Every role.',
  annotations: READS,
  input: z.strictObject({ rollout: rolloutInput }),
  output: z.strictObject({
    rollout: summarySchema,
    checks: z.array(checkRowSchema),
    preflight: z.array(givenSchema),
    exit: z.array(givenSchema),
    allowedActions: z.array(actionSchema),
  }),
  async run({ rollout }, deps) {
    const [view, me] = await Promise.all([deps.client.getRollout(rollout), callerOf(deps)]);
    const items = (all: typeof view.state.preflight) =>
      Object.entries(all).map(([item, given]) => {
        if (given === null) return { item: nameOf(item) };
        const { by, at, evidence } = given;
        const proof = evidence === undefined ? {} : { evidence: dataOf(evidence) };
        return { item: nameOf(item), given: { by: nameOf(by), at: isoOf(at), ...proof } };
      });
    return {
      rollout: summaryOf(view),
      checks: [...checkRows(view)],
      preflight: items(view.state.preflight),
      exit: items(view.state.exit),
      allowedActions: [...allowedActions(view, me)],
    };
  },
});

const metrics = defineTool({
  name: 'rollout_metrics',
  title: 'Metrics of a rollout',
  description:
    'Each metric in treatment against control and baseline, with sample sizes, per stage of every attempt; every check with its interval and evidence; how the sources do and why one has no data. Every role.',
  annotations: READS,
  input: z.strictObject({ rollout: rolloutInput }),
  output: z.strictObject({
    now: z.array(metricRowSchema),
    checks: z.array(checkRowSchema),
    stages: z.array(
      z.strictObject({
        attempt: z.int(),
        stage: nameSchema,
        result: z.string(),
        startedAt: z.string(),
        endedAt: z.string().optional(),
        metrics: z.array(metricRowSchema),
      }),
    ),
    people: z
      .strictObject({
        treatment: z.number(),
        control: z.number(),
        targeted: z.number(),
        exposed: z.strictObject({ atLeast: z.number(), atMost: z.number() }).optional(),
      })
      .optional(),
    freshAt: z.string().optional().describe('Instant of the newest evidence.'),
    sources: z.array(
      z.strictObject({
        source: nameSchema,
        status: z.string(),
        why: untrustedSchema.optional(),
        newestAt: z.string().optional(),
        metrics: z.array(nameSchema),
      }),
    ),
  }),
  async run({ rollout }, { client }) {
    const view = await client.getRollout(rollout);
    const { state, judgement, sources = [] } = view;
    return {
      now: (judgement?.metrics ?? []).map((one) => metricRow(one, view)),
      checks: [...checkRows(view)],
      stages: state.history.map(({ attempt, name, result, startedAt, endedAt, metrics: seen }) => ({
        ...{ attempt, stage: nameOf(name), result, startedAt: isoOf(startedAt) },
        ...(endedAt !== undefined && { endedAt: isoOf(endedAt) }),
        metrics: seen.map((one) => metricRow(one, view)),
      })),
      ...(judgement && { people: judgement.people }),
      ...(judgement?.freshAt !== undefined && { freshAt: isoOf(judgement.freshAt) }),
      sources: sources.map(({ source, status: how, why, newestAt, metrics: names }) => ({
        ...{ source: nameOf(source), status: how, metrics: names.map(nameOf) },
        ...(why !== undefined && { why: dataOf(why) }),
        ...(newestAt !== undefined && { newestAt: isoOf(newestAt) }),
      })),
    };
  },
});

const timeline = defineTool({
  name: 'rollout_timeline',
  title: 'Timeline of a rollout',
  description:
    'What happened to a rollout, oldest first, with who did it: the newest events, or those after a version. Every role.',
  annotations: READS,
  input: z.strictObject({
    rollout: rolloutInput,
    after: z.int().min(0).optional().describe('Only events of a higher version. Default: the newest ones.'),
    limit: z.int().min(1).max(MOST_EVENTS).default(EVENTS),
    checks: z.boolean().default(false).describe('Also every judging of the checks, of which there are many.'),
  }),
  output: z.strictObject({
    events: z.array(toldEventSchema),
    left: z.int().describe('Events that did not fit: earlier ones, or later ones where `after` was given.'),
  }),
  async run({ rollout, after, limit, checks }, { client }) {
    const [{ state }, records] = await Promise.all([client.getRollout(rollout), client.listEvents(rollout, after)]);
    const told = records.filter(({ event }) => checks || event.type !== 'ChecksJudged');
    const shown = after === undefined ? told.slice(-limit) : told.slice(0, limit);
    return { events: shown.map((record) => toldEvent(record, state)), left: told.length - shown.length };
  },
});

const report = defineTool({
  name: 'rollout_report',
  title: 'Report or incident document',
  description:
    'The report of a rollout in Markdown, or the document of one of its incidents: timeline, breached check with evidence, people affected, what is still to do. Every role.',
  annotations: READS,
  input: z.strictObject({
    rollout: rolloutInput,
    incident: z.int().min(1).optional().describe('Number of the incident. Default: the report.'),
  }),
  output: z.strictObject({ document: untrustedSchema.describe('Markdown.') }),
  async run({ rollout, incident }, { client }) {
    const text = incident === undefined ? client.getReport(rollout) : client.getIncident(rollout, incident);
    return { document: dataOf(await text) };
  },
});

const metricTest = defineTool({
  name: 'rollout_metric_test',
  title: 'Ask the source of a metric once',
  description:
    'Asks the source of one metric of a rollout, or of a plan that is not one yet: what was asked, what it answered, what was understood, what each check would say. Records nothing. Observer, operator, analyst, approver, admin.',
  annotations: READS,
  input: z.strictObject({
    metric: z.string().min(1).max(200),
    rollout: rolloutInput.optional(),
    plan: z.string().optional().describe('Text of a plan, in place of a rollout.'),
    stage: z.string().min(1).max(200).optional().describe('Stage to judge for. Default: the one it stands in.'),
    over_minutes: z.number().min(0.05).max(360).default(10).describe('Length of the interval asked for.'),
  }),
  output: z.strictObject({
    outcome: z.enum(['value', 'no-data', 'stale', 'error']),
    source: nameSchema,
    stage: nameSchema,
    from: z.string(),
    to: z.string(),
    why: untrustedSchema.optional(),
    warnings: z.array(untrustedSchema),
    arms: z.array(
      z.strictObject({
        ...{ arm: z.string(), count: z.number(), sum: z.number(), average: z.number().optional() },
        userBuckets: z.number(),
      }),
    ),
    checks: z.array(checkRowSchema),
    exchanges: z.array(z.strictObject({ asked: untrustedSchema, answered: untrustedSchema })),
  }),
  async run({ metric, rollout, plan, stage, over_minutes }, { client }) {
    const place = { ...(rollout !== undefined && { rollout }), ...(plan !== undefined && { text: plan }) };
    const overMs = Math.round(over_minutes * 60_000);
    const found = await client.testMetric({ metric, ...place, ...(stage !== undefined && { stage }), overMs });
    const { outcome, source, message, warnings, arms, verdicts, exchanges, fromAt, toAt } = found;
    return {
      ...{ outcome, source: nameOf(source), stage: nameOf(found.stage), from: isoOf(fromAt), to: isoOf(toAt) },
      ...(message !== undefined && { why: dataOf(message) }),
      warnings: warnings.map(dataOf),
      arms: arms.map((arm) => ({ ...arm })),
      checks: verdicts.map(checkRow),
      exchanges: exchanges.map(({ asked, answered }) => ({ asked: dataOf(asked), answered: dataOf(answered) })),
    };
  },
});

/** Tools that change nothing. */
export const READ_TOOLS: readonly Tool[] = [list, status, metrics, timeline, report, metricTest];
