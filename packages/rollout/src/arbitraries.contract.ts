import fc from 'fast-check';
import type { RolloutCommand } from './command.ts';
import { command, reason, small } from './decide/command-arbitrary.contract.ts';
import { applyAll, decide } from './decide/decide.ts';
import { openItems } from './decide/decide-start.ts';
import type { Decision } from './decide/decision.ts';
import { stageOf, weightOfEveryone } from './decide/exposure.ts';
import { isQuiet } from './decide/quiet.ts';
import type { EventRecord, RolloutEvent } from './event.ts';
import { binOf, type EvidenceBatch, type EvidenceSeries, USER_BUCKETS } from './evidence.ts';
import { gatesNow } from './external-gates.ts';
import { type EvidenceState, NO_EVIDENCE } from './judge/evidence-state.ts';
import { standingsOf } from './judge/judge.ts';
import { planFromObject } from './plan/parse-plan.ts';
import type { RolloutConfig } from './plan/plan-schema.ts';
import type { Plan } from './plan.ts';
import { type Principal, RAMPART } from './principal.ts';
import { reconcile } from './reconcile.ts';
import type { RolloutState } from './state.ts';
import type { Judgement } from './verdict.ts';

/** 2026-01-05 09:00 UTC, a Monday. */
export const START_AT = Date.UTC(2026, 0, 5, 9);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** Shorter than the silence that counts as blind. */
export const BATCH_MS = 4 * MINUTE_MS;

export const ANA: Principal = { id: 'ana', kind: 'person', roles: ['operator', 'approver'] };
export const BEN: Principal = { id: 'ben', kind: 'person', roles: ['approver', 'observer'] };
export const AGENT: Principal = { id: 'agent:ops', kind: 'agent', roles: ['operator', 'approver'] };
export const OTHER_AGENT: Principal = { id: 'agent:other', kind: 'agent', roles: ['operator', 'approver', 'analyst'] };
export const VIEWER: Principal = { id: 'vic', kind: 'person', roles: ['viewer'] };
const PRINCIPALS = [ANA, BEN, AGENT, OTHER_AGENT, VIEWER, RAMPART] as const;

/** A plan whose whole life is a few hours, with every tier, kind of limit and outcome that parts of it name. */
export function planOf(parts: Partial<RolloutConfig> = {}): Plan {
  const config = {
    flag: 'f',
    version: 'v1',
    preflight: ['launch-readiness'],
    baseline: { window: '8m' },
    stages: [
      {
        name: 'canary',
        percentage: 5,
        duration: '1h',
        gate: [{ metric: 'errorRate', limit: '1%' }, { confirm: 'No critical bugs' }],
      },
      { name: 'wide', percentage: 25, duration: '1h', gate: [{ metric: 'errorRate', limit: '1%' }] },
      { name: 'ga', percentage: 100, duration: 'permanent', monitor: '1h' },
    ],
    abortCriteria: { errorRate: '2%' },
    killSwitch: { flag: 'f-kill', autoTrip: true, trip: [{ metric: 'errorRate', limit: '10%' }] },
    alerts: { errorRate: 'control + 1%' },
    retry: { cooldown: '10m', limit: 3 },
    exit: ['docs-updated'],
    ...parts,
  } as RolloutConfig;
  const parsed = planFromObject(config, { now: START_AT, override: 'a test' });
  if (!parsed.ok) throw new TypeError(JSON.stringify(parsed.issues));
  return parsed.plan;
}

/** Observations of one arm in one batch. */
export type Arms = {
  readonly n: number;
  readonly x: number;
  readonly xx?: number;
  readonly values?: readonly number[];
};

/** Parts of a total as even as integers can be; their order is scattered so that no bucket always gets the remainder. */
function parts(total: number, count: number, shift: number): readonly number[] {
  const at = (index: number) => Math.floor((total * index) / count);
  return Array.from({ length: count }, (_, index) => {
    const place = (index * 29 + shift) % count;
    return at(place + 1) - at(place);
  });
}

