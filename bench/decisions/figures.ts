import { concurrentExposureLimit } from '@rampart/stats';
import { firedShare, medianOf } from './experiment.ts';
import type { Results } from './pool.ts';
import { SIM_A_SECTION, type Trial } from './sections.ts';
import { SIM_A_COLUMNS } from './sim-a.ts';
import { delayOf } from './tables.ts';
import { BASE_RATE, PER_MINUTE } from './traffic.ts';

/** What one rule did in SIM-A. Shares are in [0, 1], times in minutes; `se…` are standard errors. */
export type Figures = {
  readonly falseAbortFlat: number;
  readonly falseAbortDiurnal: number;
  readonly excess2x: number;
  readonly excess5x: number;
  readonly seFalseAbortFlat: number;
  readonly seFalseAbortDiurnal: number;
  readonly seExcess2x: number;
  readonly seExcess5x: number;
  readonly found2x: number;
  readonly found5x: number;
  readonly minutes2x: number;
  readonly minutes5x: number;
  readonly medianMinutes2x: number;
  readonly medianMinutes5x: number;
};

/** Five digits: more would be noise. */
export function brief(value: number): number {
  return Number(value.toPrecision(5));
}

function figuresOf(key: string, results: Results): Figures {
  const timesOf = (trial: Trial) => results.get(trial.experiment.name)?.[key] ?? new Float64Array();
  const [flat, diurnal] = SIM_A_SECTION.trials.slice(0, 2).map((trial) => firedShare(timesOf(trial)));
  const [two, five] = SIM_A_SECTION.trials.slice(2).map((trial) => {
    const times = timesOf(trial);
    const { delay, excess = delay } = delayOf(times, trial);
    const median = Math.min(medianOf(times), trial.horizon);
    return { found: firedShare(times).share, minutes: delay.mean, median, excess: excess.mean, se: excess.se };
  });
  return {
    falseAbortFlat: brief(flat.share),
    falseAbortDiurnal: brief(diurnal.share),
    excess2x: brief(two.excess),
    excess5x: brief(five.excess),
    seFalseAbortFlat: brief(flat.se),
    seFalseAbortDiurnal: brief(diurnal.se),
    seExcess2x: brief(two.se),
    seExcess5x: brief(five.se),
    found2x: brief(two.found),
    found5x: brief(five.found),
    minutes2x: brief(two.minutes),
    minutes5x: brief(five.minutes),
    medianMinutes2x: two.median,
    medianMinutes5x: five.median,
  };
}

/** SIM-A's figures of every rule by its key. */
export function simAFigures(results: Results): Readonly<Record<string, Figures>> {
  return Object.fromEntries(SIM_A_COLUMNS.map(({ key }) => [key, figuresOf(key, results)]));
}

/** The least mean delay and excess that any test can have at 5 % false aborts (Wald 1945). */
export type InformationLimit = { readonly minutes: number; readonly excess: number };

/** The information limit of SIM-A with `controlPerTreatment` control requests to each of treatment. */
export function informationLimit(ratio: number, controlPerTreatment: number): InformationLimit {
  const exposures = concurrentExposureLimit({ alpha: 0.05, p: BASE_RATE, ratio, controlPerTreatment });
  return { minutes: brief(exposures / PER_MINUTE.treatment), excess: brief(exposures * BASE_RATE * (ratio - 1)) };
}
