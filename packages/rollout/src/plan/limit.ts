import type { Limit, Metric } from '../plan.ts';
import { finestOf, isTooFine, parseAmount, parsePercent, parsePlain } from './amount.ts';
import { bareNumberOf, catalogEntryOf } from './catalog.ts';
import { type Decimal, decimalOf, decimalToNumber, decimalToUnits, parseDecimal } from './decimal.ts';
import { DAY_MS, parseDuration } from './duration.ts';

/** What can be wrong with the text of a limit. */
export type LimitCode = 'invalid-limit' | 'limit-unit' | 'limit-out-of-range' | 'limit-too-fine' | 'no-alert-limit';

/** A parsed limit, or a coded reason with what to write instead. */
export type LimitResult =
  | { readonly ok: true; readonly limit: Limit }
  | { readonly ok: false; readonly code: LimitCode; readonly message: string };

const NOT_WORSE = /^not worse than (control|baseline)(?: by (.+))?$/i;
const RELATIVE = /^(?:(\S+?)\s*[x×]\s*)?(control|baseline)(?:\s*([+-])\s*(.+))?$/i;
const COUNT = /^(-?\d+(?:\.\d+)?)\s+per\s+(.+)$/i;

function refuse(code: LimitCode, message: string): LimitResult {
  return { ok: false, code, message };
}

const FORMS_OF_UNIT: Readonly<Record<Metric['unit'], string>> = {
  ratio: '1%, baseline + 0.5%, control + 0.5%, not worse than control by 2%',
  seconds: '2s, 250ms, control + 100ms, not worse than control by 5%',
  USD: '$0.50, control + $0.05, not worse than control by 5%',
  tokens: '500 tokens, control + 100 tokens, not worse than control by 5%',
  perSecond: '100 per second, not worse than control by 5%',
  events: '10 per 24h, not worse than control by 5%',
  score: '0.85, baseline - 0.05, not worse than control by 5%',
  value: '12.5, baseline - 0.5, not worse than control by 5%',
};

/** The forms of a limit that fit a metric, for messages and editors. */
export function limitForms(metric: Metric): string {
  const ratio = metric.harm === 'higher' ? '1.5x control, 2x baseline' : '0.9x control, 0.8x baseline';
  return `${FORMS_OF_UNIT[metric.unit]}, ${ratio}, stable, no spike`;
}

function wrongForm(text: string, metric: Metric): LimitResult {
  const known = parseAnyAmount(text);
  const problem = known ? `does not fit ${metric.name} (a ${metric.kind} in ${metric.unit})` : 'is not a limit';
  return refuse(
    known ? 'limit-unit' : 'invalid-limit',
    `${JSON.stringify(text)} ${problem}; write ${limitForms(metric)}`,
  );
}

/** Whether the text, or its amount after `+`, `-` or `by`, would be a limit of some other metric. */
function parseAnyAmount(text: string): boolean {
  const amount = NOT_WORSE.exec(text)?.[2] ?? RELATIVE.exec(text)?.[4] ?? text;
  const count = COUNT.exec(amount);
  if (count) return parseDuration(count[2] ?? '') !== undefined || parseAmount(amount, 'perSecond') !== undefined;
  return (['ratio', 'seconds', 'USD', 'tokens', 'perSecond'] as const).some((unit) => parseAmount(amount, unit));
}

function tooFine(text: string, metric: Metric): LimitResult {
  return refuse('limit-too-fine', `${JSON.stringify(text)} is finer than ${finestOf(metric.unit)}; round it`);
}

function absolute(amount: Decimal, text: string, metric: Metric): LimitResult {
  if (isTooFine(amount, metric.unit)) return tooFine(text, metric);
  const value = decimalToNumber(amount);
  const share = metric.unit === 'ratio' || metric.unit === 'score';
  if (metric.unit !== 'value' && (value <= 0 || (share && value >= 1))) {
    const range = metric.unit === 'ratio' ? 'above 0 % and below 100 %' : share ? 'between 0 and 1' : 'above 0';
    const example = metric.unit === 'ratio' ? `, for example ${FORMS_OF_UNIT.ratio}` : '';
    return refuse('limit-out-of-range', `${JSON.stringify(text)} for ${metric.name} must be ${range}${example}`);
  }
  return { ok: true, limit: { kind: 'absolute', value } };
}

function countLimit(amount: Decimal, text: string, windowMs: number | undefined): LimitResult {
  const count = decimalToUnits(amount, 0);
  if (windowMs === undefined) {
    const time = JSON.stringify(text.replace(/^.* per /i, ''));
    return refuse(
      'invalid-limit',
      `${JSON.stringify(text)}: the unit ${time} is unknown; write a time such as 10 per 24h`,
    );
  }
  if (count === undefined || count < 0n || !windowMs) {
    return refuse(
      'limit-out-of-range',
      `${JSON.stringify(text)} must be a whole number of at least 0 per a time, as 10 per 24h`,
    );
  }
  return { ok: true, limit: { kind: 'count', count: Number(count), windowMs } };
}

function relative(text: string, reference: string, ratio: Decimal, offset: Decimal): LimitResult {
  const factor = decimalToNumber(ratio);
  if (factor <= 0 || factor > 1000) {
    return refuse('limit-out-of-range', `${JSON.stringify(text)}: the factor must be above 0 and at most 1000`);
  }
  const name = reference.toLowerCase() === 'control' ? 'control' : 'baseline';
  return { ok: true, limit: { kind: 'relative', reference: name, ratio: factor, offset: decimalToNumber(offset) } };
}

