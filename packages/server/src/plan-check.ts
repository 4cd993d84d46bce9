import type { PlanCheck, PlanInput } from '@rampart/api';
import { ConnectorError, type UrlPolicy, urlProblem } from '@rampart/connectors';
import { type ExposureLayer, type Flag, FULL_WEIGHT, type Segment } from '@rampart/flags';
import {
  ALERTS,
  describeOverlap,
  type ExternalGate,
  layersOf,
  type Metric,
  type Plan,
  type PlanIssue,
  type PlanIssueCode,
  type PlanResult,
  type PreflightCheck,
  parsePlan,
  placeInPlan,
  type RolloutState,
  weightOfEveryone,
  withInternalSegment,
} from '@rampart/rollout';
import { type Channels, channelProblem, digestProblem } from './channels.ts';
import { otlpBindingProblem } from './otlp/conventions.ts';
import { overlapsOfPlan } from './overlap-watch.ts';
import type { ByKey } from './ruleset-of.ts';
import { DELIVERED, type PulledSource, type SourceBook } from './source-book.ts';

/** What a plan meets on this server. */
export type Surroundings = {
  readonly environment: string;
  readonly flags: ByKey<Flag>;
  readonly segments: ByKey<Segment>;
  /** Whether a hook takes alerts. */
  readonly deliversAlerts: boolean;
  /** The metric sources that work here. */
  readonly sources: Pick<SourceBook, 'names' | 'get'>;
  /** The channels that plans can name. */
  readonly channels: Pick<Channels, 'all' | 'get'>;
  /** Names of the trackers that are set up here. */
  readonly trackers: readonly string[];
  /** Whether a hook gives items of pre-flight. */
  readonly deliversAttestations: (hook: string) => boolean;
  /** Where the addresses of a plan may be. */
  readonly policy: UrlPolicy;
  /** Every rollout of the environment. */
  readonly rollouts: readonly RolloutState[];
  /** Why an external gate could never be asked from here. */
  readonly gateProblem: (gate: ExternalGate) => string | undefined;
  readonly now: number;
};

/** How a plan is to be read. */
export type PlanReading = PlanInput & { readonly timeScale?: number; readonly override?: string };

const DEFAULT_ENVIRONMENT = 'production';

/** A plan as it would run on this server, or all that is wrong with it, here or anywhere. */
export function readPlanFor(reading: PlanReading, here: Surroundings): PlanResult {
  const { text, ...options } = reading;
  const parsed = parsePlan(text, { ...options, now: here.now });
  if (!parsed.ok) return parsed;
  const hasInternal = Object.hasOwn(here.segments, 'internal');
  const read = hasInternal ? withInternalSegment(parsed.plan) : parsed.plan;
  // A plan that names no environment says production: it runs where it is created.
  const plan = read.environment === DEFAULT_ENVIRONMENT ? { ...read, environment: here.environment } : read;
  // Without the name of a file the text may have been made of a module, whose lines are others.
  const { file } = reading;
  const placed = (issue: PlanIssue) =>
    file === undefined ? issue : { ...issue, file, ...placeInPlan(text, issue.path) };
  const issues = issuesHere(plan, here).map(placed);
  if (issues.length > 0) return { ok: false, issues };
  return { ok: true, plan, warnings: [...parsed.warnings, ...overlapWarnings(plan, here).map(placed)] };
}

/** The answer to a question whether a plan would run here. */
export function planCheckOf(result: PlanResult): PlanCheck {
  if (result.ok) return { ok: true, warnings: result.warnings, issues: [] };
  const isError = ({ severity }: PlanIssue) => severity === 'error';
  return { ok: false, warnings: result.issues.filter((one) => !isError(one)), issues: result.issues.filter(isError) };
}

function issuesHere(plan: Plan, here: Surroundings): readonly PlanIssue[] {
  return [
    ...environmentIssues(plan, here),
    ...variantIssues(plan, here),
    ...segmentIssues(plan, here),
    ...sourceIssues(plan, here),
    ...channelIssues(plan, here),
    ...otlpIssues(plan),
    ...trackerIssues(plan, here),
    ...alertIssues(plan, here),
    ...bindingIssues(plan, here),
    ...preflightIssues(plan, here),
    ...gateIssues(plan, here),
  ];
}

