import { type Calendar, type NotifyRoute, notifyRouteSchema, readHours } from '@rampart/rollout';
import { z } from 'zod';
import { ConnectorError } from './connector-error.ts';
import { durationSchema, secretRefSchema } from './http-access.ts';
import { schemaProblem } from './schema-problem.ts';

/** A route of every rollout of a server. */
export type ServerRoute = NotifyRoute & {
  /** Environments it is for. Default: all. */
  readonly environments?: readonly string[];
};

/** A channel as written. */
export type ChannelSettings = {
  readonly kind: string;
  /** Messages a minute it is sent. Default: by its kind. */
  readonly perMinute?: number;
  /** Whether a flood of messages that are no pages is joined. Default: by its kind. */
  readonly joins?: boolean;
  /** What its kind knows. */
  readonly settings: Readonly<Record<string, unknown>>;
};

/** Who a user of Slack is here, and what they may do. */
export type SlackUser = {
  readonly principal: string;
  readonly roles: readonly ('admin' | 'operator' | 'observer' | 'analyst' | 'approver')[];
};

/** The buttons of messages in Slack. */
export type SlackSettings = {
  /** Name of the variable that holds the signing secret of the Slack app. */
  readonly signingSecretRef: string;
  /** By the id that Slack gives a user. */
  readonly users: Readonly<Record<string, SlackUser>>;
  /** Origin that answers may go to beside `https://hooks.slack.com`. Default: none. */
  readonly apiUrl?: string;
};

/** `notify` of the file of settings. */
export type NotifySettings = {
  readonly channels: Readonly<Record<string, ChannelSettings>>;
  readonly routes: readonly ServerRoute[];
  /** When stakeholders are told; what is for them alone, and no page, waits for it. Default: at any time. */
  readonly stakeholderHours?: Calendar;
  readonly slack?: SlackSettings;
};

const NAME = /^[A-Za-z_][\w.-]{0,99}$/;
const channel = z.looseObject({
  kind: z.string().min(1),
  perMinute: z.number().positive().max(60_000).optional(),
  joins: z.boolean().optional(),
});
const route = notifyRouteSchema.extend({
  environment: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  digest: durationSchema.optional(),
});
const slack = z.strictObject({
  signingSecret: secretRefSchema,
  users: z.record(
    z.string().regex(/^[UW][A-Z0-9]+$/, 'expected the id of a user of Slack, such as U012AB3CD'),
    z.strictObject({
      principal: z.string().min(1).max(200),
      roles: z.array(z.enum(['admin', 'operator', 'observer', 'analyst', 'approver'])).min(1),
    }),
  ),
  apiUrl: z.url({ protocol: /^https?$/ }).optional(),
});
const hours = z.string().transform((text, context) => {
  const read = readHours(text);
  if (read.ok) return read.hours;
  context.addIssue({ code: 'custom', message: read.problem });
  return z.NEVER;
});
const notifySchema = z.strictObject({
  channels: z.record(z.string().regex(NAME), channel).default({}),
  routes: z.array(route).default([]),
  stakeholderHours: hours.optional(),
  slack: slack.optional(),
});

/** Reads `notify`; channels are not opened. @throws ConnectorError `CHANNEL_INVALID`, which names the place */
export function readNotifySettings(given: unknown): NotifySettings {
  const read = notifySchema.safeParse(given);
  if (!read.success) throw new ConnectorError('CHANNEL_INVALID', `notify: ${schemaProblem(read.error)}`);
  const { channels, routes, stakeholderHours, slack: buttons } = read.data;
  routes.forEach(({ channel: name }, index) => {
    if (!Object.hasOwn(channels, name))
      throw new ConnectorError('CHANNEL_INVALID', `notify.routes.${index}.channel: ${unknownChannel(name, channels)}`);
  });
  return {
    channels: Object.fromEntries(Object.entries(channels).map(([name, one]) => [name, channelOf(one)])),
    routes: routes.map(routeOf),
    ...(stakeholderHours !== undefined && { stakeholderHours }),
    ...(buttons !== undefined && { slack: slackOf(buttons) }),
  };
}

/** What to say of a channel that is not set up. */
export function unknownChannel(name: string, channels: Readonly<Record<string, unknown>>): string {
  const known = Object.keys(channels).join(', ') || 'none';
  return `received ${JSON.stringify(name)}; this server has these channels: ${known}`;
}

function channelOf({ kind, perMinute, joins, ...settings }: z.output<typeof channel>): ChannelSettings {
  return {
    kind,
    settings,
    ...(perMinute !== undefined && { perMinute }),
    ...(joins !== undefined && { joins }),
  };
}

function routeOf({
  channel: name,
  events,
  severity,
  audience,
  environment,
  digest,
}: z.output<typeof route>): ServerRoute {
  return {
    channel: name,
    ...(events !== undefined && { events: listOf(events) }),
    ...(severity !== undefined && { severity: listOf(severity) }),
    ...(audience !== undefined && { audience: listOf(audience) }),
    ...(environment !== undefined && { environments: listOf(environment) }),
    ...(digest !== undefined && { digestMs: digest }),
  };
}

function slackOf({ signingSecret, users, apiUrl }: z.output<typeof slack>): SlackSettings {
  return { signingSecretRef: signingSecret.secretRef, users, ...(apiUrl !== undefined && { apiUrl }) };
}

function listOf<T extends string>(value: T | readonly T[]): readonly T[] {
  return typeof value === 'string' ? [value] : value;
}
