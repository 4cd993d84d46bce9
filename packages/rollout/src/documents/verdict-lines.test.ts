import { describe, expect, it } from 'vitest';
import { verdict } from './arbitraries.contract.ts';
import { blockMarkdown, lineMarkdown } from './page-markdown.ts';
import { referenceOf, statusText, verdictBlock } from './verdict-lines.ts';

describe('verdictBlock', () => {
  it('shows dashes, and no line, for what a verdict without data lacks', () => {
    const { value, reference, interval, failLine, passLine, ...bare } = verdict({ status: 'no-data', wouldChange: '' });
    const block = verdictBlock({ ...bare, logEFail: Number.NEGATIVE_INFINITY, note: 'source | silent' }, {}, [1]);
    expect(blockMarkdown(block)?.split('\n')).toEqual([
      '- Status: ❔ No data (gate)',
      '- Value: –',
      '- Limit: 1 %',
      '- Reference: none',
      '- 95 % interval: –',
      '- Observations: 12,000 treatment, 36,000 control',
      '- Evidence of a breach: log e &lt; -100 of 4.4 needed',
      '- Evidence of safety: log e 5.1 of 3.0 needed',
      '- Method: a3 bounded rate (validity: exact)',
      '- Source: telemetry',
      '- Would change it: –',
      '- Note: source \\| silent',
    ]);
  });
});

describe('statusText', () => {
  it('tells a metric that nobody judges from one without data', () => {
    const seen = { metric: 'errorRate', count: 1, status: 'no-data' } as const;
    expect(statusText({ ...seen, observed: 0.1, judged: false })).toBe('– not judged');
    expect(statusText({ ...seen, observed: 0.1 })).toBe('❔ No data');
    expect(statusText({ ...seen, judged: false })).toBe('❔ No data');
  });
});

describe('referenceOf', () => {
  it('prefers the baseline, says so when it is control, and shows a dash for neither', () => {
    const seen = { metric: 'errorRate', count: 1, status: 'pass' } as const;
    expect(lineMarkdown(referenceOf({ ...seen, baseline: 0.001, control: 0.002 }, 'ratio', [1]))).toBe('0.1 %');
    expect(lineMarkdown(referenceOf({ ...seen, control: 0.002 }, 'ratio', [1]))).toBe('0.2 % (control)');
    expect(lineMarkdown(referenceOf(seen, 'ratio', [1]))).toBe('–');
  });
});
