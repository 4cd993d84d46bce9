import {
  type BindingTraits,
  ConnectorError,
  type MetricSource,
  SOURCE_KINDS,
  type SourceKind,
  type UrlPolicy,
} from '@rampart/connectors';
import { ALERTS, formatDuration, type Metric, parseDuration } from '@rampart/rollout';
import { ServerError } from './server-error.ts';

/** A source that this server was set up with. */
export type PulledSource = {
  readonly name: string;
  readonly kind: string;
  readonly source: MetricSource;
  /** @throws ConnectorError `BINDING_INVALID` */
  readonly readBinding: (metric: Metric) => BindingTraits;
  /** How often it is asked, milliseconds, before scaling. */
  readonly everyMs: number;
  /** How late its newest data may be, milliseconds. */
  readonly settleMs: number;
};

/** The sources of this server by name, beside `telemetry`. */
export type SourceBook = {
  /** With `telemetry` first. */
  readonly names: readonly string[];
  readonly get: (name: string) => PulledSource | undefined;
  readonly close: () => Promise<void>;
};

const TELEMETRY = 'telemetry';
/** Names of what is not asked but delivered: by SDKs, by hooks and `POST /v1/signals`, and alerts. */
export const DELIVERED: readonly string[] = [TELEMETRY, 'signals', ALERTS];
const DEFAULT_EVERY_MS = 15_000;
const DEFAULT_SETTLE_MS = 30_000;
/** Below the silence that counts as blindness. */
const MOST_EVERY_MS = 4 * 60_000;
/** What is later than this is a lag of the metric. */
const MOST_SETTLE_MS = 3_600_000;
const NAME = /^[A-Za-z_][\w.-]{0,99}$/;
const TOP_KEYS = ['sources', 'allowedHosts', 'allowPrivate'];

/** A server without sources of its own. */
export const NO_SOURCES: SourceBook = { names: [TELEMETRY], get: () => undefined, close: async () => undefined };

/**
 * Sources as a file of settings has them: `{ allowedHosts: […], sources: { NAME: { kind, every, settle, … } } }`. Nothing is
 * connected to. @throws ServerError `SOURCES_INVALID`, which names the place and repeats no secret
 */
export function openSources(
  settings: unknown,
  secretOf: (ref: string) => string | undefined,
  kinds: Readonly<Record<string, SourceKind>> = SOURCE_KINDS,
): SourceBook {
  const top = mappingOf(settings, 'the file');
  const unknown = Object.keys(top).find((key) => !TOP_KEYS.includes(key));
  if (unknown !== undefined) throw invalid(`unknown key ${JSON.stringify(unknown)}; it has ${TOP_KEYS.join(', ')}`);
  const policy = policyOf(top);
  const entries = Object.entries(mappingOf(top.sources ?? {}, 'sources'));
  const sources = entries.map(([name, given]) => openOne(name, given, { policy, secretOf, kinds }));
  const byName = new Map(sources.map((one) => [one.name, one]));
  return {
    names: [TELEMETRY, ...byName.keys()],
    get: (name) => byName.get(name),
    async close() {
      await Promise.all(sources.map(({ source }) => source.close?.()));
    },
  };
}

function invalid(why: string, cause?: unknown): ServerError {
  return new ServerError('SOURCES_INVALID', `the sources cannot be set up: ${why}`, { cause });
}

function mappingOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalid(`${what} is not a mapping`);
}

function policyOf({ allowedHosts = [], allowPrivate = false }: Readonly<Record<string, unknown>>): UrlPolicy {
  const isList = Array.isArray(allowedHosts) && allowedHosts.every((host) => typeof host === 'string');
  if (!isList) throw invalid('allowedHosts is not a list of host names');
  if (typeof allowPrivate !== 'boolean') throw invalid('allowPrivate is neither true nor false');
  return { allowedHosts, allowPrivate };
}

type Opening = {
  readonly policy: UrlPolicy;
  readonly secretOf: (ref: string) => string | undefined;
  readonly kinds: Readonly<Record<string, SourceKind>>;
};

function openOne(name: string, given: unknown, { policy, secretOf, kinds }: Opening): PulledSource {
  const { kind, every, settle, ...settings } = mappingOf(given, `sources.${name}`);
  if (!NAME.test(name) || DELIVERED.includes(name))
    throw invalid(
      `${JSON.stringify(name)} is no name of a source: write letters, digits, _ . -, and none of ${DELIVERED.join(', ')}`,
    );
  const known = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (known === undefined)
    throw invalid(
      `sources.${name}.kind: received ${JSON.stringify(kind)}; give one of ${Object.keys(kinds).join(', ')}`,
    );
  try {
    return {
      name,
      kind: String(kind),
      source: known.open(settings, { name, secretOf, policy }),
      readBinding: known.readBinding,
      everyMs: durationOf(every, `${name}.every`, [1, MOST_EVERY_MS]) ?? DEFAULT_EVERY_MS,
      settleMs: durationOf(settle, `${name}.settle`, [0, MOST_SETTLE_MS]) ?? DEFAULT_SETTLE_MS,
    };
  } catch (error) {
    if (error instanceof ConnectorError) throw invalid(error.message, error);
    throw error;
  }
}

type Range = readonly [leastMs: number, mostMs: number];

function durationOf(value: unknown, place: string, [leastMs, mostMs]: Range): number | undefined {
  if (value === undefined) return undefined;
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms !== undefined && ms >= leastMs && ms <= mostMs) return ms;
  throw invalid(
    `sources.${place}: received ${JSON.stringify(value)}; write a duration such as 15s, at most ${formatDuration(mostMs)}`,
  );
}
