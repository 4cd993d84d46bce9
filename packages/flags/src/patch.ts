import type { Ruleset, RulesetPatch } from './flag.ts';
import { equalJson } from './json.ts';

/** Smallest patch that turns `from` into `to`, two revisions of one environment. Entries are compared by structure. */
export function diffRulesets(from: Ruleset, to: Ruleset): RulesetPatch {
  return {
    fromRevision: from.revision,
    revision: to.revision,
    flags: diffEntries(from.flags, to.flags),
    segments: diffEntries(from.segments, to.segments),
  };
}

/**
 * The ruleset after a patch; entries the patch leaves alone stay the same objects. `undefined` when the patch starts from
 * another revision: fetch the whole ruleset then.
 */
export function applyPatch(ruleset: Ruleset, patch: RulesetPatch): Ruleset | undefined {
  if (patch.fromRevision !== ruleset.revision) return undefined;
  return {
    ...ruleset,
    revision: patch.revision,
    flags: patchEntries(ruleset.flags, patch.flags),
    segments: patchEntries(ruleset.segments, patch.segments),
  };
}

type Entries<T> = Readonly<Record<string, T>>;

function diffEntries<T>(from: Entries<T>, to: Entries<T>): Entries<T | null> {
  const removed = Object.keys(from).filter((key) => !Object.hasOwn(to, key));
  const changed = Object.entries(to).filter(([key, item]) => !Object.hasOwn(from, key) || !equalJson(from[key], item));
  return Object.fromEntries<T | null>([...removed.map((key) => [key, null] as const), ...changed]);
}

function patchEntries<T>(entries: Entries<T>, patch: Entries<T | null>): Entries<T> {
  const kept = Object.entries(entries).filter(([key]) => !Object.hasOwn(patch, key));
  const set = Object.entries(patch).filter((entry): entry is [string, T] => entry[1] !== null);
  return Object.fromEntries([...kept, ...set]);
}
