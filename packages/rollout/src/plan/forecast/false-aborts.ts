import type { Plan } from '../../plan.ts';
import type { GuardPreview } from './guard-forecast.ts';

/** Chances that a harmless feature is turned off before the end, by cause. */
export type FalseAborts = {
  /** Comparisons of abort criteria and gates: at most α, all together. */
  readonly comparisons: number;
  /** Comparisons of kill trips, a family of their own: at most α. */
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

/** How likely a plan is to turn off a feature that changes nothing. */
export function falseAborts(plan: Plan, guards: readonly GuardPreview[]): FalseAborts {
  const isStatistical = ({ limit }: { readonly limit: { readonly kind: string } }) => limit.kind !== 'count';
  const compared = [...plan.abortCriteria, ...plan.stages.flatMap(({ gate }) => gate)].some(isStatistical);
  const comparisons = compared ? plan.alpha : 0;
  // Without autoTrip a person decides.
  const trips = plan.killSwitch?.autoTrip ? plan.killSwitch.trips : [];
  const killTrips = trips.some(isStatistical) ? plan.alpha : 0;
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
