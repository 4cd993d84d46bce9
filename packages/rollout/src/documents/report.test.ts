import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RolloutEvent } from '../event.ts';
import type { Plan } from '../plan.ts';
import {
  DAY_MS,
  entered,
  type Happening,
  opening,
  recordsFrom,
  SAMPLE_PLAN,
  START_AT,
  sampleHappenings,
  snapshots,
  stateOf,
  verdict,
} from './arbitraries.contract.ts';
import { renderReport } from './report.ts';

function report(happenings: readonly Happening[], now = START_AT + 5 * DAY_MS, timeZone?: string): string {
  const records = recordsFrom(happenings);
  return renderReport(records, stateOf(records), timeZone === undefined ? { now } : { now, timeZone });
}

const SECTIONS = [
  'Configuration',
  'Stage History',
  'Metrics',
  'Issues Discovered',
  'Decision',
  'Attempts',
  'Evidence',
  'People',
  'Overrides',
  'Timeline',
];
const sectionsOf = (markdown: string) => markdown.match(/^## .*$/gm)?.map((line) => line.slice(3));
const section = (markdown: string, title: string) => markdown.split(`## ${title}\n\n`)[1]?.split('\n\n## ')[0];

const ABORT: RolloutEvent = {
  type: 'RolloutAborted',
  kind: 'criterion',
  reason: 'errors',
  incident: 1,
  stage: 'beta',
  epoch: 4,
  people: { treatment: 1, control: 1, targeted: 1 },
  metrics: snapshots(0.021, 0.4),
  failed: [],
};

/** Strings made of whatever has a meaning in Markdown, HTML or a terminal, and anything at all. */
const HOSTILE = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '\n',
        '\r',
        '## ',
        '# x',
        '|',
        '\\',
        '<b>',
        '`',
        '- [x] ',
        '---',
        '***',
        '\u001b[2J',
        '\u2028',
        ' ',
        'a',
        '1. ',
      ),
    )
    .map((parts) => parts.join('')),
);

