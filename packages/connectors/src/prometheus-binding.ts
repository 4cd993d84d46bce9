import type { Metric } from '@rampart/rollout';
import { ConnectorError } from './connector-error.ts';

/** Selectors of counters behind one metric, by what they count, and the labels that name the variant and the user's bucket. */
export type PrometheusBinding = {
  /** Every observation; for a quantile the `_bucket` series of a histogram. */
  readonly total: string;
  /** Bad observations, or the sum of values. */
  readonly sum?: string;
  readonly sumSquares?: string;
  readonly arm?: string;
  readonly bucket?: string;
};

/** Keys each kind of metric needs; `total` of a quantile is its `buckets`. */
const NEEDED = {
  proportion: ['bad', 'total'],
  mean: ['sum', 'sumSquares', 'total'],
  ratio: ['sum', 'sumSquares', 'total'],
  quantile: ['buckets'],
  rate: ['total'],
  count: ['total'],
} as const satisfies Readonly<Record<Metric['kind'], readonly string[]>>;

/** A selector of series: a name (recording rules have colons), matchers in braces, or both. Functions, ranges and arithmetic are none. */
const SELECTOR = /^(?:[A-Za-z_:][\w:]*\s*(?:\{[\s\S]*\})?|\{[\s\S]*\})$/;
/** Label of the variant, where the history tells variants apart. */
const ARM = 'arm';
/** Label of the user's bucket, 0 to 63, where the app stamps it: checks then take account of users who ask often. */
const BUCKET = 'bucket';

/**
 * What a plan's metric with `source: prometheus` is bound to. Each key holds a selector of counters, such as
 * `http_requests_total{code=~"5.."}`: rates and ratios cannot be counted. @throws ConnectorError `BINDING_INVALID`
 */
export function readPrometheusBinding({ name, kind, binding }: Metric): PrometheusBinding {
  const needed: readonly string[] = NEEDED[kind];
  const problem = (what: string) =>
    new ConnectorError(
      'BINDING_INVALID',
      `metrics.${name}: ${what}; a ${kind} from prometheus has ${needed.join(', ')} (selectors of counters) and, where variants are told apart, ${ARM} (a label), and may have ${BUCKET} (a label with the user's bucket)`,
    );
  const textOf = (key: string): string => {
    const value = binding[key];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    throw problem(value === undefined ? `${key} is missing` : `${key} is ${JSON.stringify(value)}`);
  };
  const selectorOf = (key: string): string => {
    const text = textOf(key);
    if (SELECTOR.test(text)) return text;
    throw problem(`${key} is ${JSON.stringify(text)}, which is no selector such as http_requests_total{code=~"5.."}`);
  };
  const unknown = Object.keys(binding).find((key) => key !== ARM && key !== BUCKET && !needed.includes(key));
  if (unknown !== undefined) throw problem(`${unknown} is not a key of it`);
  return {
    total: selectorOf(kind === 'quantile' ? 'buckets' : 'total'),
    ...(kind === 'proportion' && { sum: selectorOf('bad') }),
    ...((kind === 'mean' || kind === 'ratio') && { sum: selectorOf('sum'), sumSquares: selectorOf('sumSquares') }),
    ...(binding[ARM] !== undefined && { arm: textOf(ARM) }),
    ...(binding[BUCKET] !== undefined && { bucket: textOf(BUCKET) }),
  };
}
