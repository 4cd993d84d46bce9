import { type DrillLeg, formatElapsed, ROLLBACK_TESTED, type RolloutState, runningDrill } from '@rampart/rollout';
import type { Work } from './assemble.ts';
import type { Clock } from './clock.ts';
import type { InstanceRegistry, PresentInstance } from './instance-registry.ts';
import { type Log, messageOf } from './log.ts';
import { giveOwn } from './own-command.ts';
import type { RolloutTable } from './rollout-table.ts';
import { drillFlagKey } from './ruleset-of.ts';

/** Runs the drills that rollouts have begun: waits for SDKs, switches off, waits again, and records how it went. */
export type Drills = Work & {
  /** Takes up the running drill of a rollout, where nobody has. */
  readonly wake: (id: string) => void;
};

/** What drills work with. `wakeRollout` is told of a rollout that may go on. */
export type DrillOptions = {
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly instances: InstanceRegistry;
  readonly log: Log;
  readonly wakeRollout: (id: string) => void;
};

/** How long SDKs may take to follow each step, where the plan does not say: real time. */
const WITHIN_MS = 30_000;
/** Interval of looks at who has confirmed: times are those of the confirmations, not of the looks. */
const LOOK_MS = 10;
/** Interval of looks for drills that nobody has taken up. */
const BEAT_MS = 1_000;
const SHOWN_SLOWEST = 5;
const SHOWN_SILENT = 5;

/** Drills at rest. */
export function createDrills(options: DrillOptions): Drills {
  const { table, log, wakeRollout } = options;
  const busy = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (id: string, work: () => Promise<void>): void => {
    if (busy.has(id)) return;
    const turn = work()
      .catch((error: unknown) =>
        log.error({ rollout: id, err: error }, `the drill of ${id} failed: ${messageOf(error)}`),
      )
      .finally(() => {
        busy.delete(id);
        wakeRollout(id);
      });
    busy.set(id, turn);
  };
  const wake = (id: string): void => {
    const run = table.get(id);
    const drill = run && runningDrill(run.state);
    if (run !== undefined && drill !== undefined && !stopping.signal.aborted)
      begin(id, () => runDrill(run.state, drill.number, options, stopping.signal));
  };
  return {
    wake,
    start() {
      // What ran before the start has lost the SDKs it was measured in.
      for (const { state } of table.all()) {
        const drill = runningDrill(state);
        if (drill !== undefined) begin(state.id, () => giveUp(state.id, drill.number, options));
      }
      timer = setInterval(() => {
        for (const { state } of table.all()) if (runningDrill(state) !== undefined) wake(state.id);
      }, BEAT_MS);
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await Promise.all(busy.values());
    },
  };
}

async function giveUp(id: string, drill: number, options: DrillOptions): Promise<void> {
  const why = 'Rampart was restarted while it ran';
  await giveOwn(id, () => ({ type: 'FinishDrill', drill, why }), options);
}

/** How far the SDKs of a drill have followed one step. */
type Followed = { readonly leg: DrillLeg; readonly silent: readonly string[] };

type Step = {
  readonly key: string;
  readonly wanted: boolean;
  readonly revision: number;
  /** When it was decided, on the clock of `performance.now()`. */
  readonly sinceMs: number;
};

async function runDrill(state: RolloutState, drill: number, options: DrillOptions, signal: AbortSignal): Promise<void> {
  const { table, clock, instances } = options;
  const { id, plan } = state;
  const names = instances.present(clock.now()).map(({ name }) => name);
  const key = drillFlagKey(plan.flag);
  const withinMs = plan.preflightChecks?.[ROLLBACK_TESTED]?.withinMs ?? WITHIN_MS;
  const follow = (step: Step) => untilFollowed(names, step, withinMs, options, signal);
  const revision = () => table.book.ruleset().revision;

  const on = await follow({ key, wanted: true, revision: revision(), sinceMs: performance.now() });
  const sinceMs = performance.now();
  await giveOwn(id, () => ({ type: 'SwitchDrillOff', drill, on: on.leg }), options);
  const off = await follow({ key, wanted: false, revision: revision(), sinceMs });
  if (signal.aborted) return giveUp(id, drill, options);
  const why = failureOf({ on, off }, names.length, withinMs);
  await giveOwn(id, () => ({ type: 'FinishDrill', drill, off: off.leg, ...(why !== undefined && { why }) }), options);
}

function failureOf(
  { on, off }: { readonly on: Followed; readonly off: Followed },
  connected: number,
  withinMs: number,
): string | undefined {
  const within = `within ${formatElapsed(withinMs)}`;
  if (off.silent.length > 0) return `${namesOf(off.silent)} did not confirm ${within} that it was off`;
  if (on.silent.length > 0) return `${namesOf(on.silent)} did not confirm ${within} that it was on`;
  if (off.leg.confirmed > 0) return undefined;
  return connected === 0 ? 'no SDK was connected' : 'every SDK ended before it had confirmed that it was off';
}

function namesOf(silent: readonly string[]): string {
  const shown = silent.slice(0, SHOWN_SILENT).join(', ');
  const more = silent.length > SHOWN_SILENT ? ` and ${silent.length - SHOWN_SILENT} more` : '';
  return `${silent.length === 1 ? 'SDK' : `${silent.length} SDKs:`} ${shown}${more}`;
}

/** Waits until every SDK that is still there has confirmed a step, or has had its time. */
async function untilFollowed(
  names: readonly string[],
  step: Step,
  withinMs: number,
  { clock, instances }: DrillOptions,
  signal: AbortSignal,
): Promise<Followed> {
  for (;;) {
    const present = new Map(instances.present(clock.now()).map((one) => [one.name, one]));
    const followed = followedOf(names, present, step);
    const isOver = performance.now() - step.sinceMs >= withinMs || signal.aborted;
    if (followed.silent.length === 0 || isOver) return followed;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function followedOf(names: readonly string[], present: ReadonlyMap<string, PresentInstance>, step: Step): Followed {
  const there = names.flatMap((name) => present.get(name) ?? []);
  const confirmations = there.map((one) => ({ instance: one.name, told: confirmationOf(one, step) }));
  const confirmed = confirmations.flatMap(({ instance, told }) => (told === undefined ? [] : [{ instance, ...told }]));
  const slowest = confirmed.toSorted((one, other) => other.ms - one.ms);
  const [last] = slowest;
  const left = names.length - there.length;
  return {
    leg: {
      confirmed: confirmed.length,
      evaluated: confirmed.filter(({ isEvaluated }) => isEvaluated).length,
      ...(left > 0 && { left }),
      ...(last !== undefined && { worstMs: last.ms }),
      slowest: slowest.slice(0, SHOWN_SLOWEST).map(({ instance, ms }) => ({ instance, ms })),
    },
    silent: confirmations.flatMap(({ instance, told }) => (told === undefined ? [instance] : [])),
  };
}

/**
 * What shows that an SDK has followed a step: best, that it says what it evaluates the flag to by that revision; else that it
 * uses the revision or a later one. One that evaluates otherwise has not followed, whatever it uses.
 */
function confirmationOf(
  { revision, revisionMs, evaluated }: PresentInstance,
  step: Step,
): { readonly ms: number; readonly isEvaluated: boolean } | undefined {
  const since = (atMs: number) => Math.max(0, Math.round(atMs - step.sinceMs));
  const told = evaluated.get(step.key);
  if (told !== undefined && told.revision >= step.revision)
    return told.value === step.wanted ? { ms: since(told.heardMs), isEvaluated: true } : undefined;
  return revision >= step.revision ? { ms: since(revisionMs), isEvaluated: false } : undefined;
}
