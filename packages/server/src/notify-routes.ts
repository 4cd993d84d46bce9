import type { Notification, ServerRoute } from '@rampart/connectors';

/** A channel that a notification goes to. `digestMs`: gathered for this long; absent: at once. */
export type RoutedTo = { readonly channel: string; readonly digestMs?: number };

/**
 * Messages by which something that was told before is over, whatever their own severity. Pagers close by them what they
 * opened, so that a route of pages alone must let them through.
 */
const ENDINGS: readonly string[] = [
  'abort.took-effect',
  'alert.cleared',
  'approval.given',
  'attempt.started',
  'data.valid',
  'incident.acknowledged',
  'incident.assigned',
  'incident.resolved',
  'kill-switch.rearmed',
  'rollout.cancelled',
  'rollout.completed',
  'sight.returned',
];

/**
 * Where a notification goes: every route that fits has its say, each channel is told once, and at once if any of its
 * routes says so. A page is never gathered. `keepsOpen`: whether a channel keeps open what it was told until it is told
 * that it is over; such a channel hears of every ending in the environments of its routes.
 */
export function routedTo(
  notification: Notification,
  routes: readonly ServerRoute[],
  keepsOpen: (channel: string) => boolean,
): readonly RoutedTo[] {
  const isEnding = ENDINGS.includes(notification.type);
  const fitting = routes.filter(
    (route) =>
      isOfEnvironment(route, notification) && (fits(route, notification) || (isEnding && keepsOpen(route.channel))),
  );
  const channels = [...new Set(fitting.map(({ channel }) => channel))];
  return channels.map((channel) => {
    const digests = fitting.filter((route) => route.channel === channel).map(({ digestMs }) => digestMs ?? 0);
    const digestMs = notification.severity === 'page' ? 0 : Math.min(...digests);
    return { channel, ...(digestMs > 0 && { digestMs }) };
  });
}

function isOfEnvironment({ environments }: ServerRoute, { environment }: Notification): boolean {
  return environments?.includes(environment) ?? true;
}

function fits(route: ServerRoute, { type, severity, audience }: Notification): boolean {
  const { events, severity: severities, audience: audiences } = route;
  return (
    (events?.some((pattern) => matches(pattern, type)) ?? true) &&
    (severities?.includes(severity) ?? true) &&
    (audiences?.some((one) => audience.includes(one)) ?? true)
  );
}

function matches(pattern: string, type: string): boolean {
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
