/** Digits before the point of an epoch in seconds, milliseconds, microseconds and nanoseconds between 1973 and 5138. */
const UNITS: readonly (readonly [below: number, perMs: number])[] = [
  [1e11, 1e-3],
  [1e14, 1],
  [1e17, 1e3],
  [Number.POSITIVE_INFINITY, 1e6],
];
const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/i;

/**
 * Epoch milliseconds of an instant as systems write it: ISO 8601 and what databases print (without a zone it is UTC), or an
 * epoch in seconds, milliseconds, microseconds or nanoseconds, told apart by its size. `undefined` for anything else.
 */
export function instantOf(value: unknown): number | undefined {
  if (value instanceof Date) return known(value.getTime());
  if (typeof value === 'number') return ofEpoch(value);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d{9,}(?:\.\d+)?$/.test(text)) return ofEpoch(Number(text));
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [, day, time = '00:00', zone = 'Z'] = match;
  return known(Date.parse(`${day}T${time.replace(/(\.\d{3})\d+$/, '$1')}${isoZone(zone)}`));
}

function isoZone(zone: string): string {
  if (/^(?:Z|UTC)$/i.test(zone)) return 'Z';
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

function ofEpoch(value: number): number | undefined {
  if (!(value >= 1e8)) return undefined;
  const perMs = UNITS.find(([below]) => value < below)?.[1] ?? 1;
  return known(Math.floor(value / perMs));
}

function known(at: number): number | undefined {
  return Number.isFinite(at) ? at : undefined;
}
