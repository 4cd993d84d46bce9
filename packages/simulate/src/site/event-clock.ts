import type { Chance } from '../chance/chance.ts';

/** Rare events as a Poisson process: a batch without an event draws nothing. */
export type EventClock = { left: number };

/** A clock whose first event lies ahead. */
export function openClock(chance: Chance): EventClock {
  return { left: chance.exponential() };
}

/** From here on one Poisson draw costs less than the waits between events. The wait under way stays: it has no memory. */
const MANY = 10;

/** Events while `expected` of them are due. */
export function eventsOf(clock: EventClock, expected: number, chance: Chance): number {
  if (expected > MANY) return chance.poisson(expected);
  clock.left -= expected;
  let count = 0;
  while (clock.left < 0) {
    count += 1;
    clock.left += chance.exponential();
  }
  return count;
}
