import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Drive, happen, happening, OTHER_AGENT, planOf, type Step } from '../arbitraries.contract.ts';
import type { RolloutEvent } from '../event.ts';
import { replay } from '../evolve.ts';
import { gatesNow } from '../external-gates.ts';
import { type EvidenceState, NO_EVIDENCE } from '../judge/evidence-state.ts';
import { foldEvidence } from '../judge/fold-trusted.ts';
import type { RolloutState } from '../state.ts';
import { silenceMs } from './cadence.ts';
import { decide } from './decide.ts';
import { coversLayers, layersOf } from './exposure.ts';
import { servedMs } from './served.ts';

const PLANS = [
  planOf(),
  planOf({ fourEyes: true, onBlind: 'rollback' }),
  planOf({
    killSwitch: { flag: 'k', autoTrip: false, trip: [{ metric: 'errorRate', limit: '10%' }] },
    abortCriteria: [{ metric: 'errorRate', limit: '2%', attribution: 'required' }],
    stages: [
      {
        name: 'canary',
        percentage: 5,
        duration: '1h',
        onFail: 'extend',
        onInconclusive: 'extend',
        gate: [{ metric: 'errorRate', limit: '1%' }],
      },
      {
        name: 'wide',
        percentage: 25,
        duration: '1h',
        onFail: 'hold',
        gate: [{ metric: 'errorRate', limit: 'control + 0.5%' }],
      },
      {
        name: 'ga',
        percentage: 100,
        holdback: 2,
        duration: 'permanent',
        monitor: '1h',
        gate: [{ metric: 'errorRate', limit: '1%' }],
      },
    ],
    preflight: [],
    exit: [],
  }),
  planOf({
    gates: [
      { webhook: 'https://gates.example.com/', name: 'window' },
      { signal: 'error-budget', when: 'during', every: '5m' },
      { webhook: 'https://gates.example.com/undo', name: 'undo', when: 'rollback' },
    ],
  }),
];

const has = (step: Step, type: RolloutEvent['type']) => step.events.some((event) => event.type === type);
const find = <T extends RolloutEvent['type']>(step: Step, type: T) =>
  step.events.find((event): event is Extract<RolloutEvent, { type: T }> => event.type === type);

/** When gates of `during` were not open since the last stage was entered, told from the events alone. */
function shutTimes({ gates = [] }: RolloutState['plan'], records: Drive['records'], now: number): [number, number][] {
  const from = records.findLastIndex((one) => one.event.type === 'StageEntered');
  return gates.flatMap(({ name, when }) => {
    if (when !== 'during') return [];
    let shutAt: number | undefined = records[from]?.at;
    const times: [number, number][] = [];
    for (const { at, event } of records.slice(from)) {
      if (event.type !== 'GateAnswered' || event.gate !== name) continue;
      if (event.open && shutAt !== undefined) times.push([shutAt, at]);
      shutAt = event.open ? undefined : (shutAt ?? at);
    }
    return shutAt === undefined ? times : [...times, [shutAt, now]];
  });
}

/** Served time of the running stage, told from the events alone: wall time outside every hold, blindness and invalid data. */
function servedByHistory(drive: Drive, step: Step): number {
  const records = drive.records.slice(0, step.before.version);
  const from = records.findLastIndex((one) => one.event.type === 'StageEntered');
  const open = new Map<string, number>();
  const stopped: [number, number][] = [];
  const ends: Record<string, string> = {
    RolloutResumed: 'RolloutHeld',
    SightReturned: 'SightLost',
    DataFoundValid: 'DataFoundInvalid',
  };
  for (const { at, event } of records) {
    if (['RolloutHeld', 'DataFoundInvalid'].includes(event.type)) open.set(event.type, open.get(event.type) ?? at);
    if (event.type === 'SightLost') open.set(event.type, event.since);
    const started = open.get(ends[event.type] ?? '');
    if (started !== undefined) stopped.push([started, at]);
    open.delete(ends[event.type] ?? '');
    if (event.type === 'RolloutAborted') open.clear();
  }
  stopped.push(...shutTimes(step.before.plan, drive.records.slice(0, step.before.version), step.at));
  const enteredAt = records[from]?.at ?? step.at;
  const cuts = [...stopped, ...[...open.values()].map((at): [number, number] => [at, step.at])].sort(
    ([a], [b]) => a - b,
  );
  let seen = enteredAt;
  let served = 0;
  for (const [start, end] of cuts) {
    served += Math.max(0, Math.min(start, step.at) - seen);
    seen = Math.max(seen, end);
  }
  return served + Math.max(0, step.at - seen);
}

