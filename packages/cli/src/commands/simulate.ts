import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Plan, withoutAlerts, withoutGates, withTrustedJudges } from '@rampart/rollout';
import {
  applyScenarios,
  buildWorld,
  type Effect,
  longestBatchMs,
  PLAN_SPREADS,
  SCENARIO_NAMES,
  summarize,
  type World,
} from '@rampart/simulate';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError } from '../cli-error.ts';
import { codeOf } from '../config.ts';
import { Screen } from '../demo/screen.ts';
import { loadPlan } from '../load-plan.ts';
import { formatCount } from '../output/format.ts';
import { renderIssues } from '../output/plan-issues.ts';
import { bar } from '../output/plot.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { drawSimulation } from '../simulate/simulation-charts.ts';
import type { SimulationJob } from '../simulate/simulation-job.ts';
import { renderSimulation } from '../simulate/simulation-page.ts';
import { duration, instant, numberBetween, ordinal, pairs, share } from './arguments.ts';
import { refusedPlan } from './plan.ts';

type Factors = Readonly<Record<string, number>>;

type SimulateOptions = {
  readonly requestsPerDay?: number;
  readonly users?: number;
  readonly errorRate?: number;
  readonly baseline?: Factors;
  readonly audience?: Factors;
  readonly effect?: Factors;
  readonly onset?: number;
  readonly scenario?: readonly string[];
  readonly runs: number;
  readonly seed: number;
  readonly batch?: number;
  readonly until: 'ga' | 'complete';
  readonly start?: number;
  readonly threads?: number;
  readonly svg?: string;
  readonly override?: string;
};

const BAR_WIDTH = 30;
/** Batches as long as evidence may be silent: without a time scale, one a minute. */
const BATCHES_OF_SILENCE = 5;

/** Reads `metric=2x`, collected over several. */
function factors(text: string, earlier: Factors = {}): Factors {
  const [, metric, factor] = /^([\w.-]+)=(\d+(?:\.\d+)?)x$/i.exec(text.trim()) ?? [];
  if (metric !== undefined && factor !== undefined) return { ...earlier, [metric]: Number(factor) };
  throw new InvalidArgumentError(
    `Received ${JSON.stringify(text)}; expected metric=factor, for example errorRate=2x or conversion=0.8x.`,
  );
}

/** Reads names separated by commas, collected over several. */
function names(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, ...text.split(',').map((name) => name.trim())];
}

/** The command that runs a plan through the real core on simulated sites. */
export function addSimulateCommand(program: Command, { perform }: Shell): void {
  program
    .command('simulate')
    .helpGroup('Plans:')
    .summary('run a plan through thousands of simulated rollouts, offline')
    .description(
      'Runs a plan through the real decisions on a virtual clock, many times, and tells how often a harmless rollout is aborted, how often harm passes, how soon it is found and how many people it reaches. The same seed gives the same result on any number of cores.',
    )
    .argument('<file>', 'a plan, as for validate')
    .option(
      '--requests-per-day <n>',
      'requests (or queries) of everyone per day. Default: 100,000',
      numberBetween(1, 1e12),
    )
    .option(
      '--users <n>',
      'users of the site; 0: every request is a user of its own. Default: a tenth of the requests',
      numberBetween(0, 1e9),
    )
    .option('--error-rate <share>', "today's error rate: 0.4% or 0.004; as --baseline errorRate=0.004", share)
    .option(
      '--baseline <metric=value>',
      "today's value of a metric in its own unit, counts per day; may be repeated",
      pairs,
    )
    .option('--audience <segment=share>', 'share of everyone that a segment is, in [0, 1]; may be repeated', pairs)
    .option('--effect <metric=factor>', 'what the feature does to a metric: errorRate=2x; may be repeated', factors)
    .option('--onset <duration>', 'when effects begin after the first exposure. Default: at once', duration)
    .option(
      '--scenario <names>',
      `what else happens; several with commas: ${SCENARIO_NAMES.map(({ name }) => name).join(', ')}`,
      names,
    )
    .option('--runs <n>', 'simulated rollouts', ordinal, 1000)
    .option('--seed <n>', 'seed of chance', ordinal, 1)
    .option('--batch <duration>', 'one batch of evidence each; at most 5m. Default: 1m, scaled with the plan', duration)
    .addOption(new Option('--until <end>', 'where a run ends well').choices(['ga', 'complete']).default('complete'))
    .option('--start <date>', 'when every rollout starts (UTC). Default: Monday 2026-01-05 09:00', instant)
    .option('--threads <n>', 'threads to use. Default: one per core', ordinal)
    .option('--svg <file>', 'write a chart of times and outcomes')
    .option('--override <reason>', 'reason for a plan that would be refused without one')
    .action((file: string, options: SimulateOptions, command: Command) =>
      perform(command, async (session) => simulate(session, file, options)),
    );
}

