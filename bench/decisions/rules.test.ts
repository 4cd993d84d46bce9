import { describe, expect, it } from 'vitest';
import { argoAbortsAfter } from './argo.ts';
import { chanceOf } from './chance.ts';
import { coreAbortsAfter } from './core.ts';
import { flaggerAbortsAfter } from './flagger.ts';
import { growthbookAbortsAfter, growthbookHalfWidth } from './growthbook.ts';
import { isHigh, kayentaAbortsAfter } from './kayenta.ts';
import { mixtureAbortsAfter } from './late-onset.ts';
import { launchDarklyAbortsAfter, posteriorZ } from './launchdarkly.ts';
import { rankSumZ, shiftInterval, tally } from './mann-whitney.ts';
import { gridAbortsAfter, sprtAbortsAfter } from './ours.ts';
import { p99Of } from './quantile-ratio.ts';
import { chiSquared } from './sample-ratio.ts';
import { MINUTES, type Traffic } from './traffic.ts';
import { unleashAbortsAfter } from './unleash.ts';
import { pooledZ, zTestAbortsAfter } from './z-test.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** 100 requests a minute in treatment and matched control, 1,900 in all control; errors where a test says so. */
function traffic(errorsT: (minute: number) => number, errorsC: (minute: number) => number = () => 0): Traffic {
  const each = (of: (minute: number) => number) => Float64Array.from({ length: MINUTES }, (_, minute) => of(minute));
  return {
    nT: each(() => 100),
    xT: each(errorsT),
    nM: each(() => 100),
    xM: each(errorsC),
    nC: each(() => 1900),
    xC: each((minute) => 19 * errorsC(minute)),
  };
}

const clean = traffic(() => 0);

describe('Argo Rollouts', () => {
  it('fails with the measurement after its limit of three failed ones', () => {
    // Two errors in 500 requests are 99.6 %: each measurement fails from the first on.
    expect(
      argoAbortsAfter(
        traffic((minute) => (minute % 5 === 0 ? 2 : 0)),
        0.998,
      ),
    ).toBe(20);
  });

  it('counts failures that lie days apart together', () => {
    const apart = traffic((minute) => (minute % 700 === 0 ? 2 : 0));
    expect(argoAbortsAfter(apart, 0.998)).toBe(2105);
  });

  it('does not fail on exactly its condition', () => {
    expect(
      argoAbortsAfter(
        traffic((minute) => (minute % 5 === 0 ? 1 : 0)),
        0.998,
      ),
    ).toBe(NEVER);
  });

  it('does not see one failing request in twenty-one with the condition of its documentation', () => {
    expect(
      argoAbortsAfter(
        traffic(() => 4),
        0.95,
      ),
    ).toBe(NEVER);
    expect(
      argoAbortsAfter(
        traffic(() => 6),
        0.95,
      ),
    ).toBe(20);
  });
});

describe('Flagger', () => {
  it('rolls back at the fifth failed check, however far apart they are', () => {
    expect(
      flaggerAbortsAfter(
        traffic(() => 2),
        0.99,
      ),
    ).toBe(5);
    expect(
      flaggerAbortsAfter(
        traffic((minute) => (minute % 100 === 0 ? 2 : 0)),
        0.99,
      ),
    ).toBe(401);
  });

  it('accepts exactly its minimum', () => {
    expect(
      flaggerAbortsAfter(
        traffic(() => 1),
        0.99,
      ),
    ).toBe(NEVER);
  });
});

describe('Unleash', () => {
  it('looks first when its window is full', () => {
    const bad = traffic(
      () => 1,
      () => 1,
    );
    expect(unleashAbortsAfter(bad, 0.002)).toBe(60);
  });

  it('forgets what is older than its window', () => {
    const early = traffic(
      (minute) => (minute < 3 ? 2 : 0),
      (minute) => (minute < 3 ? 2 : 0),
    );
    expect(unleashAbortsAfter(early, 0.0009)).toBe(60);
    expect(unleashAbortsAfter(early, 0.002)).toBe(NEVER);
  });

  it('does not see treatment doubling at 5 % of exposure', () => {
    const doubled = traffic(
      (minute) => (minute % 5 === 0 ? 1 : 0),
      (minute) => (minute % 10 === 0 ? 1 : 0),
    );
    expect(unleashAbortsAfter(doubled, 0.002)).toBe(NEVER);
  });
});

describe('the z-test', () => {
  it('gives the score worked out by hand', () => {
    expect(pooledZ(30, 1000, 10, 1000)).toBeCloseTo(0.02 / Math.sqrt(0.02 * 0.98 * 0.002), 12);
    expect(pooledZ(0, 100, 0, 100)).toBe(0);
  });

  it('fires on the first error where it looks all the time, and waits where it looks once', () => {
    const one = traffic((minute) => (minute === 7 ? 1 : 0));
    expect(zTestAbortsAfter(one, 1)).toBe(8);
    expect(zTestAbortsAfter(one, MINUTES)).toBe(MINUTES);
    expect(zTestAbortsAfter(clean, 1)).toBe(NEVER);
  });
});

describe('GrowthBook', () => {
  it('has the published half width (gbstats test of the one-sided sequence, absolute)', () => {
    expect(growthbookHalfWidth(0.12983081254184736, 6461)).toBeCloseTo(0.23437666666666668 + 0.12656844172804982, 12);
  });

  it('never fires while treatment is no worse, and does when it is much worse', () => {
    const worse = traffic(() => 5);
    expect(growthbookAbortsAfter(clean.nT, clean.xT, clean.nM, clean.xM)).toBe(NEVER);
    expect(growthbookAbortsAfter(worse.nT, worse.xT, worse.nM, worse.xM)).toBeLessThan(10);
  });

  it('waits for the end of the day where it looks daily', () => {
    const worse = traffic(() => 5);
    expect(growthbookAbortsAfter(worse.nT, worse.xT, worse.nM, worse.xM, 1440)).toBe(1440);
  });
});

