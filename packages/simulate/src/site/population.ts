import { USER_BUCKETS } from '@rampart/rollout';
import type { Chance } from '../chance/chance.ts';

/** Users of one activity: how many, and the share of the site's requests that each of them makes. */
export type UserClass = { readonly users: number; readonly activity: number };

/** The users of a population between two positions of the split. Vectors are by user bucket. */
export type Slice = {
  /** Share of the site's requests. */
  readonly activity: Float64Array;
  /** Share of the site's requests weighted by proneness to bad events (mean 1). */
  readonly prone: Float64Array;
  /** Users; by their share of the slice where every request is a user of its own. */
  readonly users: Float64Array;
  /** Empty where every request is a user of its own. */
  readonly classes: readonly UserClass[];
  /** Users as individuals, where a world needs them. */
  readonly individuals?: Individuals;
};

/** Individual users of a slice who meet bad events. */
export type Individuals = {
  /** A user drawn by activity and proneness, with their bucket; `undefined` if that user has left. */
  readonly draw: (chance: Chance) => { readonly user: number; readonly bucket: number } | undefined;
  /** The user leaves for good; gives the share of requests and of prone requests that go with them. */
  readonly leave: (user: number) => { readonly activity: number; readonly prone: number };
};

/** Users of a site or of one of its audiences, in the order of the split. */
export type Population = {
  /** Those with a position in [from, to), both in [0, 1]. Positions asked for must not fall from call to call. */
  readonly slice: (from: number, to: number) => Slice;
};

const vector = () => new Float64Array(USER_BUCKETS);

/** Every request is a user of its own. `share`: of the site's requests that this population makes. */
export function anonymousPopulation(share: number): Population {
  return {
    slice(from, to) {
      const activity = vector().fill((share * (to - from)) / USER_BUCKETS);
      return { activity, prone: activity, users: vector().fill(1 / USER_BUCKETS), classes: [] };
    },
  };
}

/** Users who are all alike: their number by bucket is all that matters. */
export function evenPopulation(share: number, users: number, chance: Chance): Population {
  const inBucket = vector();
  let left = users;
  for (let bucket = 0; bucket < USER_BUCKETS; bucket += 1) {
    inBucket[bucket] = chance.binomial(left, 1 / (USER_BUCKETS - bucket));
    left -= inBucket[bucket];
  }
  let reached = 0;
  let below = vector();
  const known = new Map([
    [0, below],
    [1, inBucket],
  ]);
  const countBelow = (position: number): Float64Array => {
    const before = known.get(position);
    if (before !== undefined) return before;
    const part = (position - reached) / (1 - reached);
    const more = below.map((count, bucket) => count + chance.binomial(inBucket[bucket] - count, part));
    reached = position;
    below = more;
    known.set(position, more);
    return more;
  };
  return {
    slice(from, to) {
      const [first, last] = [countBelow(from), countBelow(to)];
      const counts = last.map((count, bucket) => count - first[bucket]);
      const activity = counts.map((count) => (count * share) / users);
      const total = counts.reduce((sum, count) => sum + count, 0);
      return { activity, prone: activity, users: counts, classes: [{ users: total, activity: share / users }] };
    },
  };
}
