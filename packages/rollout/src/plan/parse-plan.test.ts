import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePlan, planFromObject } from './parse-plan.ts';
import { PLAN_ISSUE_CODES } from './plan-issue-codes.ts';

const HEAD = 'flag: f\nstages:\n';
const CANARY = '  - { name: canary, percentage: 5, duration: 1d, gate: [ { confirm: ok } ] }\n';
const GA = '  - { name: ga, percentage: 100 }\n';
const GOOD = HEAD + CANARY + GA;

type Issues = { readonly at: readonly string[]; readonly said: readonly string[]; readonly ok: boolean };

/** Issues of a text (the warnings of a valid one), as `code path`, and their places as `file:line:column`. */
function issuesOf(text: string, options = {}): Issues {
  const result = parsePlan(text, { file: 'p.yaml', ...options });
  const issues = result.ok ? result.warnings : result.issues;
  for (const issue of issues) {
    expect(PLAN_ISSUE_CODES).toContain(issue.code);
    expect(issue.message.length).toBeGreaterThan(10);
  }
  return {
    ok: result.ok,
    at: issues.map(({ file, line, column }) => `${file}:${line}:${column}`),
    said: issues.map(({ code, path }) => `${code} ${path}`.trim()),
  };
}

/** Takes the marks out of a text and gives their places. */
function unmark(marked: string): { readonly text: string; readonly places: readonly string[] } {
  const parts = marked.split('§');
  const places = parts.slice(0, -1).map((_, index) => {
    const lines = parts
      .slice(0, index + 1)
      .join('')
      .split('\n');
    return `p.yaml:${lines.length}:${lines.at(-1)!.length + 1}`;
  });
  return { text: parts.join(''), places };
}

/** Checks issues and their places against a marked text; the linter's advice to hold back is left out where not asked for. */
function expectIssues(marked: string, said: readonly string[], options = {}): void {
  const { text, places } = unmark(marked);
  const issues = issuesOf(text, options);
  const kept = issues.said.map((issue, index) => ({ issue, place: issues.at[index] }));
  const asked = kept.filter(({ issue }) => !issue.startsWith('no-holdback') || said.includes(issue));
  expect(asked.map(({ issue }) => issue)).toEqual(said);
  expect(asked.map(({ place }) => place)).toEqual(places);
}

function stages(...lines: readonly string[]): string {
  return `${HEAD}${lines.map((line) => `  - { ${line} }\n`).join('')}abortCriteria: { errorRate: 1% }\n`;
}

