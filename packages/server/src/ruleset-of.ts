import { DRILL_FLAG_PREFIX, DRILL_UNIT } from '@rampart/api';
import { type Aggregation, type Exposure, type Flag, FULL_WEIGHT, type Ruleset, type Segment } from '@rampart/flags';
import { drillSwitch, type Phase, type Plan, type RolloutState, silenceMs } from '@rampart/rollout';

/** Flags or segments by key. */
export type ByKey<T> = Readonly<Record<string, T>>;

/** Phases in which a rollout decides what its flag serves. An aborted one serves control to all, still measured. */
const EXPOSURE_PHASES: readonly Phase[] = ['baseline', 'exposing', 'monitoring', 'aborted', 'complete'];

/**
 * Whether a rollout stands between its flag and everyone. A cancelled one does so once it had begun: were the rollout
 * before it to show through again, a cancellation would raise exposure.
 */
function ownsFlag(state: RolloutState): boolean {
  if (EXPOSURE_PHASES.includes(state.phase)) return true;
  // The baseline begins with the last pre-flight item.
  const isThroughPreflight = state.attempt > 0 && Object.values(state.preflight).every((given) => given !== null);
  return state.phase === 'cancelled' && (isThroughPreflight || state.incidents.length > 0);
}

/** The newest rollout that owns each flag. */
function ownersOf(rollouts: Iterable<RolloutState>): ReadonlyMap<string, RolloutState> {
  const owners = new Map<string, RolloutState>();
  for (const state of rollouts) {
    if (!ownsFlag(state)) continue;
    const other = owners.get(state.plan.flag);
    if (other === undefined || other.createdAt <= state.createdAt) owners.set(state.plan.flag, state);
  }
  return owners;
}

/** Histograms are needed for quantiles only. */
function aggregationsOf(metrics: Plan['metrics']): ByKey<Aggregation> {
  return Object.fromEntries(
    Object.values(metrics).map(({ name, kind }) => [name, kind === 'quantile' ? 'histogram' : 'sum'] as const),
  );
}

/** Range of the interval of reports, ms. */
const SHORTEST_REPORT_MS = 200;
const LONGEST_REPORT_MS = 5000;

/** Four reports in the time after which silence counts as blindness: one that is late or lost blinds nobody. */
function reportEveryMs(plan: Plan): number {
  return Math.max(SHORTEST_REPORT_MS, Math.min(LONGEST_REPORT_MS, Math.floor(silenceMs(plan) / 4)));
}

function exposureOf(state: RolloutState): Exposure {
  const { id, attempt, epoch, layers, plan } = state;
  const { treatment, control, metrics } = plan;
  const reports = { metrics: aggregationsOf(metrics), reportEveryMs: reportEveryMs(plan) };
  return { rollout: id, attempt, epoch, treatment, control, layers, ...reports };
}

function overlaid(flag: Flag, state: RolloutState): Flag {
  if (state.phase === 'cancelled') return flag;
  const killSwitch = state.plan.killSwitch?.flag;
  return {
    ...flag,
    ...(state.salt !== undefined && { salt: state.salt }),
    ...(killSwitch !== undefined && { killSwitch }),
    exposure: exposureOf(state),
  };
}

/** A kill switch as a flag: true means killed. */
function killSwitchFlag(key: string, isKilled: boolean): Flag {
  const defaultVariant = isKilled ? 'killed' : 'armed';
  return { key, enabled: true, variants: { killed: true, armed: false }, defaultVariant };
}

function killSwitchesOf(owners: Iterable<RolloutState>): ByKey<Flag> {
  const killed = new Map<string, boolean>();
  for (const state of owners) {
    const key = state.plan.killSwitch?.flag;
    if (key !== undefined) killed.set(key, state.killed || killed.get(key) === true);
  }
  return Object.fromEntries([...killed].map(([key, isKilled]) => [key, killSwitchFlag(key, isKilled)]));
}

/**
 * The flag of a running drill: on for the drill's own user and nobody else, by the split that a rollout is exposed by; off is
 * the default variant, as after an abort.
 */
function drillFlagOf({ plan }: RolloutState, position: 'on' | 'off'): Flag {
  const on: Flag['rules'] = [
    {
      conditions: [{ attribute: 'targetingKey', operator: 'equals', value: DRILL_UNIT }],
      serve: { split: [{ variant: 'on', weight: FULL_WEIGHT }] },
    },
  ];
  const description = 'A rollback drill of Rampart; no code reads it.';
  const flag = { key: drillFlagKey(plan.flag), description, enabled: true, variants: { on: true, off: false } };
  return { ...flag, defaultVariant: 'off', ...(position === 'on' && { rules: on }) };
}

/** Key of the flag that drills of a flag's rollout switch. */
export function drillFlagKey(flag: string): string {
  return `${DRILL_FLAG_PREFIX}${flag}`;
}

function drillFlagsOf(rollouts: readonly RolloutState[]): ByKey<Flag> {
  const flags = rollouts.flatMap((state) => {
    const position = drillSwitch(state);
    return position === undefined ? [] : [drillFlagOf(state, position)];
  });
  return Object.fromEntries(flags.map((flag) => [flag.key, flag]));
}

/**
 * What SDKs evaluate: the stored flags, each overlaid with the exposure of the newest rollout that has begun on it, and
 * the kill switches of those rollouts, and the flags of running drills. Pure: the same events give the same ruleset (design I7).
 */
export function rulesetOf(
  environment: string,
  revision: number,
  flags: ByKey<Flag>,
  segments: ByKey<Segment>,
  rollouts: Iterable<RolloutState>,
): Ruleset {
  const all = [...rollouts];
  const owners = ownersOf(all);
  const served = Object.values(flags).map((flag) => {
    const owner = owners.get(flag.key);
    return [flag.key, owner === undefined ? flag : overlaid(flag, owner)] as const;
  });
  return {
    schema: 1,
    environment,
    revision,
    flags: { ...Object.fromEntries(served), ...killSwitchesOf(owners.values()), ...drillFlagsOf(all) },
    segments,
  };
}

/** The flag a plan needs where there is none: on and off, off by default. */
export function flagOf(plan: Plan): Flag {
  return {
    key: plan.flag,
    description: plan.title,
    enabled: true,
    variants: { [plan.treatment]: true, [plan.control]: false },
    defaultVariant: plan.control,
  };
}

/** Text that is equal for two states of a rollout exactly when they serve the same. */
export function servingKey(state: RolloutState | undefined): string {
  if (state === undefined) return '';
  const drill = drillSwitch(state) ?? '';
  if (!ownsFlag(state)) return drill;
  const { attempt, epoch, layers, salt, killed } = state;
  return JSON.stringify([state.phase === 'cancelled', attempt, epoch, layers, salt, killed, drill]);
}
