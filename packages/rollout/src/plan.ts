import type { JsonValue } from '@rampart/flags';

/** What a metric counts, which fixes how its evidence is judged. */
export type MetricKind =
  /** Share of observations that are bad, in [0, 1]. */
  | 'proportion'
  /** Average of values, for example a score in [0, 1]. */
  | 'mean'
  /** Sum of one thing over count of another, for example dollars per query; judged as a mean per observation. */
  | 'ratio'
  /** A quantile of the values, `quantile` in (0, 1). */
  | 'quantile'
  /** Observations per second and share of exposure. */
  | 'rate'
  /** Occurrences in a sliding window. */
  | 'count';

/** Unit of a metric's value: shapes how numbers are read in a plan and printed in a report. */
export type MetricUnit = 'ratio' | 'seconds' | 'USD' | 'tokens' | 'perSecond' | 'events' | 'score' | 'value';

/** One metric of a plan, from the catalog or the plan's `metrics`. */
export type Metric = {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: MetricUnit;
  /** Whether a higher value is harm (errors) or a lower one is (throughput, faithfulness). */
  readonly harm: 'higher' | 'lower';
  readonly quantile?: number;
  /** What one observation is: `request`, `query`, `user`, `day`. */
  readonly per: string;
  /** `telemetry` (Rampart's SDK) or the name of a connector. */
  readonly source: string;
  /** Connector-specific settings, checked by the connector. */
  readonly binding: Readonly<Record<string, JsonValue>>;
  /** How late its data may be. Default: 0. */
  readonly lagMs: number;
  /** Known design effect of a source without users, ≥ 1. Counts are divided by it. Default: 1. */
  readonly designEffect: number;
};

/**
 * How the judge of a metric (a model, or people, that score answers) is kept honest: a golden set that it scores before each
 * stage, and what its scores must come to. Values are in the metric's unit.
 */
export type MetricJudge = {
  /** Name of the golden set, with its version: scores of another one are refused. */
  readonly goldenSet: string;
  /** Least items of it that must be scored. */
  readonly items: number;
  /** Mean of the scores when people last agreed with them; `labels`: every score comes with the label that people gave. */
  readonly expected: number | 'labels';
  /** Largest distance from `expected` (of the mean), or from the labels (mean of the distances), that is no drift. */
  readonly tolerance: number;
  /** How long before a stage's start a calibration may be to count for it. Default: 24 h. */
  readonly maxAgeMs: number;
  /** What judging may cost over the whole rollout, in USD. Default: not watched. */
  readonly budget?: number;
};

/** Limit of a check: both sides of one line (semantics §2). Values are in the metric's own unit. */
export type Limit =
  | { readonly kind: 'absolute'; readonly value: number }
  /** The line is `ratio * reference + offset`. */
  | {
      readonly kind: 'relative';
      readonly reference: 'control' | 'baseline';
      readonly ratio: number;
      readonly offset: number;
    }
  /** Fires at the (`count`+1)st occurrence within any `windowMs`. */
  | { readonly kind: 'count'; readonly count: number; readonly windowMs: number };

/** Which consequence a failed check has (semantics §1). */
export type Tier = 'alert' | 'gate' | 'abort' | 'kill';

/** One metric against one limit. */
export type Check = {
  /** Stable within a plan: tier, metric and limit; equal checks of several stages share their fail side. */
  readonly id: string;
  readonly tier: Tier;
  readonly metric: string;
  readonly limit: Limit;
  /**
   * Line of the pass side where it differs from `limit` (a limit at the reference needs a margin, semantics §2).
   * Default: the limit itself.
   */
  readonly passLimit?: Limit;
  /** The limit as the plan's author wrote it. */
  readonly text: string;
  readonly optional: boolean;
  /** `required`: an absolute breach that control shares holds and pages instead of aborting. Default: `any`. */
  readonly attribution: 'any' | 'required';
  /** Relative weight in the family of fail sides. Default: 1. */
  readonly weight: number;
};

