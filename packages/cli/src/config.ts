import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { CliError } from './cli-error.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What later commands need to reach a server. */
export type Credentials = { readonly url: string; readonly token: string; readonly sdkToken?: string };

/** Where to find the server, and who asks. `isNamed`: by an option or RAMPART_URL. */
export type Target = { readonly url: string; readonly token?: string; readonly isNamed?: boolean };

/** Address of `rampart serve` with its defaults. */
const DEFAULT_URL = 'http://127.0.0.1:4180';

/** `~/.config/rampart/credentials.json`, below XDG_CONFIG_HOME where that is set. */
export function credentialsFile(env: Env): string {
  const base = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config');
  return join(base, 'rampart', 'credentials.json');
}

/** Credentials of an earlier `rampart serve`; absent without one. Throws `CREDENTIALS_INVALID`. */
export function readCredentials(env: Env): Credentials | undefined {
  const file = credentialsFile(env);
  const text = textOf(file);
  if (text === undefined) return undefined;
  const data = dataOf(text);
  if (data === undefined) throw new CliError('CREDENTIALS_INVALID', `${file} does not hold {"url": …, "token": …}.`);
  return data;
}

/** Writes the credentials so that only their owner can read them. Throws `FILE_UNREADABLE`. */
export function writeCredentials(env: Env, credentials: Credentials): string {
  const file = credentialsFile(env);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
    // `mode` above only counts for a new file.
    chmodSync(file, 0o600);
    return file;
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} cannot be written (${codeOf(cause)}).`, { cause });
  }
}

/**
 * Address and token: options first, then RAMPART_URL and RAMPART_TOKEN, then the credentials file. The file's token is
 * used only for the file's own server: it never travels to another address.
 */
export function targetOf(options: { readonly url?: string; readonly token?: string }, env: Env): Target {
  const named = options.url ?? (env.RAMPART_URL || undefined);
  const token = options.token ?? (env.RAMPART_TOKEN || undefined);
  if (token !== undefined && named !== undefined) return { url: named, token };
  const stored = readCredentials(env);
  const url = named ?? stored?.url ?? DEFAULT_URL;
  if (token !== undefined) return { url, token };
  return stored !== undefined && originOf(url) === originOf(stored.url)
    ? { url, token: stored.token }
    : { url, ...(named !== undefined && { isNamed: true }) };
}

/** System code of a failed file operation, for messages. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new CliError('CREDENTIALS_INVALID', `${file} cannot be read (${codeOf(cause)}).`, { cause });
  }
}

function dataOf(text: string): Credentials | undefined {
  try {
    const data: unknown = JSON.parse(text);
    return isCredentials(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

function isCredentials(data: unknown): data is Credentials {
  return (
    typeof data === 'object' &&
    data !== null &&
    'url' in data &&
    typeof data.url === 'string' &&
    'token' in data &&
    typeof data.token === 'string'
  );
}

/** `localhost` and `127.0.0.1` are the same server to a person. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin.replace('//localhost', '//127.0.0.1') : url;
}
