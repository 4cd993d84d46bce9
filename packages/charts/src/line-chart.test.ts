import { describe, expect, it } from 'vitest';
import { type LineChart, lineChart } from './line-chart.ts';

const CHART: LineChart = {
  title: 'Evidence',
  description: 'The log e-value over two hours.',
  x: { label: 'hours' },
  y: { label: 'log e' },
  series: [
    {
      name: 'errorRate',
      points: [
        { x: 0, y: 0 },
        { x: 1, y: 5 },
        { x: 2, y: 10 },
      ],
    },
  ],
};

/** The outlines of lines: paths that are not bands. */
function curves(svg: string): readonly string[] {
  return [...svg.matchAll(/<path d="([^"]*)"[^>]*stroke-linejoin/g)].map((match) => match[1]);
}

function points(path: string): readonly (readonly number[])[] {
  return [...path.matchAll(/[ML]([\d.-]+),([\d.-]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

describe('lineChart', () => {
  it('draws a line from the left edge to the right one, higher values above lower ones', () => {
    const [path] = curves(lineChart(CHART));
    const [first, second, third] = points(path);
    expect(first[0]).toBe(64);
    expect(second[0] - first[0]).toBeCloseTo(third[0] - second[0], 1);
    expect(first[1] - second[1]).toBeCloseTo(second[1] - third[1], 1);
    expect(third[1]).toBeLessThan(first[1]);
  });

  it('says its title, description and the names of its lines in words', () => {
    const svg = lineChart(CHART);
    const id = /<title id="([^"]*)-title">Evidence<\/title>/.exec(svg)?.[1];
    expect(svg).toContain(`<desc id="${id}-desc">The log e-value over two hours.</desc>`);
    expect(svg).toContain(`role="img" aria-labelledby="${id}-title ${id}-desc"`);
    for (const words of ['errorRate', 'hours', 'log e']) expect(svg).toContain(`>${words}</text>`);
  });

  it('escapes every text it is given', () => {
    const hostile = '<script>alert("&")</script>\u0000';
    const svg = lineChart({
      title: hostile,
      description: hostile,
      x: { label: hostile },
      y: { label: hostile, format: () => hostile },
      series: [{ name: hostile, points: [{ x: 0, y: 1 }] }],
      references: [{ at: 1, label: hostile }],
    });
    expect(svg).not.toContain('<script>');
    expect(svg).not.toContain('\u0000');
    expect(svg).toContain('&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;');
  });

  it('leaves a gap where a value is missing', () => {
    const gap = [
      { x: 0, y: 1 },
      { x: 1, y: Number.NaN },
      { x: 2, y: 1 },
      { x: 3, y: 2 },
    ];
    const [path] = curves(lineChart({ ...CHART, series: [{ name: 'a', points: gap }] }));
    expect(path.match(/M/g)).toHaveLength(2);
  });

  it('holds a value until the next one where the line is made of steps', () => {
    const [steps] = curves(lineChart({ ...CHART, series: [{ ...CHART.series[0], shape: 'steps' }] }));
    const [first, corner] = points(steps);
    expect(corner[1]).toBe(first[1]);
    expect(corner[0]).toBeGreaterThan(first[0]);
  });

  it('draws intervals as a band around their line', () => {
    const banded = CHART.series[0].points.map((point) => ({ ...point, low: point.y - 1, high: point.y + 1 }));
    const svg = lineChart({ ...CHART, series: [{ name: 'a', points: banded }] });
    expect(svg).toMatch(/<path d="M[^"]*Z" [^>]*fill-opacity="0.15"\/>/);
    expect(lineChart(CHART)).not.toContain('fill-opacity="0.15"');
  });

  it('tells lines apart by their dashes, not by colour only', () => {
    const series = ['a', 'b', 'c'].map((name) => ({ ...CHART.series[0], name }));
    const svg = lineChart({ ...CHART, series });
    const dashes = [...svg.matchAll(/stroke-dasharray="([^"]*)" stroke-linejoin/g)].map((match) => match[1]);
    expect(new Set(dashes).size).toBe(3);
  });

  it('keeps the names of lines that end together apart and inside the plot', () => {
    const series = Array.from({ length: 8 }, (_, i) => ({ ...CHART.series[0], name: `line ${i}` }));
    const svg = lineChart({ ...CHART, series });
    const heights = [...svg.matchAll(/translate\([\d.]+ (\d+)\)/g)].map((match) => Number(match[1]));
    expect(heights).toHaveLength(8);
    for (let i = 1; i < heights.length; i += 1) expect(heights[i] - heights[i - 1]).toBeGreaterThanOrEqual(14);
    expect(Math.max(...heights)).toBeLessThanOrEqual(360);
  });

  it('draws a reference across the plot and leaves out one that a log axis cannot show', () => {
    const references = [
      { at: 5, label: 'limit' },
      { at: 0, label: 'nowhere' },
    ];
    const svg = lineChart({ ...CHART, y: { label: 'log e', scale: 'log' }, references });
    expect(svg).toContain('>limit</text>');
    expect(svg).not.toContain('nowhere');
  });

  it('draws its axes even without data', () => {
    const svg = lineChart({ ...CHART, series: [{ name: 'empty', points: [] }] });
    expect(curves(svg)).toEqual(['']);
    expect(svg).toContain('>0.5</text>');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('is light by its attributes and dark by a style, with a paper of its own', () => {
    const svg = lineChart(CHART);
    expect(svg).toContain('<rect width="720" height="360" fill="#ffffff" class="rc-f-paper"/>');
    expect(svg).toContain('@media (prefers-color-scheme:dark){.rc-f-paper{fill:#0d1117}');
    expect(svg).not.toMatch(/href|url\(|@import|@font-face/);
  });
});
