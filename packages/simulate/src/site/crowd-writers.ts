import type { Metric } from '@rampart/rollout';
import type { Effect, MetricModel, World } from '../world/world.ts';
import type { Cell, CellSums } from './cell.ts';
import type { Conditions } from './conditions.ts';
import type { Crowd } from './crowd.ts';
import { eventsOf, openClock } from './event-clock.ts';
import { addExcess, type HarmLedger } from './harm-ledger.ts';
import type { Interest } from './interest.ts';
import { type LatencyTails, latencyTails, latencyWriter, shareBeyond } from './latency-writer.ts';
import type { Observer } from './observer.ts';
import { type Drawing, individualWriter, proportionWriter } from './proportion-writer.ts';
import { expectedWriter, valuesByFactor, valueWriter } from './value-writer.ts';

const DAY_MS = 86_400_000;

/** One batch as a crowd lives it. The object is the same each time. */
export type CrowdBatch = {
  conditions: Conditions;
  /** Time since the first exposure of the rollout; before it, below any onset. */
  sinceMs: number;
  lastsMs: number;
  toAt: number;
  /** Expected requests of the whole site. */
  siteRequests: number;
};

/** Occurrences of a batch whose source knows no arms. */
export type Occurrences = { readonly metric: string; readonly at: number; readonly count: number }[];

/** Writes one metric of one crowd for a batch. */
export type CrowdWriter = (batch: CrowdBatch) => void;

/** What the writers of one metric share. */
export type MetricProgram = {
  readonly metric: Metric;
  readonly open: (crowd: Crowd, cell: Cell, ledger: HarmLedger, occurrences: Occurrences) => CrowdWriter;
};

function factorNow(effects: readonly Effect[], sinceMs: number): number {
  let factor = 1;
  for (const effect of effects) if (sinceMs >= effect.onsetMs) factor *= effect.factor;
  return factor;
}

/** Effects on a metric of the users of a crowd; control sees none. */
function effectsOn(world: World, metric: string, crowd: Crowd): readonly Effect[] {
  if (crowd.arm === 'control') return [];
  return world.effects.filter(
    (effect) => effect.metric === metric && (effect.audience === undefined || effect.audience === crowd.audience),
  );
}

const observerOf = (crowd: Crowd, metric: Metric): Observer =>
  metric.per === 'user' ? crowd.visitors : crowd.requests;

function shareNow(rate: number, factor: number, { rate: times, leastRate }: Conditions): number {
  return Math.min(1, Math.max(rate * times, leastRate) * factor);
}

const CALM: Conditions = { traffic: 1, rate: 1, leastRate: 0, latency: 1, isDark: false };

function openProportion(metric: Metric, rate: number, world: World, drawing: Drawing): MetricProgram {
  const isHarm = metric.harm === 'higher';
  return {
    metric,
    open(crowd, cell, ledger) {
      const sums = cell.sums[metric.name];
      const effects = effectsOn(world, metric.name, crowd);
      const isIndividual = isHarm && metric.per !== 'user' && crowd.slice.individuals !== undefined;
      const write = proportionWriter(sums, drawing);
      const meet = individualWriter(sums, crowd, world.disturbances.leaveShare ?? 0, drawing.chance);
      return ({ conditions, sinceMs, siteRequests }) => {
        const felt = isHarm ? conditions : CALM;
        const factor = factorNow(effects, sinceMs);
        const share = shareNow(rate, factor, felt);
        const observer = observerOf(crowd, metric);
        if (factor !== 1) {
          const excess = observer.mean * (share - shareNow(rate, 1, felt));
          addExcess(ledger, metric.name, isHarm ? excess : -excess, true);
        }
        if (isIndividual) meet(siteRequests * crowd.prone * share);
        else write(observer, share);
      };
    },
  };
}

