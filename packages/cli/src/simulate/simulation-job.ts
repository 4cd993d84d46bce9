import type { Plan } from '@rampart/rollout';
import type { SimulatedRun, SimulationOptions, World } from '@rampart/simulate';

/** A set of runs of one plan in one world; run `index` (from 0) has a seed of its own whatever thread runs it. */
export type SimulationJob = {
  readonly plan: Plan;
  readonly world: World;
  readonly seed: number;
  readonly runs: number;
  readonly options: SimulationOptions;
};

/** The part of a job that one thread does: runs `first`, `first + step`, … */
export type SimulationShare = { readonly job: SimulationJob; readonly first: number; readonly step: number };

/** What a thread sends for each run. */
export type SimulatedShare = { readonly index: number; readonly run: SimulatedRun };
