import type { ExposureLayer } from '@rampart/flags';
import { METRIC_CATALOG } from '../plan/catalog.ts';
import { formatValue } from '../plan/format-limit.ts';
import type { MetricUnit, Plan, Stage } from '../plan.ts';
import type { Verdict } from '../verdict.ts';
import { plainLine } from './markdown.ts';

/** How documents are written. */
export type DocumentOptions = {
  /** When it is written, epoch ms. */
  readonly now: number;
  /** IANA zone of its dates. Default: UTC. An unknown one throws `RangeError`. */
  readonly timeZone?: string;
  /** What became of the messages of the abort, by destination, where the outbox still knows. Default: nothing is known. */
  readonly deliveries?: readonly { readonly destination: string; readonly state: 'pending' | 'done' | 'dead' }[];
};

/** Shown where there is nothing to show. */
export const NOTHING = '–';

/** An instant to the second, the minute where it is whole: `2026-01-05 09:00 UTC`; with its offset in a zone: `2026-01-05 10:00:07 GMT+1`. */
export function formatInstant(at: number, timeZone = 'UTC'): string {
  if (timeZone === 'UTC') return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ').replace(/:00$/, '')} UTC`;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'shortOffset',
  });
  const parts = new Map(format.formatToParts(at).map((part) => [part.type, part.value]));
  const date = `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`;
  const seconds = parts.get('second') === '00' ? '' : `:${parts.get('second')}`;
  return `${date} ${parts.get('hour')}:${parts.get('minute')}${seconds} ${parts.get('timeZoneName')}`;
}

/** A measured value, rounded to three digits (whole numbers and cents stay whole): `0.12 %`, `412 ms`, `$0.03`, `10`. */
export function formatMeasured(value: number, unit: MetricUnit): string {
  const wholeDigits = Math.ceil(Math.log10(Math.abs(value) + 1)) + (unit === 'USD' ? 2 : 0);
  return Number.isFinite(value) ? formatValue(value, unit, Math.min(21, Math.max(3, wholeDigits))) : NOTHING;
}

/** A number of people or observations: `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** A weight in thousandths of a percent: `0.5 %`. */
export function formatWeight(weight: number): string {
  return `${weight / 1000} %`;
}

/** Share and audience of a stage: `25 %`, `100 % of team`. Plain text. */
export function formatShare(stage: Pick<Stage, 'weight' | 'audience'>): string {
  return `${formatWeight(stage.weight)}${stage.audience === undefined ? '' : ` of ${plainLine(stage.audience)}`}`;
}

/**
 * All that a rollout serves at once, the highest share per audience (lower ones lie within it): `100 % of team + 5 % of everyone`;
 * `nobody` without layers. Plain text.
 */
export function formatLayers(layers: readonly ExposureLayer[]): string {
  const highest = new Map<string, number>();
  for (const { segment = 'everyone', weight } of layers)
    highest.set(segment, Math.max(weight, highest.get(segment) ?? 0));
  const parts = [...highest].map(([audience, weight]) => formatShare({ weight, audience }));
  return parts.length === 0 ? 'nobody' : parts.join(' + ');
}

/** Name of a metric, for people: `errorRate` is `Error rate`. Plain text. */
export function metricTitle(metric: string): string {
  const words = plainLine(metric).replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Unit of a metric as the plan says, else as the catalog does; `value` for a metric that neither knows. */
export function unitOf(metric: string, metrics: Plan['metrics'] = {}): MetricUnit {
  const planned = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
  return (planned ?? METRIC_CATALOG.get(metric)?.metric)?.unit ?? 'value';
}

/** A verdict in a few words: `errorRate 2.1 % against limit 1 %`. Plain text. */
export function formatVerdict(verdict: Verdict, metrics?: Plan['metrics']): string {
  const value = verdict.value === undefined ? '' : ` ${formatMeasured(verdict.value, unitOf(verdict.metric, metrics))}`;
  return plainLine(`${verdict.metric}${value} against limit ${verdict.limit}`);
}
