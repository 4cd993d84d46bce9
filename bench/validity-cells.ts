import { type Plan, planFromObject } from '@rampart/rollout';
import { applyScenarios, buildWorld, type SimulatedRun, type World, type WorldFacts } from '@rampart/simulate';

const START_AT = Date.UTC(2026, 0, 5, 9);
const DAY_MS = 86_400_000;
/** Batches of five minutes: a rollout of two days is looked at 576 times. */
export const BATCH_MS = 300_000;

/** One question to the core: how often does it wrongly abort, or wrongly pass, in a world where it must not? */
export type Cell = {
  readonly name: string;
  readonly side: 'false abort' | 'false pass';
  readonly method: string;
  readonly world: string;
  readonly plan: Plan;
  readonly simulated: World;
  readonly longestMs: number;
};

/** Whether a run went wrong in the way a cell asks about. */
export function isWrong(cell: Cell, run: SimulatedRun): boolean {
  if (cell.side === 'false abort') return run.outcome === 'aborted';
  return run.passed.some((stage) => stage.isFalse);
}

const REVENUE = { kind: 'mean', unit: 'USD', harm: 'lower' };
const TEN = Array.from({ length: 10 }, (_, index) => `errors${index + 1}`);
const SHARE = { kind: 'proportion', unit: 'ratio', harm: 'higher' };

const FACTS: WorldFacts = {
  requestsPerDay: 1_000_000,
  users: 40_000,
  baselines: { revenue: 3, ...Object.fromEntries(TEN.map((name) => [name, 0.001])) },
};

/** A check at its line: the metric, its limit, and the factor that brings the truth exactly there. */
type Method = {
  readonly name: string;
  readonly metric: string;
  readonly limit: string;
  readonly factor: number;
  readonly definition?: object;
  /** Worlds by name that leave the truth on the line: not those that move an absolute limit's metric, or a difference. */
  readonly worlds: readonly string[];
};

const [FLAT, INCIDENTS, RAMP_UP, UNEVEN, LEAVERS, SKEWED] = [
  'flat',
  'diurnal, shared incidents',
  'ramp, rising baseline',
  'heavy and frail users',
  'users who leave after an error',
  'skewed values',
];
const RELATIVE = [FLAT, INCIDENTS, RAMP_UP, UNEVEN, LEAVERS];
const VALUES = [...RELATIVE, SKEWED];
const ABSOLUTE = [FLAT, UNEVEN];

const FAIL: readonly Method[] = [
  { name: 'rate ratio (a1)', metric: 'errorRate', limit: '1x control', factor: 1, worlds: RELATIVE },
  {
    name: 'bucket score, control + δ (f2)',
    metric: 'errorRate',
    limit: 'control + 0.1%',
    factor: 2,
    worlds: [FLAT, UNEVEN, LEAVERS],
  },
  {
    name: 'matched cuts (c2)',
    metric: 'p99Latency',
    limit: '1x control',
    factor: 1,
    worlds: [FLAT, INCIDENTS, RAMP_UP, UNEVEN],
  },
  { name: 'bucket score of means (f2)', metric: 'costPerQuery', limit: '1x control', factor: 1, worlds: VALUES },
  {
    name: 'bucket score, revenue drop (f2)',
    metric: 'revenue',
    limit: '1x control',
    factor: 1,
    definition: REVENUE,
    worlds: VALUES,
  },
  {
    name: 'share of traffic (b1)',
    metric: 'throughput',
    limit: '1x control',
    factor: 1,
    worlds: [FLAT, INCIDENTS, RAMP_UP, UNEVEN],
  },
  { name: 'threshold (a3)', metric: 'errorRate', limit: '0.1%', factor: 1, worlds: ABSOLUTE },
  { name: 'exceedance (c1)', metric: 'p99Latency', limit: '0.4s', factor: 1, worlds: ABSOLUTE },
  { name: 'mean (b1)', metric: 'costPerQuery', limit: '$0.02', factor: 1, worlds: [...ABSOLUTE, SKEWED] },
];

