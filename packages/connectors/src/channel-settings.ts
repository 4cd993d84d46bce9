import type { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import { durationSchema, type secretRefSchema } from './http-access.ts';
import type { NotifierDeps } from './notifier-deps.ts';
import { schemaProblem } from './schema-problem.ts';
import { urlProblem } from './url-guard.ts';

/** How long one request to a channel may take when its settings do not say, milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** `timeout` of a channel: how long one request may take. Default: 10 s. */
export const timeoutSchema = durationSchema.default(DEFAULT_TIMEOUT_MS);

/** Settings of a channel as its kind knows them. @throws ConnectorError `CHANNEL_INVALID`, which names the place */
export function readChannel<Schema extends z.ZodType>(
  schema: Schema,
  settings: unknown,
  { name }: Pick<NotifierDeps, 'name'>,
): z.output<Schema> {
  const read = schema.safeParse(settings);
  if (!read.success)
    throw new ConnectorError('CHANNEL_INVALID', `notify.channels.${name}: ${schemaProblem(read.error)}`);
  return read.data;
}

/** The secret that stands at `place` of a channel. @throws ConnectorError `SECRET_INVALID` where it is not set */
export function channelSecret(
  place: string,
  { secretRef }: z.output<typeof secretRefSchema>,
  { name, secretOf }: Pick<NotifierDeps, 'name' | 'secretOf'>,
): string {
  const value = secretOf(secretRef)?.trim() ?? '';
  if (value === '') {
    const what = `notify.channels.${name}.${place}: ${secretRef} is not set; give it in the environment`;
    throw new ConnectorError('SECRET_INVALID', what);
  }
  return value;
}

/**
 * A URL of a channel without a slash at its end. `place` is where it stands, or the variable that holds it.
 * @throws ConnectorError `URL_REFUSED`, which does not repeat it
 */
export function channelUrl(
  place: string,
  url: string,
  { name, policy }: Pick<NotifierDeps, 'name' | 'policy'>,
): string {
  const problem = urlProblem(url, policy);
  if (problem !== undefined) throw new ConnectorError('URL_REFUSED', `notify.channels.${name}.${place}: ${problem}`);
  return url.replace(/\/+$/, '');
}
