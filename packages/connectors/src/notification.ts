import type { EventRecord, RolloutEvent, RolloutState } from '@rampart/rollout';
import { type NotificationDraft, notificationDraftOf } from './notification-rules.ts';

/** How urgent: `page` wakes someone, `warn` is for working hours, `info` is for the record. */
export type Severity = 'page' | 'warn' | 'info';

/** For whom: those who run the rollout, or those who want to know how it goes. */
export type Audience = 'on-call' | 'stakeholders';

/** Something people must hear of. */
export type Notification = {
  /** Idempotency key: one per rollout and event version, the same in every repetition. */
  readonly id: string;
  /** For example `rollout.aborted`. */
  readonly type: string;
  /** When it happened, epoch milliseconds. */
  readonly at: number;
  readonly severity: Severity;
  readonly audience: readonly Audience[];
  /** Messages of one group are about one matter: a pager joins them (one attempt of one rollout). */
  readonly group: string;
  /** Empty in a digest of several rollouts, as is `flag`. */
  readonly rollout: string;
  readonly flag: string;
  readonly environment: string;
  /** Name of the stage that was served then. Default: none was. */
  readonly stage?: string;
  /** Version of the event in its rollout. */
  readonly version: number;
  /** Who did it: id of a principal. */
  readonly by: string;
  /** One or two plain sentences. It may carry words of people: escape it for where it is shown. */
  readonly text: string;
  /** The facts of the event. */
  readonly data: NotificationDraft['data'];
};

/**
 * What people must hear of an event; empty for events that are only for the record. `state` is the rollout after the
 * event, `before` the one before it. Pure: the same event gives the same notifications, so a repeated hand-over is one message.
 */
export function notificationsOf(
  record: EventRecord,
  state: RolloutState,
  before?: RolloutState,
): readonly Notification[] {
  const draft = notificationDraftOf(record.event, state, before);
  if (draft === undefined) return [];
  const stage = state.stage && state.plan.stages[state.stage.index]?.name;
  return [
    {
      id: `${state.id}:${record.version}`,
      type: draft.type,
      at: record.at,
      severity: draft.severity,
      audience: draft.audience,
      group: `rollout/${state.id}/${attemptOf(draft, state)}`,
      rollout: state.id,
      flag: state.plan.flag,
      environment: state.plan.environment,
      ...(stage !== undefined && { stage }),
      version: record.version,
      by: record.by,
      text: draft.text,
      data: draft.data,
    },
  ];
}

/** An incident is a matter of its own attempt, also when a later one has begun. */
function attemptOf({ data }: NotificationDraft, { attempt, incidents }: RolloutState): number {
  return incidents.find(({ number }) => number === data.incident)?.attempt ?? attempt;
}

/** An event, and the rollout after and before it. */
export type Told = { readonly record: EventRecord; readonly state: RolloutState; readonly before?: RolloutState };

/** What the message of an abort says too, where it belongs to the same decision. */
const FOLDED_INTO_ABORT: readonly RolloutEvent['type'][] = ['KillSwitchTripped', 'IncidentAssigned'];

/**
 * What people must hear of one decision: an abort is one message, told of the state in which all of it has happened, and what it led
 * to is part of it. Pure, as `notificationsOf`.
 */
export function notificationsOfDecision(told: readonly Told[]): readonly Notification[] {
  const last = told.at(-1)?.state;
  const isAbort = told.some(({ record }) => record.event.type === 'RolloutAborted');
  if (last === undefined || !isAbort)
    return told.flatMap(({ record, state, before }) => notificationsOf(record, state, before));
  return told
    .filter(({ record }) => !FOLDED_INTO_ABORT.includes(record.event.type))
    .flatMap(({ record, before }) => notificationsOf(record, last, before));
}
