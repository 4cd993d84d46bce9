import {
  applyPatch,
  compile,
  diffRulesets,
  type Flag,
  parseRuleset,
  type Ruleset,
  type RulesetPatch,
} from '@rampart/flags';
import { type EventHub, messageOf, type RulesetSource } from './event.ts';

/** A ruleset ready for evaluation. */
export type Held = {
  readonly ruleset: Ruleset;
  readonly compiled: ReturnType<typeof compile>;
  readonly source: RulesetSource;
  /** Keys of the flags whose rollout judges a metric, by metric. */
  readonly flagsByMetric: ReadonlyMap<string, readonly string[]>;
  /** Shortest interval of reports that a rollout asks for, in milliseconds; `Infinity` when none asks. */
  readonly reportEveryMs: number;
};

/** What became of a patch. `gap`: it does not start where we are, the whole ruleset is needed. */
export type PatchOutcome = 'applied' | 'known' | 'gap';

/** Keeps the ruleset in use and decides which one replaces it. */
export class RulesetHolder {
  readonly #events: EventHub;
  readonly #environment: string | undefined;
  readonly #onAccepted: (ruleset: Ruleset) => void;
  held: Held | undefined;

  constructor(events: EventHub, environment: string | undefined, onAccepted: (ruleset: Ruleset) => void) {
    this.#events = events;
    this.#environment = environment;
    this.#onAccepted = onAccepted;
  }

  /** Takes a ruleset from this machine when it is newer than the one held: the newest revision wins, whatever its source. */
  offer(json: unknown, source: RulesetSource): void {
    const ruleset = this.#parse(json, source);
    if (ruleset === undefined || !this.#isOurs(ruleset, source)) return;
    if (this.held === undefined || ruleset.revision > this.held.ruleset.revision) this.#hold(ruleset, source);
  }

  /** Takes what the server says is the ruleset, even a lower revision: the server rules. False when it was refused. */
  accept(json: unknown): boolean {
    const ruleset = this.#parse(json, 'network');
    if (ruleset === undefined || !this.#isOurs(ruleset, 'network')) return false;
    const before = this.held?.ruleset.revision;
    if (!this.#hold(ruleset, 'network')) return false;
    if (before !== undefined && ruleset.revision < before) {
      this.#events.emit({ type: 'went-back', fromRevision: before, revision: ruleset.revision });
    }
    this.#onAccepted(ruleset);
    return true;
  }

  /** Applies a patch from the server. */
  patch(patch: RulesetPatch): PatchOutcome {
    const held = this.held;
    if (held === undefined || held.source !== 'network') return 'gap';
    if (patch.revision <= held.ruleset.revision) return 'known';
    const next = applyPatch(held.ruleset, patch);
    if (next === undefined || !this.#hold(next, 'network')) return 'gap';
    this.#onAccepted(next);
    return 'applied';
  }

  #parse(json: unknown, source: RulesetSource): Ruleset | undefined {
    const parsed = parseRuleset(json);
    if (parsed.ok) return parsed.ruleset;
    this.#events.error('RULESET_INVALID', `The ruleset from ${source} cannot be used: ${parsed.message}`);
    return undefined;
  }

  #isOurs(ruleset: Ruleset, source: RulesetSource): boolean {
    if (this.#environment === undefined || ruleset.environment === this.#environment) return true;
    this.#events.error(
      'ENVIRONMENT_MISMATCH',
      `The ruleset from ${source} is of environment "${ruleset.environment}", expected "${this.#environment}". Check the token and the files given to this process.`,
    );
    return false;
  }

  #hold(ruleset: Ruleset, source: RulesetSource): boolean {
    const before = this.held?.ruleset;
    try {
      this.held = {
        ...{ ruleset, compiled: compile(ruleset), source },
        ...{ flagsByMetric: indexMetrics(ruleset), reportEveryMs: shortestReportMs(ruleset) },
      };
    } catch (error) {
      this.#events.error('RULESET_INVALID', `The ruleset from ${source} cannot be compiled: ${messageOf(error)}`);
      return false;
    }
    const flagsChanged = changedFlags(before, ruleset);
    const event = { type: 'change', revision: ruleset.revision, source, flagsChanged } as const;
    this.#events.emit(before === undefined ? event : { ...event, fromRevision: before.revision });
    return true;
  }
}

function indexMetrics(ruleset: Ruleset): Map<string, string[]> {
  const index = new Map<string, string[]>();
  for (const flag of Object.values(ruleset.flags)) {
    for (const metric of Object.keys(flag.exposure?.metrics ?? {})) {
      index.set(metric, [...(index.get(metric) ?? []), flag.key]);
    }
  }
  return index;
}

function shortestReportMs(ruleset: Ruleset): number {
  return Math.min(
    ...Object.values(ruleset.flags).map((flag) => flag.exposure?.reportEveryMs ?? Number.POSITIVE_INFINITY),
  );
}

/** Keys of the flags whose evaluation may differ between two rulesets. */
function changedFlags(before: Ruleset | undefined, after: Ruleset): readonly string[] {
  if (before === undefined) return Object.keys(after.flags);
  const { flags, segments } = diffRulesets(before, after);
  const bySegment = Object.values(after.flags).filter((flag) =>
    segmentsOf(flag).some((segment) => Object.hasOwn(segments, segment)),
  );
  return [...new Set([...Object.keys(flags), ...bySegment.map((flag) => flag.key)])];
}

function segmentsOf(flag: Flag): readonly string[] {
  const layers = flag.exposure?.layers.flatMap((layer) => layer.segment ?? []) ?? [];
  return [...layers, ...(flag.rules ?? []).flatMap((rule) => rule.segments ?? [])];
}
