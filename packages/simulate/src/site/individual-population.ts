import { USER_BUCKETS } from '@rampart/rollout';
import type { Chance } from '../chance/chance.ts';
import type { Disturbances } from '../world/world.ts';
import type { Individuals, Population, Slice, UserClass } from './population.ts';

/** Classes of activity are octaves around the mean; users far out share the outermost ones. */
const CLASSES = 17;
const MIDDLE = 8;

type Users = {
  readonly position: Float64Array;
  readonly bucket: Uint8Array;
  readonly activity: Float64Array;
  readonly proneness: Float64Array;
  /** Running sum of activity times proneness, one entry more than users. */
  readonly proneBefore: Float64Array;
  readonly gone: Uint8Array;
};

function drawUsers(share: number, count: number, disturbances: Disturbances, chance: Chance): Users {
  const { activitySigma = 0, frailtyShape } = disturbances;
  const activity = new Float64Array(count);
  const proneness = new Float64Array(count).fill(1);
  const position = new Float64Array(count);
  const bucket = new Uint8Array(count);
  let [allActivity, allProne, gaps] = [0, 0, 0];
  for (let user = 0; user < count; user += 1) {
    activity[user] = activitySigma > 0 ? Math.exp(activitySigma * chance.normal()) : 1;
    if (frailtyShape !== undefined) proneness[user] = chance.gamma(frailtyShape);
    bucket[user] = Math.floor(chance.uniform() * USER_BUCKETS);
    gaps += chance.exponential();
    position[user] = gaps;
    allActivity += activity[user];
    allProne += activity[user] * proneness[user];
  }
  gaps += chance.exponential();
  const proneBefore = new Float64Array(count + 1);
  for (let user = 0; user < count; user += 1) {
    // Sorted uniform positions are running sums of exponential gaps over their total.
    position[user] /= gaps;
    // Today's rate is that of this very crowd, so the mean proneness of its requests is 1.
    proneness[user] *= allActivity / allProne;
    activity[user] *= share / allActivity;
    proneBefore[user + 1] = proneBefore[user] + activity[user] * proneness[user];
  }
  return { position, bucket, activity, proneness, proneBefore, gone: new Uint8Array(count) };
}

/** First index of a sorted vector, from `low` up to `high`, whose value is above `value`. */
function firstAbove(sorted: Float64Array, value: number, low: number, high: number): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle] > value) to = middle;
    else from = middle + 1;
  }
  return from;
}

function individualsOf(users: Users, first: number, last: number): Individuals {
  const { proneBefore, bucket, gone, activity, proneness } = users;
  return {
    draw(chance) {
      const at = proneBefore[first] + chance.uniform() * (proneBefore[last] - proneBefore[first]);
      const user = Math.min(last - 1, firstAbove(proneBefore, at, first + 1, last) - 1);
      return gone[user] === 1 ? undefined : { user, bucket: bucket[user] };
    },
    leave(user) {
      gone[user] = 1;
      return { activity: activity[user], prone: activity[user] * proneness[user] };
    },
  };
}

function sliceOf(users: Users, share: number, first: number, last: number): Slice {
  const [activity, prone, inBucket] = [0, 1, 2].map(() => new Float64Array(USER_BUCKETS));
  const classUsers = new Float64Array(CLASSES);
  const classActivity = new Float64Array(CLASSES);
  const mean = share / users.activity.length;
  for (let user = first; user < last; user += 1) {
    if (users.gone[user] === 1) continue;
    const of = users.activity[user];
    const octave = Math.min(CLASSES - 1, Math.max(0, Math.round(Math.log2(of / mean)) + MIDDLE));
    classUsers[octave] += 1;
    classActivity[octave] += of;
    inBucket[users.bucket[user]] += 1;
    activity[users.bucket[user]] += of;
    prone[users.bucket[user]] += of * users.proneness[user];
  }
  const classes: UserClass[] = [];
  classUsers.forEach((count, index) => {
    if (count > 0) classes.push({ users: count, activity: classActivity[index] / count });
  });
  return { activity, prone, users: inBucket, classes, individuals: individualsOf(users, first, last) };
}

/**
 * Users of their own kind each: activity, proneness to bad events, and whether they have left. `share`: of the site's
 * requests that this population makes.
 */
export function individualPopulation(
  share: number,
  count: number,
  disturbances: Disturbances,
  chance: Chance,
): Population {
  const users = drawUsers(share, count, disturbances, chance);
  const indexOf = (position: number) => firstAbove(users.position, position - Number.EPSILON, 0, count);
  return { slice: (from, to) => sliceOf(users, share, indexOf(from), to >= 1 ? count : indexOf(to)) };
}
