import { describe, expect, it } from 'vitest';
import { monotoneClock } from './clock.ts';

function clockAt(start: number) {
  let now = start;
  const errors: object[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: (fields: object) => void errors.push(fields) };
  const set = (at: number) => {
    now = at;
  };
  return { clock: monotoneClock({ now: () => now }, log), set, errors };
}

describe('the clock of the server', () => {
  it('follows its source forward', () => {
    const { clock, set } = clockAt(10_000);
    expect(clock.now()).toBe(10_000);
    set(12_000);
    expect(clock.now()).toBe(12_000);
  });

  it('stands still while its source is behind, and says so once each time it happens', () => {
    const { clock, set, errors } = clockAt(10_000);
    clock.now();
    set(5_000);
    expect([clock.now(), clock.now()]).toEqual([10_000, 10_000]);
    expect(errors).toEqual([{ code: 'CLOCK_WENT_BACK', backMs: 5_000, latest: 10_000, now: 5_000 }]);
    set(11_000);
    expect(clock.now()).toBe(11_000);
    set(5_000);
    clock.now();
    expect(errors).toHaveLength(2);
  });

  it('says nothing of a step within time synchronisation', () => {
    const { clock, set, errors } = clockAt(10_000);
    clock.now();
    set(9_500);
    expect(clock.now()).toBe(10_000);
    expect(errors).toEqual([]);
  });

  it('is never before what is known to have passed', () => {
    const { clock } = clockAt(10_000);
    clock.advanceTo(20_000);
    expect(clock.now()).toBe(20_000);
  });
});
