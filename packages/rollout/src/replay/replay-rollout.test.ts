import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RolloutCommand } from '../command.ts';
import { applyAll, decide } from '../decide/decide.ts';
import type { EventRecord, RolloutEvent } from '../event.ts';
import type { EvidenceBatch, EvidenceSeries } from '../evidence.ts';
import { type EvidenceState, NO_EVIDENCE } from '../judge/evidence-state.ts';
import { parsePlan } from '../plan/parse-plan.ts';
import { type Principal, RAMPART } from '../principal.ts';
import { reconcile } from '../reconcile.ts';
import type { RolloutState } from '../state.ts';
import { openBacktest } from './backtest-rollout.ts';
import { openReplay } from './replay-rollout.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 5, 9);
const ANA: Principal = { id: 'ana', kind: 'person', roles: ['admin'] };

const TEXT = `flag: checkout
version: build-1
preflight: [flag-configured]
baseline: { window: 10m }
stages:
  - { name: canary, percentage: 10, duration: 30m, gate: [ { metric: errorRate, limit: 2% } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 1h }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
alerts: [ { metric: errorRate, limit: baseline + 0.5% } ]
blindLimit: 20m
`;

function planOf(text = TEXT) {
  const result = parsePlan(text, { override: 'a test' });
  if (!result.ok) throw new Error(result.issues.map(({ message }) => message).join('; '));
  return result.plan;
}

/** A rollout run by the core, with all that is written down of it. */
class Recorder {
  now = START;
  readonly records: EventRecord[] = [];
  readonly batches: EvidenceBatch[] = [];
  /** Whether batches say at which look they were folded. */
  readonly #saysLook: boolean;
  #state: RolloutState | undefined;
  #evidence: EvidenceState = NO_EVIDENCE;

  constructor(saysLook = true, text = TEXT) {
    this.#saysLook = saysLook;
    this.command({ type: 'Create', id: 'r', plan: planOf(text), warnings: [] });
    this.command({ type: 'Start' });
    // As a server does for what it can check itself: what follows is by Rampart, and no decision on evidence.
    this.command({ type: 'Approve', item: 'flag-configured', evidence: 'it is served' }, RAMPART);
  }