/** A series of an arm, its users spread over all buckets or unknown. */
export function seriesOf(
  metric: string,
  arm: EvidenceSeries['arm'],
  place: { readonly epoch: number; readonly stratum: number },
  { n, x, xx = x, values }: Arms,
  users = true,
  turn = 0,
): EvidenceSeries {
  const size = users ? USER_BUCKETS : 1;
  const bins = values && Array.from({ length: size }, () => new Map<number, number>());
  values?.forEach((value, index) => {
    const into = bins?.[(index + 5 * turn) % size];
    into?.set(binOf(value), (into.get(binOf(value)) ?? 0) + 1);
  });
  return {
    metric,
    arm,
    ...place,
    bucket: users ? Array.from({ length: size }, (_, index) => index) : [-1],
    count: values
      ? (bins ?? []).map((one) => [...one.values()].reduce((sum, count) => sum + count, 0))
      : parts(n, size, 0),
    sum: parts(x, size, 7 + 11 * turn),
    sumSquares: parts(xx, size, 7 + 11 * turn),
    ...(bins && { bins: bins.map((one) => [...one]) }),
  };
}

/** Where the running stage's split stands. */
export function placeOf(state: RolloutState): { readonly epoch: number; readonly stratum: number } {
  return { epoch: state.epoch, stratum: weightOfEveryone(state.layers) };
}

/** Both arms of a proportion in one batch of 2,000 requests, with these bad shares. */
export function bothArms(
  state: RolloutState,
  metric: string,
  bad: number,
  badControl: number,
  users = true,
  turn = 0,
): readonly EvidenceSeries[] {
  const place = placeOf(state);
  const n = Math.round((2000 * place.stratum) / 100_000);
  const arm = (name: 'treatment' | 'control', count: number, share: number) =>
    count === 0 ? [] : [seriesOf(metric, name, place, { n: count, x: Math.round(count * share) }, users, turn)];
  return [...arm('treatment', n, bad), ...arm('control', 2000 - n, badControl)];
}

/** A decision that was accepted, with the states around it. */
export type Step = {
  readonly before: RolloutState;
  readonly after: RolloutState;
  readonly events: readonly RolloutEvent[];
  readonly by: Principal;
  readonly at: number;
  readonly command?: RolloutCommand;
  readonly judgement?: Judgement;
};

/** The core on a virtual clock, keeping what properties look at. */
export class Drive {
  now = START_AT;
  state: RolloutState;
  evidence: EvidenceState = NO_EVIDENCE;
  judgement: Judgement | undefined;
  readonly records: EventRecord[] = [];
  readonly steps: Step[] = [];
  /** Batches with the version of the state they were folded under. */
  readonly batches: { readonly batch: EvidenceBatch; readonly version: number }[] = [];
  #closedAt = START_AT;

  constructor(plan: Plan = planOf(), by: Principal = ANA) {
    const created = decide(undefined, { type: 'Create', id: 'r', plan, warnings: [] }, by, this.now);
    if (!created.ok) throw new TypeError(created.message);
    this.state = applyAll(undefined, created.events, by, this.now) as RolloutState;
    this.#record(created.events, by);
  }

