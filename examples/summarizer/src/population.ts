import type { Group } from './documents.ts';
import { logNormal, type Random } from './random.ts';

/** Someone who uses the app. */
export type User = { readonly id: string; readonly group: Group };

/** People who use the app, some much more than others. */
export type Population = {
  readonly users: readonly User[];
  /** The user of the next request: heavy users more often. */
  readonly next: (random: Random) => User;
};

const TEAM_SHARE = 0.12;
/** Spread of activity: the busiest hundredth of users makes about a tenth of the requests. */
const ACTIVITY_SIGMA = 1;

/** `size` users with their activity, the same ones for the same generator. */
export function createPopulation(random: Random, size: number): Population {
  const run = Math.floor(random() * 2 ** 32).toString(36);
  const users = Array.from({ length: size }, (_, index): User => {
    return { id: `user-${run}-${index}`, group: random() < TEAM_SHARE ? 'team' : 'public' };
  });
  let sum = 0;
  const upTo = users.map(() => {
    sum += logNormal(random, ACTIVITY_SIGMA);
    return sum;
  });
  return { users, next: (draw) => users[firstAbove(upTo, draw() * sum)] };
}

/** Index of the first of rising values that is above `value`; the last index if none is. */
function firstAbove(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
