import type { PrometheusConnection } from '@rampart/connectors';
import { CliError } from '../cli-error.ts';
import type { Io } from '../io.ts';

/** Header lines `Name: value` of the command line. */
export type HeaderLines = readonly string[];

/**
 * How to reach a Prometheus: credentials of the address itself, else RAMPART_PROMETHEUS_TOKEN (bearer), else
 * RAMPART_PROMETHEUS_USER and RAMPART_PROMETHEUS_PASSWORD (basic). Throws `USAGE`.
 */
export function prometheusAccess(
  address: string,
  lines: HeaderLines,
  { env, fetch }: Pick<Io, 'env' | 'fetch'>,
): PrometheusConnection {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CliError(
      'USAGE',
      `--prometheus: received ${JSON.stringify(address)}; expected an address such as http://localhost:9090.`,
    );
  }
  const authorization = authorizationOf(url, env);
  const headers = { ...(authorization !== undefined && { authorization }), ...headersOf(lines) };
  return { url: `${url.origin}${url.pathname}`, headers, fetch };
}

function authorizationOf({ username, password }: URL, env: Io['env']): string | undefined {
  if (username !== '') return basic(decodeURIComponent(username), decodeURIComponent(password));
  const { RAMPART_PROMETHEUS_TOKEN: token, RAMPART_PROMETHEUS_USER: user, RAMPART_PROMETHEUS_PASSWORD: secret } = env;
  if (token) return `Bearer ${token}`;
  return user ? basic(user, secret ?? '') : undefined;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function headersOf(lines: HeaderLines): Readonly<Record<string, string>> {
  const pairs = lines.map((line) => {
    const [, name, value] = /^([A-Za-z0-9-]+):\s*(\S.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) return [name.toLowerCase(), value] as const;
    throw new CliError('USAGE', '--header: expected "Name: value", for example "X-Scope-OrgID: team".');
  });
  return Object.fromEntries(pairs);
}