/** Name, text, issues. A `§` stands before each place, in the order of the issues; two of them for two issues at one place. */
// biome-ignore format: one case per line
const BAD: readonly (readonly [name: string, text: string, issues: readonly string[]])[] = [
  ['nothing', '§', ['wrong-type']],
  ['no mapping', '§- 1\n', ['wrong-type']],
  ['bad syntax', 'flag: f\nstages: [\n§', ['syntax']],
  ['a key twice', 'flag: f\n§flag: g\n', ['syntax']],
  ['two documents', `${GOOD}§---\nflag: g\n`, ['syntax']],
  ['an unknown alias', 'flag: §*f\n', ['syntax']],
  ['a circular alias', `${GOOD}notify: &n [ §*n ]\n`, ['syntax']],
  ['a misspelt key', `${GOOD}§abortCritera: { errorRate: 0.01 }\n`, ['unknown-key abortCritera']],
  ['a misspelt key of a stage', stages('name: a, percentage: 5, §duraton: 1d', 'name: ga, percentage: 100'), ['unknown-key stages[0].duraton']],
  ['a misspelt key of a check', `${GOOD}abortCriteria:\n  - §metric: errorRate\n    §limt: 1%\n`, ['missing-key abortCriteria[0].limit', 'unknown-key abortCriteria[0].limt']],
  ['a misspelt confirmation in a gate', stages('name: a, percentage: 5, duration: 1d, gate: [ §{ §confrim: all well } ]', 'name: ga, percentage: 100'), ['missing-key stages[0].gate[0].confirm', 'unknown-key stages[0].gate[0].confrim']],
  ['a gate item that is no mapping', stages('name: a, percentage: 5, duration: 1d, gate: [ §all well ]', 'name: ga, percentage: 100'), ['wrong-type stages[0].gate[0]']],
  ['a limit of a wrong type', `${GOOD}abortCriteria: { errorRate: §true }\n`, ['wrong-type abortCriteria.errorRate']],
  ['a wrong type', `${GOOD}fourEyes: §maybe\n`, ['wrong-type fourEyes']],
  ['a number that is not text', `${GOOD}version: §1.10\n`, ['wrong-type version']],
  ['a list where a mapping belongs', `${GOOD}owners: §[a]\n`, ['wrong-type owners']],
  ['a wrong union', `${GOOD}abortCriteria: §3\n`, ['wrong-type abortCriteria']],
  ['a wrong item', `${GOOD}abortCriteria: [ §3 ]\n`, ['wrong-type abortCriteria[0]']],
  ['an unknown word', stages('name: a, percentage: 5, duration: 1d, onFail: §rolback', 'name: ga, percentage: 100'), ['unknown-value stages[0].onFail']],
  ['no flag', '§title: t\nstages:\n  - { name: canary, percentage: 5, duration: 1d }\n  - { name: ga, percentage: 100 }\n', ['missing-key flag']],
  ['two flags', `${GOOD}§flagName: g\n`, ['conflicting-keys flagName']],
  ['an empty flag', 'flag: §" "\nstages:\n  - { name: canary, percentage: 5, duration: 1d }\n  - { name: ga, percentage: 100 }\n', ['invalid-name flag']],
  ['no stages', '§flag: f\n', ['missing-key stages']],
  ['empty stages', 'flag: f\nstages: §[]\n', ['empty-stages stages']],
  ['a stage without percentage', 'flag: f\nstages:\n  - §{ name: ga }\n', ['missing-key stages[0].percentage']],
  ['a stage without duration', 'flag: f\nstages:\n  - §{ name: a, percentage: 5 }\n  - { name: ga, percentage: 100 }\n', ['missing-key stages[0].duration']],
  ['a bad duration', stages('name: a, percentage: 5, duration: §1y', 'name: b, percentage: 9, duration: 1d', 'name: ga, percentage: 100'), ['invalid-duration stages[0].duration']],
  ['no duration at all', stages('name: a, percentage: 5, duration: §0h', 'name: b, percentage: 9, duration: 1d', 'name: ga, percentage: 100'), ['out-of-range stages[0].duration']],
  ['a longest duration below the least', stages('name: a, percentage: 5, duration: 1d, maxDuration: §1h', 'name: ga, percentage: 100'), ['out-of-range stages[0].maxDuration']],
  ['a longest duration of a permanent stage', stages('name: a, percentage: 5, duration: 1d', 'name: ga, percentage: 100, §maxDuration: 1h'), ['misplaced-key stages[1].maxDuration']],
  ['a percentage too fine', stages('name: a, percentage: §0.0001, duration: 1d', 'name: ga, percentage: 100'), ['percentage-too-fine stages[0].percentage']],
  ['a percentage out of range', stages('name: a, percentage: 5, duration: 1d', 'name: ga, percentage: §101'), ['percentage-out-of-range stages[1].percentage']],
  ['a percentage that is none', stages('name: a, percentage: 5, duration: 1d', 'name: ga, percentage: §all'), ['invalid-percentage stages[1].percentage']],
  ['a name twice', stages('name: a, percentage: 5, duration: 1d', 'name: §a, percentage: 100'), ['duplicate-stage stages[1].name']],
  ['exposure that stays', stages('name: a, percentage: 5, duration: 1d', 'name: b, percentage: 25, duration: 1d', 'name: c, percentage: §25, duration: 1d', 'name: d, percentage: 100'), ['not-rising stages[2].percentage']],
  ['exposure that falls', stages('name: a, percentage: 25, duration: 1d', 'name: b, percentage: §5'), ['not-rising stages[1].percentage']],
  ['an audience that is inside already', stages('name: a, percentage: 25, duration: 1d', 'name: b, audience: team, percentage: §10, duration: 1d', 'name: c, percentage: 100'), ['not-rising stages[1].percentage']],
  ['a hold-back that takes people out', stages('name: a, percentage: 98, duration: 1d', 'name: b, percentage: §100, holdback: 5'), ['not-rising stages[1].percentage']],
  ['a permanent stage in the middle', stages('name: a, percentage: 5, duration: §permanent', 'name: b, percentage: 9, duration: 1d', 'name: ga, percentage: 100'), ['permanent-not-last stages[0].duration']],
  ['an end before the end', stages('name: a, percentage: 5, duration: §1d'), ['last-stage-open stages[0].duration']],
  ['100 % at once', stages('name: ga, percentage: §100'), ['day-one stages[0].percentage']],
  ['100 % on day one', stages('name: a, percentage: 5, duration: 23h', 'name: ga, percentage: §100'), ['day-one stages[1].percentage']],
  ['100 % on day one with a hold-back', stages('name: a, percentage: 5, duration: 23h', 'name: ga, percentage: §100, holdback: 1'), ['day-one stages[1].percentage']],
  ['a hold-back in the middle', stages('name: a, percentage: 5, duration: 1d, §holdback: 1', 'name: ga, percentage: 100'), ['misplaced-key stages[0].holdback']],
  ['a hold-back of everyone', stages('name: a, percentage: 5, duration: 1d', 'name: ga, percentage: 100, holdback: §100'), ['percentage-out-of-range stages[1].holdback']],
  ['monitoring in the middle', stages('name: a, percentage: 5, duration: 1d, §monitor: 1w', 'name: ga, percentage: 100'), ['misplaced-key stages[0].monitor']],
  ['an unknown stage in a gate', stages('name: a, percentage: 5, duration: 1d', 'name: b, percentage: 9, duration: 1d, gate: [ { stage: §aa } ]', 'name: ga, percentage: 100'), ['unknown-stage stages[1].gate[0].stage']],
  ['a stage that includes itself', stages('name: a, percentage: 5, duration: 1d, gate: [ { stage: §a } ]', 'name: ga, percentage: 100'), ['unknown-stage stages[0].gate[0].stage']],
  ['an unknown metric', `${GOOD}abortCriteria: { §errorRat: 0.01 }\n`, ['unknown-metric abortCriteria.errorRat']],
  ['an unknown metric in a list', `${GOOD}abortCriteria: [ { metric: §errorRat, limit: 1% } ]\n`, ['unknown-metric abortCriteria[0].metric']],
  ['a unit that does not fit', `${GOOD}abortCriteria: { errorRate: §$2 }\n`, ['limit-unit abortCriteria.errorRate']],
  ['a unit that does not fit, in a list', `${GOOD}abortCriteria: [ { metric: errorRate, limit: §2s } ]\n`, ['limit-unit abortCriteria[0].limit']],
  ['a limit that is none', `${GOOD}abortCriteria: { errorRate: §low }\n`, ['invalid-limit abortCriteria.errorRate']],
  ['a limit out of range', `${GOOD}abortCriteria: { errorRate: §5 }\n`, ['limit-out-of-range abortCriteria.errorRate']],
  ['a limit too fine', `${GOOD}abortCriteria: { errorRate: §0.000001 }\n`, ['limit-too-fine abortCriteria.errorRate']],
  ['no alert limit', `${GOOD}metrics: { own: { kind: count, harm: higher } }\nabortCriteria: { own: §stable }\n`, ['no-alert-limit abortCriteria.own']],
  ['a margin without reference', `${GOOD}abortCriteria: [ { metric: errorRate, limit: 1%, margin: §1.2x } ]\n`, ['invalid-margin abortCriteria[0].margin']],
  ['a check twice', `${GOOD}abortCriteria: [ { metric: errorRate, limit: 1% }, §{ metric: errorRate, limit: 0.01 } ]\n`, ['duplicate-check abortCriteria[1]']],
  ['a gate check twice', stages('name: a, percentage: 5, duration: 1d, gate: [ { metric: errorRate, limit: 1% }, §{ metric: errorRate, limit: 1% } ]', 'name: ga, percentage: 100'), ['duplicate-check stages[0].gate[1]']],
  ['a gate of an unknown metric', stages('name: a, percentage: 5, duration: 1d, gate: [ { metric: §x, limit: 1% } ]', 'name: ga, percentage: 100'), ['unknown-metric stages[0].gate[0].metric']],
  ['an own metric without kind and harm', `${GOOD}metrics:\n  own: §§{ source: sql }\n`, ['missing-key metrics.own.kind', 'missing-key metrics.own.harm']],
  ['an own metric with a unit of another kind', `${GOOD}metrics:\n  own: { kind: count, harm: higher, unit: §USD }\n`, ['invalid-metric metrics.own.unit']],
  ['a quantile of a mean', `${GOOD}metrics:\n  own: { kind: mean, harm: higher, quantile: §0.5 }\n`, ['invalid-metric metrics.own.quantile']],
  ['a metric with a bad name', `${GOOD}metrics:\n  §'my own': { kind: mean, harm: higher }\n`, ['invalid-name metrics.my own']],
  ['a misspelt key of a metric of telemetry', `${GOOD}metrics:\n  own: { kind: mean, harm: higher, §laag: 1h }\n`, ['unknown-key metrics.own.laag']],
  ['a design effect below 1', `${GOOD}metrics:\n  own: { kind: mean, harm: higher, designEffect: §0.5 }\n`, ['out-of-range metrics.own.designEffect']],
  ['a flag with spaces', stages('name: a, percentage: 5, duration: 1d', 'name: ga, percentage: 100').replace('f\n', "§'my flag'\n"), ['invalid-name flag']],
  ['a kill switch with a sign no flag has', `${GOOD}killSwitch: { flag: §'k#1' }\n`, ['invalid-name killSwitch.flag']],
  ['nothing that could stop it', `flag: f\nstages:\n  §- { name: a, percentage: 5, duration: 1d }\n${GA}`, ['nothing-watched stages']],
  ['gates and confirmations in the last stage alone', `flag: f\nstages:\n  §- { name: a, percentage: 5, duration: 1d, gate: §[] }\n  - { name: ga, percentage: 100, gate: [ { confirm: ok } ] }\n`, ['nothing-watched stages', 'empty-gate stages[0].gate']],
  ['a stage named with a space at its end', stages(`name: §'a ', percentage: 5, duration: 1d`, 'name: ga, percentage: 100'), ['invalid-name stages[0].name']],
  ['a kill switch that is the flag', `${GOOD}killSwitch: { flag: §f }\n`, ['kill-switch-is-flag killSwitch.flag']],
  ['a kill switch without flag', `${GOOD}killSwitch: §{ autoTrip: true }\n`, ['missing-key killSwitch.flag']],
  ['trips twice over', `${GOOD}killSwitch: { flag: k, trip: [], §tripConditions: {} }\n`, ['conflicting-keys killSwitch.tripConditions']],
  ['a bad trip window', `${GOOD}killSwitch: { flag: k, trip: [ { metric: errorRate, limit: 5%, window: §soon } ] }\n`, ['invalid-duration killSwitch.trip[0].window']],
  ['equal variants', `${GOOD}variants: §{ treatment: a, control: a }\n`, ['conflicting-keys variants']],
  ['a time scale out of range', `${GOOD}timeScale: §2\n`, ['out-of-range timeScale']],
  ['a bad calendar', `${GOOD}calendar: { advance: §'Mon-Xyz 09:00-16:00' }\n`, ['invalid-calendar calendar.advance']],
  ['a range of three days', `${GOOD}calendar: { advance: §'Mon-Tue-Wed 09:00-16:00' }\n`, ['invalid-calendar calendar.advance']],
  ['hours over midnight', `${GOOD}calendar: { advance: §'Mon 22:00-06:00' }\n`, ['invalid-calendar calendar.advance']],
  ['minutes that do not exist', `${GOOD}calendar: { advance: §'Mon 09:60-16:00' }\n`, ['invalid-calendar calendar.advance']],
  ['no hours', `${GOOD}calendar: { advance: §weekdays }\n`, ['invalid-calendar calendar.advance']],
  ['an unknown zone', `${GOOD}calendar: { advance: §'Mon 09:00-16:00 Europe/Pariss' }\n`, ['unknown-time-zone calendar.advance']],
  ['an unknown zone of its own', `${GOOD}calendar: { timeZone: §Mars/Base }\n`, ['unknown-time-zone calendar.timeZone']],
  ['a day that does not exist', `${GOOD}calendar: { freeze: [ §2026-02-30 ] }\n`, ['invalid-date calendar.freeze[0]']],
  ['a date that is none', `${GOOD}calendar: { freeze: [ §Christmas ] }\n`, ['invalid-date calendar.freeze[0]']],
  ['a freeze that ends before it starts', `${GOOD}calendar: { freeze: [ §2027-01-04..2026-12-18 ] }\n`, ['invalid-date calendar.freeze[0]']],
];

