import { type PlanIssue, previewPlan, type Traffic, trafficRefusal } from '@rampart/rollout';
import type { Command } from 'commander';
import { CLI_ERRORS, CliError } from '../cli-error.ts';
import { type LoadedPlan, loadPlan } from '../load-plan.ts';
import { countIssues, renderIssues } from '../output/plan-issues.ts';
import { renderPlan } from '../output/plan-page.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { instant, numberBetween, pairs, share } from './arguments.ts';

type PreviewOptions = {
  readonly requestsPerDay?: number;
  readonly errorRate?: number;
  readonly users?: number;
  readonly designEffect?: number;
  readonly start?: number;
  readonly baseline?: Readonly<Record<string, number>>;
  readonly audience?: Readonly<Record<string, number>>;
  readonly override?: string;
};

/** Commands that look at a plan without a server. */
export function addPlanCommands(program: Command, { perform }: Shell): void {
  program
    .command('validate')
    .helpGroup('Plans:')
    .summary('check a plan, offline')
    .description('Checks a plan offline. Every issue comes with file, line and column. Exit code 1 when it has errors.')
    .argument('<file>', '.yaml, .yml, .json, .ts, .mts, .js or .mjs; - reads YAML or JSON from standard input')
    .option('--override <reason>', 'reason for a plan that would be refused without one')
    .action((file: string, options: { override?: string }, command: Command) =>
      perform(command, async (session) => validate(session, await loadPlan(file, session.io, options))),
    );
  program
    .command('plan')
    .helpGroup('Plans:')
    .summary('preview a plan, offline: dates, evidence needed, harm, what to change')
    .description(
      'Shows what a plan would do: dates at best and as expected, the evidence each gate needs and what it can find, what harm costs until it is found, how often a harmless feature is stopped, and the smallest change where a gate cannot tell in time.',
    )
    .argument('<file>', 'a plan, as for validate')
    .option('--requests-per-day <n>', 'requests (or queries) of everyone per day', numberBetween(0, 1e15))
    .option('--error-rate <share>', "today's error rate: 0.4% or 0.004", share)
    .option('--users <n>', 'distinct users of everyone per day', numberBetween(0, 1e12))
    .option(
      '--design-effect <factor>',
      'how many times more shares vary because one user sends many requests. Default: 1',
      numberBetween(1, 1e6),
    )
    .option(
      '--baseline <metric=value>',
      "today's value of a metric in its own unit, or a share as 0.2%; may be repeated",
      pairs,
    )
    .option('--audience <segment=share>', 'share of everyone that a segment is: 0.01 or 1%; may be repeated', pairs)
    .option('--start <date>', 'when it would start (UTC). Default: now', instant)
    .option('--override <reason>', 'reason for a plan that would be refused without one')
    .action((file: string, options: PreviewOptions, command: Command) =>
      perform(command, async (session) =>
        preview(session, await loadPlan(file, session.io, overrideOf(options)), options),
      ),
    );
}

const overrideOf = ({ override }: PreviewOptions) => (override === undefined ? {} : { override });

/** Issues of a plan that cannot be used, as the outcome of any command that was given it. */
export function refusedPlan({ paint, width }: Session, loaded: LoadedPlan, issues: readonly PlanIssue[]): Outcome {
  const { exitCode, remedy } = CLI_ERRORS.PLAN_INVALID;
  const error = { code: 'PLAN_INVALID', message: `${loaded.file} has ${countIssues(issues)}.`, remedy, exitCode };
  const text = loaded.hasPlaces ? loaded.text : undefined;
  return {
    data: { ok: false, file: loaded.file, issues, warnings: [], error },
    text: `${renderIssues(issues, text, width(), paint)}\n\n${paint.red('✖')} ${loaded.file}: ${countIssues(issues)}`,
    exitCode,
  };
}

/** A plan that came from standard input needs a file to be named again. */
const fileToName = (file: string) => (file === '-' ? 'FILE' : file);

function validate(session: Session, loaded: LoadedPlan): Outcome {
  const { result, file } = loaded;
  if (!result.ok) return refusedPlan(session, loaded, result.issues);
  const { plan, warnings } = result;
  const { paint, width, io } = session;
  const listed = warnings.length === 0 ? '' : `${renderIssues(warnings, loaded.text, width(), paint)}\n\n`;
  const stages = plan.stages.map(({ name, weight }) => `${name} ${weight / 1000} %`).join(', ');
  const next = `Next: ${io.call} plan ${fileToName(file)} --requests-per-day N --error-rate R`;
  return {
    data: { ok: true, file, issues: [], warnings, plan },
    text: `${listed}${paint.green('✔')} ${file} is valid (${countIssues(warnings)}): ${plan.flag}, ${stages}\n${paint.dim(next)}`,
  };
}

function trafficOf({
  requestsPerDay = 0,
  errorRate,
  users,
  designEffect,
  baseline,
  audience,
}: PreviewOptions): Traffic {
  return {
    requestsPerDay,
    ...(errorRate === undefined ? {} : { errorRate }),
    ...(users === undefined ? {} : { users }),
    ...(designEffect === undefined ? {} : { designEffect }),
    ...(baseline === undefined ? {} : { baselines: baseline }),
    ...(audience === undefined ? {} : { audiences: audience }),
  };
}

function preview(session: Session, loaded: LoadedPlan, options: PreviewOptions): Outcome {
  const { result } = loaded;
  if (!result.ok) return refusedPlan(session, loaded, result.issues);
  const { paint, width, io } = session;
  const traffic = trafficOf(options);
  const refusal = trafficRefusal(result.plan, traffic);
  if (refusal !== undefined) throw new CliError('TRAFFIC_INVALID', refusal);
  const page = previewPlan(result.plan, traffic, options.start ?? io.now());
  const save = loaded.file === '-' ? 'save the plan as FILE, then ' : '';
  const hint = 'Without --requests-per-day N there are no times: they follow from the traffic.';
  const hints = [
    ...(options.requestsPerDay === undefined ? [paint.yellow(hint)] : []),
    ...(result.warnings.length === 0 ? [] : [renderIssues(result.warnings, undefined, width(), paint)]),
    paint.dim(`Next: ${save}${io.call} start ${fileToName(loaded.file)}`),
  ];
  return {
    data: { ok: true, file: loaded.file, preview: page, warnings: result.warnings },
    text: [renderPlan(result.plan, page, width(), paint), ...hints].join('\n\n'),
  };
}
