import { parseDuration } from '@rampart/rollout';
import { InvalidArgumentError } from 'commander';

/** Reader of a number in a range, both ends inclusive, for an option or an argument. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected a number from ${least} to ${most}.`);
  };
}

/** Reads a whole number from 1. */
export function ordinal(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected a whole number from 1.`);
}

/** Reads a TCP port; 0 is any free one. */
export function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected a port from 0 to 65535.`);
}

/** Reads a share: `0.4%` or `0.004`. */
export function share(text: string): number {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())?.[1];
  const value = percent === undefined ? Number(text) : Number(percent) / 100;
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected a share such as 0.4% or 0.004.`);
}

/** Reads a duration such as `24h` to milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected a duration such as 30m, 24h or 1d12h.`);
}

/** Reads a date to epoch milliseconds: `2026-01-05`, `2026-01-05T09:00:00Z`. Without a zone it is UTC. */
export function instant(text: string): number {
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text);
  const at = /^\d{4}-\d\d-\d\d/.test(text)
    ? Date.parse(text.includes('T') && !hasZone ? `${text}Z` : text)
    : Number.NaN;
  if (Number.isFinite(at)) return at;
  throw new InvalidArgumentError(
    `Received ${JSON.stringify(text)}; expected a date such as 2026-01-05 or 2026-01-05T09:00Z.`,
  );
}

/** Collects `name=number` of an option that may be given several times; `0.2%` is 0.002. */
export function pairs(text: string, earlier: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const [, name, written = '', percent] = /^([\w.-]+)=\s*(\S+?)\s*(%?)$/.exec(text) ?? [];
  const value = Number(percent === '%' ? `${written}e-2` : written);
  if (name !== undefined && Number.isFinite(value)) return { ...earlier, [name]: value };
  throw new InvalidArgumentError(
    `Received ${JSON.stringify(text)}; expected name=number, for example costPerQuery=0.03 or errorRate=0.2%.`,
  );
}

/** Collects the values of an option that may be given several times. */
export function several(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}
