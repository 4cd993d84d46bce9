/** Today's value of one metric on a simulated site, and how single observations spread around it. */
export type MetricModel =
  /** Bad events per observation, in [0, 1]. */
  | { readonly kind: 'proportion'; readonly rate: number }
  /** Lognormal; `level` is the value at the metric's `quantile`, `sigma` the standard deviation of its logarithm. */
  | { readonly kind: 'quantile'; readonly level: number; readonly quantile: number; readonly sigma: number }
  /** Lognormal with a mean and the standard deviation of its logarithm: cost, tokens, revenue. */
  | { readonly kind: 'value'; readonly mean: number; readonly sigma: number }
  /** Beta in [0, 1] with a mean; a larger `concentration` (above 0) is a narrower one. */
  | { readonly kind: 'score'; readonly mean: number; readonly concentration: number }
  /** As many as there are requests. */
  | { readonly kind: 'traffic' }
  /** Occurrences of everyone per day. */
  | { readonly kind: 'count'; readonly perDay: number };

/** What the new variant does to one metric of those who see it. */
export type Effect = {
  readonly metric: string;
  /** Multiplies the metric's value; 1 is no effect. */
  readonly factor: number;
  /** Time after the first exposure of the rollout from which it acts. 0: at once. */
  readonly onsetMs: number;
  /** Only people of this segment. Default: everyone. */
  readonly audience?: string;
};

/** What happens on the site besides the feature. All of it happens to both arms, but for `leaveShare` and `crashShare`. */
export type Disturbances = {
  /** Traffic is multiplied by 1 + `traffic` sin, rates of bad events by 1 + `rate` sin, over a day. */
  readonly diurnal?: { readonly traffic: number; readonly rate: number };
  /** Shared incidents at random instants: bad events at least at `rate`, latency times `latencyFactor`, in both arms. */
  readonly incidents?: {
    readonly perDay: number;
    readonly lastMs: number;
    readonly rate: number;
    readonly latencyFactor: number;
  };
  /** Rates of bad events grow linearly to this multiple at the end of the plan. */
  readonly rampFactor?: number;
  /** Activity of users is lognormal: standard deviation of its logarithm. */
  readonly activitySigma?: number;
  /** Proneness of users to bad events is gamma with this shape and mean 1; smaller is more uneven. */
  readonly frailtyShape?: number;
  /** Share of users who leave for good after a bad event, in both arms. */
  readonly leaveShare?: number;
  /** Share of exposed users whose client crashes at first sight, before it ever reports. */
  readonly crashShare?: number;
  /** Intervals at random instants in which no evidence arrives. */
  readonly outages?: { readonly perDay: number; readonly lastMs: number };
};

/** A simulated site: who comes, what is measured today, what the feature does, and what else happens. */
export type World = {
  /** Requests (or queries) of everyone per day. */
  readonly requestsPerDay: number;
  /** Users of the site; 0: every request is a user of its own. */
  readonly users: number;
  /** Model of each measured metric; a metric that is absent is never observed. */
  readonly metrics: Readonly<Record<string, MetricModel>>;
  readonly effects: readonly Effect[];
  /** Share of everyone that each segment is, in [0, 1]; segments do not overlap. */
  readonly audiences: Readonly<Record<string, number>>;
  readonly disturbances: Disturbances;
};
