import type { MetricUnit } from '../plan.ts';
import { type Decimal, decimalToUnits, parseDecimal, shiftDecimal } from './decimal.ts';

const NUMBER = '(-?\\d+(?:\\.\\d+)?)';
const PERCENT = new RegExp(`^${NUMBER}\\s*%$`);
const DOLLARS = new RegExp(`^(?:\\$\\s*${NUMBER}|${NUMBER}\\s*(?:USD|\\$))$`, 'i');
const SECONDS = new RegExp(`^${NUMBER}\\s*(ms|s|min|m)$`);
const TOKENS = new RegExp(`^${NUMBER}(?:\\s*tokens?)?$`, 'i');
const PER_SECOND = new RegExp(`^${NUMBER}\\s*(?:per\\s+second|/\\s*s)$`, 'i');
const PLAIN = new RegExp(`^${NUMBER}$`);

/** Finest step of a unit as a power of ten: thousandths of a percent, microseconds, nano-dollars, else billionths. */
const FINEST: Readonly<Record<MetricUnit, number>> = {
  ratio: -5,
  seconds: -6,
  USD: -9,
  tokens: -9,
  perSecond: -9,
  events: 0,
  score: -9,
  value: -9,
};

/** A percentage such as `0.5 %` as a share (0.005). `undefined` for anything else. */
export function parsePercent(text: string): Decimal | undefined {
  const match = PERCENT.exec(text);
  const decimal = parseDecimal(match?.[1] ?? '');
  return decimal && shiftDecimal(decimal, -2);
}

function parseSeconds(text: string): Decimal | undefined {
  const match = SECONDS.exec(text);
  const decimal = parseDecimal(match?.[1] ?? '');
  if (!match || !decimal) return undefined;
  if (match[2] === 'ms') return shiftDecimal(decimal, -3);
  return match[2] === 's' ? decimal : { digits: decimal.digits * 60n, exponent: decimal.exponent };
}

function firstNumber(pattern: RegExp, text: string): Decimal | undefined {
  const match = pattern.exec(text);
  return parseDecimal(match?.[1] ?? match?.[2] ?? '');
}

/** A plain number without unit, exactly. */
export function parsePlain(text: string): Decimal | undefined {
  return firstNumber(PLAIN, text);
}

/** An amount written in a form that fits `unit` (`1%`, `$0.50`, `250ms`, `500 tokens`, `100 per second`, `0.85`), in that unit. */
export function parseAmount(text: string, unit: MetricUnit): Decimal | undefined {
  switch (unit) {
    case 'ratio':
      return parsePercent(text);
    case 'seconds':
      return parseSeconds(text);
    case 'USD':
      return firstNumber(DOLLARS, text);
    case 'tokens':
      return firstNumber(TOKENS, text);
    case 'perSecond':
      return firstNumber(PER_SECOND, text);
    case 'events':
      return undefined;
    default:
      return parsePlain(text);
  }
}

/** Whether an amount is finer than plans may say in this unit (semantics §2). */
export function isTooFine(amount: Decimal, unit: MetricUnit): boolean {
  return decimalToUnits(amount, FINEST[unit]) === undefined;
}

/** The finest amount of a unit, in words. */
export function finestOf(unit: MetricUnit): string {
  if (unit === 'ratio') return '0.001 %';
  if (unit === 'seconds') return 'a microsecond';
  if (unit === 'events') return 'one';
  return unit === 'USD' ? 'a nano-dollar' : '0.000000001';
}
