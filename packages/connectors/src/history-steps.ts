import type { Metric, RecordedSeries, RecordedStep } from '@rampart/rollout';
import type { HistoryPoint, HistoryQuery, HistorySource } from './ports.ts';

/** A part of a history: its steps, also those in which nothing was counted, and what to tell of it. */
export type HistoryPart = {
  readonly steps: readonly RecordedStep[];
  readonly toAt: number;
  readonly warnings: readonly string[];
  /** Metrics with at least one observation in this part. */
  readonly metrics: readonly string[];
};

/** A range of history, read for several metrics at once. */
export type HistoryRange = Omit<HistoryQuery, 'metric'> & { readonly metrics: readonly Metric[] };

/** A source of history that could not answer. The message names the metric and what to do. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
  /** Nothing answers at the address: neither the query nor the credentials are to blame. */
  readonly isUnreachable: boolean;

  constructor(message: string, isUnreachable: boolean) {
    super(message);
    this.isUnreachable = isUnreachable;
  }
}

/** Reads a range part by part, so that progress shows and memory stays small. @throws HistoryError */
export async function* historySteps(source: HistorySource, range: HistoryRange): AsyncGenerator<HistoryPart> {
  const { metrics, ...query } = range;
  const readers = metrics.map((metric) => source.read({ ...query, metric }));
  const occurring = new Set(metrics.filter(({ kind }) => kind === 'count').map(({ name }) => name));
  const partMs = range.partSteps * range.stepMs;
  for (let fromAt = range.fromAt; fromAt < range.toAt; fromAt += partMs) {
    const toAt = Math.min(range.toAt, fromAt + partMs);
    const points: HistoryPoint[] = [];
    const warnings = new Set<string>();
    for (const reader of readers) {
      const { value: answer } = await reader.next();
      if (answer?.kind === 'error') throw new HistoryError(answer.message, answer.isUnreachable ?? false);
      if (answer?.kind !== 'value') continue;
      points.push(...answer.points);
      for (const warning of answer.warnings) warnings.add(warning);
    }
    const steps = stepsOf(points, { fromAt, toAt, stepMs: range.stepMs }, occurring);
    yield { steps, toAt, warnings: [...warnings], metrics: [...new Set(points.map(({ metric }) => metric))] };
  }
}

function stepsOf(
  points: readonly HistoryPoint[],
  { fromAt, toAt, stepMs }: Pick<HistoryQuery, 'fromAt' | 'toAt' | 'stepMs'>,
  occurring: ReadonlySet<string>,
): readonly RecordedStep[] {
  const byEnd = Map.groupBy(points, ({ at }) => at);
  return Array.from({ length: Math.floor((toAt - fromAt) / stepMs) }, (_, i) => {
    const endAt = fromAt + (i + 1) * stepMs;
    const here = byEnd.get(endAt) ?? [];
    const series = here
      .filter(({ metric }) => !occurring.has(metric))
      .map(({ at: _at, ...rest }): RecordedSeries => rest);
    const occurrences = here
      .filter(({ metric }) => occurring.has(metric))
      .map(({ metric, at, count }) => ({ metric, at, count }));
    return { fromAt: endAt - stepMs, toAt: endAt, series, ...(occurrences.length > 0 && { occurrences }) };
  });
}