  #record(events: readonly RolloutEvent[], by: Principal): void {
    for (const event of events) this.records.push({ version: this.records.length + 1, at: this.now, by: by.id, event });
  }

  #apply(events: readonly RolloutEvent[], by: Principal, rest: Pick<Step, 'command' | 'judgement'>): void {
    const before = this.state;
    this.#record(events, by);
    this.state = applyAll(before, events, by, this.now) as RolloutState;
    this.steps.push({ before, after: this.state, events, by, at: this.now, ...rest });
  }

  command(command: RolloutCommand, by: Principal = ANA): Decision {
    const decision = decide(this.state, command, by, this.now);
    if (decision.ok) this.#apply(decision.events, by, { command });
    return decision;
  }

  /** Moves the clock, closes a batch if there is one, reconciles. */
  tick(forMs: number, evidence?: Partial<EvidenceBatch>): readonly RolloutEvent[] {
    this.now += forMs;
    let batch: EvidenceBatch | undefined;
    if (evidence !== undefined) {
      batch = { seq: this.batches.length + 1, fromAt: this.#closedAt, toAt: this.now, series: [], ...evidence };
      this.batches.push({ batch, version: this.records.length });
      this.#closedAt = this.now;
    }
    const result = reconcile(this.state, this.evidence, batch, this.now);
    this.evidence = result.evidence;
    this.judgement = result.judgement;
    this.#checkQuiet(result.judgement);
    this.#apply(result.events, RAMPART, { judgement: result.judgement });
    return result.events;
  }

  /** Looks that were not taken because all was quiet. */
  quietLooks = 0;

  /** A look that is not taken must be one that would have found nothing, whatever the evidence. */
  #checkQuiet(judgement: Judgement): void {
    const { state, evidence, now } = this;
    const standings = standingsOf(evidence, state, now).map(({ one, status }) => `${one.check.id} ${status}`);
    const verdicts = judgement.verdicts.map(({ check, status }) => `${check} ${status}`);
    if (standings.join() !== verdicts.join())
      throw new Error(`standings ${standings} are not the verdicts ${verdicts}`);
    if (!isQuiet(state, evidence, now)) return;
    this.quietLooks += 1;
    const full = decide(state, { type: 'Tick', judgement }, RAMPART, now);
    if (!full.ok || full.events.length > 0) throw new Error(`a quiet look hid ${JSON.stringify(full)}`);
  }

  /** Start, every pre-flight item, and the baseline. */
  begin(by: Principal = ANA): this {
    this.command({ type: 'Start' }, by);
    for (const item of openItems(this.state))
      this.command({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, BEN);
    for (let count = 0; count < 5 && this.state.phase === 'baseline'; count += 1) this.serve(BATCH_MS);
    return this;
  }

  /** Batches of healthy (or worse) evidence for a time; stops where the stage or phase changes. */
  serve(forMs: number, bad = 0.001, badControl = 0.001, users = true): this {
    const { phase, stage } = this.state;
    for (let left = forMs; left > 0; left -= BATCH_MS) {
      this.tick(Math.min(left, BATCH_MS), {
        series: bothArms(this.state, 'errorRate', bad, badControl, users, this.batches.length),
      });
      if (this.state.phase !== phase || this.state.stage?.index !== stage?.index) break;
    }
    return this;
  }

  /** Every external gate that may be asked now answers; one of `rollback` asks for nothing. */
  answerGates(open = true, why = 'it answered 200'): this {
    for (const { name, when } of gatesNow(this.state)) {
      if (when !== 'rollback') this.command({ type: 'AnswerGate', gate: name, open, why }, RAMPART);
    }
    return this;
  }

  /** Healthy evidence, confirmations and open gates until a stage is entered. */
  reach(name: string): this {
    this.begin();
    for (let count = 0; count < 100 && stageOf(this.state)?.name !== name; count += 1) {
      this.answerGates();
      for (const item of stageOf(this.state)?.confirmations ?? [])
        this.command({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, BEN);
      this.serve(BATCH_MS);
    }
    return this;
  }

  /** Events of one type so far. */
  all<T extends RolloutEvent['type']>(type: T): readonly Extract<RolloutEvent, { type: T }>[] {
    return this.records
      .map((one) => one.event)
      .filter((event): event is Extract<RolloutEvent, { type: T }> => event.type === type);
  }
}

const principal: fc.Arbitrary<Principal> = fc.constantFrom(...PRINCIPALS);
const ended = fc.record({ type: fc.constant('Cancel' as const), reason });

/** What may happen to a rollout: commands by anyone, evidence of any quality, silence, downtime. */
export type Happening =
  | { readonly what: 'command'; readonly command: RolloutCommand; readonly by: Principal }
  | {
      readonly what: 'serve';
      readonly forMs: number;
      readonly bad: number;
      readonly badControl: number;
      readonly users: boolean;
    }
  | { readonly what: 'empty' | 'silence' | 'again' | 'down'; readonly forMs: number }
  | { readonly what: 'failing'; readonly forMs: number }
  | { readonly what: 'late'; readonly forMs: number; readonly back: number }
  | { readonly what: 'gates'; readonly open: boolean }
  | { readonly what: 'people'; readonly assigned: number; readonly reported: number }
  | { readonly what: 'recover' };

const gap = fc.constantFrom(0, BATCH_MS, 30 * MINUTE_MS, 72 * HOUR_MS);

export const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('command' as const), command, by: principal }) },
  {
    weight: 1,
    arbitrary: fc
      .record({ what: fc.constant('command' as const), command: ended, by: principal })
      .filter(({ by }) => by === ANA),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('serve' as const),
      forMs: fc.constantFrom(BATCH_MS, HOUR_MS, 90 * MINUTE_MS),
      bad: fc.constantFrom(0.001, 0.001, 0.001, 0.01, 0.015, 0.2),
      badControl: fc.constantFrom(0.001, 0.001, 0.2),
      users: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom('empty' as const, 'silence' as const, 'again' as const, 'down' as const),
      forMs: gap,
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('failing' as const), forMs: gap }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('late' as const), forMs: gap, back: small }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('people' as const),
      assigned: fc.integer({ min: 0, max: 400 }),
      reported: fc.integer({ min: 0, max: 400 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('gates' as const), open: fc.constantFrom(true, true, false) }),
  },
  { weight: 2, arbitrary: fc.constant({ what: 'recover' } as const) },
);

