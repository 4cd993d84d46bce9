import { z } from 'zod';
import { ALERTMANAGER } from './alertmanager-notifier.ts';
import { APPRISE } from './apprise-notifier.ts';
import { channelSecret, channelUrl, readChannel, timeoutSchema } from './channel-settings.ts';
import { EMAIL } from './email-notifier.ts';
import { secretRefSchema } from './http-access.ts';
import { JSM } from './jsm-notifier.ts';
import type { NotifierKind } from './notifier-deps.ts';
import { PAGERDUTY } from './pagerduty-notifier.ts';
import { SLACK } from './slack-notifier.ts';
import { SLACK_WEBHOOK } from './slack-webhook-notifier.ts';
import { TEAMS } from './teams-notifier.ts';
import { webhookNotifier } from './webhook-notifier.ts';

export type { NotifierDeps, NotifierKind, NotifierMemory } from './notifier-deps.ts';

const webhookSettings = z.strictObject({
  url: z.union([z.string().min(1), secretRefSchema]),
  secret: secretRefSchema,
  timeout: timeoutSchema,
});

const webhook: NotifierKind = {
  open(settings, deps) {
    const { url, secret, timeout: timeoutMs } = readChannel(webhookSettings, settings, deps);
    const { name, policy, now, deadline } = deps;
    return webhookNotifier({
      ...policy,
      name,
      url: channelUrl('url', typeof url === 'string' ? url : channelSecret('url', url, deps), deps),
      secret: channelSecret('secret', secret, deps),
      timeoutMs,
      now,
      ...(deadline && { deadline }),
    });
  },
};

/** Every kind of channel by the name that settings give it. */
export const NOTIFIER_KINDS: Readonly<Record<string, NotifierKind>> = {
  alertmanager: ALERTMANAGER,
  apprise: APPRISE,
  email: EMAIL,
  jsm: JSM,
  pagerduty: PAGERDUTY,
  slack: SLACK,
  'slack-webhook': SLACK_WEBHOOK,
  teams: TEAMS,
  webhook,
};
