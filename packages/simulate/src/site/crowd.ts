import type { Arm } from '@rampart/flags';
import type { Chance } from '../chance/chance.ts';
import { type Observer, openObserver } from './observer.ts';
import type { Slice } from './population.ts';

/** Users who are treated alike: one arm of one stratum of one audience, while the exposure stays as it is. */
export type Crowd = {
  readonly arm: Arm;
  readonly stratum: number;
  /** Segment of these users; absent: the rest of everyone. */
  readonly audience?: string;
  readonly slice: Slice;
  /** Share of the site's requests now, and of the prone ones at the start of the stage. */
  activity: number;
  readonly prone: number;
  /** Requests by bucket. */
  requests: Observer;
  /** Newly seen users by bucket. */
  readonly newcomers: Observer;
  /** Users on their first request of the day, by bucket: what metrics per user observe. */
  readonly visitors: Observer;
  /** Users not seen yet by class of activity. */
  readonly unseen: Float64Array;
  /** Of them, those expected in the running batch. */
  readonly due: Float64Array;
  unseenTotal: number;
  /** Users seen since the exposure changed. */
  seen: number;
  /** Users who left since `requests` was made. */
  departures: number;
};

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

/** How many leave before the weights of buckets are made anew. */
const DEPARTURES_TO_REFRESH = 32;

/** A crowd of a slice. `reporting`: share of its users who report at all. */
export function openCrowd(place: Pick<Crowd, 'arm' | 'stratum' | 'audience'>, slice: Slice, reporting: number): Crowd {
  const unseen = Float64Array.from(slice.classes, ({ users }) => users);
  return {
    ...place,
    slice,
    activity: sum(slice.activity) * reporting,
    prone: sum(slice.prone) * reporting,
    requests: openObserver(slice.activity),
    newcomers: openObserver(slice.users),
    visitors: openObserver(slice.users),
    unseen,
    due: new Float64Array(unseen.length),
    unseenTotal: sum(unseen),
    seen: 0,
    departures: 0,
  };
}

/** Users of the crowd first seen while the site gets `requests` requests; `own` of them are the crowd's. */
export function drawNewcomers(crowd: Crowd, requests: number, own: number, chance: Chance): number {
  const { slice, unseen, due } = crowd;
  if (slice.classes.length === 0) {
    crowd.seen += own;
    return own;
  }
  if (crowd.unseenTotal < 0.5) return 0;
  let expected = 0;
  for (let index = 0; index < unseen.length; index += 1) {
    due[index] = unseen[index] * -Math.expm1(-slice.classes[index].activity * requests);
    expected += due[index];
  }
  const drawn = Math.min(Math.floor(crowd.unseenTotal + 0.5), chance.poisson(expected));
  const scale = expected > 0 ? drawn / expected : 0;
  let left = 0;
  for (let index = 0; index < unseen.length; index += 1) {
    unseen[index] = Math.max(0, unseen[index] - due[index] * scale);
    left += unseen[index];
  }
  crowd.unseenTotal = left;
  crowd.seen += drawn;
  return drawn;
}

/**
 * Share of a crowd's requests that are the first of their user on a day with `requestsPerDay` of the site. Taken as the same at
 * every time of day, so that a metric per user sees everyone who comes on a day once that day, as `plan` counts them.
 */
export function shareOfFirsts({ slice, activity }: Pick<Crowd, 'slice' | 'activity'>, requestsPerDay: number): number {
  if (slice.classes.length === 0 || !(activity > 0)) return 1;
  const comers = slice.classes.reduce((all, one) => all + one.users * -Math.expm1(-one.activity * requestsPerDay), 0);
  return Math.min(1, comers / (sum(slice.activity) * requestsPerDay));
}

/** A user leaves for good. */
export function removeUser(crowd: Crowd, user: number, bucket: number): void {
  const { slice } = crowd;
  if (slice.individuals === undefined) return;
  const { activity } = slice.individuals.leave(user);
  slice.activity[bucket] = Math.max(0, slice.activity[bucket] - activity);
  crowd.activity = Math.max(0, crowd.activity - activity);
  crowd.departures += 1;
}

/** Makes the weights of buckets anew once enough users have left. Between batches only: a batch's metrics share its requests. */
export function refreshCrowd(crowd: Crowd): void {
  if (crowd.departures < DEPARTURES_TO_REFRESH) return;
  crowd.departures = 0;
  crowd.requests = openObserver(crowd.slice.activity);
}