describe('a bad plan is refused at its place', () => {
  it.each(BAD)('%s', (_, marked, said) => {
    expect(issuesOf(unmark(marked).text).ok).toBe(false);
    expectIssues(marked, said);
  });

  it('with all its issues in the order of the text', () => {
    expectIssues(stages('name: a, percentage: §0, duration: §soon', 'name: §a, percentage: §200'), [
      'percentage-out-of-range stages[0].percentage',
      'invalid-duration stages[0].duration',
      'duplicate-stage stages[1].name',
      'percentage-out-of-range stages[1].percentage',
    ]);
  });

  it('through aliases too: at what they stand for', () => {
    const first = 'name: a, percentage: 5, duration: 1d, gate: &g [ { metric: §§nope, limit: 1% } ]';
    expectIssues(stages(first, 'name: b, percentage: 9, duration: 1d, gate: *g', 'name: ga, percentage: 100'), [
      'unknown-metric stages[0].gate[0].metric',
      'unknown-metric stages[1].gate[0].metric',
    ]);
  });

  it('in JSON as in YAML', () => {
    expectIssues('{\n\t"flag": "f",\n\t"stages": [\n\t\t{ "name": "ga", "percentage": §101 }\n\t]\n}', [
      'percentage-out-of-range stages[0].percentage',
    ]);
  });

  it('with a message that says what was received and what to do', () => {
    const messageOf = (text: string) => {
      const result = parsePlan(text);
      return result.ok ? '' : result.issues[0]!.message;
    };
    expect(messageOf(`${GOOD}abortCritera: {}\n`)).toBe('unknown key "abortCritera"; did you mean "abortCriteria"?');
    expect(messageOf(`${GOOD}version: 1.10\n`)).toBe(
      'received 1.1; version must be text or a whole number; put it in quotes',
    );
    expect(messageOf(`${GOOD}abortCriteria: { errorRat: 1 }\n`)).toContain('did you mean "errorRate"?');
    expect(messageOf(stages('name: ga, percentage: 100'))).toContain('never 100 % on day one');
    expect(messageOf(`${GOOD}calendar: { timeZone: Europe/Pari }\n`)).toContain('did you mean "Europe/Paris"?');
    expect(messageOf(`${GOOD}abortCriteria: { p99Latency: 800 }\n`)).toBe(
      'p99Latency: 800 would mean 800x baseline; write 800ms, or 2x baseline',
    );
    expect(messageOf(`${GOOD}abortCriteria: [ { metric: throughput, limit: 50 } ]\n`)).toBe(
      'throughput: 50 would mean 50x baseline; write 50 per second, or 0.8x baseline',
    );
    expect(messageOf(`${GOOD}abortCriteria: { userComplaints: 10 per fortnight }\n`)).toContain(
      'the unit "fortnight" is unknown',
    );
    expect(messageOf(`${GOOD}owners: [a]\n`)).toBe('received a list; owners must be a mapping');
    expect(messageOf(`${GOOD}fourEyes: {}\n`)).toBe('received a mapping; fourEyes must be true or false');
  });
});

