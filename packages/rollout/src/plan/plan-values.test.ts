import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPath } from './issue-log.ts';
import { parsePlan, planFromObject } from './parse-plan.ts';
import { PLAN_ISSUE_CODES } from './plan-issue-codes.ts';

describe('plans as values', () => {
  it('have the same codes, without lines', () => {
    expect(planFromObject({ flag: 'f', stages: [] })).toEqual({
      ok: false,
      issues: [
        { severity: 'error', code: 'empty-stages', path: 'stages', message: 'received no stages; add at least one' },
      ],
    });
    expect(planFromObject({ flag: 'f', stages: [] }, { file: 'plan.ts' })).toMatchObject({
      issues: [{ file: 'plan.ts' }],
    });
  });

  it('are refused when they are nothing, or not plain JSON', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const value of [undefined, null, cycle, { flag: 1n }, 'text', 3]) {
      expect(planFromObject(value)).toMatchObject({ ok: false, issues: [{ code: 'wrong-type', path: '' }] });
    }
  });

  it('are copied: later changes do not reach the plan', () => {
    const notify = [{ channel: 'a' }];
    const result = planFromObject({
      flag: 'f',
      stages: [{ name: 'canary', percentage: 5 }],
      abortCriteria: { errorRate: '1%' },
      notify,
    });
    notify[0]!.channel = 'b';
    expect(result).toMatchObject({ ok: true, plan: { notify: [{ channel: 'a' }] } });
  });

  it('refuse a time scale out of range in the options', () => {
    for (const timeScale of [0, -1, 2, Number.NaN]) {
      expect(planFromObject({ flag: 'f', stages: [{ name: 'c', percentage: 5 }] }, { timeScale })).toMatchObject({
        issues: [{ code: 'out-of-range', path: 'timeScale' }],
      });
    }
  });

  it('never make the parser throw, whatever they hold', () => {
    const keys = fc.constantFrom(
      'flag',
      'flagName',
      'stages',
      'abortCriteria',
      'metrics',
      'killSwitch',
      'calendar',
      'name',
      'percentage',
      'gate',
      '__proto__',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('errorRate', '1%', 'stable', 5, 1e-9, true, null, ''),
        fc.string(),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(keys, tie('any'), { maxKeys: 5 }),
      ),
    })).any;
    fc.assert(
      fc.property(value, (plan) => {
        const codes: readonly string[] = PLAN_ISSUE_CODES;
        const fromObject = planFromObject(plan);
        const fromText = parsePlan(JSON.stringify(plan));
        expect(fromText.ok).toBe(fromObject.ok);
        if (!fromObject.ok) for (const { code } of fromObject.issues) expect(codes).toContain(code);
      }),
      { numRuns: 300 },
    );
  });
});

describe('texts', () => {
  it('never make the parser throw, whatever they hold', () => {
    const piece = fc.constantFrom(
      'flag',
      ': ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '&a ',
      '*a',
      '? ',
      '"',
      '|',
      '#',
      '1',
      '<<',
      '\t',
      '---',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, (any) => {
        const result = parsePlan(any);
        expect(result.ok).toBe(false);
        if (!result.ok)
          for (const { line, column } of result.issues) expect(Math.min(line ?? 0, column ?? 0)).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('are refused with a few issues only when they are nested too deeply', () => {
    const result = parsePlan('['.repeat(50_000));
    expect(result).toMatchObject({ ok: false, issues: { length: 10 } });
  });

  it('give no reason for an override by blanks', () => {
    const text =
      'flag: f\noverride: " "\nstages:\n  - { name: ga, percentage: 100 }\nabortCriteria: { errorRate: 1% }\n';
    expect(parsePlan(text, { override: '' })).toMatchObject({ ok: false, issues: [{ code: 'day-one' }] });
    expect(parsePlan(text, { override: 'demo' }).ok).toBe(true);
  });
});

describe('codes and paths', () => {
  it('are closed and without doubles', () => {
    expect(new Set(PLAN_ISSUE_CODES).size).toBe(PLAN_ISSUE_CODES.length);
  });

  it('print as people write them', () => {
    expect(formatPath(['stages', 1, 'gate', 0, 'limit'])).toBe('stages[1].gate[0].limit');
    expect(formatPath([])).toBe('');
  });
});