function checkRaise(drive: Drive, step: Step): void {
  const entered = step.events.filter((event) => event.type === 'StageEntered');
  expect(entered.length).toBeLessThanOrEqual(1);
  const rose = !coversLayers(step.before.layers, step.after.layers);
  expect(rose ? entered.length : 1, 'I1: exposure rises by entering a stage alone').toBe(1);
  for (const event of entered) {
    const from = step.before.phase === 'exposing' ? (step.before.stage?.index ?? -1) : -1;
    expect(event.index, 'I1, I5: the next stage').toBe(from + 1);
    expect(step.after.layers).toEqual(layersOf(step.before.plan, event.index));
    expect(step.before.killed && step.command?.type !== 'Rearm', 'I6').toBe(false);
    const isFixed = step.before.incidents.at(-1)?.fix !== undefined;
    const isInsidePlan = step.before.phase === 'aborted' && isFixed && !step.before.plan.fourEyes;
    const isByHand = ['Proceed', 'Retry', 'Approve'].includes(step.command?.type ?? '');
    if (isByHand && !(step.command?.type === 'Approve' && isInsidePlan)) {
      expect(step.by.kind, "a raise past the plan is a person's").toBe('person');
    }
    if (step.judgement !== undefined && from >= 0) checkProceed(drive, step);
  }
  if (has(step, 'RolloutCompleted')) checkProceed(drive, step);
}

/** I2, for what Rampart does by itself. */
function checkProceed(drive: Drive, step: Step): void {
  const { before, judgement, at } = step;
  const run = before.stage!;
  const stage = before.plan.stages[run.index]!;
  expect(servedMs(before, at)).toBeLessThanOrEqual(servedByHistory(drive, step));
  expect(servedMs(before, at)).toBeGreaterThanOrEqual(stage.durationMs ?? before.plan.monitorMs);
  expect(judgement?.freshAt).toBeGreaterThanOrEqual(at - silenceMs(before.plan));
  const { hold, dataInvalid, killed, alerting } = step.after;
  expect([before.hold, hold, dataInvalid, killed, alerting]).toEqual([undefined, undefined, undefined, false, []]);
  expect(stage.confirmations.every((text) => `${stage.name}: ${text}` in before.confirmations)).toBe(true);
  for (const gate of gatesNow(before).filter(({ when }) => when !== 'rollback')) {
    const answer = before.gates?.[gate.name];
    expect(answer, 'every external gate is open').toMatchObject({ open: true });
    expect(at - (answer?.at ?? 0), 'and has said so lately').toBeLessThanOrEqual(4 * gate.everyMs);
  }
  for (const verdict of judgement?.verdicts ?? []) {
    if (verdict.tier !== 'alert') expect(verdict.status).not.toBe('fail');
    if (verdict.tier === 'gate' && before.phase === 'exposing') expect(verdict.status).toBe('pass');
  }
}

