import type { AliasTable } from '../chance/alias-table.ts';
import type { Chance } from '../chance/chance.ts';
import type { CellSums } from './cell.ts';
import { type Crowd, removeUser } from './crowd.ts';
import { eventsOf, openClock } from './event-clock.ts';
import type { NormalPool } from './normal-pool.ts';
import { type Observer, placeOfEvent } from './observer.ts';

/** Shares up to this are drawn as a Poisson process: their counts scatter 2 % too much at most. */
const RARE = 0.02;
/** Events of common ones placed one by one; beyond it, buckets are full enough for normal noise. */
const MOST_PLACED = 1000;

/** Where a writer takes its chance from. */
export type Drawing = { readonly chance: Chance; readonly pool: NormalPool };

/** Writes the bad events of a crowd into a cell: `share` of the observations, in [0, 1]. */
export type ProportionWriter = (observer: Observer, share: number) => void;

/** Common events: each bucket's part, drawn without replacement. */
function writeCommon(sums: CellSums, observer: Observer, share: number, { chance, pool }: Drawing): void {
  const { count, isFew, places, n, table } = observer;
  sums.isDirty = true;
  if (isFew) {
    for (let index = 0; index < count; index += 1) if (chance.uniform() < share) sums.x[places[index]] += 1;
    return;
  }
  if (count * share > MOST_PLACED || table === undefined) {
    const place = pool.start();
    for (let bucket = 0; bucket < n.length; bucket += 1) {
      const noise = Math.sqrt(n[bucket] * share * (1 - share)) * pool.at(place, bucket);
      sums.x[bucket] += Math.min(n[bucket], Math.max(0, n[bucket] * share + noise));
    }
    return;
  }
  // The rarer side is drawn, so that no bucket comes near to being used up.
  const isRest = share > 0.5;
  const drawn = drawWithoutReplacement(observer, table, isRest ? 1 - share : share, chance);
  for (let bucket = 0; bucket < n.length; bucket += 1) {
    sums.x[bucket] += isRest ? Math.max(0, n[bucket] - drawn[bucket]) : drawn[bucket];
  }
}

/** Observations of a share of at most one half, by bucket. */
function drawWithoutReplacement(
  { count, n, weights }: Observer,
  table: AliasTable,
  share: number,
  chance: Chance,
): Float64Array {
  const drawn = new Float64Array(n.length);
  let left = chance.binomial(Math.round(count), share);
  while (left > 0) {
    const bucket = table.draw(chance);
    // Twice its weight bounds how many observations a bucket has; one that is used up takes no more.
    if (chance.uniform() * 2 * count * weights[bucket] > n[bucket] - drawn[bucket]) continue;
    drawn[bucket] += 1;
    left -= 1;
  }
  return drawn;
}

/** Bad events of individuals: heavier and proner ones meet more of them, and some leave after one. */
function writeOfIndividuals(sums: CellSums, crowd: Crowd, events: number, leaveShare: number, chance: Chance): void {
  const { individuals } = crowd.slice;
  for (let event = 0; event < events; event += 1) {
    const met = individuals?.draw(chance);
    if (met === undefined) continue;
    sums.isDirty = true;
    sums.x[met.bucket] += 1;
    // The request of the event is one of the observations.
    if (sums.n[met.bucket] < sums.x[met.bucket]) sums.n[met.bucket] = sums.x[met.bucket];
    if (leaveShare > 0 && chance.uniform() < leaveShare) removeUser(crowd, met.user, met.bucket);
  }
}

/** Opens the writer of one metric of a crowd. */
export function proportionWriter(sums: CellSums, drawing: Drawing): ProportionWriter {
  const { chance } = drawing;
  const clock = openClock(chance);
  return (observer, share) => {
    if (share > RARE) {
      writeCommon(sums, observer, share, drawing);
      return;
    }
    const events = Math.min(eventsOf(clock, observer.count * share, chance), Math.floor(observer.count));
    if (events === 0) return;
    sums.isDirty = true;
    for (let event = 0; event < events; event += 1) sums.x[placeOfEvent(observer, chance)] += 1;
  };
}

/** Writes the bad events that individuals meet: `expected` of them if nobody had left since the exposure changed. */
export type IndividualWriter = (expected: number) => void;

/** Opens the writer of a metric of a crowd of individuals; `leaveShare` of them leave after an event. */
export function individualWriter(sums: CellSums, crowd: Crowd, leaveShare: number, chance: Chance): IndividualWriter {
  const clock = openClock(chance);
  return (expected) => writeOfIndividuals(sums, crowd, eventsOf(clock, expected, chance), leaveShare, chance);
}
