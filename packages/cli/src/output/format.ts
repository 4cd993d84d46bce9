import type { ExposureLayer } from '@rampart/flags';
import { formatElapsed, formatShare, type MetricUnit, formatMeasured as measured } from '@rampart/rollout';

/** Shown where there is nothing to show. */
export const NOTHING = '–';

/** Text of the server with its long times in seconds told in larger units: `77640 s` becomes `21 h 34 min`. */
export function withReadableTimes(text: string): string {
  return text.replace(/\b(\d{3,}) s\b/g, (_, seconds: string) => formatElapsed(Number(seconds) * 1000));
}

/** Length of time a person reads at a glance, in one unit: hours up to two days, then days or weeks, with one digit. */
export function formatLength(durationMs: number): string {
  const hours = durationMs / 3_600_000;
  if (durationMs < 60_000) return formatElapsed(durationMs);
  if (hours < 1) return `${Math.round(durationMs / 60_000)} min`;
  if (hours <= 48) return `${round(hours)} h`;
  return hours < 24 * 7 || hours % (24 * 7) !== 0 ? `${round(hours / 24)} d` : `${round(hours / 168)} w`;
}

const round = (value: number) => Math.round(value * 10) / 10;

/** An instant to the minute in UTC, with its weekday: `Mon 2026-01-05 09:00 UTC`. */
export function formatDate(at: number): string {
  const date = new Date(at);
  const weekday = date.toLocaleDateString('en-US', { weekday: 'short', timeZone: 'UTC' });
  return `${weekday} ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Time of an event on the page, in UTC: `01-05 09:00:00`. */
export function formatMoment(at: number): string {
  return new Date(at).toISOString().slice(5, 19).replace('T', ' ');
}

/** A measured value in the unit of its metric; a dash where there is none. */
export function formatMeasured(value: number | undefined, unit: MetricUnit): string {
  return value === undefined ? NOTHING : measured(value, unit);
}

/** A number of people or observations: `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** All that is exposed at once: `100 % of team + 5 %`; `nobody` without layers. */
export function formatLayers(layers: readonly ExposureLayer[]): string {
  const parts = layers.map(({ segment, weight }) =>
    formatShare({ weight, ...(segment === undefined ? {} : { audience: segment }) }),
  );
  return parts.length === 0 ? 'nobody' : parts.join(' + ');
}