describe('renderReport', () => {
  it('reproduces the sample report of the workflow', () => {
    expect(report(sampleHappenings())).toBe(`# Rollout Report: XYZ

## Configuration

- **Feature flag**: feature-xyz
- **Start date**: 2026-01-05 09:00 UTC
- **Current stage**: beta (25 %)
- **Plan version**: build-4711
- **Environment**: production
- **Report as of**: 2026-01-10 09:00 UTC

## Stage History

| Stage | Start | End | Result |
| --- | --- | --- | --- |
| internal | 2026-01-05 09:00 UTC | 2026-01-06 09:00 UTC | ✅ Passed |
| canary | 2026-01-06 09:00 UTC | 2026-01-08 09:00 UTC | ✅ Passed |
| beta | 2026-01-08 09:00 UTC | – | 🔄 In Progress |

## Metrics

### Error rate

| Stage | Baseline | Observed | Status |
| --- | --- | --- | --- |
| internal | 0.1 % | 0.09 % | ✅ Pass |
| canary | 0.1 % | 0.11 % | ✅ Pass |
| beta | 0.1 % | 0.12 % | ✅ Pass |

### P99 latency

| Stage | Baseline | Observed | Status |
| --- | --- | --- | --- |
| internal | 400 ms (control) | 390 ms | ✅ Pass |
| canary | 400 ms (control) | 412 ms | ✅ Pass |
| beta | 400 ms (control) | 420 ms | ✅ Pass |

## Issues Discovered

- Slow search: Fixed in canary
  - minor, found in internal
- Memory grows: Monitoring
  - major, found in canary, https://t.example/2

## Decision

- [x] Proceed to next stage
- [ ] Hold
- [ ] Rollback

Why: every check passes; next: ga (100 %) in 5 d.

## Attempts

| Attempt | Version | Start | End | Outcome | People | Statistics |
| --- | --- | --- | --- | --- | --- | --- |
| 1 | build-4711 | 2026-01-05 07:00 UTC | – | in progress | First | lineage 1 |

## Evidence

### Error rate (gate, 1 %)

- Judged: 2026-01-09 09:00 UTC in beta
- Status: ✅ Pass (gate)
- Value: 0.12 %
- Limit: 1 % (fails beyond 1 %, passes within 1 %)
- Reference: control 0.11 %
- 95 % interval: 0.08 % to 0.18 %
- Observations: 12,000 treatment, 36,000 control
- Evidence of a breach: log e -4.2 of 4.4 needed
- Evidence of safety: log e 5.1 of 3.0 needed
- Method: a3 bounded rate (validity: exact)
- Source: telemetry
- Would change it: about 120 more errors

## People

Owners: operator team-web; analyst agent:triage; stakeholders product@example.com

| Pre-flight | Given | By | Evidence |
| --- | --- | --- | --- |
| launch-readiness | 2026-01-05 08:00 UTC | bo | https://ci.example/1 |

| When | Role | Principal | Step |
| --- | --- | --- | --- |
| 2026-01-05 06:00 UTC | operator | ana | Created the rollout |
| 2026-01-05 07:00 UTC | operator | ana | Started attempt 1 |
| 2026-01-05 07:00 UTC | operator | ana | Started pre-flight |
| 2026-01-05 08:00 UTC | approver | bo | Gave "launch-readiness" |
| 2026-01-05 09:00 UTC | system | Rampart | Entered internal |
| 2026-01-05 11:00 UTC | operator | ana | Added issue 1 |
| 2026-01-06 09:00 UTC | system | Rampart | Passed internal |
| 2026-01-06 09:00 UTC | system | Rampart | Entered canary |
| 2026-01-06 10:00 UTC | operator | ana | Set issue 1 to fixed |
| 2026-01-07 09:00 UTC | operator | ana | Added issue 2 |
| 2026-01-07 09:00 UTC | operator | ana | Set issue 2 to monitoring |
| 2026-01-08 09:00 UTC | system | Rampart | Passed canary |
| 2026-01-08 09:00 UTC | system | Rampart | Entered beta |

## Overrides

None.

## Timeline

- **2026-01-05 06:00 UTC**: ana created the rollout of feature-xyz build-4711 in production
- **2026-01-05 07:00 UTC**: ana started attempt 1 with version build-4711, statistics lineage 1 and the flag's own bucketing
- **2026-01-05 07:00 UTC**: ana started pre-flight, which needs: launch-readiness
- **2026-01-05 08:00 UTC**: bo gave the pre-flight item "launch-readiness" (evidence: https://ci.example/1)
- **2026-01-05 09:00 UTC**: Rampart entered stage internal, exposing 0.5 % of team for at least 1 d: gate passed
- **2026-01-05 11:00 UTC**: ana added minor issue 1: Slow search
- **2026-01-06 09:00 UTC**: Rampart passed stage internal
- **2026-01-06 09:00 UTC**: Rampart entered stage canary, exposing 0.5 % of team + 5 % of everyone for at least 2 d: gate passed
- **2026-01-06 10:00 UTC**: ana set issue 1 to fixed
- **2026-01-07 09:00 UTC**: ana added major issue 2: Memory grows
- **2026-01-07 09:00 UTC**: ana set issue 2 to monitoring
- **2026-01-08 09:00 UTC**: Rampart passed stage canary
- **2026-01-08 09:00 UTC**: Rampart entered stage beta, exposing 0.5 % of team + 25 % of everyone for at least 7 d: gate passed
- **2026-01-09 09:00 UTC**: Checks judged: errorRate (1 %) pass
`);
  });

  it('says held, and why, while a person holds the stage', () => {
    const held: Happening = [4 * DAY_MS, 'ana', { type: 'RolloutHeld', reason: 'legal | review' }];
    const text = report([...sampleHappenings(), held]);
    expect(text).toMatch(/^\| beta \| .* \| ⏸ Held \|$/m);
    expect(section(text, 'Decision')).toBe(
      '- [ ] Proceed to next stage\n- [x] Hold\n- [ ] Rollback\n\nWhy: held by ana: legal \\| review.',
    );
  });

  it('says rolled back after an abort and tells the attempts apart after a retry', () => {
    const aborted: readonly Happening[] = [
      ...sampleHappenings(),
      [5 * DAY_MS, 'rampart', ABORT],
      [6 * DAY_MS, 'bo', { type: 'FixRecorded', incident: 1, text: 'Pool size' }],
    ];
    const rolledBack = report(aborted);
    expect(section(rolledBack, 'Decision')).toContain('- [x] Rollback\n\nWhy: incident 1: errors');
    expect(section(rolledBack, 'Configuration')).toContain('- **Current stage**: none (aborted)');
    expect(rolledBack).toMatch(/^\| beta \| .* \| 🚫 Rolled back \|$/m);
    const retried = report([
      ...aborted,
      [6 * DAY_MS, 'ana', { type: 'AttemptStarted', attempt: 2, version: 'build-4712', statistics: 2, salt: 'x#2' }],
      [6 * DAY_MS, 'rampart', entered(0, 5)],
      [7 * DAY_MS, 'ana', { type: 'RolloutCancelled', reason: 'no longer needed' }],
      [7 * DAY_MS, 'ana', { type: 'AttemptStarted', attempt: 3, version: 'build-4712', statistics: 2, salt: 'x#2' }],
    ]);
    expect(retried).toMatch(/^\| internal \(attempt 1\) \| .* \| ✅ Passed \|$/m);
    expect(retried).toMatch(/^\| internal \(attempt 2\) \| /m);
    expect(section(retried, 'Configuration')).toContain('- **Plan version**: build-4712');
    expect(section(retried, 'Attempts')).toMatch(
      /\| aborted \| First \| lineage 1 \|\n\| 2 .*\| cancelled \| Fresh \| lineage 2 \|\n\| 3 .*Same/,
    );
  });

  it('says monitoring at 100 % and which exit items are open', () => {
    const text = report([
      ...sampleHappenings(),
      [10 * DAY_MS, 'rampart', entered(3, 4)],
      [10 * DAY_MS, 'rampart', { type: 'MonitoringStarted', untilAt: START_AT + 24 * DAY_MS }],
    ]);
    expect(text).toContain('- **Current stage**: ga (100 %), monitoring');
    expect(section(text, 'Decision')).toContain(
      'Why: monitoring before the exit gate, 0 ms left; exit items open: docs-updated.',
    );
  });

  it('lists overrides of the plan and of people', () => {
    const text = report([
      ...sampleHappenings({ ...SAMPLE_PLAN, override: 'demo' }),
      [4 * DAY_MS, 'ana', { type: 'OverrideRecorded', what: 'proceed from beta', reason: 'launch day' }],
    ]);
    expect(section(text, 'Overrides')?.split('\n').slice(2)).toEqual([
      '| 2026-01-05 06:00 UTC | ana | accept the plan | demo |',
      '| 2026-01-09 09:00 UTC | ana | proceed from beta | launch day |',
    ]);
  });

  it('says so where there is nothing yet: a draft has neither stages nor evidence', () => {
    const text = report(opening({ ...SAMPLE_PLAN, title: '', owners: { stakeholders: [] } }).slice(0, 1));
    expect(text).toContain('# Rollout Report: feature-xyz\n');
    expect(text).toContain('- **Start date**: not exposed yet');
    expect(section(text, 'Stage History')).toBe('No stage entered yet.');
    expect(section(text, 'Metrics')).toBe('Nothing measured yet.');
    expect(section(text, 'Issues Discovered')).toBe('None.');
    expect(section(text, 'Decision')).toBe(
      '- [ ] Proceed to next stage\n- [ ] Hold\n- [ ] Rollback\n\nWhy: not started.',
    );
    expect(section(text, 'Attempts')).toBe('Not started yet.');
    expect(section(text, 'Evidence')).toBe('No check judged yet.');
    expect(section(text, 'People')).toMatch(/^Owners: none named/);
  });

  it('prints dates in the zone asked for, with the offset', () => {
    const text = report(sampleHappenings(), START_AT, 'Europe/Paris');
    expect(text).toContain('- **Start date**: 2026-01-05 10:00 GMT+1');
    expect(text).not.toContain('UTC');
  });

  it('shows metrics in the order of the checks, whatever order a store gave them', () => {
    const records = recordsFrom(sampleHappenings());
    const state = stateOf(records);
    const stored = Object.fromEntries(Object.entries(state.plan.metrics).reverse());
    const text = renderReport(records, { ...state, plan: { ...state.plan, metrics: stored } }, { now: START_AT });
    expect(text).toBe(renderReport(records, state, { now: START_AT }));
  });

  it('shows metrics that the plan does not know after those it does', () => {
    const extra = [...snapshots(0.001, 0.4), { metric: 'zeal|x', count: 1, status: 'no-data' as const }];
    const text = report([
      ...sampleHappenings(),
      [5 * DAY_MS, 'rampart', { type: 'ChecksJudged', verdicts: [verdict()], metrics: extra.reverse() }],
    ]);
    expect(text.match(/^### .*$/gm)).toEqual([
      '### Error rate',
      '### P99 latency',
      '### Zeal\\|x',
      '### Error rate (gate, 1 %)',
    ]);
    expect(section(text, 'Metrics')).toContain('| beta | – | – | ❔ No data |');
  });

  it('leaves judgements that bring no news out of the timeline', () => {
    const again: Happening = [
      5 * DAY_MS,
      'rampart',
      { type: 'ChecksJudged', verdicts: [verdict({ value: 0.0013 })], metrics: snapshots(0.0013, 0.42) },
    ];
    const text = report([...sampleHappenings(), again]);
    expect(section(text, 'Timeline')?.match(/Checks judged/g)).toHaveLength(1);
    expect(section(text, 'Evidence')).toContain('- Value: 0.13 %');
  });

  it('keeps its structure and never throws, whatever people write', () => {
    fc.assert(
      fc.property(HOSTILE, HOSTILE, HOSTILE, (one, two, three) => {
        const plan: Plan = {
          ...SAMPLE_PLAN,
          title: one,
          flag: two,
          version: three,
          owners: { operator: one, stakeholders: [two] },
        };
        const text = report([
          ...sampleHappenings(plan),
          [4 * DAY_MS, two, { type: 'RolloutHeld', reason: one }],
          [4 * DAY_MS, three, { type: 'OverrideRecorded', what: one, reason: two }],
          [4 * DAY_MS, one, { type: 'IssueAdded', number: 3, title: three, severity: 'critical', link: one }],
          [
            4 * DAY_MS,
            'rampart',
            {
              type: 'AlertRaised',
              check: two,
              verdict: verdict({ check: two, metric: one, note: three, limit: three }),
            },
          ],
        ]);
        expect(sectionsOf(text)).toEqual(SECTIONS);
        expect(text.match(/^# /gm)).toHaveLength(1);
        expect(text.match(/^- \[/gm)).toHaveLength(3);
        expect(text.replaceAll('\n', '')).not.toMatch(/<|\p{Cc}/u);
        const overrideCells = section(text, 'Overrides')
          ?.split('\n')
          .at(-1)
          ?.match(/(?<!\\)(?:\\\\)*\|/g);
        expect(overrideCells).toHaveLength(5);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the timeline', () => {
  it('folds losses of sight that follow one another into one line', () => {
    const lost: RolloutEvent = { type: 'SightLost', since: START_AT, why: 'silence' };
    const back: RolloutEvent = { type: 'SightReturned' };
    const text = (...events: readonly RolloutEvent[]) =>
      report([...opening(), ...events.map((event): Happening => [DAY_MS, 'rampart', event])]);
    const lines = (markdown: string) => section(markdown, 'Timeline')?.match(/Fresh evidence is back.*$/gm);
    expect(lines(text(lost, back))).toEqual(['Fresh evidence is back']);
    expect(lines(text(lost, back, lost, back))).toEqual(['Fresh evidence is back (lost and back 1 time more)']);
    expect(lines(text(lost, back, lost, back, lost, back, lost))).toEqual([
      'Fresh evidence is back (lost and back 2 times more)',
    ]);
    expect(section(text(lost, back, lost, back, lost), 'Timeline')?.match(/No fresh evidence/g)).toHaveLength(2);
  });
});
