import { type ExposureLayer, FULL_WEIGHT } from '@rampart/flags';
import { type EventRecord, evolve, type Phase, type RolloutState, weightOfEveryone } from '@rampart/rollout';

/** A time in which the exposure of a rollout did not change, epoch milliseconds. */
export type ExposureSpan = {
  readonly fromAt: number;
  /** Absent: it lasts. */
  readonly toAt?: number;
  readonly epoch: number;
  /** Share of the split, in thousandths of a percent; 0 while nobody is exposed, 100 000 for audiences alone. */
  readonly stratum: number;
  /** Whether everyone sees the same variant. */
  readonly isUniform: boolean;
  /** Whether only audiences are exposed, none of them by a split: whoever sees the new variant was chosen. */
  readonly isAudience: boolean;
};

/** Phases in which sources are asked. */
const PULLED: readonly Phase[] = ['baseline', 'exposing', 'monitoring'];

/** Exposures of a rollout as its events show them, and the state they led to: more events are added to both. */
export type ExposureTimeline = { readonly state: RolloutState | undefined; readonly spans: readonly ExposureSpan[] };

/** Before any event. */
export const NO_EXPOSURE: ExposureTimeline = { state: undefined, spans: [] };

/** The timeline after more events of the same rollout. */
export function withRecords(before: ExposureTimeline, records: readonly EventRecord[]): ExposureTimeline {
  let { state } = before;
  const spans = [...before.spans];
  for (const record of records) {
    const was = state;
    state = evolve(state, record);
    if (was !== undefined && isSame(was, state)) continue;
    const last = spans.at(-1);
    if (last !== undefined && last.toAt === undefined) spans.splice(-1, 1, { ...last, toAt: record.at });
    if (PULLED.includes(state.phase))
      spans.push({ fromAt: record.at, epoch: state.epoch, ...exposureTraits(state.layers) });
  }
  return { state, spans: spans.filter(({ fromAt, toAt }) => toAt === undefined || toAt > fromAt) };
}

function isSame(one: RolloutState, other: RolloutState): boolean {
  return one.epoch === other.epoch && PULLED.includes(one.phase) === PULLED.includes(other.phase);
}

/** What a source has to know of an exposure. */
export function exposureTraits(
  layers: readonly ExposureLayer[],
): Pick<ExposureSpan, 'stratum' | 'isUniform' | 'isAudience'> {
  if (layers.length === 0) return { stratum: 0, isUniform: true, isAudience: false };
  const everyone = weightOfEveryone(layers);
  const splits = layers.filter(({ segment, weight }) => segment === undefined || weight < FULL_WEIGHT);
  if (splits.length === 0) return { stratum: FULL_WEIGHT, isUniform: false, isAudience: true };
  const stratum = everyone > 0 ? everyone : Math.max(...splits.map(({ weight }) => weight));
  return { stratum, isUniform: everyone === FULL_WEIGHT, isAudience: false };
}
