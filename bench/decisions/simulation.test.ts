import { describe, expect, it } from 'vitest';
import { chanceOf } from './chance.ts';
import { firedShare, meanOf, medianOf } from './experiment.ts';
import { informationLimit, simAFigures } from './figures.ts';
import { plotsOf } from './plots.ts';
import type { Results } from './pool.ts';
import { reportOf } from './report.ts';
import { EXPERIMENTS, SECTIONS } from './sections.ts';
import { delayOf } from './tables.ts';
import { simulateTraffic } from './traffic.ts';

function meanAndVariance(draw: () => number): readonly [number, number] {
  const values = Array.from({ length: 20_000 }, draw);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
}

describe('chance', () => {
  it('is the same for the same run and another for another one', () => {
    const draw = (run: number) => Array.from({ length: 5 }, chanceOf(1, 'a', run).uniform);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it.each([
    [100, 0.001],
    [1900, 0.03],
    [3040, 0.03],
    [20_000, 0.4],
    [50, 0.9],
  ])('draws binomials of %i trials at %f', (n, p) => {
    const chance = chanceOf(1, 'binomial', n);
    const [mean, variance] = meanAndVariance(() => chance.binomial(n, p));
    expect(Math.abs(mean - n * p)).toBeLessThan(5 * Math.sqrt((n * p * (1 - p)) / 20_000));
    expect(variance / (n * p * (1 - p))).toBeCloseTo(1, 0);
  });

  it.each([0.1, 3, 90, 1000])('draws Poisson numbers around %f', (wanted) => {
    const chance = chanceOf(1, 'poisson', wanted);
    const [mean, variance] = meanAndVariance(() => chance.poisson(wanted));
    expect(Math.abs(mean - wanted)).toBeLessThan(5 * Math.sqrt(wanted / 20_000));
    expect(variance / wanted).toBeCloseTo(1, 0);
  });
});

describe('the traffic of SIM-A', () => {
  it('has the matched control inside all control', () => {
    const { xM, xC, nM, nC } = simulateTraffic(chanceOf(1, 'traffic', 1), { ratio: 1, isDiurnal: true });
    expect(xM.every((errors, minute) => errors <= xC[minute] && nM[minute] <= nC[minute])).toBe(true);
  });

  it('raises the errors of treatment only, from the onset on', () => {
    const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
    const { xT, xC } = simulateTraffic(chanceOf(1, 'traffic', 2), { ratio: 50, isDiurnal: false, onset: 1440 });
    expect(sum(xT.subarray(0, 1440)) / 144).toBeCloseTo(1, 0);
    expect(sum(xT.subarray(1440)) / 144).toBeGreaterThan(45);
    expect(sum(xC) / (2880 * 1.9)).toBeCloseTo(1, 1);
  });
});

describe('the figures', () => {
  const times = Float64Array.of(10, 20, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);

  it('give shares, means and medians with their errors', () => {
    expect(firedShare(times)).toEqual({ share: 0.5, se: 0.25 });
    expect(firedShare(Float64Array.of(1, 1)).se).toBeGreaterThan(0);
    expect(meanOf(Float64Array.of(1, 3), (time) => time)).toEqual({ mean: 2, se: 1 });
    expect(medianOf(times)).toBe(Number.POSITIVE_INFINITY);
  });

  it('count runs that never fired as the whole horizon, and delays from the onset', () => {
    const trial = { ...SECTIONS[2].trials[0], horizon: 100, onset: 10, excessRate: 0.5 };
    const { delay, excess } = delayOf(times, trial);
    expect(delay.mean).toBeCloseTo((0 + 10 + 90 + 90) / 4);
    expect(excess?.mean).toBeCloseTo(delay.mean / 2);
  });

  it('have the information limits of the method notes', () => {
    expect(informationLimit(2, 19).excess).toBeCloseTo(8.28, 2);
    expect(informationLimit(5, 19).excess).toBeCloseTo(3.26, 2);
    expect(informationLimit(2, 1).excess).toBeCloseTo(17.6, 1);
  });
});

describe('the report', () => {
  const results: Results = new Map(
    EXPERIMENTS.map(({ name, columns }) => [
      name,
      Object.fromEntries(columns.map(({ key }, i) => [key, Float64Array.of(i + 1, 60, Number.POSITIVE_INFINITY)])),
    ]),
  );
  const figures = simAFigures(results);
  const plots = plotsOf(results, figures);
  const report = reportOf(results, figures, plots);

  it('names every rule, every section and every plot', () => {
    for (const { name } of EXPERIMENTS[0].columns) expect(report).toContain(name);
    for (const { title, trials } of SECTIONS)
      for (const text of [title, trials[0].label]) expect(report).toContain(text);
    for (const { file } of plots) expect(report).toContain(`(plots/${file})`);
    expect(report).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('marks the models of closed products', () => {
    expect(report).toContain('Statsig rollout alert, daily _[model]_');
    expect(report).toContain('each look) _[model]_');
    expect(report.match(/_\[model\]_ +\|/g)).toHaveLength(2);
  });

  it('says whether the wanted figures are met', () => {
    expect(report).toContain('**not met**');
  });

  it('has tables as wide in every row as in their head', () => {
    for (const table of report.split('\n\n').filter((block) => block.startsWith('|'))) {
      const widths = table
        .trimEnd()
        .split('\n')
        .map((row) => row.split(' | ').length);
      expect(new Set(widths).size).toBe(1);
    }
  });

  it('tests every experiment in some section', () => {
    const shown = SECTIONS.flatMap(({ trials }) => trials.map(({ experiment }) => experiment.name));
    const names = EXPERIMENTS.map(({ name }) => name);
    expect(new Set([...shown, 'flat', 'diurnal', '2x', '5x'])).toEqual(new Set(names));
  });
});
