import type { Chance } from '../chance/chance.ts';
import type { Disturbances } from '../world/world.ts';

const DAY_MS = 86_400_000;

/** What everyone on the site lives through in one batch. */
export type Conditions = {
  /** Multiplies traffic. */
  traffic: number;
  /** Multiplies rates of bad events. */
  rate: number;
  /** Rates of bad events are at least this: above 0 in a shared incident. */
  leastRate: number;
  /** Multiplies latencies. */
  latency: number;
  /** No evidence arrives. */
  isDark: boolean;
};

/** Gives the conditions at an instant; instants rise. The result is the same object each time. */
export type Weather = (at: number) => Conditions;

/** Where the day stands at an instant: -1 at its quietest, 1 at its busiest. */
export function waveAt(at: number): number {
  return Math.sin((2 * Math.PI * (at % DAY_MS)) / DAY_MS);
}

/** Intervals of one length that begin at random instants, `perDay` on average: tells whether an instant lies in one. */
function intervals(perDay: number, lastMs: number, startAt: number, chance: Chance): (at: number) => boolean {
  if (!(perDay > 0)) return () => false;
  const wait = () => (chance.exponential() * DAY_MS) / perDay;
  let next = startAt + wait();
  let until = startAt;
  return (at) => {
    while (at >= next) {
      until = Math.max(until, next + lastMs);
      next += wait();
    }
    return at < until;
  };
}

/** The weather of a site from `startAt` on; the plan is expected to take `plannedMs`. */
export function openWeather(disturbances: Disturbances, startAt: number, plannedMs: number, chance: Chance): Weather {
  const { diurnal, incidents, outages, rampFactor = 1 } = disturbances;
  const isIncident = intervals(incidents?.perDay ?? 0, incidents?.lastMs ?? 0, startAt, chance);
  const isOutage = intervals(outages?.perDay ?? 0, outages?.lastMs ?? 0, startAt, chance);
  const now: Conditions = { traffic: 1, rate: 1, leastRate: 0, latency: 1, isDark: false };
  return (at) => {
    const wave = diurnal === undefined ? 0 : waveAt(at);
    const risen = rampFactor === 1 ? 1 : 1 + (rampFactor - 1) * Math.min(1, (at - startAt) / plannedMs);
    const struck = isIncident(at) ? incidents : undefined;
    now.traffic = 1 + (diurnal?.traffic ?? 0) * wave;
    now.rate = (1 + (diurnal?.rate ?? 0) * wave) * risen;
    now.leastRate = struck?.rate ?? 0;
    now.latency = struck?.latencyFactor ?? 1;
    now.isDark = isOutage(at);
    return now;
  };
}
