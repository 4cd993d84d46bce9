import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PLAN_ISSUE_CODES } from './plan-issue-codes.ts';

describe('plan issue codes', () => {
  it('all stand in docs/errors.md, and nothing else does in their table', () => {
    const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');
    const section = page.split('## Issues of a plan')[1]?.split('\n## ')[0] ?? '';
    const listed = [...section.matchAll(/^\| `([a-z-]+)`/gm)].map((match) => match[1]);
    expect(listed).toEqual([...PLAN_ISSUE_CODES]);
  });
});