  get state(): RolloutState {
    if (this.#state === undefined) throw new Error('the rollout was not created');
    return this.#state;
  }

  command(command: RolloutCommand, by = ANA): void {
    const decision = decide(this.#state, command, by, this.now);
    if (decision.ok) this.#apply(decision.events, by);
  }

  /** A look, with a batch of 1,000 users of whom so many of a thousand meet an error, or without one. */
  look(bad?: number): void {
    const { version } = this.state;
    const fromAt = this.batches.at(-1)?.toAt ?? START;
    const batch: EvidenceBatch | undefined =
      bad === undefined
        ? undefined
        : {
            seq: this.batches.length + 1,
            fromAt,
            toAt: Math.max(this.now, fromAt + 1),
            series: this.#series(bad),
            ...(this.#saysLook && { look: { at: this.now, version } }),
          };
    const { evidence, events } = reconcile(this.state, this.#evidence, batch, this.now);
    this.#evidence = evidence;
    if (batch !== undefined) this.batches.push(batch);
    this.#apply(events, RAMPART);
  }

  #apply(events: readonly RolloutEvent[], by: Principal): void {
    const version = this.#state?.version ?? 0;
    this.records.push(...events.map((event, i) => ({ version: version + 1 + i, at: this.now, by: by.id, event })));
    this.#state = applyAll(this.#state, events, by, this.now);
  }

  #series(bad: number): readonly EvidenceSeries[] {
    const { epoch, layers } = this.state;
    const stratum = layers.at(-1)?.weight ?? 0;
    const arm = (name: 'treatment' | 'control', n: number): EvidenceSeries => {
      const share = Array.from({ length: 64 }, () => Math.round(n / 64));
      const errors = share.map((one, i) => Math.min(one, Math.floor((n * bad + i * 1000) / 64_000)));
      const bucket = share.map((_, i) => i);
      return { metric: 'errorRate', arm: name, epoch, stratum, bucket, count: share, sum: errors, sumSquares: errors };
    };
    const treated = (64_000 * stratum) / 100_000;
    return [arm('treatment', treated), arm('control', 64_000 - treated)].filter(({ count }) => count[0] > 0);
  }
}

/** The records and batches as a store gives them back. */
function stored({ records, batches }: Recorder): {
  readonly records: readonly EventRecord[];
  readonly batches: readonly EvidenceBatch[];
} {
  return JSON.parse(JSON.stringify({ records, batches }));
}

function replayed(recorder: Recorder) {
  const { records, batches } = stored(recorder);
  const replay = openReplay(records);
  for (const batch of batches) replay.feed(batch);
  return replay.finish();
}

/** What can happen to a rollout. Two things may happen at one instant. */
const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('batch' as const), bad: fc.constantFrom(0, 1, 5, 15, 60) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('tick' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('hold' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('resume' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('retry' as const) }) },
);
const passing = fc.constantFrom(0, MINUTE, MINUTE, 2 * MINUTE, 7 * MINUTE, 30 * MINUTE, 90 * MINUTE);

function perform(recorder: Recorder, what: { readonly type: string; readonly bad?: number }): void {
  if (what.type === 'batch') recorder.look(what.bad);
  if (what.type === 'tick') recorder.look();
  if (what.type === 'hold') recorder.command({ type: 'Hold', reason: 'lunch' });
  if (what.type === 'resume') recorder.command({ type: 'Resume' });
  if (what.type === 'retry') {
    recorder.command({ type: 'RecordFix', incident: 1, text: 'more memory' });
    recorder.command({ type: 'Retry', version: `build-${recorder.now}`, reason: 'fixed' });
  }
}

/** A rollout that is healthy for its baseline and so many minutes after, then fails badly. */
function failing(minutes: number, saysLook = true): Recorder {
  const recorder = new Recorder(saysLook);
  for (let i = 0; i < 60; i += 1) {
    recorder.now += MINUTE;
    recorder.look(i < 12 + minutes ? 1 : 60);
  }
  return recorder;
}

describe('a replay', () => {
  it('makes every decision again, whatever happened', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(passing, action), { minLength: 20, maxLength: 60 }), (happenings) => {
        const recorder = new Recorder();
        for (const [ms, what] of happenings) {
          recorder.now += ms;
          perform(recorder, what);
        }
        const { differences, state, batches } = replayed(recorder);
        expect(differences).toEqual([]);
        expect(batches).toBe(recorder.batches.length);
        expect(JSON.stringify(state)).toBe(JSON.stringify(recorder.state));
      }),
      { numRuns: 60 },
    );
  });

  it('counts the decisions of Rampart, not what it was given', () => {
    const recorder = failing(10);
    expect(recorder.state.phase).toBe('aborted');
    const given = ['ItemAttested', 'BaselineStarted'];
    const decisions = recorder.records.filter(({ by, event }) => by === RAMPART.id && !given.includes(event.type));
    expect(decisions.map(({ event }) => event.type)).toContain('RolloutAborted');
    expect(replayed(recorder)).toMatchObject({ reproduced: decisions.length, differences: [] });
  });

  it('takes what a plan schedules at 100 % for part of that advance, and what follows the end as given', () => {
    const recorder = new Recorder(true, `${TEXT}exit: [flag-cleanup-scheduled]\ncleanup: { after: 1h }\n`);
    for (let i = 0; i < 180; i += 1) {
      recorder.now += MINUTE;
      recorder.look(1);
    }
    expect(recorder.state).toMatchObject({ phase: 'complete', cleanup: { by: RAMPART.id } });
    recorder.command({ type: 'RecordHandover', name: 'feedback', isDelivered: true }, RAMPART);
    recorder.now += 120 * MINUTE;
    recorder.command({ type: 'RemindCleanup' }, RAMPART);
    recorder.command({ type: 'RecordFlagRemoval' }, RAMPART);
    const types = recorder.records.map(({ event }) => event.type);
    expect(types).toEqual(
      expect.arrayContaining(['FlagCleanupScheduled', 'HandoverTold', 'FlagCleanupDue', 'FlagRemoved']),
    );
    expect(replayed(recorder)).toMatchObject({ differences: [], state: recorder.state });
  });

  it('takes a batch that names no look for one of the instant it closed', () => {
    expect(replayed(failing(10, false)).differences).toEqual([]);
  });

  it('names the look at which the core decides otherwise, and follows the record from there', () => {
    const recorder = failing(10);
    const { records, batches } = stored(recorder);
    const abort = records.findIndex(({ event }) => event.type === 'RolloutAborted');
    const forged = records.map((record, i) =>
      i === abort && record.event.type === 'RolloutAborted'
        ? { ...record, event: { ...record.event, reason: 'it looked bad' } }
        : record,
    );
    const replay = openReplay(forged);
    for (const batch of batches) replay.feed(batch);
    const { differences, state } = replay.finish();
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({ at: records[abort]!.at, version: records[abort]!.version - 1 });
    expect(differences[0]?.recorded.map(({ type }) => type)).toContain('RolloutAborted');
    expect(state.incidents[0]?.reason).toBe('it looked bad');
  });

  it('of nothing is refused', () => {
    expect(() => openReplay([]).finish()).toThrow(TypeError);
  });
});