/** A kill trip: a check and the plain rule beside it (value beyond the limit over `windowMs`, n ≥ `minSample`, twice running). */
export type KillTrip = Check & { readonly windowMs: number; readonly minSample: number };

/** What a failed or undecided gate leads to. */
export type GateOutcome = 'fix' | 'rollback' | 'hold' | 'extend';

/** How an external gate is asked. `timeoutMs` is never scaled: it is of the network. */
export type GateAsk =
  | { readonly kind: 'webhook'; readonly url: string; readonly secretRef?: string; readonly timeoutMs: number }
  /** A named state that others set; older than `maxAgeMs` it says nothing any more. `initially`: before anyone has set it. */
  | {
      readonly kind: 'signal';
      readonly signal: string;
      readonly maxAgeMs?: number;
      readonly initially: 'open' | 'closed';
    };

/** Another system that has a say. It can stop a rollout or, with `rollback`, end it; it never raises exposure. */
export type ExternalGate = {
  readonly name: string;
  /**
   * `start`: before the first stage. `advance`: before each advance, asked once the stage's time is served. `during`: all the
   * time, and while it is closed no time is served. `rollback`: all the time, and closed means abort.
   */
  readonly when: 'start' | 'advance' | 'during' | 'rollback';
  readonly ask: GateAsk;
  /** Interval of questions. Default: 30 s. */
  readonly everyMs: number;
};

/** One stage. Weights are shares of the audience in thousandths of a percent. */
export type Stage = {
  readonly name: string;
  /** Segment of the audience; absent: everyone. */
  readonly audience?: string;
  readonly weight: number;
  /** Minimum time to serve, neither held nor blind. `null`: permanent (the last stage). */
  readonly durationMs: number | null;
  /** Total served time after which an undecided stage asks a principal. Default: 3 × `durationMs`. */
  readonly maxDurationMs: number | null;
  readonly gate: readonly Check[];
  readonly confirmations: readonly string[];
  /** External gates of this stage alone. Absent: none. */
  readonly external?: readonly ExternalGate[];
  readonly onFail: GateOutcome;
  readonly onInconclusive: 'hold' | 'extend';
};

/**
 * What stands behind one pre-flight item, beside a person's word. Default: nothing more than the item itself asks for
 * (`decide/preflight-items.ts`).
 */
export type PreflightCheck = {
  /** Who gives the item: a hook of the server, Rampart by asking an address or a source, or a person with a link. Default: as the item's name says. */
  readonly by?:
    | { readonly kind: 'hook'; readonly hook: string }
    /** `expect`: status of the answer. Default: any from 200 to 299. */
    | { readonly kind: 'url'; readonly url: string; readonly expect?: number }
    /** Answered with at least one series. */
    | { readonly kind: 'query'; readonly source: string; readonly query: string }
    | { readonly kind: 'link' };
  /** Evidence older than this is asked anew before the baseline. Default: it never ages. */
  readonly maxAgeMs?: number;
  /** Of `rollback-tested`: how long SDKs may take to follow each step of a drill, real time, never scaled. Default: 30 s. */
  readonly withinMs?: number;
};

/** When advances are allowed; rollbacks always are. */
export type Calendar = {
  /** Days 1 (Monday) to 7, minutes of the local day [from, to). Absent: always. */
  readonly advance?: {
    readonly days: readonly number[];
    readonly fromMinute: number;
    readonly toMinute: number;
    readonly timeZone: string;
  };
  /** Whole local days, both inclusive, as `YYYY-MM-DD`. */
  readonly freeze: readonly { readonly from: string; readonly to: string }[];
  readonly timeZone: string;
};

/** Which messages go to a channel of the server; every part that is given must fit. */
export type NotifyRoute = {
  /** Name of a channel of the server. */
  readonly channel: string;
  /** Types (`rollout.aborted`), or their beginnings (`stage.*`). Default: all. */
  readonly events?: readonly string[];
  /** How urgent. Default: all. */
  readonly severity?: readonly ('page' | 'warn' | 'info')[];
  /** For whom. Default: everyone. */
  readonly audience?: readonly ('on-call' | 'stakeholders')[];
  /** Gathered for this long and sent as one message; a page never is. Default: sent at once. */
  readonly digestMs?: number;
};

