import type { ApiClient, RolloutView } from '@rampart/api';
import {
  applyAll,
  decide,
  type EventRecord,
  type Principal,
  parsePlan,
  RAMPART,
  type RolloutCommand,
  type RolloutState,
} from '@rampart/rollout';
import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { attend, type Cast } from './cast.ts';
import { explainFailure, renderEnding } from './demo-ending.ts';
import { isOver, isSettled, outcomeOf } from './demo-outcome.ts';
import { DEMO_TIME_SCALE, type DemoPlan, DIGEST_TURBO, SUMMARY_OUTLINE } from './demo-plans.ts';
import { boardOf, eventLine, statusLine } from './progress.ts';
import { Screen } from './screen.ts';

const T0 = Date.UTC(2026, 0, 5, 9);
const PLAIN = picocolors.createColors(false);

const ANA: Principal = { id: 'ana', kind: 'person', roles: ['operator'] };

/** A rollout of a plan of the demo, moved on by the real core. Time is in epoch milliseconds. */
class DemoRollout {
  readonly records: EventRecord[] = [];
  state: RolloutState | undefined;

  constructor(plan: DemoPlan, now: number) {
    const parsed = parsePlan(plan.text, { file: plan.file, now, timeScale: DEMO_TIME_SCALE });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
    this.give({ type: 'Create', id: `${plan.flag}-1`, plan: parsed.plan, warnings: parsed.warnings }, now);
    this.give({ type: 'Start' }, now);
  }

  /** Gives every pre-flight item and a baseline without metrics: the first stage begins. */
  begin(now: number): void {
    for (const item of Object.keys(this.state!.preflight)) {
      this.give({ type: 'Approve', item, evidence: 'https://wiki.example.com/launch' }, now);
    }
    this.give({ type: 'CaptureBaseline', baseline: { fromAt: now, toAt: now, metrics: {} } }, now, RAMPART);
  }

  give(command: RolloutCommand, now: number, by: Principal = ANA): void {
    const decision = decide(this.state, command, by, now);
    if (!decision.ok) throw new Error(`${decision.code}: ${decision.message}`);
    const version = this.state?.version ?? 0;
    const records = decision.events.map((event, index) => ({
      version: version + index + 1,
      at: now,
      by: by.id,
      event,
    }));
    this.records.push(...records);
    this.state = applyAll(this.state, decision.events, by, now);
  }

  view(now: number): RolloutView {
    return { state: this.state!, now, waitingFor: [] };
  }
}

function begun(plan: DemoPlan): DemoRollout {
  const rollout = new DemoRollout(plan, T0);
  rollout.begin(T0 + 100);
  return rollout;
}

describe('the plans of the demo', () => {
  it.each([SUMMARY_OUTLINE, DIGEST_TURBO])(
    '$flag is valid without a warning, and ends within a minute and a half',
    (plan) => {
      const parsed = parsePlan(plan.text, { file: plan.file, now: T0, timeScale: DEMO_TIME_SCALE });
      expect(parsed).toMatchObject({ ok: true, warnings: [] });
      if (!parsed.ok) return;
      const { stages, baseline, monitorMs } = parsed.plan;
      const stagesMs = stages.reduce((sum, stage) => sum + (stage.durationMs ?? 0), 0);
      expect(baseline.windowMs + stagesMs + monitorMs).toBeLessThan(90_000);
    },
  );

  it('differ in the flag and the kill switch, not in their limits', () => {
    const limits = (plan: DemoPlan) => plan.text.slice(plan.text.indexOf('owners:'), plan.text.indexOf('exit:'));
    expect(limits(DIGEST_TURBO)).toBe(limits(SUMMARY_OUTLINE));
  });
});

describe('the people of the demo', () => {
  async function given(rollout: DemoRollout, now: number): Promise<readonly string[]> {
    const items: string[] = [];
    const person = (name: string) => ({
      command: async (_: string, command: { item: string }) => void items.push(`${name}: ${command.item}`),
    });
    // Stands in for clients of the API: only commands are given.
    const cast = { ana: person('ana'), olga: person('olga'), pia: person('pia') } as unknown as Record<
      string,
      ApiClient
    >;
    await attend(rollout.view(now), cast as Cast, 'http://127.0.0.1:1');
    return items;
  }

  it('give the pre-flight items that Rampart cannot see for itself, each by the one it belongs to', async () => {
    const rollout = new DemoRollout(SUMMARY_OUTLINE, T0);
    expect(await given(rollout, T0)).toEqual(['pia: launch-readiness', 'olga: dashboards-ready']);
  });

  it('confirm a stage only after having watched half of it', async () => {
    const rollout = begun(SUMMARY_OUTLINE);
    const half = rollout.state!.stage!.durationMs / 2;
    rollout.give({ type: 'Tick' }, T0 + 200, RAMPART);
    expect(await given(rollout, T0 + half - 1000)).toEqual([]);
    expect(await given(rollout, T0 + half + 1000)).toEqual(['olga: No critical bugs']);
  });
});

