import { type Increment, incrementsOf, LONGEST_GAP_MS } from './counter-increments.ts';
import {
  type PrometheusAsking,
  type PrometheusConnection,
  type PrometheusFailure,
  type PrometheusSeries,
  queryInstant,
  querySamples,
} from './prometheus-api.ts';

/** How far back it is looked for a series that seems to be new, and for the end of one that is gone, milliseconds. */
const LONG_AGO_MS = 6 * 3_600_000;
/** Precision of the end of a silence, milliseconds. */
const SILENCE_STEP_MS = 60_000;

/** (fromAt, toAt], epoch milliseconds. */
type Interval = { readonly fromAt: number; readonly toAt: number };

/** Samples of one selector in an interval and the time before it that a counter may be missing. */
export type Sampled = { readonly ok: true; readonly series: readonly PrometheusSeries[] } | PrometheusFailure;

/**
 * The samples that the growth in an interval is read from. What the server says may be missing makes a failure of it: a part
 * of the counters looks like fewer errors.
 */
export async function samplesOf(
  connection: PrometheusConnection,
  selector: string | undefined,
  { fromAt, toAt }: Interval,
  asking: PrometheusAsking,
): Promise<Sampled> {
  if (selector === undefined) return { ok: true, series: [] };
  const lookMs = toAt - fromAt + LONGEST_GAP_MS;
  const answer = await querySamples(connection, { selector, at: toAt, lookMs }, asking);
  if (!answer.ok || answer.warnings.length === 0) return answer;
  return { ok: false, reason: 'partial', message: `the answer may be incomplete: ${answer.warnings.join('; ')}` };
}

/** Instant of the newest sample; `undefined` without any. */
export function newestOf(series: readonly PrometheusSeries[]): number | undefined {
  const ends = series.flatMap(({ samples }) => samples.at(-1)?.[0] ?? []);
  return ends.length === 0 ? undefined : ends.reduce((most, at) => Math.max(most, at));
}

/** When the series of a selector ended, where they did so not long before an instant. */
export async function endedAt(
  connection: PrometheusConnection,
  selector: string,
  at: number,
  asking: PrometheusAsking,
): Promise<{ readonly ok: true; readonly at?: number } | PrometheusFailure> {
  const query = `max(max_over_time(timestamp(${selector})[${LONG_AGO_MS}ms:${SILENCE_STEP_MS}ms]))`;
  const answer = await queryInstant(connection, { query, at }, asking);
  if (!answer.ok) return answer;
  const seconds = answer.series[0]?.samples[0]?.[1];
  return { ok: true, ...(seconds !== undefined && { at: Math.round(seconds * 1000) }) };
}

/**
 * Growth of every counter of a selector in an interval. A counter without a sample before the interval began at 0 if its
 * metric was there already (`wasThere`), unless it is an old one that was not seen for a while: when that grew is unknown.
 */
export async function growthIn(
  connection: PrometheusConnection,
  selector: string | undefined,
  series: readonly PrometheusSeries[],
  { fromAt, wasThere }: Interval & { readonly wasThere: boolean },
  asking: PrometheusAsking,
): Promise<
  { readonly ok: true; readonly growth: ReadonlyMap<PrometheusSeries, readonly Increment[]> } | PrometheusFailure
> {
  const isNew = ({ samples }: PrometheusSeries) => (samples[0]?.[0] ?? fromAt) > fromAt;
  let known = new Set<string>();
  if (selector !== undefined && wasThere && series.some(isNew)) {
    const query = `count_over_time(${selector}[${LONG_AGO_MS}ms])`;
    const answer = await queryInstant(connection, { query, at: fromAt }, asking);
    if (!answer.ok) return answer;
    known = new Set(answer.series.map(({ labels }) => identityOf(labels)));
  }
  const growth = series.map((one) => {
    const began = wasThere && isNew(one) && !known.has(identityOf(one.labels));
    const increments = incrementsOf(one, new Map(), () => began);
    return [one, increments.filter(({ at }) => at > fromAt)] as const;
  });
  return { ok: true, growth: new Map(growth) };
}

/** A series by its labels but the name, which functions drop, and the edge, which a native histogram has not. */
function identityOf({ __name__, le, ...labels }: PrometheusSeries['labels']): string {
  return JSON.stringify(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)));
}
