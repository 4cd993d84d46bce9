import { EQUAL_WEIGHTS, lateOnsetLogE, mixtureLogE, RATIO_GRID, updateRateRatio } from '@rampart/stats';
import { chanceOf } from './chance.ts';
import { coreAbortsAfter } from './core.ts';
import { type Experiment, SEED } from './experiment.ts';
import { gridAbortsAfter, THRESHOLD } from './ours.ts';
import { MINUTES, simulateTraffic, type Traffic } from './traffic.ts';

/** Minutes between two restarts of the mixture. */
const RESTART_EVERY = 360;
/** Minute at which harm begins: after a day. */
export const ONSET = 1440;

/** The exact grid with restarts every six hours, each a process of its own that ignores what came before it. */
export function mixtureAbortsAfter({ nT, xT, nC, xC }: Traffic): number {
  let llr: readonly number[] = RATIO_GRID.map(() => 0);
  const starts: (readonly number[])[] = [llr];
  for (let minute = 0; minute < MINUTES; minute += 1) {
    if (minute > 0 && minute % RESTART_EVERY === 0) starts.push(llr);
    llr = updateRateRatio(llr, { nT: nT[minute], xT: xT[minute], nC: nC[minute], xC: xC[minute] }, 1, RATIO_GRID);
    if (xT[minute] === 0) continue;
    const logEs = starts.map((start) =>
      mixtureLogE(
        llr.map((one, g) => one - start[g]),
        EQUAL_WEIGHTS,
      ),
    );
    if (lateOnsetLogE(logEs) >= THRESHOLD) return minute + 1;
  }
  return Number.POSITIVE_INFINITY;
}

function experiment(name: string, ratio: number, onset: number, runs: number): Experiment {
  return {
    name,
    runs,
    columns: [
      { key: 'plain', name: 'one process from the start' },
      { key: 'mixture', name: 'late-onset mixture, restarts every 6 h', isOurs: true },
      { key: 'default', name: 'default configuration', isOurs: true },
    ],
    simulate(run) {
      const chance = chanceOf(SEED, name, run);
      const traffic = simulateTraffic(chance, { ratio, isDiurnal: false, onset });
      const plain = gridAbortsAfter(traffic.nT, traffic.xT, traffic.nC, traffic.xC);
      return [plain, mixtureAbortsAfter(traffic), coreAbortsAfter(traffic, chance)];
    },
  };
}

/** Harm that begins after a day, and what the readiness for it costs where harm begins at once or never. */
export const LATE_ONSET: readonly Experiment[] = [
  experiment('late-2x', 2, ONSET, 1000),
  experiment('late-5x', 5, ONSET, 1000),
  experiment('late-none', 1, 0, 2000),
  experiment('late-at-once', 2, 0, 1000),
];
