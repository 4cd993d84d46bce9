import { describe, expect, it } from 'vitest';
import { type BarChart, barChart } from './bar-chart.ts';

const CHART: BarChart = {
  title: 'Excess errors',
  description: 'Ours needs 10, theirs 20.',
  value: { label: 'errors' },
  bars: [
    { label: 'ours', value: 10, low: 9, high: 11, stands: true },
    { label: 'theirs', value: 20 },
  ],
};

function boxes(svg: string): readonly { readonly x: number; readonly width: number }[] {
  return [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map(([, x, width]) => ({
    x: Number(x),
    width: Number(width),
  }));
}

describe('barChart', () => {
  it('draws bars from 0, as long as their values', () => {
    const [ours, theirs] = boxes(barChart(CHART));
    expect(theirs.x).toBe(ours.x);
    expect(theirs.width / ours.width).toBeCloseTo(2, 2);
  });

  it('names each bar and writes its value', () => {
    const svg = barChart(CHART);
    for (const words of ['ours', 'theirs', '>10<', '>20<', '>errors<']) expect(svg).toContain(words);
  });

  it('draws an interval only where a bar has one', () => {
    expect(barChart(CHART).match(/<path /g)).toHaveLength(1);
  });

  it('makes equal ratios equally long on a log axis', () => {
    const bars = [1, 10, 100, 1000].map((value) => ({ label: String(value), value }));
    const lengths = boxes(barChart({ ...CHART, value: { label: 'n', scale: 'log' }, bars })).map(({ width }) => width);
    expect(lengths[0]).toBe(0);
    expect(lengths[2] - lengths[1]).toBeCloseTo(lengths[1] - lengths[0], 1);
    expect(lengths[3] - lengths[2]).toBeCloseTo(lengths[1] - lengths[0], 1);
  });

  it('writes the text of a bar that a log axis cannot show, without a bar', () => {
    const bars = [
      { label: 'never', value: 0, text: 'none found' },
      { label: 'ours', value: 10 },
    ];
    const svg = barChart({ ...CHART, value: { label: 'n', scale: 'log' }, bars });
    expect(boxes(svg)).toHaveLength(1);
    expect(svg).toContain('>none found</text>');
  });

  it('draws a limit across the bars', () => {
    const svg = barChart({ ...CHART, references: [{ at: 8.3, label: 'information limit' }] });
    expect(svg).toContain('>information limit</text>');
    expect(svg).toMatch(/<line x1="([\d.]+)" x2="\1" [^>]*stroke-dasharray="3 3"/);
  });

  it('escapes labels', () => {
    const svg = barChart({ ...CHART, bars: [{ label: 'a<b & "c"', value: 1 }] });
    expect(svg).toContain('>a&lt;b &amp; &quot;c&quot;</text>');
  });

  it('stays well formed with no bars and with values that are not numbers', () => {
    expect(barChart({ ...CHART, bars: [] })).not.toMatch(/NaN|undefined|Infinity/);
    const svg = barChart({ ...CHART, bars: [{ label: 'unknown', value: Number.NaN }] });
    expect(svg).toContain('>–</text>');
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  it('draws the same text for the same chart, and another id for another one', () => {
    expect(barChart(CHART)).toBe(barChart(CHART));
    const idOf = (svg: string) => /aria-labelledby="([^ ]*)-title/.exec(svg)?.[1];
    expect(idOf(barChart({ ...CHART, title: 'Other' }))).not.toBe(idOf(barChart(CHART)));
  });
});