const PASS: readonly Method[] = [
  { name: 'rate ratio (a1)', metric: 'errorRate', limit: '1.5x control', factor: 1.5, worlds: RELATIVE },
  {
    name: 'bucket score, control + δ (f2)',
    metric: 'errorRate',
    limit: 'control + 0.1%',
    factor: 2,
    worlds: [FLAT, UNEVEN, LEAVERS],
  },
  {
    name: 'matched cuts (c2)',
    metric: 'p99Latency',
    limit: '1.2x control',
    factor: 1.2,
    worlds: [FLAT, INCIDENTS, RAMP_UP, UNEVEN],
  },
  { name: 'bucket score of means (f2)', metric: 'costPerQuery', limit: '1.1x control', factor: 1.1, worlds: VALUES },
  {
    name: 'bucket score, revenue drop (f2)',
    metric: 'revenue',
    limit: '0.9x control',
    factor: 0.9,
    definition: REVENUE,
    worlds: VALUES,
  },
  {
    name: 'share of traffic (b1)',
    metric: 'throughput',
    limit: '0.9x control',
    factor: 0.9,
    worlds: [FLAT, INCIDENTS, RAMP_UP, UNEVEN],
  },
  { name: 'threshold (a3)', metric: 'errorRate', limit: '0.2%', factor: 2, worlds: ABSOLUTE },
  { name: 'exceedance (c1)', metric: 'p99Latency', limit: '0.5s', factor: 1.25, worlds: ABSOLUTE },
  { name: 'mean (b1)', metric: 'costPerQuery', limit: '$0.03', factor: 1.5, worlds: [...ABSOLUTE, SKEWED] },
];

/** At its line: a baseline replayed at the same hour of the week, where that is what moves. */
const HOURLY: Method = {
  name: 'threshold by hour (a4)',
  metric: 'errorRate',
  limit: '1.25x baseline',
  factor: 1.25,
  worlds: [],
};

/** A world by its scenarios. */
type Surroundings = { readonly name: string; readonly scenarios: readonly string[] };

const WORLDS: readonly Surroundings[] = [
  { name: FLAT, scenarios: [] },
  { name: INCIDENTS, scenarios: ['diurnal', 'incidents'] },
  { name: RAMP_UP, scenarios: ['ramp', 'diurnal'] },
  { name: UNEVEN, scenarios: ['heavy', 'frail'] },
  { name: LEAVERS, scenarios: ['leavers'] },
  { name: SKEWED, scenarios: ['skewed', 'heavy'] },
];
const BENEFICIAL: Surroundings = { name: 'beneficial (0.5x), 9 days', scenarios: ['beneficial', 'heavy'] };
const NIGHTS: Surroundings = { name: 'days and nights', scenarios: ['diurnal'] };
const OUTAGES: Surroundings = { name: 'provider outages', scenarios: ['outage', 'diurnal'] };
const CRASHING: Surroundings = { name: 'crashing treatment', scenarios: ['crashing'] };

function parsed(config: object): Plan {
  const result = planFromObject({ flag: 'f', version: '1', preflight: [], alerts: [], exit: [], ...config } as never, {
    now: START_AT,
    override: 'a simulation',
  });
  if (!result.ok) throw new Error(`a plan of the benchmark was refused: ${JSON.stringify(result.issues)}`);
  return result.plan;
}

function worldOf(plan: Plan, scenarios: readonly string[], facts: WorldFacts): World {
  const known = Object.fromEntries(Object.entries(facts.baselines ?? {}).filter(([name]) => name in plan.metrics));
  const built = buildWorld(plan, { ...facts, baselines: known });
  if (!built.ok) throw new Error(built.message);
  const world = applyScenarios(plan, built.world, scenarios);
  if (!world.ok) throw new Error(world.message);
  return world.world;
}

const RAMP = [
  { name: 'internal', percentage: 0.5, duration: '6h', gate: [] },
  { name: 'canary', percentage: 5, duration: '18h', gate: [] },
  { name: 'beta', percentage: 25, duration: '24h', gate: [] },
  { name: 'ga', percentage: 100, duration: 'permanent', monitor: '1h' },
];
const CANARY = [{ name: 'canary', percentage: 5, duration: 'permanent', gate: [], monitor: '4w' }];

const at = ({ metric, factor }: Method) => (factor === 1 ? [] : [{ metric, factor, onsetMs: 0 }]);
const metricsOf = ({ metric, definition }: Method) => (definition === undefined ? {} : { [metric]: definition });

function failCell(method: Method, { name, scenarios }: Surroundings): Cell {
  const plan = parsed({
    metrics: metricsOf(method),
    stages: scenarios.includes('ramp') ? RAMP : CANARY,
    abortCriteria: [{ metric: method.metric, limit: method.limit }],
  });
  return {
    name: `abort / ${method.name} / ${name}`,
    side: 'false abort',
    method: method.name,
    world: name,
    plan,
    simulated: worldOf(plan, scenarios, { ...FACTS, effects: at(method) }),
    longestMs: DAY_MS,
  };
}

