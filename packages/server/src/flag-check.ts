import type { Flag } from '@rampart/flags';
import { FLAG_CONFIGURED, type PreflightFinding, type RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { InstanceRegistry } from './instance-registry.ts';
import type { RolloutTable } from './rollout-table.ts';

/** What a look at a flag works with. */
export type FlagCheckParts = {
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly instances: InstanceRegistry;
};

const ENDED: readonly RolloutState['phase'][] = ['complete', 'cancelled', 'draft'];

/** What is wrong with the flag of a plan, each with what to do; empty where nothing is. */
function problemsOf(state: RolloutState, flag: Flag | undefined, { table }: FlagCheckParts): readonly string[] {
  const { treatment, control, flag: key } = state.plan;
  if (flag === undefined) return [`there is no flag ${key}; create it again`];
  const missing = [treatment, control].filter((variant) => !Object.hasOwn(flag.variants, variant));
  const other = table
    .all()
    .find(({ state: one }) => one.id !== state.id && one.plan.flag === key && !ENDED.includes(one.phase));
  return [
    ...(flag.enabled ? [] : [`flag ${key} is disabled, so that nobody would see it; enable it`]),
    ...missing.map(
      (variant) => `flag ${key} has no variant ${variant}; it has ${Object.keys(flag.variants).join(', ')}`,
    ),
    ...(flag.defaultVariant === control || missing.length > 0
      ? []
      : [
          `flag ${key} falls back to ${flag.defaultVariant}, not to ${control}: a rollback would not take; change its default`,
        ]),
    ...(other === undefined ? [] : [`rollout ${other.state.id} owns flag ${key}; wait for its end or cancel it`]),
    ...killProblems(state, table),
  ];
}

function killProblems({ id, plan, killed }: RolloutState, { book, all }: RolloutTable): readonly string[] {
  const key = plan.killSwitch?.flag;
  if (key === undefined) return [];
  const { flags } = book.ruleset();
  const served = Object.hasOwn(flags, key) ? flags[key] : undefined;
  const isOn = killed || (served !== undefined && served.variants[served.defaultVariant] === true);
  if (!isOn) return [];
  // The latch of an earlier rollout outlives its cancellation, and only that rollout can lift it.
  const latched = killed
    ? id
    : all().find(({ state }) => state.killed && state.plan.killSwitch?.flag === key)?.state.id;
  const remedy = latched === undefined ? `serve another variant of ${key}` : `rampart rearm ${latched} --reason …`;
  return [`its kill switch ${key} is on, so that everyone would see ${plan.control}; re-arm it: ${remedy}`];
}

/** What the flag of a plan is, and who could evaluate it: a warning where nobody can. */
function evidenceOf({ plan }: RolloutState, flag: Flag, connected: number): string {
  const rules = flag.rules?.length ?? 0;
  const own = rules === 0 ? '' : `; ${rules} rules of its own go before the rollout`;
  const sdks =
    connected === 0 ? 'warning: no SDK is connected yet' : `${connected} ${connected === 1 ? 'SDK' : 'SDKs'} connected`;
  return `flag ${plan.flag} is enabled, has ${plan.treatment} and ${plan.control}, and falls back to ${plan.control}; ${sdks}${own}`;
}

/** What Rampart finds of `flag-configured` now; nothing for a plan without that item. */
export function checkFlag(state: RolloutState, parts: FlagCheckParts): readonly PreflightFinding[] {
  if (!state.plan.preflight.includes(FLAG_CONFIGURED)) return [];
  const flags = parts.table.book.flags();
  const flag = Object.hasOwn(flags, state.plan.flag) ? flags[state.plan.flag] : undefined;
  const problems = problemsOf(state, flag, parts);
  if (flag === undefined || problems.length > 0) return [{ item: FLAG_CONFIGURED, why: problems.join('; ') }];
  return [{ item: FLAG_CONFIGURED, evidence: evidenceOf(state, flag, parts.instances.connected(parts.clock.now())) }];
}
