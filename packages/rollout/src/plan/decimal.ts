/** An exact decimal number: `digits` × 10^`exponent`. */
export type Decimal = { readonly digits: bigint; readonly exponent: number };

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
const MOST_CHARACTERS = 60;

/** Reads `12`, `-0.50`, `1e-3` exactly. `undefined` for anything else, and for texts longer than 60 characters. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = text.length <= MOST_CHARACTERS ? DECIMAL.exec(text) : null;
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction);
  return { digits: sign === '-' ? -digits : digits, exponent: Number(exponent) - fraction.length };
}

/** The decimal that a finite number prints as: 0.1 is one tenth. `undefined` for `NaN` and infinities. */
export function decimalOf(value: number): Decimal | undefined {
  return parseDecimal(String(value));
}

/** `decimal` × 10^`places`, exactly. */
export function shiftDecimal(decimal: Decimal, places: number): Decimal {
  return { digits: decimal.digits, exponent: decimal.exponent + places };
}

/** The number nearest to `decimal`. */
export function decimalToNumber(decimal: Decimal): number {
  return Number(`${decimal.digits}e${decimal.exponent}`);
}

/** How many units of 10^`unitExponent` make up `decimal`; `undefined` when it is finer than one unit. */
export function decimalToUnits(decimal: Decimal, unitExponent: number): bigint | undefined {
  const places = decimal.exponent - unitExponent;
  if (places >= 0) return decimal.digits * 10n ** BigInt(places);
  const divisor = 10n ** BigInt(-places);
  return decimal.digits % divisor === 0n ? decimal.digits / divisor : undefined;
}

/** Plain notation without exponent, with at least `leastFraction` digits after the point: `0.50`, `-12`, `0.0003`. */
export function printDecimal(decimal: Decimal, leastFraction = 0): string {
  const negative = decimal.digits < 0n;
  const trailing = decimal.digits === 0n ? 0 : Math.max(0, decimal.exponent);
  const digits = String(negative ? -decimal.digits : decimal.digits) + '0'.repeat(trailing);
  const places = Math.max(0, -decimal.exponent);
  const padded = digits.padStart(places + 1, '0');
  const whole = padded.slice(0, padded.length - places);
  const fraction = padded
    .slice(padded.length - places)
    .replace(/0+$/, '')
    .padEnd(leastFraction, '0');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A weight in thousandths of a percent, or what is wrong with the percentage. */
export type Percentage =
  | { readonly ok: true; readonly weight: number }
  | {
      readonly ok: false;
      readonly code: 'invalid-percentage' | 'percentage-too-fine' | 'percentage-out-of-range';
      readonly message: string;
    };

/**
 * Reads `0.5`, `'0.5'` and `'0.5%'` as 500 thousandths of a percent, through decimals only.
 * `least` is the lowest weight allowed (1: above 0 %; 0: 0 % too); the highest is 100 %.
 */
export function parsePercentage(input: number | string, least: 0 | 1): Percentage {
  const text = typeof input === 'string' ? input.trim().replace(/\s*%$/, '') : String(input);
  const decimal = parseDecimal(text);
  if (!decimal) {
    const message = `received ${JSON.stringify(input)}; write a percentage such as 5, 0.5 or "0.5%"`;
    return { ok: false, code: 'invalid-percentage', message };
  }
  const units = decimalToUnits(decimal, -3);
  const range = least === 0 ? 'from 0 % to 100 %' : 'above 0 % and at most 100 %';
  if (decimal.digits < BigInt(least) || decimalToNumber(decimal) > 100) {
    return { ok: false, code: 'percentage-out-of-range', message: `received ${text} %; write a percentage ${range}` };
  }
  if (units === undefined) {
    const message = `received ${text} %, which is finer than 0.001 %; write at most three digits after the point`;
    return { ok: false, code: 'percentage-too-fine', message };
  }
  return { ok: true, weight: Number(units) };
}
