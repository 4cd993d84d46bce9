import type { ExposureLayer } from '@rampart/flags';
import type { EventRecord } from '@rampart/rollout';

/** An exposure of a rollout, in force from `fromAt` to the start of the next. No layers: everyone is control. */
export type PastExposure = {
  readonly fromAt: number;
  readonly epoch: number;
  readonly attempt: number;
  readonly layers: readonly ExposureLayer[];
};

/** Every exposure of a rollout from its first baseline on, oldest first, as its events tell. */
export function exposuresOf(records: readonly EventRecord[]): readonly PastExposure[] {
  const exposures: PastExposure[] = [];
  let attempt = 0;
  for (const { at, event } of records) {
    const epoch = exposures.at(-1)?.epoch ?? 0;
    if (event.type === 'AttemptStarted') attempt = event.attempt;
    else if (event.type === 'BaselineStarted') exposures.push({ fromAt: at, epoch, attempt, layers: [] });
    else if (event.type === 'StageEntered') {
      exposures.push({ fromAt: at, epoch: event.epoch, attempt, layers: event.layers });
    } else if (event.type === 'RolloutAborted') {
      exposures.push({ fromAt: at, epoch: event.epoch, attempt, layers: [] });
    }
  }
  return exposures;
}

/** The exposure that data of an interval counts for, and whether another one began within the interval. */
export type Placed = { readonly exposure: PastExposure; readonly isMixed: boolean };

/**
 * The exposure in force when an interval of observations began, epoch ms. Of an interval that runs into the next exposure
 * it is not known which observations were whose: it counts for the one it began in, so that the gates of a new stage see
 * only evidence newer than the stage. Undefined before the first.
 */
export function placeInTime(
  exposures: readonly PastExposure[],
  interval: { readonly fromAt: number; readonly toAt: number },
): Placed | undefined {
  const exposure = exposures.findLast(({ fromAt }) => fromAt <= interval.fromAt);
  if (exposure === undefined) return undefined;
  const last = exposures.findLast(({ fromAt }) => fromAt < interval.toAt);
  return { exposure, isMixed: last !== undefined && last.epoch !== exposure.epoch };
}

/** The last exposure of an epoch. */
export function exposureOfEpoch(exposures: readonly PastExposure[], epoch: number): PastExposure | undefined {
  return exposures.findLast((one) => one.epoch === epoch);
}