/** Rollouts under way that share people and metrics with the plan: no reason to refuse it, but to know of them. */
function overlapWarnings(plan: Plan, { rollouts, flags }: Surroundings): readonly PlanIssue[] {
  return overlapsOfPlan(plan, rollouts, flags).map((overlap) => ({
    severity: 'warning',
    code: overlap.isConfounded ? 'overlap-confounded' : 'overlap',
    path: 'flag',
    message: `${overlap.metrics.join(', ')}: ${describeOverlap(overlap)}`,
  }));
}

/** An item that could never be given would keep the rollout in pre-flight for ever. */
function preflightIssues(plan: Plan, here: Surroundings): readonly PlanIssue[] {
  return plan.preflight.flatMap((item, i) => {
    const problem = preflightProblem(plan.preflightChecks?.[item]?.by, here);
    return problem === undefined ? [] : [issue('unknown-value', `preflight[${i}].${problem[0]}`, problem[1])];
  });
}

function preflightProblem(
  by: PreflightCheck['by'],
  { deliversAttestations, policy, sources }: Surroundings,
): readonly [key: string, message: string] | undefined {
  if (by?.kind === 'hook' && !deliversAttestations(by.hook)) {
    return [
      'hook',
      `no hook ${by.hook} of this server receives attestations, or its secret is not set there; set it up (rampart hook set)`,
    ];
  }
  if (by?.kind === 'url') {
    const problem = urlProblem(by.url, policy);
    return problem === undefined ? undefined : ['url', problem];
  }
  if (by?.kind === 'query' && sources.get(by.source)?.source.probe === undefined) {
    return [
      'source',
      `source ${by.source} cannot answer a query on this server; give one of kind prometheus (rampart serve --settings FILE)`,
    ];
  }
  return undefined;
}

function issue(code: PlanIssueCode, path: string, message: string): PlanIssue {
  return { severity: 'error', code, path, message };
}

function environmentIssues(plan: Plan, { environment }: Surroundings): readonly PlanIssue[] {
  if (plan.environment === environment) return [];
  const message = `received ${plan.environment}; this server is for ${environment}: send the plan to the right server`;
  return [issue('unknown-value', 'environment', message)];
}

/** The flag may be older than the plan: then it must have the plan's variants. */
function variantIssues(plan: Plan, { flags }: Surroundings): readonly PlanIssue[] {
  const flag = flags[plan.flag];
  if (flag === undefined) return [];
  const known = Object.keys(flag.variants);
  return [plan.treatment, plan.control]
    .filter((variant) => !known.includes(variant))
    .map((variant) =>
      issue('unknown-value', 'flag', `flag ${flag.key} has no variant "${variant}"; it has ${known.join(', ')}`),
    );
}

function segmentIssues(plan: Plan, { segments }: Surroundings): readonly PlanIssue[] {
  return plan.stages.flatMap(({ audience }, i) => {
    if (audience === undefined || Object.hasOwn(segments, audience)) return [];
    const message = `there is no segment "${audience}" on this server; create it first, or use one of: ${Object.keys(segments).join(', ') || 'none yet'}`;
    return [issue('unknown-value', `stages[${i}].audience`, message)];
  });
}

/** An alert that nobody delivers would never abort anything. */
function alertIssues(plan: Plan, { deliversAlerts }: Surroundings): readonly PlanIssue[] {
  if (deliversAlerts) return [];
  return plan.abortCriteria.flatMap(({ metric }, i) => {
    if (plan.metrics[metric]?.source !== ALERTS) return [];
    const message = `no hook of this server can receive alerts (none does, or its --secret-ref is not set there), so that ${metric} could never abort; set one up (rampart hook set), or remove the criterion`;
    return [issue('unknown-value', `abortCriteria[${i}].alert`, message)];
  });
}