/** The issue that is kept of a rollout in a tracker. */
export type PlanTracker = {
  /** Of a tracker in the settings of the server. */
  readonly name: string;
  /** Default: the one of the settings. */
  readonly project?: string;
  readonly title: string;
  /** 0 none, 1 urgent, 2 high, 3 medium, 4 low. */
  readonly priority: number;
  readonly labels: readonly string[];
  /** Name of the state while the rollout runs. */
  readonly state: string;
};

/** A plan with every default filled in: what `parsePlan` gives and a rollout carries. All durations are already scaled by `timeScale`. */
export type Plan = {
  readonly flag: string;
  readonly title: string;
  readonly version: string;
  readonly environment: string;
  /** Factor on every duration, in (0, 1]; 1 but for demos and tests. */
  readonly timeScale: number;
  readonly treatment: string;
  readonly control: string;
  readonly owners: {
    readonly operator?: string;
    readonly observer?: string;
    readonly analyst?: string;
    readonly stakeholders: readonly string[];
  };
  /** Items to attest before the start, for example `launch-readiness`. */
  readonly preflight: readonly string[];
  /** What stands behind them, by item. Absent: nothing but what their names say. */
  readonly preflightChecks?: Readonly<Record<string, PreflightCheck>>;
  /** How long live traffic is watched, and how far back a recorded past is read (never scaled: reading it takes no such time). Default: `windowMs`. */
  readonly baseline: { readonly windowMs: number; readonly historyMs?: number };
  readonly metrics: Readonly<Record<string, Metric>>;
  /** Judges to calibrate, by the metric they score. Absent: none. */
  readonly judges?: Readonly<Record<string, MetricJudge>>;
  readonly stages: readonly Stage[];
  readonly abortCriteria: readonly Check[];
  readonly alerts: readonly Check[];
  readonly killSwitch?: { readonly flag: string; readonly autoTrip: boolean; readonly trips: readonly KillTrip[] };
  readonly retry: { readonly cooldownMs: number; readonly limit: number; readonly people: 'same' | 'fresh' };
  readonly calendar: Calendar;
  /** External gates of the start and of every stage. Absent: none. */
  readonly gates?: readonly ExternalGate[];
  /** How long a rollout that could go on by time may wait before people are told. Default: 24 h. */
  readonly stuckAfterMs?: number;
  /** Time without evidence after which on-call is told. Default: 20 min. */
  readonly blindLimitMs: number;
  /** What follows then; `rollback` only if the plan says so. Default: `hold`. */
  readonly onBlind: 'hold' | 'rollback';
  /** Quiet time at 100 % before the exit gate. Default: 2 weeks. */
  readonly monitorMs: number;
  readonly exit: readonly string[];
  /** α of the family of fail sides per attempt, β per pass side. Default: 0.05 each. */
  readonly alpha: number;
  readonly beta: number;
  readonly fourEyes: boolean;
  /** Who is told of this rollout beside those the server tells of every one. */
  readonly notify: readonly NotifyRoute[];
  /** Free-form settings of later stages of the workflow, kept and passed on as written. */
  /** Where an issue is kept of the rollout. Absent: nowhere. */
  readonly tracker?: PlanTracker;
  readonly next?: JsonValue;
  /** Reason given for a plan that Rampart would refuse without one (semantics §4). */
  readonly override?: string;
};

/** One thing wrong, or doubtful, in a plan. Lines and columns count from 1. */
export type PlanIssue = {
  readonly severity: 'error' | 'warning';
  /** Closed set, listed in docs/errors.md. */
  readonly code: string;
  readonly message: string;
  /** Path in the document, for example `stages[1].percentage`. */
  readonly path: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
};
