import { type ExposureLayer, FULL_WEIGHT } from '@rampart/flags';
import { type EventRecord, evolve, type Phase, type RolloutState, weightOfEveryone } from '@rampart/rollout';
import { recordOf, streamOf } from './event-records.ts';
import type { Store } from './store/store.ts';

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

const PULLED: readonly Phase[] = ['baseline', 'exposing', 'monitoring'];

/** Whether sources are asked for a rollout now. */
export function isPulled({ phase }: RolloutState): boolean {
  return PULLED.includes(phase);
}

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
    if (isPulled(state)) spans.push({ fromAt: record.at, epoch: state.epoch, ...exposureTraits(state.layers) });
  }
  return { state, spans: spans.filter(({ fromAt, toAt }) => toAt === undefined || toAt > fromAt) };
}

function isSame(one: RolloutState, other: RolloutState): boolean {
  return one.epoch === other.epoch && isPulled(one) === isPulled(other);
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

/** Timelines of exposure by rollout, each read on where it ends. */
export type Timelines = {
  readonly of: (state: RolloutState) => Promise<ExposureTimeline>;
  readonly forget: (rollout: string) => void;
};

/** No timeline read yet. */
export function createTimelines(store: Store): Timelines {
  const known = new Map<string, ExposureTimeline>();
  return {
    async of({ id, version }) {
      const before = known.get(id) ?? NO_EXPOSURE;
      const upTo = before.state?.version ?? 0;
      if (upTo >= version) return before;
      const records = (await store.readStream(streamOf(id), upTo)).map(recordOf);
      const timeline = withRecords(before, records);
      known.set(id, timeline);
      return timeline;
    },
    forget: (rollout) => void known.delete(rollout),
  };
}
