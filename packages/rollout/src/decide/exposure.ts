import { type ExposureLayer, FULL_WEIGHT } from '@rampart/flags';
import type { RolloutEvent } from '../event.ts';
import { judgesToCalibrate } from '../judge/judge-trust.ts';
import { calendarOpen } from '../plan/calendar.ts';
import type { Plan, Stage } from '../plan.ts';
import type { RolloutState } from '../state.ts';
import { closedGates, staleGates } from './gate-waits.ts';

/** Audiences of stages 0 to `index`, accumulated: nobody who saw the feature loses it by an advance (design §4). */
export function layersOf(plan: Plan, index: number): readonly ExposureLayer[] {
  const layers = new Map<string, ExposureLayer>();
  for (const stage of plan.stages.slice(0, index + 1)) {
    const key = stage.audience ?? '';
    const weight = Math.max(stage.weight, layers.get(key)?.weight ?? 0);
    layers.set(key, stage.audience === undefined ? { weight } : { segment: stage.audience, weight });
  }
  return [...layers.values()];
}

/** Whether no audience of `before` is missing from, or smaller in, `after`. */
export function coversLayers(after: readonly ExposureLayer[], before: readonly ExposureLayer[]): boolean {
  return before.every((old) => after.some((one) => one.segment === old.segment && one.weight >= old.weight));
}

/** Share of everyone that a stage's random split exposes, in thousandths of a percent; 0 for an audience-only stage. */
export function weightOfEveryone(layers: readonly ExposureLayer[]): number {
  return Math.max(0, ...layers.filter((layer) => layer.segment === undefined).map((layer) => layer.weight));
}

/** Whether a stage compares two arms: some layer is a random split below 100 %. */
export function hasControl(layers: readonly ExposureLayer[]): boolean {
  return layers.some((layer) => layer.weight > 0 && layer.weight < FULL_WEIGHT);
}

/** Stage the rollout stands in. */
export function stageOf(state: RolloutState): Stage | undefined {
  return state.stage === undefined ? undefined : state.plan.stages[state.stage.index];
}

/** Events that enter a stage; entering the last one begins the monitoring that leads to the exit gate. */
export function enterStage(state: RolloutState, index: number, now: number, why: string): readonly RolloutEvent[] {
  const stage = state.plan.stages[index];
  if (stage === undefined) return [];
  const isLast = index === state.plan.stages.length - 1;
  const durationMs = isLast ? state.plan.monitorMs : (stage.durationMs ?? state.plan.monitorMs);
  const entered: RolloutEvent = {
    type: 'StageEntered',
    index,
    name: stage.name,
    layers: layersOf(state.plan, index),
    epoch: state.epoch + 1,
    durationMs,
    why,
  };
  return isLast ? [entered, { type: 'MonitoringStarted', untilAt: now + durationMs }] : [entered];
}

/** Events that end pre-flight and baseline as far as they can end now: the baseline begins, or stage 1 is entered. */
export function beginExposure(state: RolloutState, now: number): readonly RolloutEvent[] {
  if (state.baseline === undefined) return state.baselineSince === undefined ? [{ type: 'BaselineStarted' }] : [];
  if (!calendarOpen(state.plan.calendar, now).open || state.killed || state.hold !== undefined) return [];
  // A kill trip on a metric whose judge nobody calibrated would see nothing.
  if (judgesToCalibrate(state, now).length > 0) return [];
  // A retry comes here before its phase is that of the baseline.
  const starting: RolloutState = { ...state, phase: 'baseline' };
  if (closedGates(starting, now).length > 0 || staleGates(starting, now).length > 0) return [];
  return enterStage(state, 0, now, 'pre-flight and baseline are complete');
}
