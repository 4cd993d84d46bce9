import type { Metric, MetricBatch, Plan, PreparedBatch, RolloutState, UserSum } from '@rampart/rollout';
import { type Chance, openChance } from '../chance/chance.ts';
import type { Disturbances, World } from '../world/world.ts';
import { armSumsOf, type Cell, clearCell, openCell, totalCell } from './cell.ts';
import { openWeather } from './conditions.ts';
import { type Crowd, drawNewcomers, openCrowd, refreshCrowd, shareOfFirsts } from './crowd.ts';
import {
  type CrowdBatch,
  type CrowdWriter,
  type MetricProgram,
  metricProgram,
  type Occurrences,
} from './crowd-writers.ts';
import { placesOf } from './exposure-places.ts';
import { closeBatch, emptyLedger, type HarmLedger } from './harm-ledger.ts';
import { individualPopulation } from './individual-population.ts';
import { interestIn } from './interest.ts';
import { type NormalPool, normalPool } from './normal-pool.ts';
import { observe } from './observer.ts';
import { anonymousPopulation, evenPopulation, type Population } from './population.ts';

const DAY_MS = 86_400_000;
const NONE: Occurrences = [];
const NOBODY: readonly UserSum[] = [];

/** A simulated site: evidence as a control plane would have laid it out, batch by batch. */
export type Site = {
  /**
   * Evidence of everyone between two instants of at most a few minutes, `undefined` while none arrives. `exposedAt`: first
   * exposure of the rollout. The batch is written anew by the next step.
   */
  readonly step: (
    state: Pick<RolloutState, 'layers' | 'epoch'>,
    fromAt: number,
    toAt: number,
    exposedAt: number | undefined,
  ) => PreparedBatch | undefined;
  readonly ledger: HarmLedger;
};

/** A crowd and where its evidence goes. `firsts`: share of its requests that are the first of their user on a day. */
type Part = {
  readonly crowd: Crowd;
  readonly cell: Cell;
  readonly firsts: number;
  readonly writers: readonly CrowdWriter[];
};

/** Everything that stands while the exposure stays as it is. */
type Standing = {
  readonly epoch: number;
  readonly cells: readonly Cell[];
  readonly parts: readonly Part[];
  readonly metrics: Readonly<Record<string, MetricBatch>>;
};

type Group = { readonly segment?: string; readonly population: Population };

function needsIndividuals({ activitySigma, frailtyShape, leaveShare }: Disturbances): boolean {
  return activitySigma !== undefined || frailtyShape !== undefined || leaveShare !== undefined;
}

function populationOf(world: World, share: number, chance: Chance): Population {
  if (world.users === 0) return anonymousPopulation(share);
  const users = Math.max(1, Math.round(world.users * share));
  return needsIndividuals(world.disturbances)
    ? individualPopulation(share, users, world.disturbances, chance)
    : evenPopulation(share, users, chance);
}

function groupsOf(world: World, chance: Chance): readonly Group[] {
  const named = Object.entries(world.audiences).filter(([, share]) => share > 0);
  const rest = 1 - named.reduce((sum, [, share]) => sum + share, 0);
  const groups: Group[] = named.map(([segment, share]) => ({
    segment,
    population: populationOf(world, share, chance),
  }));
  if (rest > 1e-9) groups.push({ population: populationOf(world, rest, chance) });
  return groups;
}

function programsOf(plan: Plan, world: World, chance: Chance, pool: NormalPool): readonly MetricProgram[] {
  return Object.values(plan.metrics).flatMap((metric) => {
    const model = world.metrics[metric.name];
    if (model === undefined) return [];
    const today = model.kind === 'quantile' ? model.level : 0;
    return [metricProgram(metric, model, interestIn(plan, metric.name, today), world, { chance, pool })];
  });
}

/** The layout of a metric's batches while the cells stand. */
function layoutOf(metric: Metric, epoch: number, cells: readonly Cell[], empty: Cell): MetricBatch {
  const split = cells.filter((cell) => cell.arm !== 'targeted');
  const sumsOf = (arm: Cell['arm'], stratum: number) =>
    armSumsOf(split.find((cell) => cell.arm === arm && cell.stratum === stratum) ?? empty, metric.name);
  return {
    strata: [...new Set(split.map((cell) => cell.stratum))].map((stratum) => ({
      epoch,
      stratum,
      treatment: sumsOf('treatment', stratum),
      control: sumsOf('control', stratum),
    })),
    targeted: cells
      .filter((cell) => cell.arm === 'targeted')
      .map((cell) => ({ epoch, sums: armSumsOf(cell, metric.name) })),
  };
}

function userSums({ cells, epoch }: Standing, count: 'assigned' | 'reported'): readonly UserSum[] {
  let sums: UserSum[] | undefined;
  for (const cell of cells) {
    if (cell[count] === 0) continue;
    sums ??= [];
    sums.push({ arm: cell.arm, epoch, stratum: cell.stratum, count: cell[count] });
  }
  return sums ?? NOBODY;
}

/** What a site is made of; it stays the same while exposures come and go. */
type Workshop = {
  readonly chance: Chance;
  readonly pool: NormalPool;
  readonly groups: readonly Group[];
  readonly programs: readonly MetricProgram[];
  readonly crashShare: number;
  readonly requestsPerDay: number;
  /** Whether any metric is per user. */
  readonly hasVisitors: boolean;
  readonly ledger: HarmLedger;
  readonly occurrences: Occurrences;
};

