import type { ToolAnnotations } from '@modelcontextprotocol/server';
import type { ClientCommand, PlanCheck } from '@rampart/api';
import { z } from 'zod';
import { actionSchema } from './allowed-actions.ts';
import { summarySchema } from './rollout-summary.ts';
import { ADDS, defineTool, type Tool, type ToolDeps } from './tool.ts';
import { dataOf, nameOf, nameSchema, untrustedSchema } from './untrusted.ts';
import {
  idempotencyInput,
  reasonInput,
  standing,
  WRITE_INPUT,
  WRITE_OUTPUT,
  writeAnswer,
  writeOptions,
} from './write-answer.ts';

const LOWERS: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: true,
  openWorldHint: false,
};

type Write = { readonly rollout: string } & Parameters<typeof writeOptions>[0];

/** Sends a command, and answers what it led to. */
async function give(args: Write, command: ClientCommand, deps: ToolDeps) {
  return writeAnswer(await deps.client.command(args.rollout, command, writeOptions(args)), deps);
}

const issueSchema = z.strictObject({
  code: z.string(),
  path: nameSchema,
  line: z.int().optional(),
  column: z.int().optional(),
  message: untrustedSchema,
});

function issueRows(issues: PlanCheck['issues']): z.output<typeof issueSchema>[] {
  return issues.map(({ code, path, line, column, message }) => ({
    ...{ code, path: nameOf(path), message: dataOf(message) },
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  }));
}

const create = defineTool({
  name: 'rollout_create',
  title: 'Check a plan, or make a draft of it',
  description:
    'Makes a draft rollout of the text of a plan (YAML or JSON; its schema is rollout://docs/plan-schema.json). Exposes nobody. With dry_run it only checks the plan, as it is without time_scale and override, and lists errors and warnings with line and column. Making one: operator, admin; dry_run: every role.',
  annotations: ADDS,
  input: z.strictObject({
    plan: z.string().min(1).describe('Text of the plan.'),
    file: z.string().min(1).max(200).optional().describe('Name of its file: tells the format, and stands in messages.'),
    dry_run: z.boolean().default(false),
    override: z.string().min(1).max(4000).optional().describe('Reason for a plan that is refused without one.'),
    time_scale: z.number().gt(0).max(1).optional().describe('Factor on every duration, for demos.'),
    idempotency_key: idempotencyInput,
  }),
  output: z.strictObject({
    isCreated: z.boolean(),
    isValid: z.boolean(),
    issues: z.array(issueSchema).describe('Errors.'),
    warnings: z.array(issueSchema),
    rollout: summarySchema.optional(),
    allowedActions: z.array(actionSchema),
  }),
  async run({ plan, file, dry_run, override, time_scale, idempotency_key }, deps) {
    const text = { text: plan, ...(file !== undefined && { file }) };
    if (dry_run) {
      const { ok, issues, warnings } = await deps.client.validatePlan(text);
      const found = { issues: issueRows(issues), warnings: issueRows(warnings) };
      return { isCreated: false, isValid: ok, ...found, allowedActions: [] };
    }
    const options = {
      ...(override !== undefined && { override }),
      ...(time_scale !== undefined && { timeScale: time_scale }),
    };
    const view = await deps.client.createRollout({ ...text, ...options }, writeOptions({ idempotency_key }));
    const [first] = await deps.client.listEvents(view.state.id);
    const warnings = first?.event.type === 'RolloutCreated' ? issueRows(first.event.warnings) : [];
    return { isCreated: true, isValid: true, issues: [], warnings, ...(await standing(view, deps)) };
  },
});

const start = defineTool({
  name: 'rollout_start',
  title: 'Start a rollout',
  description:
    'Takes a draft into pre-flight. Nobody is exposed before every pre-flight item is given; started by an agent, another principal also has to approve the plan (item plan-approved). Operator, admin.',
  annotations: ADDS,
  input: z.strictObject(WRITE_INPUT),
  output: WRITE_OUTPUT,
  run: (args, deps) => give(args, { type: 'Start' }, deps),
});

const drill = defineTool({
  name: 'rollout_drill',
  title: 'Try a rollback',
  description:
    'Switches a flag that no code reads on and off in the connected SDKs and measures how long off takes: the evidence for rollback-tested. Shows users nothing. The result stands in rollout_status. Operator, observer, admin.',
  annotations: ADDS,
  input: z.strictObject(WRITE_INPUT),
  output: WRITE_OUTPUT,
  run: (args, deps) => give(args, { type: 'Drill' }, deps),
});

const PROPOSAL = /^proposal ([1-9]\d*)$/;