function people(state: RolloutState, assigned: number, reported: number): readonly EvidenceSeries[] {
  const place = placeOf(state);
  const users = (metric: string, arm: 'treatment' | 'control', n: number) => seriesOf(metric, arm, place, { n, x: 0 });
  const expected = Math.round((8000 * place.stratum) / 100_000);
  return [
    ...[users('assigned', 'treatment', assigned), users('assigned', 'control', 8000 - expected)],
    ...[users('reported', 'treatment', Math.min(assigned, reported)), users('reported', 'control', 8000 - expected)],
  ];
}

/** What a good team does after an abort: re-arm, record a fix, wait, retry with the next version, confirm what is open. */
function recover(drive: Drive): void {
  if (drive.state.killed) drive.command({ type: 'Rearm', reason: 'fixed' });
  const incident = drive.state.incidents.length;
  drive.command({ type: 'RecordFix', incident, text: 'fixed' });
  drive.now += drive.state.phase === 'aborted' ? 10 * MINUTE_MS : 0;
  drive.command({ type: 'Retry', version: `v${drive.state.attempt + 1}` });
  if (drive.state.hold) drive.command({ type: 'Resume', reason: 'looked' });
  for (const item of openItems(drive.state))
    drive.command({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, BEN);
}

/** Lets it happen. */
export function happen(drive: Drive, one: Happening): void {
  const { state } = drive;
  const healthy = () => bothArms(state, 'errorRate', 0.001, 0.001);
  if (one.what === 'command') drive.command(one.command, one.by);
  else if (one.what === 'serve') drive.serve(one.forMs, one.bad, one.badControl, one.users);
  else if (one.what === 'empty') drive.tick(one.forMs, {});
  else if (one.what === 'down') drive.now += one.forMs;
  else if (one.what === 'silence') drive.tick(one.forMs);
  else if (one.what === 'again') drive.tick(one.forMs, drive.batches.at(-1)?.batch);
  else if (one.what === 'failing')
    drive.tick(one.forMs, { series: healthy(), failures: [{ metric: 'errorRate', message: '500' }] });
  else if (one.what === 'late')
    drive.tick(one.forMs, {
      series: healthy().map((series) => ({ ...series, epoch: Math.max(0, series.epoch - one.back) })),
    });
  else if (one.what === 'gates') drive.answerGates(one.open, one.open ? 'it answered 200' : 'it answered 503');
  else if (one.what === 'people')
    drive.tick(BATCH_MS, { series: [...healthy(), ...people(state, one.assigned, one.reported)] });
  else recover(drive);
}
