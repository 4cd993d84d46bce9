import { ConnectorError, type TokenBucket, TRACKER_KINDS, type Tracker, tokenBucket } from '@rampart/connectors';
import { mappingOf, type ServerSettings, settingsInvalid } from './server-settings.ts';

/** A tracker that this server was set up with. */
export type SetTracker = { readonly name: string; readonly kind: string; readonly tracker: Tracker };

/** The trackers of this server by name. */
export type TrackerBook = { readonly names: readonly string[]; readonly get: (name: string) => SetTracker | undefined };

const NAME = /^[A-Za-z_][\w.-]{0,99}$/;

/**
 * Trackers as the file of settings has them: `{ NAME: { kind, … } }`. Nothing is connected to.
 * @throws ServerError `SETTINGS_INVALID`, which names the place and repeats no secret
 */
export function openTrackers(
  { policy, trackers }: Pick<ServerSettings, 'policy' | 'trackers'>,
  secretOf: (ref: string) => string | undefined,
  now: () => number,
): TrackerBook {
  const buckets = new Map<string, TokenBucket>();
  const bucketOf = (secret: string, perMinute: number): TokenBucket => {
    const bucket = buckets.get(secret) ?? tokenBucket(perMinute, now);
    buckets.set(secret, bucket);
    return bucket;
  };
  const byName = new Map(
    Object.entries(trackers).map(([name, given]): [string, SetTracker] => {
      if (!NAME.test(name)) throw settingsInvalid(`trackers.${name}: a name has letters, digits, "_", "." and "-"`);
      const { kind, ...settings } = mappingOf(given, `trackers.${name}`);
      const opened = typeof kind === 'string' && Object.hasOwn(TRACKER_KINDS, kind) ? TRACKER_KINDS[kind] : undefined;
      if (opened === undefined) {
        const known = Object.keys(TRACKER_KINDS).join(', ');
        throw settingsInvalid(`trackers.${name}.kind: received ${JSON.stringify(kind)}; use one of: ${known}`);
      }
      try {
        return [
          name,
          { name, kind: String(kind), tracker: opened.open(settings, { name, policy, secretOf, bucketOf, now }) },
        ];
      } catch (error) {
        if (error instanceof ConnectorError) throw settingsInvalid(error.message, error);
        throw error;
      }
    }),
  );
  return { names: [...byName.keys()], get: (name) => byName.get(name) };
}