function openLatency(
  metric: Metric,
  model: Extract<MetricModel, { kind: 'quantile' }>,
  tails: LatencyTails,
  world: World,
  { chance }: Drawing,
): MetricProgram {
  return {
    metric,
    open(crowd, cell, ledger) {
      const effects = effectsOn(world, metric.name, crowd);
      const write = latencyWriter(cell.sums[metric.name], tails, chance);
      return ({ conditions, sinceMs }) => {
        const factor = factorNow(effects, sinceMs);
        const observer = observerOf(crowd, metric);
        if (factor !== 1) {
          const excess = observer.mean * (shareBeyond(model, factor) - shareBeyond(model, 1));
          addExcess(ledger, metric.name, metric.harm === 'higher' ? excess : -excess, true);
        }
        write(observer, factor * conditions.latency);
      };
    },
  };
}

function openValue(
  metric: Metric,
  model: Extract<MetricModel, { kind: 'value' | 'score' }>,
  { usesControl }: Interest,
  world: World,
  drawing: Drawing,
): MetricProgram {
  const values = valuesByFactor(model);
  return {
    metric,
    open(crowd, cell, ledger) {
      const effects = effectsOn(world, metric.name, crowd);
      const sums = cell.sums[metric.name];
      // Before any exposure control is everyone, of whom a baseline is captured by bucket.
      const isRead = usesControl || crowd.arm !== 'control' || crowd.stratum === 0;
      const write = isRead ? valueWriter(sums, values, drawing) : expectedWriter(sums, values);
      return ({ sinceMs }) => {
        const factor = factorNow(effects, sinceMs);
        const observer = observerOf(crowd, metric);
        if (factor !== 1) {
          const excess = observer.mean * model.mean * (factor - 1);
          addExcess(ledger, metric.name, metric.harm === 'higher' ? excess : -excess, false);
        }
        write(observer, factor);
      };
    },
  };
}

function addTraffic(sums: CellSums, { count, isFew, places, n }: Observer, factor: number): void {
  sums.isDirty = true;
  if (isFew) {
    for (let index = 0; index < count; index += 1) sums.n[places[index]] += factor;
    return;
  }
  for (let bucket = 0; bucket < n.length; bucket += 1) sums.n[bucket] += n[bucket] * factor;
}

function openTraffic(metric: Metric, world: World): MetricProgram {
  return {
    metric,
    open(crowd, cell, ledger) {
      const effects = effectsOn(world, metric.name, crowd);
      return ({ sinceMs }) => {
        const factor = factorNow(effects, sinceMs);
        const observer = observerOf(crowd, metric);
        const excess = observer.mean * (factor - 1);
        addExcess(ledger, metric.name, metric.harm === 'higher' ? excess : -excess, false);
        addTraffic(cell.sums[metric.name], observer, factor);
      };
    },
  };
}

/** Occurrences: of a source that knows the users by bucket, else with their instant and without an arm. */
function openCount(metric: Metric, perDay: number, world: World, { chance }: Drawing): MetricProgram {
  return {
    metric,
    open(crowd, cell, ledger, occurrences) {
      const effects = effectsOn(world, metric.name, crowd);
      const clock = openClock(chance);
      const sums = cell.sums[metric.name];
      return ({ conditions, sinceMs, lastsMs, toAt }) => {
        const factor = factorNow(effects, sinceMs);
        const today = (perDay * lastsMs * conditions.traffic * crowd.activity) / DAY_MS;
        const excess = today * (factor - 1);
        addExcess(ledger, metric.name, metric.harm === 'higher' ? excess : -excess, true);
        const count = eventsOf(clock, today * factor, chance);
        if (count === 0) return;
        if (metric.source !== 'telemetry') {
          occurrences.push({ metric: metric.name, at: toAt, count });
          return;
        }
        sums.isDirty = true;
        for (let event = 0; event < count; event += 1) sums.n[crowd.requests.table?.draw(chance) ?? 0] += 1;
      };
    },
  };
}

/** How a metric of a world is written for the checks that look at it. */
export function metricProgram(
  metric: Metric,
  model: MetricModel,
  interest: Interest,
  world: World,
  drawing: Drawing,
): MetricProgram {
  switch (model.kind) {
    case 'proportion':
      return openProportion(metric, model.rate, world, drawing);
    case 'quantile':
      return openLatency(metric, model, latencyTails(model, interest), world, drawing);
    case 'traffic':
      return openTraffic(metric, world);
    case 'count':
      return openCount(metric, model.perDay, world, drawing);
    default:
      return openValue(metric, model, interest, world, drawing);
  }
}