describe('the outcome of a rollout', () => {
  it('of an abort tells when, why and how many people', () => {
    const rollout = begun(DIGEST_TURBO);
    const people = { treatment: 30, control: 90, targeted: 12 };
    rollout.give({ type: 'Abort', reason: 'it hallucinates', people }, T0 + 2600);
    expect(isOver(rollout.state!)).toBe(true);
    expect(isSettled(rollout.state!)).toBe(false);
    rollout.give({ type: 'ConfirmEffect', incident: 1, acknowledged: 1, connected: 1 }, T0 + 2800, RAMPART);
    expect(isSettled(rollout.state!)).toBe(true);
    expect(outcomeOf(rollout.view(T0 + 5000), rollout.records, 'aborted')).toEqual({
      flag: 'digest-turbo',
      rollout: 'digest-turbo-1',
      phase: 'aborted',
      asExpected: true,
      stage: 'internal',
      why: 'it hallucinates',
      tookSeconds: 2.6,
      detectedAfterSeconds: 2.5,
      peopleExposed: 42,
    });
  });

  it('that is not what it should be is explained, and only then', () => {
    const rollout = begun(SUMMARY_OUTLINE);
    const running = outcomeOf(
      { ...rollout.view(T0 + 5000), waitingFor: ['fresh evidence'] },
      rollout.records,
      'complete',
    );
    expect(explainFailure([running])).toContain(
      'summary-outline did not come to its end in time (exposing); it waits for fresh',
    );
    rollout.give({ type: 'Abort', reason: 'too slow' }, T0 + 6000);
    const aborted = outcomeOf(rollout.view(T0 + 6000), rollout.records, 'complete');
    expect(explainFailure([aborted])).toContain('the good feature, and Rampart aborted it: too slow');
    expect(explainFailure([{ ...aborted, phase: 'complete' }])).toContain(
      'the bad feature, and Rampart let it through',
    );
    expect(explainFailure([{ ...aborted, asExpected: true }])).toBeUndefined();
  });
});

describe('the ending', () => {
  it('shows the reports down to their decision, where the rest is, and how to go on', () => {
    const report = {
      path: '/p/a.report.md',
      text: '# Rollout Report: A\n\n## Decision\n\nWhy: x.\n\n## Attempts\n\n| 1 |\n\n## People\n',
    };
    const incident = { path: '/p/a.incident-1.md', text: '# Incident' };
    const papers = { reports: [report], incidents: [incident] };
    const text = renderEnding({ outcomes: [], papers, seed: 3, tookSeconds: 70 }, PLAIN);
    expect(text).toContain('Why: x.\n\n(Attempts, People: in /p/a.report.md)');
    expect(text).not.toContain('| 1 |');
    expect(text).toContain('incident  /p/a.incident-1.md');
    expect(text).toContain('npx rampart start FILE');
  });
});

describe('progress', () => {
  it('tells events with their time and flag, no line wider than the screen', () => {
    const rollout = begun(SUMMARY_OUTLINE);
    const entered = rollout.records.find(({ event }) => event.type === 'StageEntered')!;
    const lines = eventLine(entered, rollout.view(T0), 12_345, 70)!.split('\n');
    expect(lines[0]).toMatch(/^ {2}12\.3 s {2}summary-outline {3}Rampart entered stage internal/);
    expect(lines.length).toBeGreaterThan(1);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(70);
    expect(statusLine(rollout.view(T0 + 1100), 1100, 100)).toContain('internal 1.0 of 12.0 s, exposed: 100 % of team');
  });

  it('draws a board that fits, in place of the one before', () => {
    const rollout = begun(DIGEST_TURBO);
    const board = boardOf([rollout.view(T0 + 3000)], 'load: 600 requests', 60, PLAIN);
    expect(board).toContain('Turbo digests');
    expect(Math.max(...board.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    let out = '';
    const write = (text: string) => {
      out += text;
    };
    const screen = new Screen({ write, isLive: true, width: () => 60, paint: PLAIN });
    screen.draw(() => 'one\ntwo');
    screen.log('news');
    screen.draw(() => 'three');
    screen.clear();
    expect(out).toBe('one\ntwo\n\u001B[2A\u001B[0Jnews\nthree\n\u001B[1A\u001B[0J');
  });

  it('draws nothing where nothing can be redrawn', () => {
    let out = '';
    const write = (text: string) => {
      out += text;
    };
    new Screen({ write, isLive: false, width: () => 60, paint: PLAIN }).draw(() => 'board');
    expect(out).toBe('');
  });
});
