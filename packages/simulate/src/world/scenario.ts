import type { Check, Metric, Plan } from '@rampart/rollout';
import { factorOf, typicalValue } from './truth.ts';
import type { Disturbances, Effect, MetricModel, World } from './world.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** How far beyond the line of its check a regression goes. */
const BEYOND_LINE = 1.5;
const LATE_MS = 24 * HOUR_MS;
const BENEFIT = 0.5;
const SKEWED_SIGMA = 1.5;

/** A world after a scenario, or why the scenario does not fit. */
export type ScenarioResult =
  | { readonly ok: true; readonly world: World }
  | {
      readonly ok: false;
      readonly code: 'SCENARIO_UNKNOWN' | 'SCENARIOS_CONTRADICT' | 'USERS_NEEDED' | 'NOTHING_TO_BREAK';
      readonly message: string;
    };

/** A named change to a world. */
type Scenario = {
  readonly about: string;
  /** Whether it speaks of users as individuals. */
  readonly needsUsers?: boolean;
  readonly apply: (plan: Plan, world: World) => World | undefined;
};

function disturbed(disturbances: Disturbances): Scenario['apply'] {
  return (_plan, world) => ({ ...world, disturbances: { ...world.disturbances, ...disturbances } });
}

function lineOf(check: Check, today: number): number | undefined {
  const { limit } = check;
  if (limit.kind === 'count') return undefined;
  return limit.kind === 'absolute' ? limit.value : limit.ratio * today + limit.offset;
}

/** Factor that brings a metric half again as far as a line allows. */
function factorBeyond(metric: Metric, model: MetricModel, check: Check, world: World): number | undefined {
  const today = typicalValue(model, world, 1);
  const line = lineOf(check, today);
  if (line === undefined || !(today > 0)) return undefined;
  return metric.harm === 'higher'
    ? Math.max(1.1, (BEYOND_LINE * line) / today)
    : Math.min(0.9, line / BEYOND_LINE / today);
}

/** Breaks the metric of the first check that has a line: of the abort criteria, then of the gates. */
function regression(onsetMs: number): Scenario['apply'] {
  return (plan, world) => {
    for (const check of [...plan.abortCriteria, ...plan.stages.flatMap((stage) => stage.gate)]) {
      const metric = plan.metrics[check.metric];
      const model = world.metrics[check.metric];
      if (metric === undefined || model === undefined) continue;
      const factor = factorBeyond(metric, model, check, world);
      if (factor === undefined) continue;
      const broken: Effect = { metric: metric.name, factor, onsetMs };
      return { ...world, effects: [...world.effects, broken] };
    }
    return undefined;
  };
}

/** Halves every share of bad events that no effect moves yet. */
function beneficial(plan: Plan, world: World): World {
  const better = Object.values(plan.metrics)
    .filter((metric) => metric.kind === 'proportion' && metric.harm === 'higher')
    .filter((metric) => factorOf(world, metric.name, Number.POSITIVE_INFINITY) === 1)
    .map((metric): Effect => ({ metric: metric.name, factor: BENEFIT, onsetMs: 0 }));
  return { ...world, effects: [...world.effects, ...better] };
}

function skewed(_plan: Plan, world: World): World {
  const metrics = Object.fromEntries(
    Object.entries(world.metrics).map(([name, model]) => [
      name,
      model.kind === 'value' ? { ...model, sigma: SKEWED_SIGMA } : model,
    ]),
  );
  return { ...world, metrics };
}

const INCIDENTS = { perDay: 1, lastMs: 10 * MINUTE_MS, rate: 0.03, latencyFactor: 3 };

/** Every scenario by name. Several may be put on one world; disturbances add up, effects multiply. */
const SCENARIOS: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  ['healthy', { about: 'the feature changes nothing', apply: (_plan, world) => world }],
  ['regression', { about: 'the first metric of the plan goes half again as far as its limit', apply: regression(0) }],
  [
    'late',
    {
      about: 'the first metric of the plan goes half again as far as its limit, 24 h after the first exposure',
      apply: regression(LATE_MS),
    },
  ],
  ['beneficial', { about: 'bad events are halved', apply: beneficial }],
  [
    'diurnal',
    {
      about: 'traffic swings by 60 % over a day, bad events by 50 %',
      apply: disturbed({ diurnal: { traffic: 0.6, rate: 0.5 } }),
    },
  ],
  [
    'incidents',
    {
      about: 'one incident of 10 min a day in both arms: 3 % bad events, latency 3x',
      apply: disturbed({ incidents: INCIDENTS }),
    },
  ],
  [
    'ramp',
    { about: 'rates of bad events rise to 6x over the rollout, in both arms', apply: disturbed({ rampFactor: 6 }) },
  ],
  [
    'heavy',
    { about: 'activity of users is lognormal (sigma 1.5)', needsUsers: true, apply: disturbed({ activitySigma: 1.5 }) },
  ],
  [
    'frail',
    {
      about: 'a few users meet most bad events (gamma, shape 0.1)',
      needsUsers: true,
      apply: disturbed({ frailtyShape: 0.1 }),
    },
  ],
  [
    'leavers',
    { about: 'half of the users who meet a bad event leave', needsUsers: true, apply: disturbed({ leaveShare: 0.5 }) },
  ],
  ['crashing', { about: '30 % of exposed users crash before they report', apply: disturbed({ crashShare: 0.3 }) }],
  [
    'outage',
    {
      about: 'no evidence for 30 min, twice a day',
      apply: disturbed({ outages: { perDay: 2, lastMs: 30 * MINUTE_MS } }),
    },
  ],
  ['skewed', { about: 'values such as costs are very uneven (lognormal, sigma 1.5)', apply: skewed }],
]);

/** Name and meaning of every scenario. */
export const SCENARIO_NAMES: readonly { readonly name: string; readonly about: string }[] = [...SCENARIOS].map(
  ([name, { about }]) => ({ name, about }),
);

/** Scenarios that cannot both be: the feature changes nothing and something, or breaks the same metric twice. */
const CONTRADICTIONS = [
  ['healthy', 'regression'],
  ['healthy', 'late'],
  ['healthy', 'beneficial'],
  ['regression', 'late'],
] as const;

/** The world with scenarios put on it, in order. */
export function applyScenarios(plan: Plan, world: World, names: readonly string[]): ScenarioResult {
  const contradiction = CONTRADICTIONS.find((pair) => pair.every((name) => names.includes(name)));
  if (contradiction !== undefined) {
    const message = `received scenarios ${contradiction.join(' and ')}, which contradict each other; give one of them`;
    return { ok: false, code: 'SCENARIOS_CONTRADICT', message };
  }
  let result = world;
  for (const name of names) {
    const scenario = SCENARIOS.get(name);
    if (scenario === undefined) {
      const message = `received scenario ${JSON.stringify(name)}; give one of ${[...SCENARIOS.keys()].join(', ')}`;
      return { ok: false, code: 'SCENARIO_UNKNOWN', message };
    }
    if (scenario.needsUsers && world.users === 0) {
      const message = `scenario ${name} is about users, and the site has none; give their number`;
      return { ok: false, code: 'USERS_NEEDED', message };
    }
    const next = scenario.apply(plan, result);
    if (next === undefined) {
      const message = `scenario ${name} finds no check with a line to go beyond; name an effect`;
      return { ok: false, code: 'NOTHING_TO_BREAK', message };
    }
    result = next;
  }
  return { ok: true, world: result };
}
