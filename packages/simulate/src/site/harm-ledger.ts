/** What the exposed people have gone through, as expected values: the same in every run but for who was exposed when. */
export type HarmLedger = {
  /** Distinct people who have seen the new variant. */
  exposed: number;
  /** Expected bad events, slow requests or occurrences that would not have been without the feature. */
  events: number;
  /** Excess of each metric that the feature moves the harmful way: events, or units of its value. */
  readonly excess: Record<string, number>;
  /** Whether a metric of values is worse for everyone who sees the feature now. */
  isWorseForAll: boolean;
  /** Most people exposed while that was so. */
  exposedToWorse: number;
  /** Exposed users whose client crashed. */
  crashed: number;
};

/** Before any exposure. */
export function emptyLedger(): HarmLedger {
  return { exposed: 0, events: 0, excess: {}, isWorseForAll: false, exposedToWorse: 0, crashed: 0 };
}

/** Adds the expected excess of a metric in a batch. */
export function addExcess(ledger: HarmLedger, metric: string, amount: number, isEvents: boolean): void {
  if (amount <= 0) return;
  ledger.excess[metric] = (ledger.excess[metric] ?? 0) + amount;
  if (isEvents) ledger.events += amount;
  else ledger.isWorseForAll = true;
}

/** Closes a batch in which `exposed` distinct people of the running exposure have been seen so far. */
export function closeBatch(ledger: HarmLedger, exposed: number): void {
  ledger.exposed = Math.max(ledger.exposed, exposed);
  if (ledger.isWorseForAll) ledger.exposedToWorse = Math.max(ledger.exposedToWorse, exposed);
  ledger.isWorseForAll = false;
}

/**
 * Expected people harmed: those with at least one excess event, if events fall on people alike; those whose client crashed;
 * or everyone exposed while a value was worse for all.
 */
export function peopleHarmed(ledger: HarmLedger): number {
  const { exposed, events, exposedToWorse, crashed } = ledger;
  if (exposed <= 0) return 0;
  const met = exposed * -Math.expm1(-events / exposed);
  return Math.min(exposed, Math.max(met + crashed, exposedToWorse));
}
