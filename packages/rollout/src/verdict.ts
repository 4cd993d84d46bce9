import type { Tier } from './plan.ts';

/** State of a check: `inconclusive` has evidence but not enough either way; `insufficient` lacks what the method needs; `error` means the source could not answer. */
export type VerdictStatus = 'pass' | 'fail' | 'inconclusive' | 'insufficient' | 'no-data' | 'error';

/** How far the error rate of a verdict can be trusted. `plain rule` makes no statistical claim. */
export type Validity = 'exact' | 'asymptotic' | 'assumes independent requests' | 'plain rule';

/** What one check says now, with all that is needed to understand it. Values are in the metric's unit. */
export type Verdict = {
  readonly check: string;
  readonly tier: Tier;
  readonly metric: string;
  readonly status: VerdictStatus;
  /** The limit as written, and the lines it resolves to now. */
  readonly limit: string;
  readonly failLine?: number;
  readonly passLine?: number;
  readonly value?: number;
  readonly reference?: { readonly kind: 'control' | 'baseline'; readonly value: number };
  /** Anytime-valid 95 % interval of `value`. */
  readonly interval?: readonly [low: number, high: number];
  /** Observations judged; control is 0 for checks without one. */
  readonly treatmentCount: number;
  readonly controlCount: number;
  /** Evidence (natural log of the e-process) for a breach and for safety, and the thresholds they are held against. */
  readonly logEFail: number;
  readonly logEPass: number;
  readonly failAt: number;
  readonly passAt: number;
  readonly method: string;
  readonly validity: Validity;
  /** What would change this verdict, in words. */
  readonly wouldChange: string;
  readonly source: string;
  /** Set when an absolute limit is breached by control as well: a shared incident is likely. */
  readonly sharedWithControl?: boolean;
  /** Set while the metric's judge cannot be trusted: the check is inconclusive whatever the scores say. */
  readonly untrusted?: true;
  readonly note?: string;
};

/** How a metric was measured in one stage, as far as its sources say so. */
export type Measuring = {
  /** Measurements that were tried and failed: a judge that gave no score, a model without a price. */
  readonly unmeasured?: number;
  /** Mean share of answers that were scored, in (0, 1]. */
  readonly samplingRate?: number;
  /** What judging cost over the whole rollout, calibrations included, in USD. */
  readonly cost?: number;
  /** Price book that costs were worked out by. */
  readonly priceBook?: string;
};

/** A metric as observed in one stage, for the report. */
export type MetricSnapshot = {
  readonly metric: string;
  readonly observed?: number;
  readonly baseline?: number;
  readonly control?: number;
  readonly count: number;
  /** Worst of its checks, but for alerts that cannot be judged; `no-data` without any. */
  readonly status: VerdictStatus;
  /** Set where no check judges it now. */
  readonly judged?: false;
  readonly measuring?: Measuring;
};

/** Who saw which variant. `treatment`, `control` and `targeted` are the most of any stage, as SDK processes counted them. */
export type People = {
  readonly treatment: number;
  readonly control: number;
  readonly targeted: number;
  /** Bounds on the number of different people exposed over all stages; absent where they were not counted. */
  readonly exposed?: { readonly atLeast: number; readonly atMost: number };
};

/** All that was concluded from the evidence at one instant; the only way evidence reaches `decide`. */
export type Judgement = {
  readonly at: number;
  /** Sequence number of the last evidence batch folded in. */
  readonly throughSeq: number;
  /** Instant of the newest evidence; `undefined` before any. */
  readonly freshAt?: number;
  /** When each metric was last observed in an exposed unit of the running stage; a metric never observed there is absent. */
  readonly seenAt: Readonly<Record<string, number>>;
  /** The last interval in which nothing arrived for longer than a source may be silent. */
  readonly gap?: { readonly fromAt: number; readonly toAt: number };
  readonly verdicts: readonly Verdict[];
  /** Set when assignment itself is out of proportion: comparisons are invalid. */
  readonly dataInvalid?: string;
  /** Set when treated users stop reporting while control reports: harm. */
  readonly telemetryMissing?: string;
  readonly people: People;
  readonly metrics: readonly MetricSnapshot[];
};

/** Frozen snapshot of one metric before exposure. */
export type BaselineMetric = {
  readonly value: number;
  readonly count: number;
  /** One-sided 99 % bounds of the value: a finite sample is not the truth. */
  readonly low: number;
  readonly high: number;
  /** The metric by hour of the week; absent where it was not observed by time. */
  readonly week?: WeekProfile;
  /** Where these numbers come from, where that is not what the baseline says of itself. */
  readonly origin?: BaselineOrigin;
};

/** Where numbers of a baseline come from: people who saw the old variant while Rampart watched, or what a source had recorded. */
export type BaselineSource = 'live' | 'history';

/** Which version of the baseline a metric was captured with, from what, and between which instants. */
export type BaselineOrigin = {
  readonly version: number;
  readonly source: BaselineSource;
  readonly fromAt: number;
  readonly toAt: number;
};

/**
 * A metric by slot of the week (UTC, from Thursday 00:00 as epoch time has it): `WEEK_SLOTS` entries each, 0 where nothing was
 * seen. `seenMs`: time of the slot that was seen. Instants and times are on the plan's clock: divided by its `timeScale`.
 */
export type WeekProfile = {
  readonly n: readonly number[];
  readonly x: readonly number[];
  readonly seenMs: readonly number[];
};

/** Slots of a `WeekProfile`, one per hour. */
export const WEEK_SLOTS = 168;

/**
 * A frozen baseline, by metric name. A metric without observations is absent. Checks use the newest version; each stays in the
 * events as it was.
 */
export type Baseline = {
  /** 1, 2, … per rollout. Default: 1. */
  readonly version?: number;
  /** `history` where any of its metrics comes from there. Default: live. */
  readonly source?: BaselineSource;
  readonly fromAt: number;
  readonly toAt: number;
  readonly metrics: Readonly<Record<string, BaselineMetric>>;
};