describe('golden 18: exposure must rise', () => {
  const at = (...lines: readonly string[]) => issuesOf(stages(...lines)).said.map((issue) => issue.split(' ')[0]);

  it('refuses 5, 25, 25, 100 and 25, 5', () => {
    const of = (...percentages: readonly number[]) =>
      at(...percentages.map((percentage, index) => `name: s${index}, percentage: ${percentage}, duration: 1d`));
    expect(of(5, 25, 25, 100)).toContain('not-rising');
    expect(of(25, 5, 100)).toContain('not-rising');
    expect(of(5, 25, 100)).not.toContain('not-rising');
  });

  it('accepts an internal audience at 100 % and then 5 % of everyone: the exposed set grows', () => {
    const result = parsePlan(
      stages(
        'name: internal, audience: team, percentage: 100, duration: 1d',
        'name: canary, percentage: 5, duration: 1d',
        'name: ga, percentage: 100',
      ),
    );
    expect(result).toMatchObject({ ok: true });
  });

  it('accepts exactly the rising lists of percentages', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 99_999 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(weights, (list) => {
        const plan = {
          flag: 'f',
          abortCriteria: { errorRate: '1%' },
          stages: [
            ...list.map((weight, index) => ({ name: `s${index}`, percentage: weight / 1000, duration: '24h' })),
            { name: 'ga', percentage: 100 },
          ],
        };
        const result = planFromObject(plan);
        const isRising = list.every((weight, index) => index === 0 || weight > list[index - 1]!);
        expect(result.ok).toBe(isRising);
        if (result.ok) expect(result.plan.stages.map(({ weight }) => weight)).toEqual([...list, 100_000]);
      }),
    );
  });
});

