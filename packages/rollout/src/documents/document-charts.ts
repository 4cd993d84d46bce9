import { weightOfEveryone } from '../decide/exposure.ts';
import type { EventRecord } from '../event.ts';
import type { Plan } from '../plan.ts';
import type { Verdict } from '../verdict.ts';
import { metricTitle, unitOf } from './format.ts';
import type { Block, ChartPoint } from './page.ts';
import { verdictsOf } from './records.ts';

/** Points of one line at most: a paper shows no more, and weeks of judgements would make a document of megabytes. */
const MOST_POINTS = 300;

/** Evenly thinned; the first and the last stay. */
function thinned<T>(points: readonly T[]): readonly T[] {
  const step = (points.length - 1) / (MOST_POINTS - 1);
  if (step <= 1) return points;
  return Array.from({ length: MOST_POINTS }, (_, i) => points[Math.round(i * step)]).filter((one) => one !== undefined);
}

/** Share of everyone that may see the feature over time; audiences of their own are not in it. */
export function exposureChart(records: readonly EventRecord[]): Block | undefined {
  const points = records.flatMap(({ event, at, version }): readonly ChartPoint[] => {
    if (event.type === 'StageEntered') return [{ at, y: weightOfEveryone(event.layers) / 100_000, from: [version] }];
    const isEnd = event.type === 'RolloutAborted' || event.type === 'RolloutCancelled';
    return isEnd ? [{ at, y: 0, from: [version] }] : [];
  });
  if (points.length === 0) return undefined;
  const end = records.at(-1);
  const last = points.at(-1);
  const held = end && last && end.at > last.at ? [{ ...last, at: end.at, from: [...last.from, end.version] }] : [];
  return {
    kind: 'chart',
    chart: {
      title: 'Exposure over time',
      description: 'Share of everyone that may see the feature; it holds until it is changed.',
      unit: 'share',
      series: [{ name: 'exposed', shape: 'steps', points: [...points, ...held] }],
      references: [],
    },
  };
}

type Judged = { readonly verdict: Verdict; readonly at: number; readonly version: number };

/** Every judgement of a check, in order. */
function judgementsOf(records: readonly EventRecord[], check: string): readonly Judged[] {
  return records.flatMap(({ event, at, version }) =>
    verdictsOf(event)
      .filter((verdict) => verdict.check === check)
      .map((verdict) => ({ verdict, at, version })),
  );
}

/** The value of a check with its interval at every judgement, against the line beyond which it fails. */
export function intervalChart(
  records: readonly EventRecord[],
  check: string,
  metrics: Plan['metrics'],
): Block | undefined {
  const judged = judgementsOf(records, check).filter(({ verdict }) => Number.isFinite(verdict.value));
  const last = judged.at(-1);
  if (last === undefined) return undefined;
  const { metric, limit, failLine, tier } = last.verdict;
  const points = thinned(judged).map(({ verdict: { value = 0, interval }, at, version }) => ({
    ...{ at, y: value, from: [version] },
    ...(interval?.every(Number.isFinite) && { low: interval[0], high: interval[1] }),
  }));
  return {
    kind: 'chart',
    chart: {
      title: `${metricTitle(metric)} against ${limit} (${tier})`,
      description:
        'The observed value with its 95 % interval at every judgement, and the line beyond which the check fails.',
      unit: unitOf(metric, metrics),
      series: [{ name: 'observed', shape: 'straight', points }],
      references:
        failLine === undefined || !Number.isFinite(failLine)
          ? []
          : [{ at: failLine, label: 'limit', from: [last.version] }],
    },
  };
}

/** The evidence of a check towards both sides at every judgement, against what each needs. */
export function evidenceChart(records: readonly EventRecord[], check: string): Block | undefined {
  const judged = judgementsOf(records, check);
  const last = judged.at(-1);
  if (last === undefined || judged.length < 2) return undefined;
  const { metric, limit, failAt, passAt, method, tier } = last.verdict;
  const side = (pick: (verdict: Verdict) => number) =>
    thinned(judged)
      .map(({ verdict, at, version }) => ({ at, y: pick(verdict), from: [version] }))
      .filter(({ y }) => Number.isFinite(y));
  const series = [
    { name: 'of a breach', shape: 'steps' as const, points: side(({ logEFail }) => logEFail) },
    { name: 'of safety', shape: 'steps' as const, points: side(({ logEPass }) => logEPass) },
  ];
  if (series.every(({ points }) => points.length === 0)) return undefined;
  return {
    kind: 'chart',
    chart: {
      title: `Evidence on ${metricTitle(metric)} (${tier}, ${limit})`,
      description: `Evidence (log e) of a breach and of safety at every judgement, and what each needs. Method: ${method}.`,
      unit: 'nat',
      series,
      references: [
        { at: failAt, label: 'fails at', from: [last.version] },
        { at: passAt, label: 'passes at', from: [last.version] },
      ].filter(({ at }) => Number.isFinite(at)),
    },
  };
}
