import { FULL_WEIGHT } from '@rampart/flags';
import { updateDeficit, updateSampleRatio } from '@rampart/stats';
import type { UserCount } from '../evidence.ts';
import type { Ledger } from './evidence-state.ts';
import type { PreparedBatch } from './prepared-batch.ts';

type Users = { treatment: number; control: number };

/** Users counted in this batch, by stratum of the running epoch's split. A user seen by several processes is counted by each, so counts are divided by their number. */
function usersByStratum(batch: PreparedBatch, metric: UserCount, epoch: number): ReadonlyMap<number, Users> {
  const instances = Math.max(1, batch.instances ?? 1);
  const strata = new Map<number, Users>();
  for (const { arm, stratum, epoch: own, count } of batch.users[metric]) {
    if (own !== epoch || arm === 'targeted' || stratum <= 0 || stratum >= FULL_WEIGHT) continue;
    const users = strata.get(stratum) ?? { treatment: 0, control: 0 };
    users[arm] += count / instances;
    strata.set(stratum, users);
  }
  return strata;
}

/** Sample ratios: users assigned against the designed share, and users reporting against those assigned so far. */
export function foldSampleRatios(into: Ledger, batch: PreparedBatch): void {
  if (batch.users.assigned.length === 0 && batch.users.reported.length === 0) return;
  for (const [stratum, users] of usersByStratum(batch, 'assigned', into.epoch)) {
    into.assignment = updateSampleRatio(into.assignment, { ...users, treatmentShare: stratum / FULL_WEIGHT });
    const known = into.assigned[stratum] ?? { treatment: 0, control: 0 };
    known.treatment += users.treatment;
    known.control += users.control;
    into.assigned[stratum] = known;
  }
  for (const [stratum, users] of usersByStratum(batch, 'reported', into.epoch)) {
    const known = into.assigned[stratum];
    const treatmentShare = known ? known.treatment / (known.treatment + known.control) : stratum / FULL_WEIGHT;
    into.deficit = updateDeficit(into.deficit, { ...users, treatmentShare });
  }
}

/** People who saw each variant: a user is counted once per epoch, so the most of any epoch counts, not the sum. */
export function foldPeople(into: Ledger, batch: PreparedBatch): void {
  const { peopleNow, people } = into;
  for (const { arm, epoch, count } of batch.users.assigned) {
    if (epoch !== into.epoch) continue;
    peopleNow[arm] += count;
    people[arm] = Math.max(people[arm], peopleNow[arm]);
  }
  foldExposed(into, batch);
}

/**
 * Bounds on the different people exposed over all stages. At most: every process counts a user once in each epoch, so the sum over
 * epochs counts everyone at least once. At least: one process counts a user once, so of a batch of n processes at least an n-th are different.
 */
function foldExposed(into: Ledger, batch: PreparedBatch): void {
  const seen = batch.users.assigned
    .filter(({ arm, epoch }) => arm !== 'control' && epoch === into.epoch)
    .reduce((sum, { count }) => sum + count, 0);
  if (seen === 0) return;
  const { atLeast, atMost } = into.exposed ?? { atLeast: 0, atMost: 0 };
  const fewest = Math.ceil(seen / Math.max(1, batch.instances ?? 1));
  into.exposed = { atLeast: Math.max(atLeast, fewest), atMost: atMost + seen };
}
