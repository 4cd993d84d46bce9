import {
  type BindingTraits,
  ConnectorError,
  type MetricSource,
  SOURCE_KINDS,
  type SourceKind,
  type UrlPolicy,
} from '@rampart/connectors';
import { ALERTS, formatDuration, type Metric, parseDuration } from '@rampart/rollout';
import { OTLP_SOURCE } from './otlp/conventions.ts';
import { mappingOf, type ServerSettings, settingsInvalid } from './server-settings.ts';

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

/** The sources of this server by name, beside what is sent to it. */
export type SourceBook = {
  /** What is delivered first. */
  readonly names: readonly string[];
  readonly get: (name: string) => PulledSource | undefined;
  readonly close: () => Promise<void>;
};

/** Names of what is not asked but delivered: by SDKs, by OpenTelemetry, by hooks and `POST /v1/signals`, and alerts. */
export const DELIVERED: readonly string[] = ['telemetry', OTLP_SOURCE, 'signals', ALERTS];
const DEFAULT_EVERY_MS = 15_000;
const DEFAULT_SETTLE_MS = 30_000;
/** Below the silence that counts as blindness. */
const MOST_EVERY_MS = 4 * 60_000;
/** What is later than this is a lag of the metric. */
const MOST_SETTLE_MS = 3_600_000;
const NAME = /^[A-Za-z_][\w.-]{0,99}$/;

/**
 * Sources as the file of settings has them: `{ NAME: { kind, every, settle, … } }`. Nothing is connected to.
 * @throws ServerError `SETTINGS_INVALID`, which names the place and repeats no secret
 */
export function openSources(
  { policy, sources }: Pick<ServerSettings, 'policy' | 'sources'>,
  secretOf: (ref: string) => string | undefined,
  kinds: Readonly<Record<string, SourceKind>> = SOURCE_KINDS,
): SourceBook {
  const opened = Object.entries(sources).map(([name, given]) => openOne(name, given, { policy, secretOf, kinds }));
  const byName = new Map(opened.map((one) => [one.name, one]));
  return {
    names: [...DELIVERED, ...byName.keys()],
    get: (name) => byName.get(name),
    async close() {
      await Promise.all(opened.map(({ source }) => source.close?.()));
    },
  };
}

type Opening = {
  readonly policy: UrlPolicy;
  readonly secretOf: (ref: string) => string | undefined;
  readonly kinds: Readonly<Record<string, SourceKind>>;
};

function openOne(name: string, given: unknown, { policy, secretOf, kinds }: Opening): PulledSource {
  const { kind, every, settle, ...settings } = mappingOf(given, `sources.${name}`);
  if (!NAME.test(name) || DELIVERED.includes(name))
    throw settingsInvalid(
      `${JSON.stringify(name)} is no name of a source: write letters, digits, _ . -, and none of ${DELIVERED.join(', ')}`,
    );
  const known = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (known === undefined)
    throw settingsInvalid(
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
    if (error instanceof ConnectorError) throw settingsInvalid(error.message, error);
    throw error;
  }
}

type Range = readonly [leastMs: number, mostMs: number];

function durationOf(value: unknown, place: string, [leastMs, mostMs]: Range): number | undefined {
  if (value === undefined) return undefined;
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms !== undefined && ms >= leastMs && ms <= mostMs) return ms;
  throw settingsInvalid(
    `sources.${place}: received ${JSON.stringify(value)}; write a duration such as 15s, at most ${formatDuration(mostMs)}`,
  );
}
