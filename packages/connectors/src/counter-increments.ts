import type { PrometheusSeries } from './prometheus-api.ts';

/** What a counter grew by in the step that ended at `at`. */
export type Increment = { readonly at: number; readonly by: number };

type Sample = PrometheusSeries['samples'][number];

/** Where each counter of a selector stood last, by its labels. */
export type CounterMemory = Map<string, Sample>;

/**
 * Longest time a series may be missing for its growth to be counted when it is back, milliseconds: the lookback of
 * Prometheus. After a longer silence it is unknown when the growth came, and it is left out.
 */
export const LONGEST_GAP_MS = 5 * 60_000;

/**
 * Growth of one counter since the memory's last sample of it, step by step; the memory is moved on. The samples themselves
 * are compared instead of asking for `increase()`, which extrapolates to fractions and leaves out the first sample.
 *
 * A lower value is a restart of the process: it counts from 0. A series that is new while its metric was there one step
 * before (`wasThere`) began at 0 too: the first error of a pod is an error. Otherwise a first sample says nothing.
 */
export function incrementsOf(
  { labels, samples }: PrometheusSeries,
  memory: CounterMemory,
  wasThere: (at: number) => boolean,
): readonly Increment[] {
  const key = keyOf(labels);
  const increments: Increment[] = [];
  for (const sample of samples) {
    const last = memory.get(key);
    const [at] = sample;
    if (last !== undefined && at <= last[0]) continue;
    const by = last === undefined ? firstGrowth(sample, wasThere) : growth(last, sample);
    if (by > 0) increments.push({ at, by });
    memory.set(key, sample);
  }
  return increments;
}

function keyOf(labels: PrometheusSeries['labels']): string {
  return JSON.stringify(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function firstGrowth([at, value]: Sample, wasThere: (at: number) => boolean): number {
  return wasThere(at) ? value : 0;
}

function growth([lastAt, before]: Sample, [at, value]: Sample): number {
  if (at - lastAt > LONGEST_GAP_MS) return 0;
  return value >= before ? value - before : value;
}

/** Whether any of the series had a sample one step before an instant. */
export function presence(series: readonly PrometheusSeries[], stepMs: number): (at: number) => boolean {
  const instants = new Set(series.flatMap(({ samples }) => samples.map(([at]) => at)));
  return (at) => instants.has(at - stepMs);
}
