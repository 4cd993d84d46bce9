import { poissonLogE } from '@rampart/stats';
import { chanceOf } from './chance.ts';
import { type Experiment, SEED } from './experiment.ts';
import { THRESHOLD } from './ours.ts';
import { DAY, MINUTES } from './traffic.ts';

const LIMIT = 10;

function experiment(name: string, perDay: number): Experiment {
  return {
    name,
    runs: 2000,
    columns: [
      { key: 'slidingCount', name: 'more than 10 in any 24 h' },
      { key: 'rate', name: 'rate above 10 a day (d1)', isOurs: true },
    ],
    simulate(run) {
      const chance = chanceOf(SEED, name, run);
      const fired = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      const times: number[] = [];
      let time = 0;
      while (fired.includes(Number.POSITIVE_INFINITY)) {
        time -= (Math.log(chance.uniform()) * DAY) / perDay;
        if (time > MINUTES) break;
        times.push(time);
        const isMany = times.filter((at) => at > time - DAY).length > LIMIT;
        const isFast = poissonLogE(times.length, (LIMIT * time) / DAY, 'higher') >= THRESHOLD;
        [isMany, isFast].forEach((is, column) => {
          if (is) fired[column] = Math.min(fired[column], time);
        });
      }
      return fired;
    },
  };
}

/** Complaints against the limit of ten a day: six and eight a day are within it, forty are not. */
export const COMPLAINTS: readonly Experiment[] = [
  experiment('complaints-6', 6),
  experiment('complaints-8', 8),
  experiment('complaints-40', 40),
];
