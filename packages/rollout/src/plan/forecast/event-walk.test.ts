import { thresholdLogE } from '@rampart/stats';
import { describe, expect, it } from 'vitest';
import { bankChance, bankChanceAt, eventsAtMost } from './crossing-chance.ts';
import {
  criticalEvents,
  expectedTrials,
  POISSON_TRIALS,
  poissonEventBank,
  rateRatioFailBank,
  rateRatioPassBank,
  thresholdEventBank,
} from './event-bank.ts';
import { walkEvents } from './event-walk.ts';
import { randomOf } from './simulation.support.ts';

const ALPHA = Math.log(20);

/** Excess bad events until the rate-ratio grid finds a ratio, by the walk. */
function excess(ratio: number, controls: number): number {
  const share = ratio / (ratio + controls);
  const { trials } = walkEvents([{ bank: rateRatioFailBank(1, controls, 'higher'), trials: 1e6, share }], ALPHA);
  return (trials * share * (ratio - 1)) / ratio;
}

describe('a walk of events', () => {
  it.each([
    [1.25, 37.9, 72.3],
    [1.5, 19.0, 36.6],
    [2, 10.7, 21.1],
    [3, 6.64, 13.7],
    [5, 4.58, 10.2],
    [10, 3.47, 8.42],
  ])('gives the exact mean excess of the reference at %dx', (ratio, plentiful, equal) => {
    // `reference: statistics 4`, which looks after every event; the walk looks twice per event of treatment.
    expect(Math.abs(excess(ratio, 19) / plentiful - 1)).toBeLessThan(0.06);
    expect(Math.abs(excess(ratio, 1) / equal - 1)).toBeLessThan(0.06);
  });

  it.each([
    [3, 3.9, 11.9],
    [2, 11.1, 28.4],
    [1.5, 35.9, 81],
    [1.25, 128, 268],
  ])('gives the exact baseline errors of a pass at a margin of %d', (margin, plentiful, equal) => {
    const errors = (controls: number) => {
      const share = 1 / (1 + controls);
      return (
        walkEvents([{ bank: rateRatioPassBank(margin, controls, margin), trials: 1e6, share }], ALPHA).trials * share
      );
    };
    expect(Math.abs(errors(19) / plentiful - 1)).toBeLessThan(0.05);
    expect(Math.abs(errors(1) / equal - 1)).toBeLessThan(0.05);
  });

  it('agrees with simulation on the chance and the mean time, in the threshold grid', () => {
    const random = randomOf(7);
    const [share, limit, trials] = [0.05, 0.02, 300];
    let [found, spent] = [0, 0];
    const runs = 2000;
    for (let run = 0; run < runs; run += 1) {
      let [n, x] = [0, 0];
      do {
        n += 1;
        if (random() < share) x += 1;
      } while (n < trials && thresholdLogE(x, n, limit) < ALPHA);
      if (thresholdLogE(x, n, limit) >= ALPHA) found += 1;
      spent += n;
    }
    const walk = walkEvents([{ bank: thresholdEventBank(limit, 'above'), trials, share }], ALPHA);
    expect(Math.abs(walk.chance - found / runs)).toBeLessThan(0.05);
    expect(Math.abs(walk.trials / (spent / runs) - 1)).toBeLessThan(0.05);
  });

  it('carries evidence from leg to leg', () => {
    const leg = (trials: number) => ({ bank: thresholdEventBank(0.01, 'above'), trials, share: 0.02 });
    const whole = walkEvents([leg(1000)], ALPHA);
    const parts = walkEvents([leg(400), leg(600)], ALPHA);
    // Steps are cut to legs, and looks fall elsewhere.
    expect(parts.chance).toBeCloseTo(whole.chance, 1);
    expect(parts.trials / whole.trials).toBeCloseTo(1, 1);
    expect(parts.legs.map(({ chance }) => chance)).toEqual([
      expect.closeTo(walkEvents([leg(400)], ALPHA).chance, 1),
      parts.chance,
    ]);
    expect(walkEvents([], ALPHA)).toEqual({ chance: 0, trials: 0, legs: [] });
  });

  it('crosses at a time of its own where there are no events at all', () => {
    const bank = thresholdEventBank(0.01, 'below');
    const { trials, chance } = walkEvents([{ bank, trials: 10_000, share: 1e-9 }], ALPHA);
    expect(chance).toBeCloseTo(1, 3);
    expect(Math.abs(trials / expectedTrials(bank, 1e-9, ALPHA) - 1)).toBeLessThan(0.05);
  });
});

describe('chances of a bank', () => {
  const bank = rateRatioFailBank(1, 19, 'higher');
  const share = 2 / 21;

  it.each([600, 1200, 2400])(
    'by the normal approximation are those of the walk, within %d trials of a small harm',
    (trials) => {
      const small = 1.5 / 20.5;
      const exact = walkEvents([{ bank, trials, share: small }], ALPHA).chance;
      expect(Math.abs(bankChance(bank, small, trials, ALPHA) - exact)).toBeLessThan(0.05);
    },
  );

  it('grow with time, and are none while nothing could be enough', () => {
    expect(bankChanceAt(bank, share, 1, ALPHA)).toBe(0);
    expect(bankChance(bank, share, 1, ALPHA)).toBe(0);
    expect(bankChanceAt(thresholdEventBank(0.01, 'below'), 0.001, 20, ALPHA)).toBe(0);
    const chances = [200, 400, 800].map((trials) => bankChanceAt(bank, share, trials, ALPHA));
    expect(chances).toEqual([...chances].sort((a, b) => a - b));
  });

  it('count few events exactly and many as normal ones', () => {
    expect(eventsAtMost(10, 0.5, 5)).toBeCloseTo(638 / 1024);
    expect(eventsAtMost(4000, 0.5, 2000)).toBeCloseTo(0.5063, 3);
  });
});

describe('banks of events', () => {
  it('look at the rarer of events and the rest', () => {
    const high = thresholdEventBank(0.9, 'below');
    const low = thresholdEventBank(0.1, 'above');
    expect(criticalEvents(high, 100, ALPHA)).toBeCloseTo(100 - criticalEvents(low, 100, ALPHA));
    expect(thresholdEventBank(0.9, 'above').logWeights).toHaveLength(4);
  });

  it('never finish where the truth is at the limit', () => {
    expect(expectedTrials(thresholdEventBank(0.01, 'above'), 0.01, ALPHA)).toBe(Number.POSITIVE_INFINITY);
  });

  it('count Poisson events for a rate', () => {
    const trials = expectedTrials(poissonEventBank('above'), 2 / POISSON_TRIALS, ALPHA);
    // `reference: statistics 4`: excess over a known rate at 2x is 10.2 to 10.7, of as many events expected.
    expect(trials / POISSON_TRIALS).toBeGreaterThan(8);
    expect(trials / POISSON_TRIALS).toBeLessThan(13);
    expect(expectedTrials(poissonEventBank('below'), 0.5 / POISSON_TRIALS, ALPHA)).toBeGreaterThan(POISSON_TRIALS);
  });
});
