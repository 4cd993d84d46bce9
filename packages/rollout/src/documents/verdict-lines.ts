import { formatValue } from '../plan/format-limit.ts';
import type { MetricUnit, Plan } from '../plan.ts';
import type { MetricSnapshot, Verdict, VerdictStatus } from '../verdict.ts';
import { formatCount, formatMeasured, NOTHING, unitOf } from './format.ts';
import { escapeMarkdown } from './markdown.ts';

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
export function measuredOr(value: number | undefined, unit: MetricUnit): string {
  return value === undefined ? NOTHING : formatMeasured(value, unit);
}

/** What a metric is compared with: the baseline, else control (which is then said), else a dash. */
export function referenceOf(snapshot: MetricSnapshot, unit: MetricUnit): string {
  if (snapshot.baseline !== undefined || snapshot.control === undefined) return measuredOr(snapshot.baseline, unit);
  return `${formatMeasured(snapshot.control, unit)} (control)`;
}

/** Log evidence beyond this is certainty, however far. */
const MOST_SHOWN = 100;

function logE(value: number): string {
  return Math.abs(value) > MOST_SHOWN ? `${value > 0 ? '> ' : '< -'}${MOST_SHOWN}` : value.toFixed(1);
}

function lineText(verdict: Verdict, unit: MetricUnit): string {
  const sides = [
    verdict.failLine === undefined ? '' : `fails beyond ${formatValue(verdict.failLine, unit, 6)}`,
    verdict.passLine === undefined ? '' : `passes within ${formatValue(verdict.passLine, unit, 6)}`,
  ].filter((side) => side !== '');
  return `${escapeMarkdown(verdict.limit)}${sides.length === 0 ? '' : ` (${sides.join(', ')})`}`;
}

/**
 * A verdict as a Markdown list: value, limit, reference, interval, n, log evidence against its thresholds, method, validity,
 * source, and what would change it.
 */
export function verdictLines(verdict: Verdict, metrics: Plan['metrics']): string {
  const unit = unitOf(verdict.metric, metrics);
  const { interval, reference } = verdict;
  return [
    `- Status: ${STATUS_TEXT[verdict.status]} (${verdict.tier})`,
    `- Value: ${measuredOr(verdict.value, unit)}`,
    `- Limit: ${lineText(verdict, unit)}`,
    `- Reference: ${reference ? `${reference.kind} ${formatMeasured(reference.value, unit)}` : 'none'}`,
    `- 95 % interval: ${interval ? `${formatMeasured(interval[0], unit)} to ${formatMeasured(interval[1], unit)}` : NOTHING}`,
    `- Observations: ${formatCount(verdict.treatmentCount)} treatment, ${formatCount(verdict.controlCount)} control`,
    `- Evidence of a breach: log e ${logE(verdict.logEFail)} of ${logE(verdict.failAt)} needed`,
    `- Evidence of safety: log e ${logE(verdict.logEPass)} of ${logE(verdict.passAt)} needed`,
    `- Method: ${escapeMarkdown(verdict.method)} (validity: ${verdict.validity})`,
    `- Source: ${escapeMarkdown(verdict.source)}`,
    `- Would change it: ${escapeMarkdown(verdict.wouldChange) || NOTHING}`,
    ...(verdict.note === undefined ? [] : [`- Note: ${escapeMarkdown(verdict.note)}`]),
  ].join('\n');
}