/** A metric that nothing feeds would leave the rollout blind for ever (semantics §3). */
function sourceIssues(plan: Plan, { sources }: Surroundings): readonly PlanIssue[] {
  const checks = [...plan.abortCriteria, ...plan.stages.flatMap(({ gate }) => gate), ...(plan.killSwitch?.trips ?? [])];
  const needed = new Set(checks.filter(({ optional }) => !optional).map(({ metric }) => metric));
  return Object.values(plan.metrics)
    .filter(({ name, source }) => needed.has(name) && !DELIVERED.includes(source) && !sources.names.includes(source))
    .map(({ name, source }) => {
      const message = `source "${source}" is not set up on this server (it has: ${sources.names.join(', ')}); use one of them, set it up (rampart serve --settings FILE), or mark the checks of ${name} optional`;
      return issue('unknown-value', `metrics.${name}.source`, message);
    });
}

/** A message to a channel that is not there would reach nobody. */
function channelIssues(plan: Plan, { channels }: Surroundings): readonly PlanIssue[] {
  return plan.notify.flatMap(({ channel, digestMs }, i) => {
    const problem = channelProblem(channel, channels);
    if (problem !== undefined) return [issue('unknown-value', `notify[${i}].channel`, problem)];
    if (digestMs === undefined || channels.get(channel)?.pace.joins === true) return [];
    return [issue('unknown-value', `notify[${i}].digest`, digestProblem(channel))];
  });
}

function trackerIssues({ tracker }: Plan, { trackers }: Surroundings): readonly PlanIssue[] {
  if (tracker === undefined || trackers.includes(tracker.name)) return [];
  const known = trackers.join(', ') || 'none yet';
  const message = `tracker "${tracker.name}" is not set up on this server (it has: ${known}); use one of them, or set it up (rampart serve --settings FILE)`;
  return [issue('unknown-value', 'tracker.name', message)];
}

function otlpIssues(plan: Plan): readonly PlanIssue[] {
  return Object.values(plan.metrics).flatMap((metric) => {
    const message = otlpBindingProblem(metric);
    return message === undefined ? [] : [issue('unknown-value', `metrics.${metric.name}`, message)];
  });
}

/** What a source can never answer is refused before the start, not met as an error in the middle of a stage. */
function bindingIssues(plan: Plan, { sources }: Surroundings): readonly PlanIssue[] {
  return Object.values(plan.metrics).flatMap((metric) => {
    const problem = bindingProblem(metric, plan, sources.get(metric.source));
    return problem === undefined ? [] : [issue('invalid-metric', `metrics.${metric.name}`, problem)];
  });
}

function bindingProblem(metric: Metric, plan: Plan, pulled: PulledSource | undefined): string | undefined {
  if (pulled === undefined) return undefined;
  try {
    const { tellsArms } = pulled.readBinding(metric);
    const isSplit = plan.stages.some((_, index) => !isForEveryone(layersOf(plan, index)));
    if (tellsArms || !isSplit || metric.kind === 'count') return undefined;
  } catch (error) {
    if (error instanceof ConnectorError) return error.message.replace(/^BINDING_INVALID: (?:metrics\.[^:]+: )?/, '');
    throw error;
  }
  return `${pulled.name} cannot tell who sees the new variant: without it every number is of everyone, and harm to a few is diluted by the others; bind what names the variant (arm)`;
}

function isForEveryone(layers: readonly ExposureLayer[]): boolean {
  return weightOfEveryone(layers) === FULL_WEIGHT;
}

/** A gate that can never answer would hold a rollout for ever. */
function gateIssues({ gates = [], stages }: Plan, { gateProblem }: Surroundings): readonly PlanIssue[] {
  const issueOf = (gate: ExternalGate, path: string): readonly PlanIssue[] => {
    const problem = gateProblem(gate);
    return problem === undefined ? [] : [issue('invalid-gate', path, `gate ${gate.name}: ${problem}`)];
  };
  return [
    ...gates.flatMap((gate, i) => issueOf(gate, `gates[${i}]`)),
    ...stages.flatMap(({ external = [] }, i) => external.flatMap((gate) => issueOf(gate, `stages[${i}].gate`))),
  ];
}
