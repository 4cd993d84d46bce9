/** Any JSON value: what a variant may hold and what an evaluation context may carry. */
export type JsonValue = boolean | number | string | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * Weight of 100 %. Percentages are integers in thousandths of a percent, so that 0.5 % is 500 and no
 * floating point percentage exists anywhere. Range of a weight: [0, 100 000].
 */
export const FULL_WEIGHT = 100_000;

/** One comparison of an attribute of the evaluation context. A missing attribute never matches, except `notEquals`/`notOneOf`. */
export type Condition =
  | { readonly attribute: string; readonly operator: 'equals' | 'notEquals'; readonly value: JsonValue }
  | { readonly attribute: string; readonly operator: 'oneOf' | 'notOneOf'; readonly value: readonly JsonValue[] }
  | { readonly attribute: string; readonly operator: 'contains' | 'startsWith' | 'endsWith'; readonly value: string }
  | {
      readonly attribute: string;
      readonly operator: 'lessThan' | 'atMost' | 'greaterThan' | 'atLeast';
      readonly value: number;
    }
  | {
      readonly attribute: string;
      readonly operator: 'semverEquals' | 'semverLessThan' | 'semverAtMost' | 'semverGreaterThan' | 'semverAtLeast';
      readonly value: string;
    }
  /** Instants: ISO 8601 text or epoch milliseconds, in the context and in `value` alike. */
  | { readonly attribute: string; readonly operator: 'before' | 'after'; readonly value: string | number };

/** A named rule over the context: a unit is in the segment when all of `all` match, or when any group of `any` matches whole. */
export type Segment = {
  readonly key: string;
  readonly description?: string;
  readonly all?: readonly Condition[];
  readonly any?: readonly (readonly Condition[])[];
};

/** Part of a percentage split. Parts take the bucket line from its low end in the order given; the rest goes to the default variant. */
export type SplitPart = { readonly variant: string; readonly weight: number };

/** A hand-written targeting rule; the first rule whose segments and conditions all match decides. Rules go before exposure. */
export type Rule = {
  readonly segments?: readonly string[];
  readonly conditions?: readonly Condition[];
  readonly serve: { readonly variant: string } | { readonly split: readonly SplitPart[] };
};

/** One audience of a rollout. `weight` = 100 000 with a `segment` places its people by targeting; otherwise by random split. */
export type ExposureLayer = { readonly segment?: string; readonly weight: number };

/** How the SDK aggregates a metric: sums only, or sums and a log histogram (needed for quantiles). */
export type Aggregation = 'sum' | 'histogram';

/**
 * What a rollout adds to its flag. Layers accumulate: a unit is exposed when any layer takes it, so that raising a
 * weight or adding a layer never removes anyone.
 */
export type Exposure = {
  readonly rollout: string;
  readonly attempt: number;
  /** Rises by one at every change of exposure; telemetry carries it, so that late data joins its own stratum. */
  readonly epoch: number;
  readonly treatment: string;
  readonly control: string;
  readonly layers: readonly ExposureLayer[];
  /** The metrics the rollout judges: the SDK aggregates these and drops the rest. */
  readonly metrics: Readonly<Record<string, Aggregation>>;
  /**
   * Longest time between two reports, in milliseconds, above 0: less often, and the rollout would count as blind.
   * Default: the interval of the SDK.
   */
  readonly reportEveryMs?: number;
};

/** A feature flag as the ruleset carries it. */
export type Flag = {
  readonly key: string;
  readonly description?: string;
  readonly enabled: boolean;
  /** Variant key to value; all values of one flag have one type. */
  readonly variants: Readonly<Record<string, JsonValue>>;
  /** Served when nothing else decides, and whenever the flag is killed. */
  readonly defaultVariant: string;
  /** Bucketing salt. Default: the flag's key. It survives percentage changes and retries. */
  readonly salt?: string;
  /** Attribute that names the unit to bucket. Default: `targetingKey`. A context without it is out of every split. */
  readonly bucketBy?: string;
  /** Key of the flag that kills this one: there, `true` means killed. */
  readonly killSwitch?: string;
  /** All must serve the named variant, else the default variant is served. */
  readonly prerequisites?: readonly { readonly flag: string; readonly variant: string }[];
  readonly rules?: readonly Rule[];
  readonly exposure?: Exposure;
};

/** All flags and segments of one environment at one revision; immutable. */
export type Ruleset = {
  readonly schema: 1;
  readonly environment: string;
  /** Rises by one at every change; an SDK never goes back to a lower one of the same server. */
  readonly revision: number;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly segments: Readonly<Record<string, Segment>>;
};

/** Difference between two revisions; `null` removes an entry. */
export type RulesetPatch = {
  readonly fromRevision: number;
  readonly revision: number;
  readonly flags: Readonly<Record<string, Flag | null>>;
  readonly segments: Readonly<Record<string, Segment | null>>;
};