function checkLowering(step: Step): void {
  const fell = !coversLayers(step.after.layers, step.before.layers);
  const aborted = find(step, 'RolloutAborted');
  if (fell) expect(aborted !== undefined || has(step, 'RolloutCancelled'), 'I3').toBe(true);
  if (aborted || has(step, 'KillSwitchTripped')) expect(step.after.layers, 'I4').toEqual([]);
  if (aborted?.kind === 'external-gate') expect(step.command, 'I3').toMatchObject({ gate: 'undo', open: false });
  if (aborted === undefined || step.judgement === undefined) return;
  if (aborted.kind === 'telemetry-missing') expect(step.judgement.telemetryMissing).toBeDefined();
  else if (aborted.kind === 'blind') expect(step.before.plan.onBlind).toBe('rollback');
  else expect(aborted.verdict?.status, 'I3').toBe('fail');
}

function checkRetry(step: Step): void {
  if (!has(step, 'AttemptStarted') || step.before.phase !== 'aborted') return;
  const isFixed = step.before.incidents.at(-1)?.fix !== undefined;
  expect(isFixed || has(step, 'OverrideRecorded'), 'a retry follows a fix or a reason').toBe(true);
}

function checkEnd(step: Step): void {
  if (step.before.killed && !step.after.killed) expect(step.by.kind, 'I6').toBe('person');
  if (step.before.phase !== 'complete' && step.before.phase !== 'cancelled') return;
  const { phase, layers, epoch, killed } = step.before;
  expect(step.after, 'I8').toMatchObject({ phase, layers, epoch });
  // A latch may still be lifted, so that it does not stop the next rollout; exposure stays as it is.
  expect(killed || !step.after.killed, 'I8').toBe(true);
}

/** Whatever stands in the way of an advance stands in the way of no abort. */
function checkLowerable({ state, now }: Drive): void {
  const phases = ['preflight', 'baseline', 'exposing', 'monitoring'];
  if (!phases.includes(state.phase)) return;
  const kill = decide(state, { type: 'Kill', reason: 'x' }, OTHER_AGENT, now);
  expect(state.killed || (kill.ok && kill.events.at(-1)?.type === 'RolloutAborted'), 'I4').toBe(true);
  expect(decide(state, { type: 'Abort', reason: 'x' }, OTHER_AGENT, now), 'I4').toMatchObject({
    ok: true,
    events: [{ type: 'RolloutAborted' }],
  });
}

function refold(drive: Drive): EvidenceState {
  return drive.batches.reduce<EvidenceState>((evidence, { batch, version }) => {
    return foldEvidence(evidence, batch, replay(drive.records.slice(0, version)) as RolloutState);
  }, NO_EVIDENCE);
}

describe('a rollout, whatever happens to it', () => {
  it('keeps invariants I1 to I8', () => {
    const life = fc.record({
      plan: fc.constantFrom(...PLANS),
      begun: fc.constantFrom(undefined, 'canary', 'canary', 'wide', 'ga'),
      happenings: fc.array(happening, { maxLength: 25, size: 'max' }),
    });
    const reached = new Set<string>();
    fc.assert(
      fc.property(life, ({ plan, begun, happenings }) => {
        const drive = new Drive(plan);
        if (begun !== undefined) drive.reach(begun);
        for (const one of happenings) happen(drive, one);
        for (const step of drive.steps) {
          for (const event of step.events) reached.add(event.type);
          checkRaise(drive, step);
          checkLowering(step);
          checkEnd(step);
          checkRetry(step);
        }
        checkLowerable(drive);
        expect(replay(drive.records), 'I7').toEqual(drive.state);
        expect(refold(drive), 'I7').toEqual(drive.evidence);
        expect(JSON.parse(JSON.stringify([drive.evidence, drive.judgement ?? null])), 'finite').toEqual([
          drive.evidence,
          drive.judgement ?? null,
        ]);
      }),
      { numRuns: 150 },
    );
    expect([...reached]).toEqual(
      expect.arrayContaining([
        'StageEntered',
        'StagePassed',
        'RolloutAborted',
        'KillSwitchTripped',
        'AttemptStarted',
        'RolloutCompleted',
        'SightLost',
        'SightReturned',
        'ProposalMade',
        'GateAnswered',
      ]),
    );
  });
});
