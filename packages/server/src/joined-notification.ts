import type { Audience, Notification, Severity } from '@rampart/connectors';

/** Texts that a joined message shows before it only counts. */
const MOST_SHOWN = 10;
const MOST_URGENT_FIRST: readonly Severity[] = ['page', 'warn', 'info'];

/**
 * Several notifications as one, of type `digest`; a single one stays as it is. Its id follows from the first and their
 * number, so that a repetition of the same set is known. `rollout` and `flag` are empty when they are about several.
 */
export function joinNotifications(all: readonly [Notification, ...Notification[]]): Notification {
  const [first, ...others] = all;
  if (others.length === 0) return first;
  const last = all.at(-1) ?? first;
  const isOneRollout = all.every(({ rollout }) => rollout === first.rollout);
  return {
    id: `${first.id}+${others.length}`,
    type: 'digest',
    at: last.at,
    severity: MOST_URGENT_FIRST.find((one) => all.some(({ severity }) => severity === one)) ?? 'info',
    audience: [...new Set<Audience>(all.flatMap(({ audience }) => audience))],
    group: isOneRollout ? first.group : 'digest',
    rollout: isOneRollout ? first.rollout : '',
    flag: isOneRollout ? first.flag : '',
    environment: first.environment,
    version: last.version,
    by: 'rampart',
    text: textOf(all),
    data: { messages: all.length, types: countsOf(all) },
  };
}

function textOf(all: readonly Notification[]): string {
  const rollouts = new Set(all.map(({ rollout }) => rollout)).size;
  const about = rollouts === 1 ? 'one rollout' : `${rollouts} rollouts`;
  const shown = all.slice(0, MOST_SHOWN).map(({ text }) => `- ${text}`);
  const left = all.length - shown.length;
  return [`${all.length} messages about ${about}:`, ...shown, ...(left > 0 ? [`… and ${left} more`] : [])].join('\n');
}

function countsOf(all: readonly Notification[]): Readonly<Record<string, number>> {
  const types = [...new Set(all.map(({ type }) => type))];
  return Object.fromEntries(types.map((type) => [type, all.filter((one) => one.type === type).length]));
}