const approve = defineTool({
  name: 'rollout_approve',
  title: 'Give an item, or decide a proposal',
  description:
    'Gives a pre-flight item, a confirmation or an exit item, with evidence; or approves or declines a proposal (item "proposal 1"). You cannot approve what you asked for; a proposal to proceed needs a person, and so does one to retry unless a fix is recorded. Only give what you have seen evidence of yourself. Operator, observer, approver, admin.',
  annotations: ADDS,
  input: z
    .strictObject({
      ...WRITE_INPUT,
      item: z.string().min(1).max(200).describe('Exact text of an open item, or "proposal N".'),
      decision: z.enum(['approve', 'decline']).default('approve').describe('decline: proposals only.'),
      evidence: z.string().max(4000).optional().describe('Where the evidence is.'),
      reason: z.string().max(4000).optional().describe('Why; stands in the report. Needed to decline.'),
    })
    .refine(({ decision, item }) => decision === 'approve' || PROPOSAL.test(item), {
      path: ['item'],
      message: 'only a proposal can be declined: expected "proposal N"',
    }),
  output: WRITE_OUTPUT,
  run: (args, deps) => {
    const { item, decision, evidence, reason } = args;
    if (decision === 'decline') {
      const proposal = Number(PROPOSAL.exec(item)?.[1]);
      return give(args, { type: 'Decline', proposal, reason: reason ?? '' }, deps);
    }
    const said = { ...(evidence !== undefined && { evidence }), ...(reason !== undefined && { note: reason }) };
    return give(args, { type: 'Approve', item, ...said }, deps);
  },
});

const baselineCapture = defineTool({
  name: 'rollout_baseline_capture',
  title: 'Take the baseline anew',
  description:
    'Takes a new version of the baseline, from history or from those who see the old variant; the first one is taken by itself. Refused while a check held against it finds harm. May take minutes. Observer, operator, admin.',
  annotations: ADDS,
  input: z.strictObject({ ...WRITE_INPUT, reason: reasonInput }).omit({ expected_version: true }),
  output: WRITE_OUTPUT,
  run: async (args, deps) =>
    writeAnswer(await deps.client.captureBaseline(args.rollout, args.reason, writeOptions(args)), deps),
});

const pace = defineTool({
  name: 'rollout_pace',
  title: 'Hold, resume, or extend',
  description:
    'hold: stops advances, exposure stays as it is. resume: ends a hold. extend: lets the stage run longer. None of them raises exposure by itself. hold and extend: everyone but viewers; resume: operator, admin, and of what a person or Rampart holds only a person.',
  annotations: ADDS,
  input: z
    .strictObject({
      ...WRITE_INPUT,
      action: z.enum(['hold', 'resume', 'extend']),
      reason: reasonInput,
      by_hours: z.number().gt(0).max(8760).optional().describe('Of extend. Default: one stage duration.'),
    })
    .refine(({ action, by_hours }) => action === 'extend' || by_hours === undefined, {
      path: ['by_hours'],
      message: 'only extend takes it',
    }),
  output: WRITE_OUTPUT,
  run: (args, deps) => {
    const { action, reason, by_hours } = args;
    if (action === 'hold') return give(args, { type: 'Hold', reason }, deps);
    if (action === 'resume') return give(args, { type: 'Resume', reason }, deps);
    const longer = by_hours === undefined ? {} : { byMs: Math.max(1, Math.round(by_hours * 3_600_000)) };
    return give(args, { type: 'Extend', reason, ...longer }, deps);
  },
});

const advance = defineTool({
  name: 'rollout_advance',
  title: 'Ask for more exposure',
  description:
    'proceed: to the next stage although the gate is undecided. retry: the next attempt after an abort, from stage 1. rearm: lifts the latch of the kill switch, by persons only. From an agent, proceed and retry become proposals: a person has to approve a proceed; a retry with a recorded fix may be approved by another agent, one without only by a person. Stages whose gates pass advance by themselves and need none of this. Operator, admin.',
  annotations: ADDS,
  input: z
    .strictObject({
      ...WRITE_INPUT,
      action: z.enum(['proceed', 'retry', 'rearm']),
      reason: reasonInput,
      version: z.string().min(1).max(200).optional().describe('Of retry: build, prompt or model version with the fix.'),
      people: z.enum(['same', 'fresh']).optional().describe('Of retry: who is exposed.'),
    })
    .refine(({ action, version, people }) => action === 'retry' || (version ?? people) === undefined, {
      path: ['version'],
      message: 'only retry takes version and people',
    }),
  output: WRITE_OUTPUT,
  run: (args, deps) => {
    const { action, reason, version, people } = args;
    if (action === 'proceed') return give(args, { type: 'Proceed', reason }, deps);
    if (action === 'rearm') return give(args, { type: 'Rearm', reason }, deps);
    const chosen = { ...(version !== undefined && { version }), ...(people !== undefined && { people }) };
    return give(args, { type: 'Retry', reason, ...chosen }, deps);
  },
});

const ABORTS = { abort: 'Abort', kill: 'Kill', cancel: 'Cancel' } as const;

const abort = defineTool({
  name: 'rollout_abort',
  title: 'Take the feature away from everyone',
  description:
    'Sets exposure to 0 at once; needs nobody else. abort: and opens an incident. kill: and latches the kill switch until a person re-arms it. cancel: and ends the rollout for good. When in doubt about harm to people, abort. abort and kill: everyone but viewers; cancel: operator, admin.',
  annotations: LOWERS,
  input: z.strictObject({
    ...WRITE_INPUT,
    how: z.enum(['abort', 'kill', 'cancel']).default('abort'),
    reason: reasonInput,
  }),
  output: WRITE_OUTPUT,
  run: (args, deps) => give(args, { type: ABORTS[args.how], reason: args.reason }, deps),
});

/** Tools that steer a rollout. */
export const WRITE_TOOLS: readonly Tool[] = [create, start, drill, approve, baselineCapture, pace, advance, abort];
