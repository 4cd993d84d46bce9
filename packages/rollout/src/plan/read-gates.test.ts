import { describe, expect, it } from 'vitest';
import { withoutGates } from '../external-gates.ts';
import type { Plan } from '../plan.ts';
import { type PlanOptions, planFromObject } from './parse-plan.ts';

const WEBHOOK = 'https://changes.example.com/rampart';

const read = (gates: readonly unknown[], inStage: readonly unknown[] = [], options: PlanOptions = {}) =>
  planFromObject(
    {
      flag: 'f',
      stages: [
        { name: 'canary', percentage: 5, duration: '48h', gate: [{ metric: 'errorRate', limit: '1%' }, ...inStage] },
        { name: 'ga', percentage: 100, duration: 'permanent', holdback: 1 },
      ],
      gates,
    },
    options,
  );
const planOf = (...args: Parameters<typeof read>): Plan => {
  const result = read(...args);
  if (!result.ok) throw new TypeError(JSON.stringify(result.issues));
  return result.plan;
};
const issuesOf = (...args: Parameters<typeof read>) => {
  const result = read(...args);
  return result.ok ? [] : result.issues.map(({ code, path, message }) => ({ code, path, message }));
};

describe('external gates of a plan', () => {
  it('are read with their defaults, in a stage and for all', () => {
    const plan = planOf([{ signal: 'error-budget', when: 'during', maxAge: '2h' }], [{ webhook: WEBHOOK }]);
    expect(plan.gates).toEqual([
      {
        name: 'error-budget',
        when: 'during',
        everyMs: 30_000,
        ask: { kind: 'signal', signal: 'error-budget', maxAgeMs: 7_200_000, initially: 'closed' },
      },
    ]);
    expect(plan.stages[0]).toMatchObject({
      gate: [{ metric: 'errorRate' }],
      external: [
        {
          name: 'changes.example.com',
          when: 'advance',
          everyMs: 30_000,
          ask: { kind: 'webhook', url: WEBHOOK, timeoutMs: 10_000 },
        },
      ],
    });
    expect(plan.stages[1], 'nothing is added where there is none').not.toHaveProperty('external');
  });

  it('are scaled but for what the network takes', () => {
    const webhook = { webhook: WEBHOOK, every: '100s', timeout: '5s' };
    const signal = { signal: 's', maxAge: '1000s', every: '50s' };
    const plan = planOf([signal], [webhook], { timeScale: 0.01, override: 'a demo' });
    expect(plan.gates?.[0]).toMatchObject({ everyMs: 500, ask: { maxAgeMs: 10_000 } });
    expect(plan.stages[0]?.external?.[0]).toMatchObject({ everyMs: 1000, ask: { timeoutMs: 5000 } });
    expect(plan.stuckAfterMs).toBe(864_000);
  });

  it('of rollback are asked for nothing before anyone speaks', () => {
    expect(planOf([{ signal: 's', when: 'rollback' }]).gates?.[0]?.ask).toMatchObject({ initially: 'open' });
  });

  it('are left out of forecasts', () => {
    const plan = withoutGates(planOf([{ signal: 's' }], [{ webhook: WEBHOOK }]));
    expect(JSON.stringify(plan)).not.toMatch(/external|"gates"/);
  });

  it.each([
    ['an address that is none', [{ webhook: 'changes.example.com' }], 'invalid-gate', 'gates[0].webhook'],
    ['an address of another scheme', [{ webhook: 'file:///etc/passwd' }], 'invalid-gate', 'gates[0].webhook'],
    [
      'a password in the address',
      [{ webhook: 'https://me:hunter2@x.example.com' }],
      'invalid-gate',
      'gates[0].webhook',
    ],
    [
      'a secret in place of its name',
      [{ webhook: WEBHOOK, secretRef: 'whsec_hunter2=' }],
      'invalid-gate',
      'gates[0].secretRef',
    ],
    ['a name that stands there twice', [{ webhook: WEBHOOK }, { webhook: WEBHOOK }], 'invalid-gate', 'gates[1]'],
    ['silence that would roll back', [{ signal: 's', when: 'rollback', maxAge: '1h' }], 'invalid-gate', 'gates[0]'],
    ['an answer that takes minutes', [{ webhook: WEBHOOK, timeout: '5m' }], 'out-of-range', 'gates[0].timeout'],
    ['an interval of nothing', [{ signal: 's', every: '0s' }], 'out-of-range', 'gates[0].every'],
    ['another time', [{ signal: 's', when: 'later' }], 'unknown-value', 'gates[0].when'],
    ['an unknown key', [{ signal: 's', secretRef: 'X' }], 'unknown-key', 'gates[0].secretRef'],
  ])('are refused for %s', (_, gates, code, path) => {
    const issues = issuesOf(gates);
    expect(issues).toMatchObject([{ code, path }]);
    expect(JSON.stringify(issues)).not.toContain('hunter2');
  });

  it('are refused where the start or a rollback is asked of one stage', () => {
    expect(issuesOf([], [{ webhook: WEBHOOK, when: 'start' }])).toMatchObject([{ path: 'stages[0].gate[1].when' }]);
  });
});
