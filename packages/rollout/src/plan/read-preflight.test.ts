import { describe, expect, it } from 'vitest';
import { planFromObject } from './parse-plan.ts';

function read(preflight: readonly unknown[], timeScale = 1) {
  const plan = {
    flag: 'f',
    preflight,
    stages: [
      { name: 'canary', percentage: 5, duration: '24h' },
      { name: 'ga', percentage: 100, holdback: 1 },
    ],
    abortCriteria: { errorRate: '2%' },
  };
  const parsed = planFromObject(plan, { timeScale });
  return parsed.ok
    ? { items: parsed.plan.preflight, checks: parsed.plan.preflightChecks }
    : parsed.issues.map(({ code, path }) => `${code} ${path}`);
}

describe('pre-flight items', () => {
  it('may be names alone, or say what stands behind them', () => {
    expect(read(['launch-readiness', 'legal', 'legal'])).toEqual({
      items: ['launch-readiness', 'legal'],
      checks: undefined,
    });
    const items = [
      { item: 'launch', hook: 'launches' },
      { item: 'dashboards-ready', url: 'https://grafana.example.com/d/x', expect: 302 },
      { item: 'alerts', source: 'prometheus', query: 'up' },
      { item: 'security', requires: 'evidence', maxAge: '10d' },
      { item: 'rollback-tested', within: '5s' },
    ];
    expect(read(items, 0.1)).toEqual({
      items: ['launch', 'dashboards-ready', 'alerts', 'security', 'rollback-tested'],
      checks: {
        launch: { by: { kind: 'hook', hook: 'launches' } },
        'dashboards-ready': { by: { kind: 'url', url: 'https://grafana.example.com/d/x', expect: 302 } },
        alerts: { by: { kind: 'query', source: 'prometheus', query: 'up' } },
        security: { by: { kind: 'link' }, maxAgeMs: 86_400_000 },
        'rollback-tested': { withinMs: 5_000 },
      },
    });
  });

  it.each([
    [{ item: 'x', hook: 'h', url: 'https://a.example' }, 'conflicting-keys preflight[0].url'],
    [{ item: 'x', query: 'up' }, 'missing-key preflight[0].source'],
    [{ item: 'x', source: 'p' }, 'missing-key preflight[0].query'],
    [{ item: 'x', expect: 200 }, 'misplaced-key preflight[0].expect'],
    [{ item: 'x', within: '5s' }, 'misplaced-key preflight[0].within'],
    [{ item: 'flag-configured', hook: 'h' }, 'misplaced-key preflight[0].hook'],
    [{ item: 'x', url: 'grafana' }, 'unknown-value preflight[0].url'],
    [{ item: 'x', url: 'https://user:secret@a.example' }, 'unknown-value preflight[0].url'],
    [{ item: 'x', maxAge: 'soon' }, 'invalid-duration preflight[0].maxAge'],
    [{ item: 'x', requires: 'proof' }, 'unknown-value preflight[0].requires'],
    [{ item: 'x', link: 'y' }, 'unknown-key preflight[0].link'],
  ])('%j: %s', (item, issue) => {
    expect(read([item])).toEqual([issue]);
  });

  it('stand there once where they say more than their name', () => {
    expect(read(['x', { item: 'x', requires: 'evidence' }])).toEqual(['conflicting-keys preflight[1]']);
  });

  it('leave the flags of drills to Rampart', () => {
    const stages = [{ name: 'ga', percentage: 100 }];
    const parsed = planFromObject(
      { flag: 'rampart.drill/x', stages, abortCriteria: { errorRate: '2%' } },
      { override: 'x' },
    );
    expect(parsed.ok ? [] : parsed.issues.map(({ code, path }) => `${code} ${path}`)).toContain('invalid-name flag');
  });
});
