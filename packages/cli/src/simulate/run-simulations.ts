import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type SimulatedRun, seedOfRun, simulateRollout } from '@rampart/simulate';
import type { SimulatedShare, SimulationJob, SimulationShare } from './simulation-job.ts';

const IS_SOURCE = import.meta.url.endsWith('.ts');
// Two literals, which tools that follow imports understand; `tsc` rewrites neither.
const THREAD = IS_SOURCE
  ? new URL('./simulation-thread.ts', import.meta.url)
  : new URL('./simulation-thread.js', import.meta.url);
/** Fewer runs than this per thread are not worth starting one. */
const LEAST_PER_THREAD = 4;

/** How a set of runs is carried out. */
export type RunControl = {
  /** Called after each run with the number done so far. */
  readonly onDone: (done: number) => void;
  /** Stops early: what is done by then is the result. */
  readonly signal: AbortSignal;
  /** Threads; the result does not depend on them. Default: one per core, fewer for a few runs. */
  readonly threads?: number;
};

/** Does the runs of a job, in the order of their index. Fewer than asked for only if the signal stops it. */
export async function runSimulations(job: SimulationJob, control: RunControl): Promise<readonly SimulatedRun[]> {
  const threads = control.threads ?? Math.min(availableParallelism(), Math.ceil(job.runs / LEAST_PER_THREAD));
  const runs: SimulatedRun[] = [];
  let done = 0;
  const take = ({ index, run }: SimulatedShare) => {
    runs[index] = run;
    done += 1;
    control.onDone(done);
  };
  if (threads <= 1) await runHere(job, take, control.signal);
  else {
    await Promise.all(
      Array.from({ length: threads }, (_, first) => runThread({ job, first, step: threads }, take, control.signal)),
    );
  }
  return runs.filter((run) => run !== undefined);
}

async function runHere(job: SimulationJob, take: (share: SimulatedShare) => void, signal: AbortSignal): Promise<void> {
  for (let index = 0; index < job.runs && !signal.aborted; index += 1) {
    take({ index, run: simulateRollout(job.plan, job.world, seedOfRun(job.seed, index), job.options) });
    // Lets an interrupt arrive.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function runThread(share: SimulationShare, take: (share: SimulatedShare) => void, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  // The sources are read by a condition that the thread must be told of; flags of the parent mean nothing to it.
  const worker = new Worker(THREAD, { workerData: share, execArgv: IS_SOURCE ? ['--conditions=@rampart/source'] : [] });
  const stop = () => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  worker.on('message', take);
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => {
      signal.removeEventListener('abort', stop);
      if (code === 0 || signal.aborted) resolve();
      else reject(new Error(`a simulation thread ended with code ${code}`));
    });
  });
}
