import { CLUSTERS } from './clusters.ts';
import { COMPLAINTS } from './complaints.ts';
import type { Experiment } from './experiment.ts';
import { FAMILIES } from './families.ts';
import { LATE_ONSET, ONSET } from './late-onset.ts';
import { QUANTILE_RATIO } from './quantile-ratio.ts';
import { RAMP } from './ramp.ts';
import { REVENUE } from './revenue.ts';
import { SAMPLE_RATIO } from './sample-ratio.ts';
import { SIM_A } from './sim-a.ts';
import { BASE_RATE, MINUTES, PER_MINUTE } from './traffic.ts';

/** One column of a section's table. */
export type Trial = {
  readonly experiment: Experiment;
  readonly label: string;
  /** `null`: nothing is wrong, and firing is a false alarm. `harm`: there is something to find. */
  readonly kind: 'null' | 'harm';
  /** What times are counted in. */
  readonly unit: 'min' | 'users';
  /** Time at which a run ends; one that never fires counts as this. */
  readonly horizon: number;
  /** Time at which harm begins; delays count from it. Default: 0. */
  readonly onset?: number;
  /** Expected errors above control's per unit of time, where it makes sense to count them. */
  readonly excessRate?: number;
};

/** One part of the report. */
export type Section = { readonly title: string; readonly text: string; readonly trials: readonly Trial[] };

const nothing = (experiment: Experiment, label: string, unit: Trial['unit'] = 'min', horizon = MINUTES): Trial => ({
  experiment,
  label,
  kind: 'null',
  unit,
  horizon,
});
const harm = (experiment: Experiment, label: string, more: Partial<Trial> = {}): Trial => ({
  experiment,
  label,
  kind: 'harm',
  unit: 'min',
  horizon: MINUTES,
  ...more,
});
const excessOf = (ratio: number) => ({ excessRate: PER_MINUTE.treatment * BASE_RATE * (ratio - 1) });

/** SIM-A, whose table compares all rules. */
export const SIM_A_SECTION: Section = {
  title: 'SIM-A: "no worse than control" for 48 hours, a look every minute',
  text: `Treatment has 100 requests a minute and control 1,900; 100 of them are a control as large as treatment, for rules that
need one. Errors are independent, 0.1 % in control. _Diurnal_: traffic swings by 60 % and the error rate by 50 % over the day,
and on average once a day both arms have ten minutes of 3 % errors. Excess errors are the expected errors above control's
until the abort, or until 48 hours. Only rules whose false aborts are at most 5 % in both worlds can be compared on delay.
Rampart's last row is the real core (\`openLoop\`: decide, judge, statistics) with a plan of one stage whose only abort
criterion is \`errorRate: 1x control\`, everything else default, late-onset mixture included; requests carry the 64 user
buckets, as from the SDK.`,
  trials: [
    nothing(SIM_A[0], 'false aborts, flat'),
    nothing(SIM_A[1], 'false aborts, diurnal'),
    harm(SIM_A[2], '2x', excessOf(2)),
    harm(SIM_A[3], '5x', excessOf(5)),
  ],
};

/** What goes wrong with other ways to count, and what Rampart does instead. */
export const SECTIONS: readonly Section[] = [
  {
    title: 'Ramp with a drifting error rate (Simpson)',
    text: `Nothing is wrong. Exposure goes 0.5 % for 6 h, 5 % for 18 h, 25 % for 24 h while everyone's error rate drifts between
0.05 % and 0.3 %. Totals over stages compare treatment's late hours with control's early ones.`,
    trials: [nothing(RAMP[0], 'rate rising'), nothing(RAMP[1], 'rate falling'), nothing(RAMP[2], 'rate flat')],
  },
  {
    title: 'Heavy users',
    text: `Users are randomised, requests are counted: request rates are lognormal (sigma 1.5), the users' own error rates
Gamma(0.1) around 0.1 %. Batches of ten minutes, 48 hours. Tests on requests take one user's hundred errors for a hundred
facts; (f1) counts each user once; the default configuration divides the counts by a design effect from the user buckets.
_Half_: the feature halves the errors.`,
    trials: [
      nothing(CLUSTERS[0], 'false aborts, 2,000 : 2,000 users'),
      nothing(CLUSTERS[1], 'false aborts, 2,000 : 38,000'),
      nothing(CLUSTERS[3], 'aborts of a feature that halves errors'),
      harm(CLUSTERS[2], '2x, 2,000 : 38,000'),
    ],
  },
  {
    title: 'Harm that begins after a day',
    text: `SIM-A's flat traffic; errors rise at 24 h. Delays and excess errors count from there; a run that had aborted before
counts as 0. The last two columns are the price: nothing wrong at all, and harm from the first minute.`,
    trials: [
      harm(LATE_ONSET[0], '2x after 24 h', { ...excessOf(2), onset: ONSET }),
      harm(LATE_ONSET[1], '5x after 24 h', { ...excessOf(5), onset: ONSET }),
      nothing(LATE_ONSET[2], 'false aborts'),
      harm(LATE_ONSET[3], '2x at once', excessOf(2)),
    ],
  },
  {
    title: 'Ten metrics',
    text: `Ten independent error rates of 0.1 % with an abort criterion each (1,000 against 19,000 requests per batch of ten
minutes).`,
    trials: [
      nothing(FAMILIES[0], 'false aborts'),
      harm(FAMILIES[1], 'one metric 2x'),
      harm(FAMILIES[2], 'three metrics 2x'),
    ],
  },
  {
    title: 'Revenue per request, tested for a drop',
    text: `Nothing is wrong; 5 % of exposure, 20 against 380 values per batch of ten minutes, 48 hours, a look after each batch.`,
    trials: [nothing(REVENUE[0], 'lognormal (sigma 1.5)'), nothing(REVENUE[1], 'the same, 90 % zeroes')],
  },
  {
    title: 'Sample ratio',
    text: 'Users per arm against the design, a look every 20 users. Times are users until it is found.',
    trials: [
      nothing(SAMPLE_RATIO[0], 'false alarms, 50 : 50, 57,600 users', 'users', 57_600),
      harm(SAMPLE_RATIO[1], '6 % for 5 %', { unit: 'users', horizon: 100_000 }),
    ],
  },
  {
    title: 'p99 latency against 1.2x control',
    text: 'Lognormal latencies (sigma 0.5), 100 requests a minute in each arm, a look every five minutes.',
    trials: [
      nothing(QUANTILE_RATIO[0], 'false alarms, exactly on the limit'),
      nothing(QUANTILE_RATIO[1], 'false alarms, no effect'),
      harm(QUANTILE_RATIO[2], '1.5x'),
    ],
  },
  {
    title: 'Complaints, ten a day allowed',
    text: `As a contractual limit ("no more than 10 in any 24 h") the sliding count is right by definition. As evidence about
the rate it is not.`,
    trials: [
      nothing(COMPLAINTS[0], 'alarms at 6 a day'),
      nothing(COMPLAINTS[1], 'alarms at 8 a day'),
      harm(COMPLAINTS[2], '40 a day'),
    ],
  },
];

/** Every experiment, the longest first, so that all cores have work until the end. */
export const EXPERIMENTS: readonly Experiment[] = [
  ...SIM_A,
  ...CLUSTERS,
  ...FAMILIES,
  ...LATE_ONSET,
  ...RAMP,
  ...SAMPLE_RATIO,
  ...REVENUE,
  ...QUANTILE_RATIO,
  ...COMPLAINTS,
];