function passCell(method: Method, { name, scenarios }: Surroundings): Cell {
  const plan = parsed({
    metrics: metricsOf(method),
    stages: [
      {
        name: 'canary',
        percentage: 5,
        duration: '1h',
        maxDuration: '24h',
        onInconclusive: 'hold',
        gate: [{ metric: method.metric, limit: method.limit }],
      },
      { name: 'ga', percentage: 100, duration: 'permanent', monitor: '2w' },
    ],
    abortCriteria: [{ metric: 'errorRate', limit: '90%' }],
  });
  return {
    name: `pass / ${method.name} / ${name}`,
    side: 'false pass',
    method: method.name,
    world: name,
    plan,
    simulated: worldOf(plan, scenarios, { ...FACTS, effects: at(method) }),
    longestMs: DAY_MS,
  };
}

/** Shares of harmless features for nine days: the processes restart over and over, and may not tire. */
function longCells(): readonly Cell[] {
  const long = { name: 'flat, 9 days of restarts', scenarios: [] };
  return FAIL.filter(({ metric }) => metric === 'errorRate').flatMap((method) =>
    [long, BENEFICIAL].map((world) => {
      const factor = world === BENEFICIAL ? 1 : method.factor;
      return { ...failCell({ ...method, factor }, world), longestMs: 9 * DAY_MS };
    }),
  );
}

/** Ten metrics at once, each no worse than control. */
function tenCells(): readonly Cell[] {
  const plan = parsed({
    metrics: Object.fromEntries(TEN.map((name) => [name, SHARE])),
    stages: CANARY,
    abortCriteria: TEN.map((metric) => ({ metric, limit: '1x control' })),
  });
  return WORLDS.filter(({ name }) => RELATIVE.includes(name)).map(({ name, scenarios }) => ({
    name: `abort / ten metrics (a1) / ${name}`,
    side: 'false abort' as const,
    method: 'ten metrics (a1)',
    world: name,
    plan,
    simulated: worldOf(plan, scenarios, FACTS),
    longestMs: DAY_MS,
  }));
}

/** The plan people write, and with the strictest comparison added. */
const SHORT = {
  stages: [
    { name: 'internal', percentage: 0.5, duration: '24h' },
    { name: 'canary', percentage: 5, duration: '48h' },
    { name: 'beta', percentage: 25, duration: '1w' },
    { name: 'ga', percentage: 100, duration: 'permanent' },
  ],
  killSwitch: {
    flag: 'kill',
    autoTrip: true,
    tripConditions: { errorRate: 0.05, hallucinationRate: 0.15, costPerQuery: 0.5 },
  },
};
const CRITERIA = { errorRate: 0.01, p99Latency: 2.0, userComplaints: 10 };

function endToEndCells(): readonly Cell[] {
  // An absolute limit is breached by an incident that control shares: the plan says so. Limits against control are not.
  const calm = WORLDS.map((world) => (world.name === INCIDENTS ? { name: 'diurnal', scenarios: ['diurnal'] } : world));
  const relative = [
    { metric: 'errorRate', limit: '1x control' },
    { metric: 'p99Latency', limit: '2x control' },
    { metric: 'userComplaints', limit: '10 per 24h' },
  ];
  const cells = (method: string, abortCriteria: object, worlds: readonly Surroundings[]) => {
    const plan = parsed({ ...SHORT, abortCriteria });
    return worlds.map(({ name, scenarios }) => ({
      name: `abort / ${method} / ${name}`,
      side: 'false abort' as const,
      method,
      world: name,
      plan,
      simulated: worldOf(plan, scenarios, { requestsPerDay: 1_000_000, users: 40_000 }),
      longestMs: (name === BENEFICIAL.name ? 9 : 2) * DAY_MS,
    }));
  };
  return [
    ...cells('the short form', CRITERIA, [...calm, BENEFICIAL, OUTAGES]),
    ...cells('the short form with 1x control', relative, [...WORLDS, BENEFICIAL, OUTAGES]),
  ];
}

/** Every cell of the benchmark. */
export function validityCells(): readonly Cell[] {
  const grid = (methods: readonly Method[], cell: typeof failCell) =>
    methods.flatMap((method) =>
      WORLDS.filter(({ name }) => method.worlds.includes(name)).map((world) => cell(method, world)),
    );
  return [
    ...grid(FAIL, failCell),
    failCell(HOURLY, NIGHTS),
    { ...failCell(HOURLY, { ...NIGHTS, name: 'days and nights, 9 days' }), longestMs: 9 * DAY_MS },
    ...longCells(),
    ...tenCells(),
    ...endToEndCells(),
    ...grid(PASS, passCell),
    passCell(HOURLY, NIGHTS),
    ...PASS.map((method) => passCell(method, CRASHING)),
  ];
}
