import { readFileSync } from 'node:fs';
import {
  openItems,
  type Principal,
  parseDuration,
  planFromObject,
  type RolloutCommand,
  type RolloutEvent,
  stageOf,
  USER_BUCKETS,
  type Verdict,
  waitingFor,
  weightOfEveryone,
} from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { VirtualRollout } from './virtual-rollout.ts';
import { type ArmEvidence, type StepEvidence, seriesOf } from './world.ts';

type Expectation = {
  phase?: string;
  stage?: string;
  attempt?: number;
  killed?: boolean;
  exposedWeight?: number;
  verdicts?: Record<string, string>;
  passedVerdicts?: Record<string, string>;
  abortVerdictIsNot?: Record<string, string>;
  method?: Record<string, string>;
  incident?: { kind?: string; stage?: string; reason?: string };
  issues?: number;
  people?: 'same' | 'fresh';
  waitingFor?: string;
  happened?: string[];
  neverHappened?: string[];
  count?: Record<string, number>;
  treatmentCount?: Record<string, number>;
  attemptGrewBy?: Record<string, number>;
};
type Step = {
  reach?: string;
  over?: string;
  parts?: number;
  evidence?: StepEvidence;
  occurrences?: { metric: string; count: number }[];
  failures?: { metric: string; message: string }[];
  late?: boolean;
  silence?: string;
  down?: string;
  wait?: string;
  tickAgain?: boolean;
  redeliver?: boolean;
  command?: RolloutCommand;
  by?: string;
  refused?: string;
  expect?: Expectation;
};
type Scenario = { example: number; name: string; plan: unknown; steps: Step[]; refusedPlan?: string };

const { scenarios } = JSON.parse(readFileSync(new URL('decisions/golden.json', import.meta.url), 'utf8')) as {
  scenarios: Scenario[];
};
const START_AT = Date.UTC(2026, 0, 5, 9);
const BATCH_MS = 4 * 60_000;
const PEOPLE: Record<string, Principal> = {
  ana: { id: 'ana', kind: 'person', roles: ['operator', 'approver'] },
  ben: { id: 'ben', kind: 'person', roles: ['approver'] },
  'agent:ops': { id: 'agent:ops', kind: 'agent', roles: ['operator', 'approver'] },
};
const msOf = (text: string): number => parseDuration(text) ?? Number.NaN;

/** Healthy traffic of a site with 100,000 requests a day, for one batch; remainders carry over so that rare events come when due. */
class HealthySite {
  readonly #owed = new Map<string, number>();

  #take(key: string, expected: number): number {
    const owed = (this.#owed.get(key) ?? 0) + expected;
    this.#owed.set(key, owed - Math.floor(owed));
    return Math.floor(owed);
  }

