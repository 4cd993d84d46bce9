import { binOf, type Metric, type Plan } from '@rampart/rollout';
import { placeOf } from './arm-of.ts';
import { type Attributes, attributesOf, numberOf, textOf } from './attributes.ts';
import { isFed } from './conventions.ts';
import { MOST_AHEAD_MS, type ReadingContext } from './observe-metrics.ts';
import { type Sums, sumsOf } from './sums-of-point.ts';
import type { Decoded, LOGS_REQUEST, LogRecord } from './wire-table.ts';

const EVALUATION = 'gen_ai.evaluation.result';
const MS_PER_NANO = 1e-6;

/** Names that evaluators give to what Rampart's catalog calls otherwise. */
const METRIC_OF_EVALUATION: Readonly<Record<string, string>> = {
  hallucination: 'hallucinationRate',
  hallucinations: 'hallucinationRate',
  groundedness: 'faithfulness',
  grounded: 'faithfulness',
};

// Not true, false, yes, no: evaluators mean either by them.
const BAD_LABELS = ['fail', 'failed', 'incorrect', 'bad', 'hallucinated', 'hallucination', 'unfaithful'];
const GOOD_LABELS = ['pass', 'passed', 'correct', 'good', 'factual', 'faithful', 'grounded'];

/** Reads the log records of a request: results of evaluations. Others are ignored. */
export function observeLogs(request: Decoded<typeof LOGS_REQUEST>, context: ReadingContext): void {
  for (const { scopeLogs } of request.resourceLogs ?? []) {
    for (const { logRecords } of scopeLogs ?? []) for (const record of logRecords ?? []) observeRecord(record, context);
  }
}

function observeRecord(record: LogRecord, context: ReadingContext): void {
  const attributes = attributesOf(record.attributes);
  const isEvaluation = (record.eventName ?? attributes.get('event.name')) === EVALUATION;
  const isCounted = isEvaluation && observeEvaluation(attributes, instantOf(record), context);
  if (!isCounted) context.into.ignored += 1;
}

function instantOf({ timeUnixNano = 0, observedTimeUnixNano = 0 }: LogRecord): number {
  return (timeUnixNano > 0 ? timeUnixNano : observedTimeUnixNano) * MS_PER_NANO;
}

/** Whether an evaluation is of a rollout and a metric of it: then it is counted, or rejected with a reason. */
function observeEvaluation(attributes: Attributes, at: number, { rollouts, now, into }: ReadingContext): boolean {
  const place = placeOf(attributes, rollouts, { fromAt: at, toAt: at });
  if (place === undefined) return false;
  if ('why' in place) {
    into.reject(place.why);
    return true;
  }
  const name = textOf(attributes, ['gen_ai.evaluation.name']) ?? '';
  const metric = metricNamed(name, place.rollout.plan);
  if (metric === undefined) return false;
  const sums =
    at > now + MOST_AHEAD_MS ? 'its time is ahead of the server; set the clocks' : sumsOfEvaluation(attributes, metric);
  if (typeof sums === 'string') into.reject(`evaluation "${name}" for ${metric.name}: ${sums}`);
  else into.add(place, metric, sums);
  return true;
}

/** The metric of a plan that an evaluation feeds: one of its name, whatever the case and marks, else the one it is called in the catalog. */
function metricNamed(name: string, plan: Plan): Metric | undefined {
  const plain = plainOf(name);
  const wanted = [name, METRIC_OF_EVALUATION[plain]];
  const metrics = Object.values(plan.metrics).filter(isFed);
  return (
    metrics.find((metric) => wanted.includes(metric.name)) ??
    metrics.find((metric) => plain !== '' && plainOf(metric.name) === plain)
  );
}

function plainOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** What one evaluation adds to a metric; a text says why it cannot be counted: a judge that failed gave no score. */
function sumsOfEvaluation(attributes: Attributes, metric: Metric): Sums | string {
  const value = numberOf(attributes, ['gen_ai.evaluation.score.value']);
  const label = textOf(attributes, ['gen_ai.evaluation.score.label'])?.toLowerCase();
  const error = textOf(attributes, ['error.type']);
  if (error !== undefined) return `the evaluator failed (${error.slice(0, 80)}); no score is counted`;
  if (metric.kind === 'proportion') return sumsOfShare(metric, value, label);
  if (metric.kind === 'rate' || metric.kind === 'count') return `a ${metric.kind} has no scores`;
  if (value === undefined) return 'no finite gen_ai.evaluation.score.value';
  if (metric.unit === 'score' && (value < 0 || value > 1)) return `a score of ${value}; send scores from 0 to 1`;
  return metric.kind === 'quantile' ? { ...sumsOf(1, value), bins: new Map([[binOf(value), 1]]) } : sumsOf(1, value);
}

/** Of a share, a label decides before a number: from 0.5 on, what the metric counts has happened. */
function sumsOfShare({ harm }: Metric, value: number | undefined, label: string | undefined): Sums | string {
  const counted = harm === 'higher' ? BAD_LABELS : GOOD_LABELS;
  const other = harm === 'higher' ? GOOD_LABELS : BAD_LABELS;
  if (label !== undefined && counted.includes(label)) return sumsOf(1, 1);
  if (label !== undefined && other.includes(label)) return sumsOf(1, 0);
  if (value === undefined) return 'neither a known gen_ai.evaluation.score.label nor a finite value';
  return sumsOf(1, value >= 0.5 ? 1 : 0);
}