function stand(workshop: Workshop, { layers, epoch }: Pick<RolloutState, 'layers' | 'epoch'>): Standing {
  const { groups, programs, crashShare, ledger, occurrences, requestsPerDay } = workshop;
  const measured = programs.map(({ metric }) => metric);
  const cells = new Map<string, Cell>();
  const parts = groups.flatMap(({ segment, population }) =>
    placesOf(layers, segment).map(({ arm, stratum, from, to }) => {
      const key = `${arm}/${stratum}`;
      const cell = cells.get(key) ?? openCell(arm, stratum, measured);
      cells.set(key, cell);
      const place = { arm, stratum, ...(segment !== undefined && { audience: segment }) };
      const crowd = openCrowd(place, population.slice(from, to), arm === 'control' ? 1 : 1 - crashShare);
      const firsts = shareOfFirsts(crowd, requestsPerDay);
      return { crowd, cell, firsts, writers: programs.map((one) => one.open(crowd, cell, ledger, occurrences)) };
    }),
  );
  const all = [...cells.values()];
  const empty = openCell('control', 0, measured);
  const metrics = Object.fromEntries(measured.map((metric) => [metric.name, layoutOf(metric, epoch, all, empty)]));
  return { epoch, cells: all, parts, metrics };
}

function fill(workshop: Workshop, { crowd, cell, firsts, writers }: Part, batch: CrowdBatch): void {
  const { chance, pool, crashShare, ledger, hasVisitors } = workshop;
  refreshCrowd(crowd);
  const mean = batch.siteRequests * crowd.activity;
  const requests = chance.poisson(mean);
  observe(crowd.requests, requests, mean, cell.requests, chance, pool);
  const before = crowd.seen;
  // Those who crash are assigned and make no request that anyone hears of.
  const newcomers = drawNewcomers(crowd, batch.siteRequests, requests, chance);
  const mayCrash = crashShare > 0 && crowd.arm !== 'control';
  const reported = mayCrash ? chance.binomial(newcomers, 1 - crashShare) : newcomers;
  observe(crowd.newcomers, reported, crowd.seen - before, cell.newcomers, chance, pool);
  cell.assigned += newcomers;
  cell.reported += reported;
  ledger.crashed += newcomers - reported;
  if (hasVisitors)
    observe(crowd.visitors, chance.binomial(requests, firsts), mean * firsts, cell.visitors, chance, pool);
  for (const write of writers) write(batch);
}

/** Fills the cells for one batch; gives whether anything was observed. */
function fillAll(workshop: Workshop, standing: Standing, batch: CrowdBatch): boolean {
  workshop.occurrences.length = 0;
  for (const cell of standing.cells) clearCell(cell);
  let exposed = 0;
  let hasSeries = false;
  for (const part of standing.parts) {
    fill(workshop, part, batch);
    const { crowd } = part;
    if (crowd.arm !== 'control') exposed += crowd.seen;
    hasSeries ||= crowd.requests.count > 0 || crowd.newcomers.count > 0;
  }
  for (const cell of standing.cells) totalCell(cell);
  closeBatch(workshop.ledger, exposed);
  return hasSeries;
}

function openWorkshop(plan: Plan, world: World, chance: Chance): Workshop {
  const pool = normalPool(chance);
  const groups = groupsOf(world, chance);
  const programs = programsOf(plan, world, chance, pool);
  return {
    chance,
    pool,
    groups,
    programs,
    crashShare: world.disturbances.crashShare ?? 0,
    requestsPerDay: world.requestsPerDay,
    hasVisitors: programs.some(({ metric }) => metric.per === 'user'),
    ledger: emptyLedger(),
    occurrences: [],
  };
}

/** Opens a site. `plannedMs`: how long the rollout is expected to take, for disturbances that grow over it. */
export function openSite(plan: Plan, world: World, seed: number, startAt: number, plannedMs: number): Site {
  const chance = openChance(seed);
  const weather = openWeather(world.disturbances, startAt, plannedMs, chance);
  const workshop = openWorkshop(plan, world, chance);
  const { ledger, occurrences } = workshop;
  let standing: Standing | undefined;
  let seq = 0;
  let deliveredTo: number | undefined;
  return {
    ledger,
    step(state, fromAt, toAt, exposedAt) {
      const now = standing?.epoch === state.epoch ? standing : stand(workshop, state);
      standing = now;
      const conditions = weather((fromAt + toAt) / 2);
      const lastsMs = toAt - fromAt;
      const siteRequests = (world.requestsPerDay * conditions.traffic * lastsMs) / DAY_MS;
      const sinceMs = exposedAt === undefined ? Number.NEGATIVE_INFINITY : fromAt - exposedAt;
      const hasSeries = fillAll(workshop, now, { conditions, sinceMs, lastsMs, toAt, siteRequests });
      if (conditions.isDark) return undefined;
      seq += 1;
      const since = deliveredTo ?? fromAt;
      deliveredTo = toAt;
      return {
        seq,
        fromAt: since,
        toAt,
        hasSeries,
        metrics: now.metrics,
        users: { assigned: userSums(now, 'assigned'), reported: userSums(now, 'reported') },
        occurrences: occurrences.length > 0 ? [...occurrences] : NONE,
      };
    },
  };
}