  batch(share: number): StepEvidence {
    const arm = (name: string, part: number): Record<string, ArmEvidence> => {
      const count = this.#take(`${name}/n`, (100_000 / 360) * part);
      return {
        errorRate: { count, sum: this.#take(`${name}/errors`, count * 0.001) },
        p99Latency: { count, p99: 1 },
        throughput: { count, sum: count },
        conversion: { count: this.#take(`${name}/visits`, count / 10), sum: this.#take(`${name}/buys`, count / 100) },
        ...(name === 'treatment' && {
          hallucinationRate: { count, sum: this.#take('bad', count * 0.01) },
          costPerQuery: { count, mean: 0.2 },
        }),
      };
    };
    const [treatment, control] = [arm('treatment', share), arm('control', 1 - share)];
    const metrics = new Set([...Object.keys(treatment), ...Object.keys(control)]);
    return Object.fromEntries(
      [...metrics].map((m) => [
        m,
        {
          ...(share > 0 && treatment[m] && { treatment: treatment[m] }),
          ...(share < 1 && control[m] && { control: control[m] }),
        },
      ]),
    );
  }
}

class Runner {
  readonly rollout: VirtualRollout;
  readonly site = new HealthySite();
  since = 0;

  constructor(plan: Parameters<typeof planFromObject>[0]) {
    const parsed = planFromObject(plan, { now: START_AT });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
    this.rollout = new VirtualRollout(parsed.plan, PEOPLE.ana, START_AT);
  }

  reach(stage: string): void {
    const { rollout } = this;
    rollout.pass(PEOPLE.ana);
    for (let index = 0; index < 40 * 360; index += 1) {
      const running = rollout.state.stage && rollout.state.plan.stages[rollout.state.stage.index]?.name;
      if (running === stage) break;
      for (const item of stageOf(rollout.state)?.confirmations ?? []) {
        if (openItems(rollout.state).includes(item))
          rollout.command({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, PEOPLE.ana);
      }
      const evidence = this.site.batch(weightOfEveryone(rollout.state.layers) / 100_000);
      rollout.tick(BATCH_MS, { series: seriesOf(evidence, rollout.state, 0, 1) });
    }
    this.since = rollout.records.findLastIndex((record) => record.event.type === 'StageEntered') + 1;
  }

  over(step: Step): void {
    const forMs = msOf(step.over ?? '');
    const parts = step.parts ?? Math.max(1, Math.round(forMs / BATCH_MS));
    for (let index = 0; index < parts; index += 1) {
      const { rollout } = this;
      if (rollout.state.phase === 'aborted') return;
      const stage = rollout.state.stage?.index;
      const state = step.late ? { ...rollout.state, epoch: rollout.state.epoch - 1 } : rollout.state;
      const series = seriesOf(step.evidence ?? {}, state, index, parts);
      const occurrences = index === 0 ? (step.occurrences ?? []).map((one) => ({ ...one, at: rollout.now })) : [];
      rollout.tick(forMs / parts, { series, occurrences, failures: step.failures ?? [] });
      if (rollout.state.stage?.index !== stage && index >= parts - 1) return;
    }
  }

  quiet(forMs: number): void {
    for (let left = forMs; left > 0; left -= BATCH_MS) this.rollout.tick(Math.min(left, BATCH_MS));
  }

  command(step: Step): void {
    const decision = this.rollout.command(step.command!, PEOPLE[step.by ?? 'ana']!);
    if (step.refused) expect(decision).toMatchObject({ ok: false, code: step.refused });
    else expect(decision).toMatchObject({ ok: true });
  }

  countedBefore: Record<string, number> = {};

  /** Observations of exposed users that the abort criterion of a metric has counted over the whole attempt. */
  attemptCount(metric: string): number {
    const counts = this.rollout.evidence.streams[`${metric} share`]?.attempt.slice(0, USER_BUCKETS + 1) ?? [];
    return counts.reduce((sum, count) => sum + count, 0);
  }

  run(step: Step): void {
    if (step.expect === undefined) this.countedBefore = { errorRate: this.attemptCount('errorRate') };
    if (step.reach) this.reach(step.reach);
    if (step.over) this.over(step);
    if (step.silence) this.quiet(msOf(step.silence));
    if (step.down || step.wait) this.rollout.now += msOf(step.down ?? step.wait ?? '');
    if (step.tickAgain) this.rollout.tick(0);
    if (step.redeliver) this.rollout.redeliver();
    if (step.command) this.command(step);
    if (step.expect) this.check(step.expect);
  }

  events(): readonly RolloutEvent[] {
    return this.rollout.records.slice(this.since).map((record) => record.event);
  }

  verdicts(): readonly Verdict[] {
    const aborted = this.events().findLast((event) => event.type === 'RolloutAborted');
    const atAbort = aborted?.type === 'RolloutAborted' && this.rollout.state.phase === 'aborted';
    if (!atAbort) return this.rollout.judgeNow().verdicts;
    return this.atAbort;
  }

  atAbort: readonly Verdict[] = [];

  check(want: Expectation): void {
    const { state } = this.rollout;
    const stage = state.stage && state.plan.stages[state.stage.index]?.name;
    if (want.phase) expect(state.phase).toBe(want.phase);
    if (want.stage) expect(stage).toBe(want.stage);
    if (want.attempt) expect(state.attempt).toBe(want.attempt);
    if (want.killed !== undefined) expect(state.killed).toBe(want.killed);
    if (want.exposedWeight !== undefined) expect(weightOfEveryone(state.layers)).toBe(want.exposedWeight);
    if (want.incident)
      expect(state.incidents.at(-1)).toMatchObject({
        ...want.incident,
        ...(want.incident.reason && { reason: expect.stringContaining(want.incident.reason) }),
      });
    if (want.issues !== undefined) expect(state.issues).toHaveLength(want.issues);
    if (want.people) expect(state.salt === undefined ? 'same' : 'fresh').toBe(want.people);
    if (want.waitingFor)
      expect(waitingFor(state, this.rollout.judgement, this.rollout.now).join('; ')).toContain(want.waitingFor);
    this.checkEvents(want);
    this.checkVerdicts(want);
  }

  checkEvents(want: Expectation): void {
    const types = this.events().map((event) => event.type as string);
    for (const type of want.happened ?? []) expect(types).toContain(type);
    for (const type of want.neverHappened ?? []) expect(types).not.toContain(type);
    for (const [type, count] of Object.entries(want.count ?? {}))
      expect(types.filter((one) => one === type)).toHaveLength(count);
  }

  checkVerdicts(want: Expectation): void {
    const find = (verdicts: readonly Verdict[], key: string) =>
      verdicts.find((one) => `${one.tier}:${one.metric}` === key);
    const statuses = (verdicts: readonly Verdict[], keys: object) =>
      Object.fromEntries(Object.keys(keys).map((key) => [key, find(verdicts, key)?.status]));
    const now =
      this.rollout.state.phase === 'aborted'
        ? (this.rollout.judgement?.verdicts ?? [])
        : this.rollout.judgeNow().verdicts;
    if (want.verdicts) expect(statuses(now, want.verdicts)).toEqual(want.verdicts);
    const passed = this.rollout.records.map((record) => record.event).findLast((event) => event.type === 'StagePassed');
    if (want.passedVerdicts)
      expect(passed?.type === 'StagePassed' && statuses(passed.verdicts, want.passedVerdicts)).toEqual(
        want.passedVerdicts,
      );
    for (const [key, status] of Object.entries(want.abortVerdictIsNot ?? {}))
      expect(find(now, key)?.status).not.toBe(status);
    for (const [key, method] of Object.entries(want.method ?? {})) expect(find(now, key)?.method).toContain(method);
    for (const [metric, count] of Object.entries(want.attemptGrewBy ?? {}))
      expect(this.attemptCount(metric) - (this.countedBefore[metric] ?? 0)).toBe(count);
    for (const [metric, count] of Object.entries(want.treatmentCount ?? {}))
      expect(this.rollout.evidence.metrics[metric]?.treatment.n).toBe(count);
  }
}

describe('golden examples of the semantics', () => {
  it.each(scenarios.map((one, index) => [`${one.example}.${index}`, one.name, one] as const))(
    '%s: %s',
    (_id, _name, scenario) => {
      if (scenario.refusedPlan) {
        const parsed = planFromObject(scenario.plan, { now: START_AT });
        expect(parsed).toMatchObject({
          ok: false,
          issues: expect.arrayContaining([expect.objectContaining({ code: scenario.refusedPlan })]),
        });
        return;
      }
      const runner = new Runner(scenario.plan);
      for (const step of scenario.steps) runner.run(step);
    },
  );

  it('has every one of the 24 examples, and 25 of baselines taken anew', () => {
    expect([...new Set(scenarios.map((one) => one.example))]).toEqual(
      Array.from({ length: 25 }, (_, index) => index + 1),
    );
  });
});
