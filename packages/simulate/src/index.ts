export { seedOfRun } from './chance/chance.ts';
export { longestBatchMs, plannedMs, type SimulationOptions, simulateRollout } from './run/simulate-rollout.ts';
export type { AbortCause, Outcome, PassedStage, SimulatedRun } from './run/simulated-run.ts';
export {
  type CauseSummary,
  hasFalsePass,
  type RunShare,
  runShare,
  type Spread,
  type StageSummary,
  type Summary,
  spreadOf,
  summarize,
  type WaitSummary,
} from './run/summarize.ts';
export { openSite, type Site } from './site/site.ts';
export {
  buildWorld,
  PLAN_SPREADS,
  type Spreads,
  TYPICAL,
  TYPICAL_SPREADS,
  type WorldFacts,
  type WorldResult,
} from './world/build-world.ts';
export { applyScenarios, SCENARIO_NAMES, type ScenarioResult } from './world/scenario.ts';
export { harmBegins, isHarmful, typicalValue } from './world/truth.ts';
export type { Disturbances, Effect, MetricModel, World } from './world/world.ts';
