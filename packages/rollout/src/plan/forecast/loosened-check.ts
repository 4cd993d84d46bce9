import type { Check, Limit, Metric } from '../../plan.ts';
import { formatLimit, formatValue } from '../format-limit.ts';

/** A check with a wider limit, and the words of the plan that say so. */
export type Loosened = { readonly check: Check; readonly text: string };

/** Rounds up, away from 0, to two significant digits. */
export function roundedUp(value: number): number {
  if (value === 0) return 0;
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
  return Number((Math.sign(value) * Math.ceil(Math.abs(value) / unit - 1e-9) * unit).toPrecision(2));
}

function roundedDown(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.floor(value / unit + 1e-9) * unit).toPrecision(2));
}

/** A limit `factor` times as wide (> 1), on the harmful side, in numbers that a person would write. */
function widened(limit: Limit, metric: Metric, factor: number): Limit | undefined {
  const isUp = metric.harm === 'higher';
  const away = (value: number) => (isUp ? roundedUp(value * factor) : roundedDown(value / factor));
  if (limit.kind === 'count') return undefined;
  if (limit.kind === 'absolute') {
    const value = away(limit.value);
    return metric.kind === 'proportion' && value >= 1 ? undefined : { ...limit, value };
  }
  if (limit.offset !== 0) return { ...limit, offset: roundedUp(limit.offset * factor) };
  // Room beyond the reference is what grows: 1.5x becomes 1.75x for a factor of 1.5.
  if (isUp && limit.ratio > 1) return { ...limit, ratio: roundedUp(1 + (limit.ratio - 1) * factor) };
  if (!isUp && limit.ratio < 1 && (1 - limit.ratio) * factor < 1) {
    return { ...limit, ratio: roundedDown(1 - (1 - limit.ratio) * factor) };
  }
  return undefined;
}

function marginText(limit: Limit, metric: Metric): string {
  if (limit.kind !== 'relative') return '';
  return limit.offset === 0 ? `${limit.ratio}x` : formatValue(Math.abs(limit.offset), metric.unit).replace(' %', '%');
}

/** A check whose limit (or margin, of a limit at its reference) is wider by a factor; `undefined`: it cannot be. */
export function loosenedCheck(check: Check, metric: Metric, factor: number): Loosened | undefined {
  const wide = widened(check.passLimit ?? check.limit, metric, factor);
  if (wide === undefined) return undefined;
  if (check.passLimit !== undefined) {
    const text = `{ metric: ${check.metric}, limit: ${check.text}, margin: ${marginText(wide, metric)} }`;
    return { check: { ...check, passLimit: wide }, text };
  }
  return { check: { ...check, limit: wide }, text: `{ metric: ${check.metric}, limit: ${formatLimit(wide, metric)} }` };
}
