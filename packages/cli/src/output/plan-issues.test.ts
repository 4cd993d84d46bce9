import type { PlanIssue } from '@rampart/rollout';
import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { renderIssues } from './plan-issues.ts';

const issueAt = (column: number): PlanIssue => ({
  severity: 'error',
  code: 'unknown-key',
  message: 'unknown key "x"',
  path: 'x',
  file: 'plan.yaml',
  line: 1,
  column,
});
const linesOf = (text: string, column: number) =>
  renderIssues([issueAt(column)], text, 60, picocolors.createColors(false)).split('\n');

describe('issues of a plan', () => {
  it('show the line with a caret below the place', () => {
    const [head, , line, caret] = linesOf('stages: []', 9);
    expect(head).toBe('plan.yaml:1:9: error unknown-key');
    expect(line?.at(caret?.indexOf('^') ?? 0)).toBe('[');
  });

  it('show a place far to the right as well, within the width', () => {
    const text = `${'a, '.repeat(40)}HERE ${'b, '.repeat(40)}`;
    const [, , line = '', caret = ''] = linesOf(text, text.indexOf('HERE') + 1);
    expect(line.slice(caret.indexOf('^'), caret.indexOf('^') + 4)).toBe('HERE');
    expect(line.length).toBeLessThanOrEqual(60);
  });
});
