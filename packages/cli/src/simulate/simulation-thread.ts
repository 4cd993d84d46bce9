import { parentPort, workerData } from 'node:worker_threads';
import { seedOfRun, simulateRollout } from '@rampart/simulate';
import type { SimulatedShare, SimulationShare } from './simulation-job.ts';

const { job, first, step }: SimulationShare = workerData;
for (let index = first; index < job.runs; index += step) {
  const run = simulateRollout(job.plan, job.world, seedOfRun(job.seed, index), job.options);
  parentPort?.postMessage({ index, run } satisfies SimulatedShare);
}
