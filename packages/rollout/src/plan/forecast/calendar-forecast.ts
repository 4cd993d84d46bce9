import type { Calendar } from '../../plan.ts';
import { type CalendarState, calendarOpen } from '../calendar.ts';
import { HOUR_MS } from '../duration.ts';
import { chanceAfter } from './pass-forecast.ts';
import { LIKELY } from './side-forecast.ts';
import type { Prospect, StageTraffic } from './traffic.ts';

/** First instant at or after `from` (epoch ms) at which the calendar lets a rollout advance; `null`: never. */
export function nextOpening(calendar: Calendar, from: number | null): number | null {
  const state: CalendarState | undefined = from === null ? undefined : calendarOpen(calendar, from);
  return state?.open ? from : (state?.reopensAt ?? null);
}

/** How long a stage is expected to last when its feature is harmless. */
export type StageLength = {
  /** On average; `null`: it is not likely to pass before a person is asked, at `askedAfterMs` of the stage. */
  readonly expectedMs: number | null;
  readonly askedAfterMs?: number;
};

/** Parts of the wait that are summed. */
const PARTS = 24;

/** Chance that every check of a gate has passed after so many hours of a stage; checks are taken as independent. */
export function gateChance(stage: StageTraffic, prospect: Prospect, hours: number): number {
  return stage.stage.gate.reduce((chance, check) => {
    const metric = prospect.plan.metrics[check.metric];
    return metric === undefined ? chance : chance * chanceAfter(check, metric, stage, prospect, hours);
  }, 1);
}

/** Mean wait after the stage's duration: its survival function, integrated to the end of its longest duration. */
function meanWait(durationMs: number, longestMs: number, isExtended: boolean, chance: (ms: number) => number): number {
  let wait = 0;
  if (isExtended) {
    // An extension adds a whole duration before the gate is asked again.
    for (let served = durationMs; served < longestMs; served += durationMs) wait += durationMs * (1 - chance(served));
    return wait;
  }
  const part = (longestMs - durationMs) / PARTS;
  for (let index = 0; index < PARTS; index += 1) {
    wait += part * (1 - chance(durationMs + (index + 0.5) * part));
  }
  return wait;
}

/** Forecast of a stage's length: its duration, and the wait for its gate. */
export function stageLength(stage: StageTraffic, durationMs: number, prospect: Prospect): StageLength {
  const longestMs = Math.max(durationMs, stage.stage.maxDurationMs ?? 3 * durationMs);
  const chance = (ms: number) => gateChance(stage, prospect, ms / HOUR_MS);
  if (chance(longestMs) < LIKELY) return { expectedMs: null, askedAfterMs: longestMs };
  const wait = meanWait(durationMs, longestMs, stage.stage.onInconclusive === 'extend', chance);
  return { expectedMs: Math.round(durationMs + wait) };
}
