import { describe, expect, it } from 'vitest';
import { poissonLogE } from './poisson.ts';

const DAY = 24 * 60;
const LIMIT = 10;
const LEVEL = Math.log(20);
/** Complaints at which a run surely was stopped before. */
const MOST = 160;

/** Fewest complaints that refute "at most 10 a day" after so many minutes. */
function boundary(minutes: number, from: number) {
  let x = from;
  while (poissonLogE(x, (LIMIT * minutes) / DAY, 'higher') < LEVEL) x += 1;
  return x;
}

/** Exact chances minute by minute: complaints at a steady rate, judged as a rate at every minute. */
function asRate(perDay: number, minutes: number) {
  const mean = perDay / DAY;
  // More than three in a minute have a chance below 1e-7 at 40 a day.
  const jumps = [1, mean, mean ** 2 / 2, mean ** 3 / 6].map((mass) => mass * Math.exp(-mean));
  let going = new Float64Array(MOST);
  going[0] = 1;
  let limit = 0;
  const run = { fired: 0, minutes: 0 };
  for (let minute = 1; minute <= minutes; minute += 1) {
    limit = boundary(minute, limit);
    const next = new Float64Array(MOST);
    for (let x = 0; x < limit; x += 1) {
      for (const [jump, mass] of jumps.entries()) next[x + jump]! += going[x]! * mass;
    }
    for (let x = limit; x < MOST; x += 1) {
      run.fired += next[x]!;
      run.minutes += next[x]! * minute;
      next[x] = 0;
    }
    going = next;
  }
  return { fired: run.fired, meanMinutes: run.minutes / run.fired };
}

describe('"more than 10 complaints in 24 h" read as a rate', () => {
  it('hardly ever fires in 48 h at 6 or 8 a day, where the count in a sliding day fires in 18 % and 51 %', () => {
    expect(asRate(6, 2 * DAY).fired).toBeLessThan(0.003);
    expect(asRate(8, 2 * DAY).fired).toBeLessThan(0.008);
  });

  it('fires at the limit itself in less than 5 % of weeks', () => {
    expect(asRate(10, 7 * DAY).fired).toBeLessThan(0.05);
  });

  it('fires surely at 40 a day, on average within four hours', () => {
    const { fired, meanMinutes } = asRate(40, 2 * DAY);
    expect(fired).toBeGreaterThan(0.999);
    expect(meanMinutes).toBeLessThan(240);
  });
});
