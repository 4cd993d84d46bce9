import {
  type ArmSums,
  applyAll,
  decide,
  openItems,
  openLoop,
  type Plan,
  type PreparedBatch,
  type Principal,
  planFromObject,
  type RolloutCommand,
  type RolloutLoop,
  type RolloutState,
} from '@rampart/rollout';
import { type Chance, chanceOf } from './chance.ts';
import { MINUTES, type Traffic } from './traffic.ts';

/** User buckets, and one more place for users that are not known. */
export const BUCKETS = 64;
const WIDTH = BUCKETS + 1;
const MINUTE_MS = 60_000;
const START_AT = Date.UTC(2026, 0, 5, 9);
const PERSON: Principal = { id: 'ana', kind: 'person', roles: ['operator', 'observer', 'approver', 'admin'] };

/** Sums of one batch by user bucket that are written over for every batch. */
export type Cells = { readonly n: number[]; readonly x: number[]; readonly xx: number[] };

/** Both arms of one metric in one batch; shares in thousandths of a percent. */
export type CoreBatch = {
  readonly metric?: string;
  readonly stratum?: number;
  readonly treatment: ArmSums;
  readonly control: ArmSums;
};

/** Empty cells. For shares of bad events the squares are the events, so `xx` is `x`. */
export function emptyCells(): Cells {
  const x = new Array<number>(WIDTH).fill(0);
  return { n: new Array<number>(WIDTH).fill(0), x, xx: x };
}

/** A metric as a plan has it, beside those of the catalog, and its limit. */
export type CoreCheck = { readonly metric: string; readonly definition?: object; readonly limit?: string };

/**
 * A plan as users write it: one stage at 5 % and one abort criterion per metric, `1x control` unless it says another limit.
 * Everything else is default: alpha = 0.05 for all criteria together, late-onset mixture, user buckets.
 */
function planOf(checks: readonly CoreCheck[]): Plan {
  const own = checks.filter((check) => check.definition !== undefined);
  const parsed = planFromObject(
    {
      flag: 'bench',
      version: '1',
      preflight: [],
      metrics: Object.fromEntries(own.map(({ metric, definition }) => [metric, definition])),
      stages: [{ name: 'canary', percentage: 5, duration: 'permanent', gate: [], monitor: '4w' }],
      abortCriteria: checks.map(({ metric, limit = '1x control' }) => ({ metric, limit })),
      alerts: [],
      exit: [],
    },
    { now: START_AT },
  );
  if (!parsed.ok) throw new Error(`The plan of the benchmark was refused: ${JSON.stringify(parsed.issues)}`);
  return parsed.plan;
}

/** A rollout that has just entered its stage. */
function exposed(plan: Plan): RolloutState {
  const commands: readonly RolloutCommand[] = [
    { type: 'Create', id: 'bench', plan, warnings: [] },
    { type: 'Start' },
    { type: 'CaptureBaseline', baseline: { fromAt: START_AT - MINUTE_MS, toAt: START_AT, metrics: {} } },
  ];
  let state: RolloutState | undefined;
  const give = (command: RolloutCommand) => {
    const decision = decide(state, command, PERSON, START_AT);
    if (!decision.ok) throw new Error(`${command.type} was refused: ${decision.message}`);
    state = applyAll(state, decision.events, PERSON, START_AT);
  };
  for (const command of commands) {
    for (const item of state?.phase === 'preflight' ? openItems(state) : [])
      give({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' });
    give(command);
  }
  if (state?.phase !== 'exposing' && state?.phase !== 'monitoring') throw new Error(`stands at ${state?.phase}`);
  return state;
}

const EXPOSED = new Map<string, RolloutState>();

/** The real core (decide, judge, statistics) with its default configuration, fed batch by batch on a virtual clock. */
export class CoreRun {
  readonly #loop: RolloutLoop;
  #seq = 0;
  #now = START_AT;

  constructor(checks: readonly CoreCheck[] = [{ metric: 'errorRate' }]) {
    const key = JSON.stringify(checks);
    const state = EXPOSED.get(key) ?? exposed(planOf(checks));
    EXPOSED.set(key, state);
    this.#loop = openLoop(state);
  }

  /** Feeds what arrived in the next `minutes`; whether the rollout has been aborted. */
  feed(batches: readonly CoreBatch[], minutes: number): boolean {
    const fromAt = this.#now;
    this.#now += minutes * MINUTE_MS;
    this.#seq += 1;
    const { epoch } = this.#loop.state();
    const batch: PreparedBatch = {
      seq: this.#seq,
      fromAt,
      toAt: this.#now,
      hasSeries: true,
      metrics: Object.fromEntries(
        batches.map(({ metric = 'errorRate', stratum = 5000, treatment, control }) => [
          metric,
          { strata: [{ epoch, stratum, treatment, control }], targeted: [] },
        ]),
      ),
      users: { assigned: [], reported: [] },
    };
    this.#loop.feed(batch, this.#now);
    return this.#loop.state().phase === 'aborted';
  }
}

/** Ways to spread n requests over the buckets at random; one of these is taken for each batch. */
const SPREADS = 64;
type Spread = { readonly counts: readonly number[]; readonly bucketOfRequest: Uint8Array };
const spreads = new Map<number, readonly Spread[]>();

/** Drawn from chance of their own, so that a run does not depend on the ones before it. */
function spreadsOf(n: number): readonly Spread[] {
  const known = spreads.get(n);
  if (known !== undefined) return known;
  const drawn = Array.from({ length: SPREADS }, (_, index) => drawSpread(n, chanceOf(n, 'spread', index)));
  spreads.set(n, drawn);
  return drawn;
}

function drawSpread(n: number, chance: Chance): Spread {
  const bucketOfRequest = Uint8Array.from({ length: n }, () => Math.floor(chance.uniform() * BUCKETS));
  const counts = new Array<number>(WIDTH).fill(0);
  for (const bucket of bucketOfRequest) counts[bucket] += 1;
  return { counts, bucketOfRequest };
}

/** One arm of a batch of `n` independent requests, users unrelated to them: `x` errors fall on requests at random. */
export function spreadArm(n: number, x: number, cells: Cells, chance: Chance): ArmSums {
  const { counts, bucketOfRequest } = spreadsOf(n)[Math.floor(chance.uniform() * SPREADS)];
  cells.x.fill(0);
  for (let left = x; left > 0; ) {
    const bucket = bucketOfRequest[Math.floor(chance.uniform() * n)];
    // A request fails once.
    if (cells.x[bucket] >= counts[bucket]) continue;
    cells.x[bucket] += 1;
    left -= 1;
  }
  return { n: counts, x: cells.x, xx: cells.x, totals: { n, x, xx: x } };
}

/** SIM-A through the core: minutes until it aborts, Infinity if it does not. */
export function coreAbortsAfter({ nT, xT, nC, xC }: Traffic, chance: Chance): number {
  const run = new CoreRun();
  const [ofTreatment, ofControl] = [emptyCells(), emptyCells()];
  for (let minute = 0; minute < MINUTES; minute += 1) {
    const treatment = spreadArm(nT[minute], xT[minute], ofTreatment, chance);
    const control = spreadArm(nC[minute], xC[minute], ofControl, chance);
    if (run.feed([{ treatment, control }], 1)) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}
