import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { channelSecret, readChannel, timeoutSchema } from './channel-settings.ts';
import { ConnectorError } from './connector-error.ts';
import { emailHtml, emailText } from './email-text.ts';
import { secretRefSchema, withoutSecrets } from './http-access.ts';
import { clipped, noticeOf } from './notice.ts';
import type { Notification } from './notification.ts';
import type { NotifierDeps, NotifierKind } from './notifier-deps.ts';
import type { DeliveryResult } from './ports.ts';
import { smtpFailureOf } from './smtp-answer.ts';
import { guardedAddress } from './url-guard.ts';

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const settingsSchema = z
  .strictObject({
    host: z.string().min(1),
    /** Default: 587, or 465 with `secure`. */
    port: z.int().min(1).max(65_535).optional(),
    /** TLS from the first byte. */
    secure: z.boolean().default(false),
    /** Whether a server that offers no STARTTLS is refused. */
    requireTLS: z.boolean().default(true),
    /** Path of a PEM file: the authority of a server of one's own. */
    caFile: z.string().optional(),
    user: z.string().min(1).optional(),
    password: secretRefSchema.optional(),
    from: z.email(),
    fromName: z.string().max(100).default('Rampart'),
    to: z.array(z.email()).min(1).max(100),
    timeout: timeoutSchema,
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    message: 'user and password belong together',
  })
  .refine(
    ({ host, secure, requireTLS, password }) =>
      password === undefined || secure || requireTLS || LOOPBACK.includes(host),
    {
      message: 'a password is sent by TLS only: leave requireTLS out',
    },
  );
type Settings = z.output<typeof settingsSchema>;

const LONGEST_SUBJECT = 180;

type Way = Settings & {
  readonly deps: NotifierDeps;
  readonly ca: Buffer | undefined;
  readonly pass: string | undefined;
  readonly shown: (text: string) => string;
};

/**
 * Email by SMTP, as text and HTML. Messages of a rollout are one thread (`References`), and a repetition has the same
 * `Message-ID`. Whoever took it is not sent it again when others did not.
 */
export const EMAIL: NotifierKind = {
  open(given, deps) {
    const settings = readChannel(settingsSchema, given, deps);
    const pass = settings.password && channelSecret('password', settings.password, deps);
    const encoded =
      pass === undefined
        ? []
        : [pass, `\0${settings.user}\0${pass}`].map((text) => Buffer.from(text).toString('base64'));
    const secrets = pass === undefined ? [] : [pass, ...encoded];
    const way: Way = {
      ...settings,
      deps,
      pass,
      ca: caOf(settings.caFile, deps.name),
      shown: (text) => withoutSecrets(text, secrets).replace(/\s+/g, ' ').slice(0, 200),
    };
    return { name: deps.name, deliver: (message, signal) => deliver(message, way, signal) };
  },
};

function caOf(path: string | undefined, name: string): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new ConnectorError('CHANNEL_INVALID', `notify.channels.${name}.caFile: ${path} cannot be read (${code})`);
  }
}

const takenSchema = z.array(z.string());

async function deliver(message: Notification, way: Way, signal: AbortSignal): Promise<DeliveryResult> {
  const { memory } = way.deps;
  const key = `taken/${message.id}`;
  const known = takenSchema.safeParse(await memory.get(key).catch(() => undefined));
  const taken = known.success ? known.data : [];
  const to = way.to.filter((address) => !taken.includes(address));
  if (to.length === 0) return { kind: 'delivered' };
  const late = (way.deps.deadline ?? AbortSignal.timeout)(3 * way.timeout);
  try {
    const sent = await send(message, to, way, AbortSignal.any([signal, late]));
    const missed = sent.rejectedErrors ?? [];
    const [first] = missed;
    if (first === undefined) return { kind: 'delivered' };
    await memory.put(key, [...taken, ...sent.accepted.map(String)]).catch(() => undefined);
    const passing = missed.find(({ responseCode = 0 }) => responseCode < 500);
    const result = smtpFailureOf(passing ?? first, way.shown);
    return { ...result, why: `${missed.length} of ${way.to.length} addresses were not taken: ${result.why}` };
  } catch (error) {
    if (signal.aborted) return { kind: 'retry', why: 'the delivery was stopped' };
    return late.aborted ? { kind: 'retry', why: 'it did not answer in time' } : smtpFailureOf(error, way.shown);
  }
}

/** On a connection of its own, to the address that was checked. */
async function send(message: Notification, to: readonly string[], way: Way, signal: AbortSignal) {
  signal.throwIfAborted();
  const { host, secure, requireTLS, port = secure ? 465 : 587, user, pass, ca, timeout, deps } = way;
  const transport = createTransport({
    host: await guardedAddress(host, deps.policy),
    port,
    secure,
    requireTLS: requireTLS && !secure,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    maxResponseSize: 64 * 1024,
    disableFileAccess: true,
    disableUrlAccess: true,
    // An address is no name to ask for (RFC 6066 §3).
    tls: { ...(isIP(host) === 0 && { servername: host }), ...(ca && { ca }) },
    ...(user !== undefined && pass !== undefined && { auth: { user, pass } }),
  });
  try {
    return await transport.sendMail({ ...mailOf(message, way), to: [...to], signal });
  } finally {
    transport.close();
  }
}

/** The mail, of objects and never of header lines: what stands in a field cannot begin another. */
function mailOf(message: Notification, { from, fromName, deps }: Way) {
  const notice = noticeOf(message, deps.publicUrl);
  const root = message.rollout === '' ? undefined : mailId(`thread/${message.rollout}`, from);
  return {
    from: { name: fromName, address: from },
    subject: clipped(`${notice.emoji} ${notice.title}`, LONGEST_SUBJECT),
    messageId: mailId(`message/${deps.name}/${message.id}`, from),
    ...(root !== undefined && { inReplyTo: root, references: [root] }),
    date: new Date(message.at),
    text: emailText(notice),
    html: emailHtml(notice),
    // So that nobody's absence is answered to us.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    ...(message.severity === 'page' && { priority: 'high' as const }),
  };
}

/** The same for the same text, and nothing of it can be read. */
function mailId(text: string, from: string): string {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return `<rampart.${hash}@${from.split('@').at(-1)}>`;
}