describe('a backtest', () => {
  const tried = (recorder: Recorder, text?: string) => {
    const { records, batches } = stored(recorder);
    const backtest = openBacktest(records, text === undefined ? undefined : planOf(text));
    for (const batch of batches) backtest.feed(batch);
    return backtest.finish();
  };

  it('finds the abort of the rollout with its own plan, and the same with the same plan edited in nothing', () => {
    const recorder = failing(10);
    const { original, edited } = tried(recorder, TEXT);
    expect(original.aborts).toMatchObject([
      { at: recorder.state.incidents[0]!.openedAt, isFalse: false, stage: 'canary' },
    ]);
    expect(edited).toEqual(original);
  });

  it('gives an edited plan the baseline of its own metrics', () => {
    const recorder = failing(10);
    const { edited } = tried(recorder, TEXT.replaceAll('limit: 2%', 'limit: 3x baseline'));
    expect(edited?.aborts).toMatchObject([{ metric: 'errorRate', kind: 'criterion' }]);
    expect(edited?.aborts[0]?.at).toBeLessThanOrEqual(recorder.state.incidents[0]!.openedAt);
  });

  it('says when the evidence alone would have opened a gate', () => {
    const recorder = failing(60);
    const { original, edited } = tried(
      recorder,
      TEXT.replace('gate: [ { metric: errorRate, limit: 2% }', 'gate: [ { metric: errorRate, limit: 0.01% }'),
    );
    expect(original.gates[0]).toMatchObject({ stage: 'canary', attempt: 1, undecided: [] });
    expect(original.gates[0]?.openAt).toBeGreaterThan(original.gates[0]!.enteredAt);
    expect(edited?.gates[0]?.openAt).toBeUndefined();
    expect(edited?.gates[0]?.undecided).toEqual(['gate:errorRate:0.01%']);
  });

  it('says what a laxer plan would have missed, and which stages it does not know', () => {
    const recorder = failing(10);
    const lax = TEXT.replaceAll('limit: 2%', 'limit: 90%').replace('name: canary', 'name: first');
    const { original, edited } = tried(recorder, lax);
    const { openedAt: at, reason } = recorder.state.incidents[0]!;
    expect(edited).toMatchObject({ aborts: [], missed: [{ attempt: 1, at, reason }], unknownStages: ['canary'] });
    expect(original).toMatchObject({ missed: [], unknownStages: [] });
  });

  it('does not blame a plan for what a person decided, and sets an alarm before it against that', () => {
    const recorder = new Recorder();
    for (let i = 0; i < 40; i += 1) {
      recorder.now += MINUTE;
      recorder.look(i < 20 ? 1 : 15);
    }
    recorder.command({ type: 'Abort', reason: 'it felt slow' });
    const at = recorder.now;
    const { original, edited } = tried(recorder, TEXT.replaceAll('limit: 2%', 'limit: 0.5%'));
    expect(original).toMatchObject({ aborts: [], missed: [] });
    expect(edited?.aborts).toMatchObject([{ isFalse: false, realAbortAt: at }]);
  });

  it('counts an alarm once while it lasts', () => {
    const { original } = tried(failing(10));
    const alert = original.checks.find(({ tier }) => tier === 'alert');
    expect(alert).toMatchObject({ alarms: 1, status: 'fail' });
    expect(original.alarms.filter(({ tier }) => tier === 'alert')).toHaveLength(1);
  });
});
