import { formatValue } from '../plan/format-limit.ts';
import type { MetricUnit, Plan } from '../plan.ts';
import type { MetricSnapshot, Verdict, VerdictStatus } from '../verdict.ts';
import { NOTHING, unitOf } from './format.ts';
import { plainLine } from './markdown.ts';
import { type Block, count, type Fact, fact, type Line, line, measured, NONE, type Span, said } from './page.ts';

/** How documents print the state of a check. */
export const STATUS_TEXT: Readonly<Record<VerdictStatus, string>> = {
  pass: '✅ Pass',
  fail: '❌ Fail',
  inconclusive: '🔄 Inconclusive',
  insufficient: '⏳ Insufficient',
  'no-data': '❔ No data',
  error: '⚠️ Source error',
};

/** How documents print the state of a metric: one that no check judges has none, although it was observed. */
export function statusText({ status, observed, judged }: MetricSnapshot): string {
  return judged === false && observed !== undefined ? `${NOTHING} not judged` : STATUS_TEXT[status];
}

/** A measured value or a dash. */
export function measuredOr(value: number | undefined, unit: MetricUnit, from: readonly number[]): Line {
  return value === undefined ? NONE : [measured(value, unit, from)];
}

/** What a metric is compared with: the baseline, else control (which is then said), else a dash. */
export function referenceOf(snapshot: MetricSnapshot, unit: MetricUnit, from: readonly number[]): Line {
  if (snapshot.baseline !== undefined || snapshot.control === undefined)
    return measuredOr(snapshot.baseline, unit, from);
  return line(measured(snapshot.control, unit, from), ' (control)');
}

/** Log evidence beyond this is certainty, however far. */
const MOST_SHOWN = 100;

function logE(value: number, from: readonly number[]): Span {
  const isBeyond = Math.abs(value) > MOST_SHOWN;
  const text = isBeyond ? `${value > 0 ? '> ' : '< -'}${MOST_SHOWN}` : value.toFixed(1);
  return { text, ...(Number.isFinite(value) && { value }), from };
}

function limitLine(verdict: Verdict, unit: MetricUnit, from: readonly number[]): Line {
  const side = (what: string, value: number | undefined): readonly Line[] =>
    value === undefined ? [] : [line(what, { text: formatValue(value, unit, 6), value, unit, from })];
  const sides = [...side('fails beyond ', verdict.failLine), ...side('passes within ', verdict.passLine)];
  const [first, second] = sides;
  const lines = first === undefined ? [] : [line(' (', first, ...(second ? [', ', second] : []), ')')];
  return line(said(verdict.limit, from), ...lines);
}

function intervalLine({ interval }: Verdict, unit: MetricUnit, from: readonly number[]): Line {
  return interval ? line(measured(interval[0], unit, from), ' to ', measured(interval[1], unit, from)) : NONE;
}

/**
 * A verdict as a list of facts: value, limit, reference, interval, n, log evidence against its thresholds, method, validity,
 * source, and what would change it. `from`: the event that carries it.
 */
export function verdictFacts(verdict: Verdict, metrics: Plan['metrics'], from: readonly number[]): readonly Fact[] {
  const unit = unitOf(verdict.metric, metrics);
  const { reference } = verdict;
  const needed = (value: number, at: number) => line('log e ', logE(value, from), ' of ', logE(at, from), ' needed');
  return [
    fact('status', 'Status', `${STATUS_TEXT[verdict.status]} (${verdict.tier})`),
    fact('value', 'Value', measuredOr(verdict.value, unit, from)),
    fact('limit', 'Limit', limitLine(verdict, unit, from)),
    fact(
      'reference',
      'Reference',
      reference ? line(`${reference.kind} `, measured(reference.value, unit, from)) : 'none',
    ),
    fact('interval', '95 % interval', intervalLine(verdict, unit, from)),
    fact(
      'observations',
      'Observations',
      ...[count(verdict.treatmentCount, from), ' treatment, ', count(verdict.controlCount, from), ' control'],
    ),
    fact('evidenceOfBreach', 'Evidence of a breach', needed(verdict.logEFail, verdict.failAt)),
    fact('evidenceOfSafety', 'Evidence of safety', needed(verdict.logEPass, verdict.passAt)),
    fact('method', 'Method', said(verdict.method, from), ` (validity: ${verdict.validity})`),
    fact('source', 'Source', said(verdict.source, from)),
    fact('wouldChange', 'Would change it', plainLine(verdict.wouldChange) ? said(verdict.wouldChange, from) : NONE),
    ...(verdict.note === undefined ? [] : [fact('note', 'Note', said(verdict.note, from))]),
  ];
}

/** A verdict as a block. */
export function verdictBlock(verdict: Verdict, metrics: Plan['metrics'], from: readonly number[]): Block {
  return { kind: 'facts', facts: verdictFacts(verdict, metrics, from), quiet: true };
}
