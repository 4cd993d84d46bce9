import type { Aggregation, Exposure, ExposurePlace } from '@rampart/flags';

/** A place in a rollout and what is needed to count there; shared by all users who stand in it. */
export type Slot = {
  readonly flag: string;
  readonly place: ExposurePlace;
  /** Variant that the flag serves there. */
  readonly variant: string;
  /** Metrics the rollout judges; others are not kept. */
  readonly metrics: Readonly<Record<string, Aggregation>>;
  /** Under which users are counted once: flag and epoch. */
  readonly track: string;
  /** The same for two slots exactly when what is counted in them may be summed. */
  readonly id: string;
};

/** What a slot needs of the exposure of its flag. */
type SlotExposure = Pick<Exposure, 'metrics' | 'treatment' | 'control'>;

/** The slot of a place of a flag. Its keys are made once, here, and not for every observation. */
export function slotOf(flag: string, place: ExposurePlace, exposure: SlotExposure): Slot {
  const { metrics, treatment, control } = exposure;
  const variant = place.arm === 'control' ? control : treatment;
  const track = `${flag}\n${place.rollout}\n${place.attempt}\n${place.epoch}`;
  return { flag, place, variant, metrics, track, id: `${track}\n${place.stratum}\n${place.arm}` };
}
