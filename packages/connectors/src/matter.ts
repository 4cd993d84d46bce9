import type { Notification, Severity } from './notification.ts';

/** What a matter is about. A matter lasts: a pager opens an alert for it, and closes it when it is over. */
export type Topic =
  | 'abort'
  | 'abort-unconfirmed'
  | 'alert'
  | 'approval'
  | 'data-invalid'
  | 'incident-unattended'
  | 'kill-switch'
  | 'sight-lost'
  | 'stuck'
  | 'test';

/** A matter of one attempt of a rollout. */
export type Matter = {
  readonly topic: Topic;
  /** As `group` of notifications. */
  readonly group: string;
  /** Which of its topic: a check, or the number of a proposal. */
  readonly about?: string;
};

/** What a notification does to matters. */
export type MatterChange = {
  readonly opens?: Matter;
  /** Matters that are over, whether or not they are known to be open. */
  readonly closes: readonly Matter[];
  /** Groups of which everything that is known to be open, of these topics, is over. */
  readonly sweeps: readonly { readonly group: string; readonly topics: readonly Topic[] }[];
};

/** Key of a matter: the group itself for an abort, so that the abort of an attempt has the key of the attempt. */
export function matterKey({ topic, group, about }: Matter): string {
  const parts = topic === 'abort' || topic === 'test' ? [] : [topic, ...(about === undefined ? [] : [about])];
  return [group, ...parts].join('/');
}

/** How urgent a matter is as long as it lasts. */
export const TOPIC_SEVERITY: Readonly<Record<Topic, Severity>> = {
  abort: 'page',
  'abort-unconfirmed': 'page',
  alert: 'warn',
  approval: 'warn',
  'data-invalid': 'warn',
  'incident-unattended': 'warn',
  'kill-switch': 'page',
  'sight-lost': 'page',
  stuck: 'warn',
  test: 'info',
};

const EVERY_TOPIC = Object.keys(TOPIC_SEVERITY) as readonly Topic[];
/** What cannot be asked any more once an attempt has ended, or has nobody to measure. */
const OF_EXPOSURE: readonly Topic[] = ['alert', 'approval', 'data-invalid', 'sight-lost', 'stuck'];

const OPENS: Readonly<Record<string, Topic>> = {
  'abort.unconfirmed': 'abort-unconfirmed',
  'alert.raised': 'alert',
  'approval.needed': 'approval',
  'data.invalid': 'data-invalid',
  'incident.unattended': 'incident-unattended',
  'kill-switch.tripped': 'kill-switch',
  'rollout.aborted': 'abort',
  'rollout.stuck': 'stuck',
  'sight.lost': 'sight-lost',
  test: 'test',
};

const CLOSES: Readonly<Record<string, readonly Topic[]>> = {
  'abort.took-effect': ['abort-unconfirmed'],
  'alert.cleared': ['alert'],
  'approval.given': ['approval'],
  'attempt.started': ['abort'],
  'data.valid': ['data-invalid'],
  'incident.acknowledged': ['incident-unattended'],
  'incident.assigned': ['incident-unattended'],
  'incident.resolved': ['abort', 'abort-unconfirmed', 'incident-unattended'],
  'kill-switch.rearmed': ['kill-switch'],
  'rollout.cancelled': ['abort'],
  'sight.returned': ['sight-lost'],
};

const SWEEPS: Readonly<Record<string, readonly Topic[]>> = {
  'attempt.started': EVERY_TOPIC,
  // Where the abort itself was not for this pager. What waits for approval then is the next attempt.
  'incident.resolved': OF_EXPOSURE.filter((topic) => topic !== 'approval'),
  'monitoring.started': ['stuck'],
  'rollout.aborted': OF_EXPOSURE,
  'rollout.cancelled': EVERY_TOPIC,
  'rollout.completed': EVERY_TOPIC,
  // Whoever is still blind in the next stage is told so anew.
  'stage.entered': ['stuck', 'approval', 'sight-lost'],
  'stage.passed': ['stuck'],
};

/** News of a rollout that stands on the timeline of a pager, where it has one, and wakes nobody. */
const NEWS: readonly string[] = ['attempt.started', 'stage.entered', 'monitoring.started', 'rollout.completed'];

/** Whether a notification is news for a timeline. */
export function isNews({ type }: Notification): boolean {
  return NEWS.includes(type);
}

/**
 * Whether a channel that opens alerts and closes them must hear of a notification though none of its routes asks for it:
 * it ends something that may be open there, or is news for its timeline. Never what opens an alert: that is for routes to say.
 */
export function isOwedToPagers(message: Notification): boolean {
  const { opens, closes, sweeps } = matterChangeOf(message);
  return opens === undefined && (closes.length > 0 || sweeps.length > 0 || isNews(message));
}

/** What a notification does to matters. A new attempt ends those of the attempt before it. Pure. */
export function matterChangeOf(message: Notification): MatterChange {
  const { type, group } = message;
  const ended = type === 'attempt.started' ? groupBefore(group) : group;
  const topic = OPENS[type];
  const sweeps = SWEEPS[type];
  return {
    ...(topic !== undefined && { opens: matterOf(topic, group, message) }),
    closes: ended === undefined ? [] : (CLOSES[type] ?? []).map((one) => matterOf(one, ended, message)),
    sweeps: ended === undefined || sweeps === undefined ? [] : [{ group: ended, topics: sweeps }],
  };
}

function matterOf(topic: Topic, group: string, { data }: Notification): Matter {
  const about = topic === 'alert' ? data.check : topic === 'approval' ? data.proposal : undefined;
  return { topic, group, ...(about !== undefined && { about: String(about) }) };
}

function groupBefore(group: string): string | undefined {
  const [, start, attempt] = /^(.*\/)(\d+)$/.exec(group) ?? [];
  return start === undefined || Number(attempt) < 2 ? undefined : start + (Number(attempt) - 1);
}

/** Number of the attempt that a group is about; `undefined` for a group of no rollout. */
export function attemptOf({ group }: Pick<Notification, 'group'>): number | undefined {
  const [, attempt] = /^rollout\/.*\/(\d+)$/.exec(group) ?? [];
  return attempt === undefined ? undefined : Number(attempt);
}