describe('the model of LaunchDarkly', () => {
  it('is undecided without data and symmetric with it', () => {
    expect(posteriorZ(0, 0, 0, 0)).toBe(0);
    expect(posteriorZ(5, 100, 2, 100)).toBeCloseTo(-posteriorZ(2, 100, 5, 100), 12);
  });

  it('fires once the interval has left 0', () => {
    // Means 7/102 and 1/102 of Beta(7, 95) and Beta(1, 101).
    expect(posteriorZ(6, 100, 0, 100)).toBeCloseTo(
      6 / 102 / Math.sqrt(((7 / 102) * (95 / 102) + (1 / 102) * (101 / 102)) / 103),
      12,
    );
    expect(launchDarklyAbortsAfter(traffic((minute) => (minute === 0 ? 6 : 0)))).toBe(1);
    expect(launchDarklyAbortsAfter(clean)).toBe(NEVER);
  });
});

describe('the Mann-Whitney test', () => {
  // Hollander & Wolfe's permeability data, the example of R's wilcox.test: W = 35.
  const x = tally([0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]);
  const y = tally([1.15, 0.88, 0.9, 0.74, 1.21]);

  it('has the score of the example', () => {
    expect(rankSumZ(x, y, 0, 0)).toBeCloseTo((35 - 25 - 0.5) / Math.sqrt((50 / 12) * 16), 12);
  });

  it('counts ties as halves and takes them out of the variance', () => {
    const score = rankSumZ(tally([0, 0, 1]), tally([0, 1, 1]), 0, 0);
    // U = 2 zeros against one zero (halves) + the one against all: 1 + 1 + 2/2 = 3; ties: two groups of three.
    expect(score).toBeCloseTo((3 - 4.5 + 0.5) / Math.sqrt((9 / 12) * (7 - 48 / 30)), 12);
  });

  it('ends its interval where the score crosses the critical value', () => {
    const { low, high, estimate } = shiftInterval(x, y, 1.2);
    for (const [end, at] of [
      [low, 1.2],
      [high, -1.2],
      [estimate, 0],
    ] as const) {
      expect(rankSumZ(x, y, end - 2e-4, at)).toBeGreaterThanOrEqual(0);
      expect(rankSumZ(x, y, end + 2e-4, at)).toBeLessThanOrEqual(0);
    }
    expect(low).toBeLessThan(estimate);
    expect(estimate).toBeLessThan(high);
  });
});

describe('Kayenta', () => {
  const sample = (from: number, n = 60) => Array.from({ length: n }, (_, i) => from + ((i * 37) % n) / n);

  it('passes equal data, in whatever order', () => {
    expect(isHigh([0, 0, 1, 2], [2, 0, 1, 0])).toBe(false);
    expect(isHigh([0, 0], [0, 0, 0])).toBe(false);
  });

  it('calls a sample high that lies far above, and not one that lies below', () => {
    expect(isHigh(sample(0.5), sample(0))).toBe(true);
    expect(isHigh(sample(0), sample(0.5))).toBe(false);
  });

  it('judges at full hours only', () => {
    expect(kayentaAbortsAfter(traffic((minute) => 5 + (minute % 3)))).toBe(60);
    expect(kayentaAbortsAfter(clean)).toBe(NEVER);
  });
});

describe('the sample ratio', () => {
  it('has the statistic of the published example', () => {
    expect(chiSquared(1000, 1200, 0.5)).toBeCloseTo(10_000 / 550, 12);
  });
});

describe('the empirical p99', () => {
  it('is the 99th of a hundred', () => {
    expect(p99Of(Float64Array.from({ length: 100 }, (_, i) => i + 1))).toBe(99);
  });
});

describe('ours', () => {
  const worse = traffic((minute) => (minute % 2 === 0 ? 1 : 0));

  it('aborts within minutes where only treatment fails', () => {
    expect(gridAbortsAfter(worse.nT, worse.xT, worse.nC, worse.xC)).toBeLessThan(10);
    expect(sprtAbortsAfter(worse, 5)).toBeLessThan(10);
    expect(mixtureAbortsAfter(worse)).toBeLessThan(10);
    expect(coreAbortsAfter(worse, chanceOf(1, 'test', 1))).toBeLessThan(20);
  });

  it('never aborts where both arms fail alike', () => {
    const alike = traffic(
      (minute) => (minute % 10 === 0 ? 1 : 0),
      (minute) => (minute % 10 === 0 ? 1 : 0),
    );
    expect(gridAbortsAfter(alike.nT, alike.xT, alike.nC, alike.xC)).toBe(NEVER);
    expect(mixtureAbortsAfter(alike)).toBe(NEVER);
    expect(coreAbortsAfter(alike, chanceOf(1, 'test', 1))).toBe(NEVER);
  });

  it('finds harm that begins after a day sooner with restarts', () => {
    const late = traffic(
      (minute) => (minute % 10 === 0 || (minute >= 1440 && minute % 4 === 0) ? 1 : 0),
      (minute) => (minute % 10 === 0 ? 1 : 0),
    );
    expect(mixtureAbortsAfter(late)).toBeLessThan(gridAbortsAfter(late.nT, late.xT, late.nC, late.xC));
  });
});
