import { isOwedToPagers, type Notification, type ServerRoute } from '@rampart/connectors';

/** A channel that a notification goes to. `digestMs`: gathered for this long; absent: at once. */
export type RoutedTo = { readonly channel: string; readonly digestMs?: number };

/**
 * Where a notification goes: every route that fits has its say, each channel is told once, and at once if any of its
 * routes says so. A page is never gathered. `keepsOpen`: whether a channel keeps open what it was told until it is told
 * that it is over; such a channel hears of every ending, and of stages, in the environments of its routes.
 */
export function routedTo(
  notification: Notification,
  routes: readonly ServerRoute[],
  keepsOpen: (channel: string) => boolean,
): readonly RoutedTo[] {
  const isOwed = isOwedToPagers(notification);
  const fitting = routes.filter(
    (route) =>
      isOfEnvironment(route, notification) && (fits(route, notification) || (isOwed && keepsOpen(route.channel))),
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
