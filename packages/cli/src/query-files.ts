import { dirname, join } from 'node:path';
import { isMap, isScalar, parseDocument } from 'yaml';
import type { Io } from './io.ts';
import { isMapping } from './read-mapping.ts';
import { readText } from './read-text.ts';

/** Keys of a metric whose text may be the name of a file beside the plan. */
const KEYS: readonly string[] = ['query', 'freshness'];
const FILE = /^[^\s;'"]+\.sql$/;

/**
 * The text of a plan with each `query: NAME.sql` of its metrics replaced by what is in the file beside it: a server has no such
 * file. Every line stays where it is. Throws `FILE_MISSING`, `FILE_UNREADABLE`.
 */
export async function withQueryFiles(text: string, plan: string, io: Io): Promise<string> {
  const metrics = parseDocument(text, { logLevel: 'silent' }).get('metrics');
  if (!isMap(metrics)) return text;
  const places = metrics.items
    .flatMap(({ value }) => (isMap(value) ? value.items : []))
    .flatMap(({ key, value }) => {
      const isNamed = isScalar(key) && KEYS.includes(String(key.value)) && isScalar(value) && isFile(value.value);
      return isNamed && value.range ? [{ file: String(value.value), from: value.range[0], to: value.range[1] }] : [];
    });
  let filled = text;
  // From the end, so that the places before stay right.
  for (const { file, from, to } of places.toReversed()) {
    // A JSON text is a scalar of YAML, on one line.
    filled = filled.slice(0, from) + JSON.stringify(await readQuery(file, plan, io)) + filled.slice(to);
  }
  return filled;
}

/** As `withQueryFiles`, in the plan of a module; what is no plan comes back as it is. */
export async function withQueryFilesIn(value: unknown, plan: string, io: Io): Promise<unknown> {
  if (!isMapping(value) || !isMapping(value.metrics)) return value;
  const metrics = await Promise.all(
    Object.entries(value.metrics).map(async ([name, metric]) => [name, await filledMetric(metric, plan, io)] as const),
  );
  return { ...value, metrics: Object.fromEntries(metrics) };
}

async function filledMetric(metric: unknown, plan: string, io: Io): Promise<unknown> {
  if (!isMapping(metric)) return metric;
  const entries = Object.entries(metric).map(async ([key, value]) => {
    const isNamed = KEYS.includes(key) && isFile(value);
    return [key, isNamed ? await readQuery(value, plan, io) : value] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

function isFile(value: unknown): value is string {
  return typeof value === 'string' && FILE.test(value);
}

function readQuery(file: string, plan: string, io: Io): Promise<string> {
  return readText(plan === '-' ? file : join(dirname(plan), file), io);
}
