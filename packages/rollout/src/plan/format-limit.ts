import type { Limit, Metric, MetricUnit } from '../plan.ts';
import { decimalOf, printDecimal, shiftDecimal } from './decimal.ts';
import { formatDuration } from './duration.ts';

function printNumber(value: number, places = 0, leastFraction = 0): string {
  const decimal = decimalOf(value);
  return decimal ? printDecimal(shiftDecimal(decimal, places), leastFraction) : String(value);
}

function positive(value: number, unit: MetricUnit): string {
  switch (unit) {
    case 'ratio':
      return `${printNumber(value, 2)} %`;
    case 'seconds':
      return value > 0 && value < 1 ? `${printNumber(value, 3)} ms` : `${printNumber(value)} s`;
    case 'USD':
      return `$${printNumber(value, 0, 2)}`;
    case 'tokens':
      return `${printNumber(value)} tokens`;
    case 'perSecond':
      return `${printNumber(value)} per second`;
    default:
      return printNumber(value);
  }
}

/**
 * A value for people: `1 %`, `$0.50`, `2 s`, `250 ms`, `500 tokens`, `120 per second`. Exact by default; with
 * `significantDigits` (1 to 21) rounded, as measured values should be.
 */
export function formatValue(value: number, unit: MetricUnit, significantDigits?: number): string {
  const rounded = significantDigits === undefined ? value : Number(value.toPrecision(significantDigits));
  return rounded < 0 ? `-${positive(-rounded, unit)}` : positive(rounded, unit);
}

/** A limit for people, in the language that `parseLimit` reads: `1 %`, `1.5x control`, `baseline + 0.5 %`, `10 per 24 h`. */
export function formatLimit(limit: Limit, metric: Pick<Metric, 'unit'>): string {
  if (limit.kind === 'absolute') return formatValue(limit.value, metric.unit);
  if (limit.kind === 'count') return `${limit.count} per ${formatDuration(limit.windowMs)}`;
  const ratio = limit.ratio === 1 && limit.offset !== 0 ? '' : `${printNumber(limit.ratio)}x `;
  const sign = limit.offset < 0 ? '-' : '+';
  const offset = limit.offset === 0 ? '' : ` ${sign} ${formatValue(Math.abs(limit.offset), metric.unit)}`;
  return `${ratio}${limit.reference}${offset}`;
}

/** Plural of what a metric is counted per: `requests`, `queries`, `days`. */
export function pluralOf(per: string): string {
  return /[^aeiou]y$/.test(per) ? `${per.slice(0, -1)}ies` : `${per}s`;
}
