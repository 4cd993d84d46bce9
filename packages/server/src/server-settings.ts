import type { UrlPolicy } from '@rampart/connectors';
import { ServerError } from './server-error.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** The file of settings of a server, as far as it is read without knowing kinds of connectors. */
export type ServerSettings = {
  /** Where the connectors of this file may go. */
  readonly policy: UrlPolicy;
  /** Origin under which people reach this server, without a slash at the end: links in messages begin with it. Default: none. */
  readonly publicUrl?: string;
  /** Channels and routes of notifications, as written. Default: none. */
  readonly notify: Mapping;
  /** Metric sources by name, each as written. */
  readonly sources: Mapping;
  /** Trackers by name, each as written. */
  readonly trackers: Mapping;
  /** What steps after a rollout may run, as written. */
  readonly next: Mapping;
};

const TOP_KEYS = ['allowedHosts', 'allowPrivate', 'next', 'notify', 'publicUrl', 'sources', 'trackers'];

/**
 * `{ allowedHosts: […], allowPrivate, notify, publicUrl, sources: { NAME: {…} }, trackers: { NAME: {…} }, next: { commands: { NAME: […] } } }`;
 * nothing is connected to. Default: a server without
 * settings. @throws ServerError `SETTINGS_INVALID`, which names the place and repeats no secret
 */
export function readSettings(given: unknown = {}): ServerSettings {
  const top = mappingOf(given, 'the file');
  const unknown = Object.keys(top).find((key) => !TOP_KEYS.includes(key));
  if (unknown !== undefined)
    throw settingsInvalid(`unknown key ${JSON.stringify(unknown)}; it has ${TOP_KEYS.join(', ')}`);
  const { publicUrl } = top;
  return {
    policy: policyOf(top),
    notify: mappingOf(top.notify ?? {}, 'notify'),
    sources: mappingOf(top.sources ?? {}, 'sources'),
    trackers: mappingOf(top.trackers ?? {}, 'trackers'),
    next: mappingOf(top.next ?? {}, 'next'),
    ...(publicUrl !== undefined && { publicUrl: originOf(publicUrl) }),
  };
}

/** What is thrown for a file of settings that cannot be used. */
export function settingsInvalid(why: string, cause?: unknown): ServerError {
  return new ServerError('SETTINGS_INVALID', `the settings cannot be used: ${why}`, { cause });
}

/** A part of the settings that must be a mapping. @throws ServerError `SETTINGS_INVALID` */
export function mappingOf(value: unknown, what: string): Mapping {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw settingsInvalid(`${what} is not a mapping`);
}

function policyOf({ allowedHosts = [], allowPrivate = false }: Mapping): UrlPolicy {
  const isList = Array.isArray(allowedHosts) && allowedHosts.every((host) => typeof host === 'string');
  if (!isList) throw settingsInvalid('allowedHosts is not a list of host names');
  if (typeof allowPrivate !== 'boolean') throw settingsInvalid('allowPrivate is neither true nor false');
  return { allowedHosts, allowPrivate };
}

function originOf(value: unknown): string {
  const isUrl = typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
  if (!isUrl) throw settingsInvalid(`publicUrl: received ${JSON.stringify(value)}; write https://rampart.example.com`);
  const { username, password, search, hash } = new URL(value);
  if (username + password !== '')
    throw settingsInvalid(
      'publicUrl: it carries a user name or password (value withheld), and stands in every message',
    );
  if (search + hash !== '')
    throw settingsInvalid(`publicUrl: received ${JSON.stringify(value)}; leave out what begins with ? or #`);
  return value.replace(/\/+$/, '');
}