describe('the linter warns', () => {
  it('of percentages that look like fractions', () => {
    const small = ['small-percentage stages[0].percentage'];
    expectIssues(stages('name: a, percentage: §0.05, duration: 1d', 'name: ga, percentage: 100'), small);
    expectIssues(
      stages(
        'name: a, audience: team, percentage: §0.5, duration: 1d',
        'name: b, percentage: 9, duration: 1d',
        'name: ga, percentage: 100',
      ),
      small,
    );
  });

  it('of no hold-back at 100 %', () => {
    expectIssues(stages('name: a, percentage: 5, duration: 1d', '').replace('{  }', '§{ name: ga, percentage: 100 }'), [
      'no-holdback stages[1]',
    ]);
    expect(
      issuesOf(stages('name: a, percentage: 5, duration: 1d', 'name: ga, percentage: 100, holdback: 2')).said,
    ).toEqual([]);
  });

  it('of an empty gate', () => {
    expectIssues(stages('name: a, percentage: 5, duration: 1d, gate: §[]', 'name: ga, percentage: 100'), [
      'empty-gate stages[0].gate',
    ]);
  });

  it('of a comparison without control, and of limits that ask for an improvement', () => {
    const gate = 'gate: [ { metric: errorRate, limit: §0.9x control } ]';
    const marked = stages(
      `name: a, audience: team, percentage: 100, duration: 1d, ${gate}`,
      'name: ga, percentage: 100',
    );
    expectIssues(marked.replace('- {', '- §{'), ['no-control stages[0]', 'improvement-asked stages[0].gate[0].limit']);
  });

  it('of freezes that are over', () => {
    const marked = `${GOOD}calendar: { freeze: [ §2025-12-18..2026-01-04, 2027-01-01 ] }\n`;
    expectIssues(marked, ['freeze-past calendar.freeze[0]'], { now: Date.parse('2026-11-23') });
    expectIssues(marked.replace('§', ''), []);
  });

  it('of a last stage whose duration becomes the time to monitor', () => {
    const marked = stages('name: a, percentage: 5, duration: 1d', 'name: ga, percentage: 100, duration: §1w');
    expectIssues(marked, ['monitor-from-duration stages[1].duration']);
  });

  it('of a day-one plan that was allowed with a reason', () => {
    const marked = stages('name: ga, percentage: §100');
    expectIssues(marked, ['day-one-overridden stages[0].percentage'], { override: 'demo' });
    expect(parsePlan(marked.replace('§', ''), { override: 'demo' })).toMatchObject({
      ok: true,
      plan: { override: 'demo' },
    });
  });
});
