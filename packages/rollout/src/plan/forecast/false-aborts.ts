import type { Check } from '../../plan.ts';
import type { GuardPreview } from './guard-forecast.ts';
import { breaksToday } from './harm-forecast.ts';
import type { Prospect } from './traffic.ts';

/** Chances that a harmless feature is turned off before the end, by cause. */
export type FalseAborts = {
  /** Comparisons of abort criteria and gates: at most α, all together; 1 where today's value is beyond a limit. */
  readonly comparisons: number;
  /** Comparisons of kill trips, a family of their own: at most α; 1 where today's value is beyond a limit. */
  readonly killTrips: number;
  /** Plain rules at the traffic given: sliding counts, and the rule beside each kill trip. `null`: not known. */
  readonly plainRules: number | null;
  /** Treated users who seem to stop reporting. */
  readonly telemetryMissing: number;
  /** At most this, from all causes; plain rules that are not known are left out. */
  readonly total: number;
};

/** Level of the test that treated users still report (`reference: statistics e`). */
const TELEMETRY_ALPHA = 0.001;

/** At least one of several independent things happens. */
export function anyOf(chances: readonly number[]): number {
  return 1 - chances.reduce((none, chance) => none * (1 - chance), 1);
}

/** Chance at most that the comparisons of one family stop a harmless feature. */
function chanceOf(family: readonly Check[], { plan, traffic }: Prospect): number {
  const isBroken = family.some((check) => {
    const metric = plan.metrics[check.metric];
    return metric !== undefined && breaksToday(check, metric, traffic);
  });
  if (isBroken) return 1;
  return family.some(({ limit }) => limit.kind !== 'count') ? plan.alpha : 0;
}

/** How likely a plan is to turn off a feature that changes nothing. */
export function falseAborts(prospect: Prospect, guards: readonly GuardPreview[]): FalseAborts {
  const { plan } = prospect;
  const comparisons = chanceOf([...plan.abortCriteria, ...plan.stages.flatMap(({ gate }) => gate)], prospect);
  // Without autoTrip a person decides.
  const trips = plan.killSwitch?.autoTrip ? plan.killSwitch.trips : [];
  const killTrips = chanceOf(trips, prospect);
  const automatic = guards.filter(({ tier }) => tier !== 'kill' || trips.length > 0);
  const known = automatic.flatMap(({ plainRule }) => plainRule ?? []).map(({ chance }) => chance);
  const isUnknown = automatic.some(({ plainRule }) => plainRule === null);
  const plain = anyOf(known);
  return {
    comparisons,
    killTrips,
    plainRules: isUnknown && known.length === 0 ? null : plain,
    telemetryMissing: TELEMETRY_ALPHA,
    total: Math.min(1, comparisons + killTrips + plain + TELEMETRY_ALPHA),
  };
}
