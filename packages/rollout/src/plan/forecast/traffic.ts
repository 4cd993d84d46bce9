import { FULL_WEIGHT } from '@rampart/flags';
import type { Metric, Plan, Stage } from '../../plan.ts';
import { DAY_MS, HOUR_MS } from '../duration.ts';

/** What is known of the traffic before the start. */
export type Traffic = {
  /** Requests (or queries) of everyone per day. */
  readonly requestsPerDay: number;
  /** Today's error rate, in [0, 1]. */
  readonly errorRate?: number;
  /** Today's value of each metric in its own unit; counts are events per day of everyone. */
  readonly baselines?: Readonly<Record<string, number>>;
  /** Other observations of everyone per day, by what one is: `session`. */
  readonly perDay?: Readonly<Record<string, number>>;
  /** Distinct users of everyone per day; also the observations of metrics per user. */
  readonly users?: number;
  /** Assumed design effect of users who send many requests, for sources that know them; at least 1. Default: 1. */
  readonly designEffect?: number;
  /** Share of everyone that each audience is, in [0, 1]. */
  readonly audiences?: Readonly<Record<string, number>>;
};

/** One stage as traffic sees it. */
export type StageTraffic = {
  readonly stage: Stage;
  /** Share of everyone that is exposed, in [0, 1]; `null`: the audience's size is not known. */
  readonly share: number | null;
  /** Control units for each one in treatment, within the random split. */
  readonly controls: number;
  /** Hours that the stage lasts at least; of the last one, its monitoring. */
  readonly hours: number;
};

/** A plan and its traffic: what all forecasts are made from. */
export type Prospect = { readonly plan: Plan; readonly traffic: Traffic };

/** Today's value of a metric, where it was told. */
export function todayOf(metric: Metric, { baselines, errorRate }: Traffic): number | undefined {
  return baselines?.[metric.name] ?? (metric.name === 'errorRate' ? errorRate : undefined);
}

/** Observations of everyone per day; of a count, its events. `undefined`: not known. */
function dailyOf(metric: Metric, traffic: Traffic): number | undefined {
  if (metric.kind === 'count') return todayOf(metric, traffic);
  if (metric.per === 'user') return traffic.perDay?.user ?? traffic.users;
  const isRequest = metric.per === 'request' || metric.per === 'query';
  return traffic.perDay?.[metric.per] ?? (isRequest ? traffic.requestsPerDay : undefined);
}

/** Whether a count comes from a source that cannot tell who is exposed. */
function isEveryones(metric: Metric): boolean {
  return metric.kind === 'count' && metric.source !== 'telemetry';
}

/** Observations of treatment per hour of a stage; 0 where there are none or they are not known. */
export function perHour(metric: Metric, { share }: StageTraffic, traffic: Traffic): number {
  const daily = dailyOf(metric, traffic) ?? 0;
  return (daily * (isEveryones(metric) ? 1 : (share ?? 0))) / 24;
}

/** Control observations for each one in treatment. */
export function controlsOf(metric: Metric, { controls }: StageTraffic): number {
  return isEveryones(metric) ? 0 : controls;
}

/** Design effect a check will be judged with: the declared one of a source without users, else the assumed one. */
export function effectOf(metric: Metric, { designEffect = 1 }: Traffic): number {
  return metric.source === 'telemetry' ? Math.max(1, designEffect) : metric.designEffect;
}

/** Effective observations that the baseline will rest on. */
export function baselineCount(metric: Metric, { plan, traffic }: Prospect): number | undefined {
  const daily = dailyOf(metric, traffic);
  return daily ? (daily * plan.baseline.windowMs) / DAY_MS / effectOf(metric, traffic) : undefined;
}

/** Share of everyone exposed in a stage; earlier stages stay in. */
function shareOf(stage: Stage, before: number, { audiences }: Traffic): number | null {
  const fraction = stage.weight / FULL_WEIGHT;
  if (stage.audience === undefined) return fraction;
  const size = audiences?.[stage.audience];
  return size === undefined ? null : before + size * Math.max(0, fraction - before);
}

/** One stage with another percentage. `before`: share of everyone that is exposed already. */
export function trafficOfStage(stage: Stage, before: number, { plan, traffic }: Prospect): StageTraffic {
  const fraction = stage.weight / FULL_WEIGHT;
  return {
    stage,
    share: shareOf(stage, before, traffic),
    controls: Math.max(0, (1 - fraction) / fraction),
    hours: (stage.durationMs ?? plan.monitorMs) / HOUR_MS,
  };
}

/** Share of everyone that the stages before an index expose. */
export function exposedBefore(stages: readonly Stage[], index: number): number {
  const everyone = stages.slice(0, index).filter(({ audience }) => audience === undefined);
  return (everyone.at(-1)?.weight ?? 0) / FULL_WEIGHT;
}

/** Every stage as traffic sees it. */
export function trafficOfStages(prospect: Prospect): readonly StageTraffic[] {
  const { stages } = prospect.plan;
  return stages.map((stage, index) => trafficOfStage(stage, exposedBefore(stages, index), prospect));
}