/** What is given, as effects; every effect begins at the onset that was asked for. */
function effectsOf({ effect = {}, onset = 0 }: SimulateOptions): readonly Effect[] {
  return Object.entries(effect).map(([metric, factor]) => ({ metric, factor, onsetMs: onset }));
}

/** Today's values that were given. `--baseline` is the more exact one. */
function baselinesOf({ errorRate, baseline }: SimulateOptions): Factors {
  return { ...(errorRate !== undefined && { errorRate }), ...baseline };
}

function worldOf(plan: Plan, options: SimulateOptions): World {
  const { requestsPerDay, users, audience, onset, scenario = [] } = options;
  const built = buildWorld(plan, {
    effects: effectsOf(options),
    ...(requestsPerDay !== undefined && { requestsPerDay }),
    ...(users !== undefined && { users }),
    baselines: baselinesOf(options),
    spreads: PLAN_SPREADS,
    ...(audience !== undefined && { audiences: audience }),
  });
  if (!built.ok) throw new CliError('SIMULATION_INVALID', built.message);
  const applied = applyScenarios(plan, built.world, scenario);
  if (!applied.ok) throw new CliError('SIMULATION_INVALID', applied.message);
  if (onset === undefined) return applied.world;
  return { ...applied.world, effects: applied.world.effects.map((one) => ({ ...one, onsetMs: onset })) };
}

async function runAll({ io, isJson, paint, width }: Session, job: SimulationJob, threads: number | undefined) {
  // Loaded only here, as everything that takes long to load.
  const { runSimulations } = await import('../simulate/run-simulations.ts');
  const screen = new Screen({ write: io.stderr, isLive: io.isTty && !isJson, width, paint });
  const began = io.now();
  const onDone = (done: number) =>
    screen.draw(() => {
      const left = Math.ceil((((io.now() - began) / done) * (job.runs - done)) / 1000);
      const drawn = bar(done / job.runs, BAR_WIDTH).padEnd(BAR_WIDTH, '░');
      return `${paint.cyan(drawn)} ${formatCount(done)} of ${formatCount(job.runs)} rollouts, ${left} s left`;
    });
  const runs = await runSimulations(job, {
    onDone,
    signal: io.interrupted(),
    ...(threads !== undefined && { threads }),
  });
  screen.clear();
  return runs;
}

async function simulate(session: Session, file: string, options: SimulateOptions): Promise<Outcome> {
  const { io, paint, width } = session;
  const { override, seed, until, start } = options;
  const loaded = await loadPlan(file, io, override === undefined ? {} : { override });
  if (!loaded.result.ok) return refusedPlan(session, loaded, loaded.result.issues);
  const { warnings } = loaded.result;
  const plan = withoutGates(withTrustedJudges(withoutAlerts(loaded.result.plan)));
  const longest = longestBatchMs(plan);
  const batch = options.batch ?? longest / BATCHES_OF_SILENCE;
  if (batch > longest) {
    const message = `--batch ${batch / 1000} s is longer than evidence may be silent, ${longest / 1000} s.`;
    throw new CliError('SIMULATION_INVALID', message);
  }
  const world = worldOf(plan, options);
  const runOptions = { batchMs: batch, until, ...(start !== undefined && { startAt: start }) };
  const runs = await runAll(session, { plan, world, seed, runs: options.runs, options: runOptions }, options.threads);
  if (runs.length === 0) throw new CliError('SIMULATION_INVALID', 'It was stopped before the first run was done.');
  const stages = plan.stages.map(({ name }) => name);
  const facts = {
    plan,
    world,
    scenarios: options.scenario ?? [],
    seed,
    batchMs: batch,
    runs,
    summary: summarize(runs, stages),
    given: [...Object.keys(baselinesOf(options)), ...Object.keys(options.audience ?? {})],
  };
  const drawn = options.svg === undefined ? [] : [await writeChart(session, options.svg, drawSimulation(facts))];
  const listed = warnings.length === 0 ? [] : [renderIssues(warnings, undefined, width(), paint)];
  return {
    data: {
      ok: true,
      file: loaded.file,
      seed,
      world,
      given: facts.given,
      summary: facts.summary,
      runs: runs.map(({ events: _events, ...run }) => run),
    },
    text: [renderSimulation(facts, width(), paint), ...drawn, ...listed].join('\n\n'),
  };
}

async function writeChart({ io, paint }: Session, file: string, svg: string): Promise<string> {
  try {
    await writeFile(resolve(io.cwd, file), svg);
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} cannot be written (${codeOf(cause)}).`, { cause });
  }
  return paint.dim(`Chart: ${file}`);
}
