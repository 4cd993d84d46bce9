import { describe, expect, it } from 'vitest';
import { alertMetricsFor, withoutAlerts } from './alert-criterion.ts';
import { parsePlan } from './parse-plan.ts';

const planWith = (criteria: string) => `
flag: feature-xyz
stages:
  - { name: canary, percentage: 5, duration: 48h }
  - { name: ga, percentage: 100, duration: permanent, holdback: 1 }
abortCriteria: ${criteria}
`;
const read = (criteria: string) => {
  const result = parsePlan(planWith(criteria));
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.plan;
};
const plan = read(
  '[ { metric: errorRate, limit: 1% }, { alert: HighErrorRate }, { alert: Slow, labels: { team: web, service: chat } } ]',
);
const rollout = { id: 'feature-xyz-1', plan };

describe('an alert as an abort criterion', () => {
  it('is a count of its firings of which the first is too many', () => {
    expect(plan.abortCriteria[1]).toMatchObject({
      id: 'abort:alert:HighErrorRate:0per24h',
      metric: 'alert:HighErrorRate',
      limit: { kind: 'count', count: 0, windowMs: 24 * 3_600_000 },
      optional: true,
    });
    expect(plan.metrics['alert:HighErrorRate']).toMatchObject({ kind: 'count', source: 'alerts' });
  });

  it('never is a gate', () => {
    expect(plan.stages.map(({ gate }) => gate.map(({ metric }) => metric))).toEqual([['errorRate'], ['errorRate']]);
  });

  it('is refused with one message where no alert can stand, and with a limit', () => {
    const issuesOf = (text: string) => {
      const result = parsePlan(text);
      return result.ok ? [] : result.issues.map(({ code, path, message }) => [code, path, message]);
    };
    const gate = planWith('[ { metric: errorRate, limit: 1% } ]').replace('48h }', '48h, gate: [ { alert: A } ] }');
    expect(issuesOf(gate)).toEqual([
      [
        'unknown-key',
        'stages[0].gate[0].alert',
        expect.stringMatching(/only in abortCriteria.*from stages\[0\]\.gate$/),
      ],
    ]);
    const trip = `${planWith('[ { metric: errorRate, limit: 1% } ]')}killSwitch: { flag: k, trip: [ { alert: A } ] }`;
    expect(issuesOf(trip).map(([, path]) => path)).toEqual(['killSwitch.trip[0].alert']);
    expect(issuesOf(planWith('[ { alert: A, limit: 1% } ]'))).toEqual([
      ['unknown-key', 'abortCriteria[0].limit', 'unknown key "limit"; known are alert, labels'],
    ]);
    expect(issuesOf(planWith('[ { alert: "" } ]'))).toEqual([
      ['out-of-range', 'abortCriteria[0].alert', 'received "" for alert; it must not be empty'],
    ]);
    expect(issuesOf(planWith('[ { alert: A }, { metric: zzzz, limit: 1 } ]'))[0]?.[2]).not.toContain('alert:');
  });

  it('is one by its name and labels, in any order', () => {
    expect(plan.abortCriteria[2]?.metric).toBe('alert:Slow{service="chat",team="web"}');
    const twice = parsePlan(planWith('[ { alert: A }, { alert: A, labels: {} } ]'));
    expect(twice.ok ? [] : twice.issues.map(({ code }) => code)).toEqual(['duplicate-check']);
  });

  it.each([
    ['a limit beside it', '[ { alert: A, limit: 1% } ]', 'unknown key "limit"'],
    ['a name that is none', '[ { alert: 5 } ]', 'abortCriteria[0].alert'],
    ['a misspelled key', '[ { alerts: A } ]', 'alert'],
  ])('refuses %s', (_, criteria, message) => {
    const result = parsePlan(planWith(criteria));
    expect(result.ok ? '' : JSON.stringify(result.issues).replaceAll('\\"', '"')).toContain(message);
  });

  it('stands neither among alerts of Rampart nor in a gate', () => {
    const result = parsePlan(`${planWith('{ errorRate: 1% }')}alerts: [ { alert: A } ]\n`);
    expect(result.ok).toBe(false);
  });
});

describe('alertMetricsFor', () => {
  it.each<readonly [string, Readonly<Record<string, string>>, readonly string[]]>([
    ['its name', { alertname: 'HighErrorRate', severity: 'page' }, ['alert:HighErrorRate']],
    [
      'its name and labels',
      { alertname: 'Slow', service: 'chat', team: 'web' },
      ['alert:Slow{service="chat",team="web"}'],
    ],
    ['only some of the labels', { alertname: 'Slow', service: 'chat' }, []],
    ['another name', { alertname: 'DatasourceNoData', rulename: 'HighErrorRate' }, []],
    ['this flag', { alertname: 'HighErrorRate', flag: 'feature-xyz' }, ['alert:HighErrorRate']],
    ['another flag', { alertname: 'HighErrorRate', feature_flag_key: 'feature-abc' }, []],
    ['this rollout', { alertname: 'HighErrorRate', rollout: 'feature-xyz-1' }, ['alert:HighErrorRate']],
    ['another rollout', { alertname: 'HighErrorRate', rollout: 'feature-xyz-2' }, []],
    ['the label of what Rampart caused', { alertname: 'HighErrorRate', rampart: 'feature-xyz-1' }, []],
  ])('matches by %s', (_, labels, names) => {
    expect(alertMetricsFor(rollout, labels)).toEqual(names);
  });
});

describe('withoutAlerts', () => {
  it('leaves all but alerts', () => {
    const left = withoutAlerts(plan);
    expect(left.abortCriteria.map(({ metric }) => metric)).toEqual(['errorRate']);
    expect(Object.keys(left.metrics)).toEqual(['errorRate']);
  });
});
