import { describe, expect, it } from 'vitest';
import { baselineShareLogE } from './baseline-share.ts';
import { EQUAL_WEIGHTS, mixtureLogE, RATIO_GRID } from './rate-ratio.ts';
import { emptyReplay, frozenBaseline, updateReplay } from './replay.ts';
import { drawPoisson, seeded } from './seeded-chance.contract.ts';
import { thresholdLogE } from './threshold.ts';

const DAY = 24 * 60;
const STEP = 10;
const RATE = 0.001;
const TREATMENT_PER_MINUTE = 100;
const BASELINE_PER_MINUTE = 100;
const RUNS = 600;
/** Three standard errors of a share of 5 % over all runs. */
const MARGIN = 3 * Math.sqrt((0.05 * 0.95) / RUNS);

/** Diurnal traffic that both the baseline and treatment follow. */
const wave = (minute: number) => 1 + 0.5 * Math.sin((2 * Math.PI * minute) / DAY);

/** Share of two-day stages, with a day of baseline before them, in which each rule ever refutes. */
function everRefuted(ratio: number) {
  const hits = { plugIn: 0, replay: 0, bound: 0 };
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const random = seeded(seed);
    const slots = Array.from({ length: DAY }, (_, minute) => {
      const n = BASELINE_PER_MINUTE * wave(minute);
      return { minute, n, x: drawPoisson(random, n * RATE * wave(minute)) };
    });
    const [baselineX, baselineN] = [slots.reduce((sum, { x }) => sum + x, 0), slots.reduce((sum, { n }) => sum + n, 0)];
    const plan = { baseline: frozenBaseline(slots, DAY), startMinute: 0, passes: 2, nullRatio: 1, ratios: RATIO_GRID };
    let replay = emptyReplay(plan);
    let [x, n] = [0, 0];
    const best = { plugIn: 0, replay: 0, bound: 0 };
    for (let minute = 0; minute < 2 * DAY; minute += STEP) {
      const inStep = STEP * TREATMENT_PER_MINUTE * wave(minute);
      const events = drawPoisson(random, inStep * RATE * ratio * wave(minute));
      [x, n] = [x + events, n + inStep];
      replay = updateReplay(replay, { x: events, n: inStep, toMinute: minute + STEP }, plan);
      best.replay = Math.max(best.replay, mixtureLogE(replay.llr, EQUAL_WEIGHTS));
      best.plugIn = Math.max(best.plugIn, thresholdLogE(x, n, baselineX / baselineN));
      if (minute % 360 === 0) {
        const bound = baselineShareLogE({ x, n, baselineX, baselineN, nullRatio: 1, direction: 'above' });
        best.bound = Math.max(best.bound, bound);
      }
    }
    if (best.plugIn >= Math.log(20)) hits.plugIn += 1;
    if (best.replay >= Math.log(20)) hits.replay += 1;
    if (best.bound >= Math.log(1 / 0.04)) hits.bound += 1;
  }
  return { plugIn: hits.plugIn / RUNS, replay: hits.replay / RUNS, bound: hits.bound / RUNS };
}

describe('a day of baseline before two days of rollout', () => {
  const healthy = everRefuted(1);

  it('gives false aborts when its average is taken for the truth', () => {
    expect(healthy.plugIn).toBeGreaterThan(0.05 + MARGIN);
  });

  it('keeps them at 5 % when it is played minute by minute, and lower when only its totals are bounded', () => {
    expect(healthy.replay).toBeLessThanOrEqual(0.05 + MARGIN);
    expect(healthy.bound).toBeLessThanOrEqual(healthy.replay);
  });

  it('finds a doubled rate in every rollout when it is played', () => {
    expect(everRefuted(2).replay).toBeGreaterThan(0.95);
  });
});