const ONE: Decimal = { digits: 1n, exponent: 0 };
const ZERO: Decimal = { digits: 0n, exponent: 0 };

function negate(decimal: Decimal): Decimal {
  return { digits: -decimal.digits, exponent: decimal.exponent };
}

/** 1 ± a share, exactly. */
function onePlus(share: Decimal): Decimal {
  const places = Math.max(0, -share.exponent);
  return { digits: 10n ** BigInt(places) + share.digits * 10n ** BigInt(share.exponent + places), exponent: -places };
}

function notWorse(text: string, reference: string, amount: string | undefined, metric: Metric): LimitResult {
  if (amount === undefined) return relative(text, reference, ONE, ZERO);
  const away = (value: Decimal) => (metric.harm === 'higher' ? value : negate(value));
  const percent = parsePercent(amount);
  const given = percent ?? parseAmount(amount, metric.unit);
  if (!given) return wrongForm(text, metric);
  if (given.digits < 0n)
    return refuse('limit-out-of-range', `${JSON.stringify(text)}: write the margin without a sign`);
  if (percent && metric.unit !== 'ratio') return relative(text, reference, onePlus(away(percent)), ZERO);
  return isTooFine(given, metric.unit) ? tooFine(text, metric) : relative(text, reference, ONE, away(given));
}

function againstReference(text: string, match: RegExpExecArray, metric: Metric): LimitResult {
  const [, factor = '1', reference = '', sign, amount] = match;
  const ratio = parseDecimal(factor);
  const offset = amount === undefined ? ZERO : parseAmount(amount, metric.unit);
  if (!ratio || !offset) return wrongForm(text, metric);
  if (isTooFine(offset, metric.unit)) return tooFine(text, metric);
  return relative(text, reference, ratio, sign === '-' ? negate(offset) : offset);
}

/** A bare factor beyond these is a value in the metric's unit by mistake: 10 where higher is worse, 1 where lower is. */
function bareFactor(amount: Decimal, text: string, metric: Metric): LimitResult {
  const factor = decimalToNumber(amount);
  const isHigher = metric.harm === 'higher';
  if (factor <= (isHigher ? 10 : 1)) return relative(text, 'baseline', amount, ZERO);
  const meant = `${text}${metric.unit === 'seconds' ? (factor < 100 ? 's' : 'ms') : metric.unit === 'tokens' ? ' tokens' : ' per second'}`;
  const message = `${text} would mean ${text}x baseline; write ${meant}, or ${isHigher ? '2x' : '0.8x'} baseline`;
  return refuse('limit-out-of-range', `${metric.name}: ${message}`);
}

function bareNumber(amount: Decimal, text: string, metric: Metric): LimitResult {
  switch (bareNumberOf(metric)) {
    case 'per-day':
      return countLimit(amount, text, DAY_MS);
    case 'baseline':
      return bareFactor(amount, text, metric);
    default:
      return absolute(amount, text, metric);
  }
}

function byWord(text: string, metric: Metric): LimitResult {
  if (text.toLowerCase() === 'no spike') {
    const ratio = metric.harm === 'higher' ? { digits: 2n, exponent: 0 } : { digits: 5n, exponent: -1 };
    return relative(text, 'control', ratio, ZERO);
  }
  const alert = catalogEntryOf(metric)?.alert;
  if (alert !== undefined) return parseLimit(alert, metric);
  const message = `"stable" means the alert limit of the catalog, and ${metric.name} has none; write ${limitForms(metric)}`;
  return refuse('no-alert-limit', message);
}

/**
 * Reads a limit of a plan (semantics §2) for a metric: `1%`, `$0.50`, `2s`, `10 per 24h`, `baseline + 0.5%` (percentage
 * points), `1.5x control`, `not worse than control by 2%` (points for proportions, relative for the rest), `stable`,
 * `no spike`, or a bare number by the catalog. Values come out in the metric's unit, windows in ms, nothing scaled.
 */
export function parseLimit(input: number | string, metric: Metric): LimitResult {
  const text = typeof input === 'number' ? String(input) : input.trim().replaceAll(/\s+/g, ' ');
  if (/^(?:stable|no spike)$/i.test(text)) return byWord(text, metric);
  const bare = typeof input === 'number' ? decimalOf(input) : parsePlain(text);
  if (bare) return bareNumber(bare, text, metric);
  const worse = NOT_WORSE.exec(text);
  if (worse) return notWorse(text, worse[1] ?? '', worse[2], metric);
  const against = RELATIVE.exec(text);
  if (against) return againstReference(text, against, metric);
  const count = COUNT.exec(text);
  const amount = parseDecimal(count?.[1] ?? '');
  if (metric.kind === 'count' && count && amount) return countLimit(amount, text, parseDuration(count[2] ?? ''));
  const value = parseAmount(text, metric.unit);
  return value ? absolute(value, text, metric) : wrongForm(text, metric);
}

/** Whether a limit lies on its reference, where a truth that equals it could never pass without a margin (semantics §2). */
export function isAtReference(limit: Limit): boolean {
  return limit.kind === 'relative' && limit.ratio === 1 && limit.offset === 0;
}

/** Whether a relative limit asks the treatment to be better than its reference. */
export function asksImprovement(limit: Limit, metric: Metric): boolean {
  if (limit.kind !== 'relative' || isAtReference(limit)) return false;
  const direction = metric.harm === 'higher' ? 1 : -1;
  return (limit.ratio - 1) * direction <= 0 && limit.offset * direction <= 0;
}
