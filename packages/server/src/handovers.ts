import {
  ConnectorError,
  commandNotifier,
  type Notification,
  type Notifier,
  type UrlPolicy,
  webhookNotifier,
} from '@rampart/connectors';
import {
  type EventRecord,
  type Handover,
  handoversOf,
  type RolloutState,
  renderReport,
  replay,
} from '@rampart/rollout';
import { MACHINE_PACE } from './channels.ts';
import type { Clock } from './clock.ts';
import { recordOf, streamOf } from './event-records.ts';
import type { Log } from './log.ts';
import type { Destination } from './outbox.ts';
import { giveOwn } from './own-command.ts';
import type { Addressing } from './rollout-commit.ts';
import type { RolloutTable } from './rollout-table.ts';
import { mappingOf, type ServerSettings, settingsInvalid } from './server-settings.ts';
import type { Store } from './store/store.ts';

const PREFIX = 'next:';

/** Tells the steps of a plan's `next` that a rollout is complete. */
export type Handovers = {
  /** Why a step can never be told from this server; `undefined` where it can. */
  readonly problemOf: (handover: Handover) => string | undefined;
  /** One message for each step, once the rollout is complete and never before. */
  readonly addressing: Addressing;
  /** Who delivers to a destination of the outbox; `undefined` where it is not one of `next`. */
  readonly destinationOf: (destination: string) => Destination | undefined;
  /** Records that a message was given up. */
  readonly gaveUp: (message: { readonly destination: string; readonly body: unknown }, why: string) => Promise<void>;
};

/** What hand-overs work with. */
export type HandoverDeps = {
  readonly store: Store;
  readonly table: () => RolloutTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: Pick<ServerSettings, 'next' | 'publicUrl'>;
  readonly policy: UrlPolicy;
  readonly secretOf: (name: string) => string | undefined;
};

/** @throws ServerError `SETTINGS_INVALID` for a command that can never work */
export function openHandovers(deps: HandoverDeps): Handovers {
  const commands = commandsOf(deps);
  const makerOf = (handover: Handover): Notifier => {
    if (!('command' in handover)) return webhookOf(handover, deps);
    const command = commands.get(handover.command);
    if (command === undefined) throw new ConnectorError('CHANNEL_INVALID', unknownCommand(handover.command, commands));
    return command;
  };
  return {
    problemOf(handover) {
      try {
        makerOf(handover);
        return undefined;
      } catch (error) {
        if (error instanceof ConnectorError) return error.message.replace(/^[A-Z_]+: /, '');
        throw error;
      }
    },
    addressing(notification) {
      const { next } = notification.data;
      if (notification.type !== 'rollout.completed' || !Array.isArray(next)) return [];
      return next.map((name) => {
        const id = `${notification.id}/${PREFIX}${name}`;
        const body = { ...notification, id };
        return { key: id, destination: PREFIX + name, kind: notification.type, body, dueAt: notification.at };
      });
    },
    destinationOf(destination) {
      if (!destination.startsWith(PREFIX)) return undefined;
      const name = destination.slice(PREFIX.length);
      const notifier: Notifier = { name, deliver: (message, signal) => handOver(name, message, signal, deps, makerOf) };
      return { notifier, pace: MACHINE_PACE };
    },
    async gaveUp({ destination, body }, why) {
      if (!destination.startsWith(PREFIX)) return;
      // JSON edge: written by `addressing` only.
      const { rollout } = body as Notification;
      const command = {
        type: 'RecordHandover',
        name: destination.slice(PREFIX.length),
        isDelivered: false,
        why,
      } as const;
      await giveOwn(rollout, () => command, { table: deps.table(), clock: deps.clock });
    },
  };
}

function commandsOf({ settings, secretOf, log }: HandoverDeps): ReadonlyMap<string, Notifier> {
  const { commands = {}, ...others } = settings.next;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw settingsInvalid(`next: unknown key ${JSON.stringify(unknown)}; it has commands`);
  const open = ([name, written]: readonly [string, unknown]) => {
    const onOutput = (output: object) => log.info({ next: name, ...output }, `the command ${name} has ended`);
    try {
      return [name, commandNotifier(written, { name, secretOf, onOutput })] as const;
    } catch (error) {
      if (error instanceof ConnectorError) throw settingsInvalid(error.message.replace(/^[A-Z_]+: /, ''));
      throw error;
    }
  };
  return new Map(Object.entries(mappingOf(commands, 'next.commands')).map(open));
}

function unknownCommand(name: string, commands: ReadonlyMap<string, Notifier>): string {
  const known = [...commands.keys()].join(', ') || 'none yet';
  return `this server has no command ${JSON.stringify(name)} (it has: ${known}); name it in its settings, under next.commands`;
}

function webhookOf(
  handover: Extract<Handover, { webhook: string }>,
  { policy, secretOf, clock }: HandoverDeps,
): Notifier {
  const { name, webhook: url, secretRef } = handover;
  const secret = secretOf(secretRef);
  if (secret === undefined || secret === '')
    throw new ConnectorError('SECRET_INVALID', `${secretRef} is not set in the environment of the server`);
  return webhookNotifier({ ...policy, name, url, secret, now: clock.now });
}

async function handOver(
  name: string,
  message: Notification,
  signal: AbortSignal,
  deps: HandoverDeps,
  makerOf: (handover: Handover) => Notifier,
): ReturnType<Notifier['deliver']> {
  const { store, clock } = deps;
  const records = (await store.readStream(streamOf(message.rollout))).map(recordOf);
  // As it stood at the end: a repetition tells the same, whatever was recorded since.
  const told = records.filter(({ version }) => version <= message.version);
  const state = replay(told);
  const handover = state && handoversOf(state.plan).find((one) => one.name === name);
  if (state === undefined || handover === undefined) return { kind: 'refused', why: `the plan names no step ${name}` };
  const result = await makerOf(handover).deliver(withReport(message, told, state, deps), signal);
  if (result.kind !== 'delivered') return result;
  const command = { type: 'RecordHandover', name, isDelivered: true } as const;
  await giveOwn(message.rollout, () => command, { table: deps.table(), clock });
  return result;
}

/** The message with all that the next step of a workflow needs: the summary, the numbers and the report. */
function withReport(message: Notification, records: readonly EventRecord[], state: RolloutState, deps: HandoverDeps) {
  const { settings } = deps;
  const { plan, attempts, incidents, issues, overrides, history, cleanup } = state;
  const end = records.at(-1)?.event;
  const last = attempts.at(-1);
  return {
    ...message,
    ...(settings.publicUrl !== undefined && { url: `${settings.publicUrl}/rollouts/${state.id}` }),
    summary: {
      title: plan.title,
      version: last?.version ?? plan.version,
      startedAt: attempts[0]?.startedAt,
      completedAt: message.at,
      attempts,
      stages: history.map(({ metrics: _metrics, ...stage }) => stage),
      incidents: incidents.map(({ number, attempt, kind, stage, reason, people }) => ({
        number,
        attempt,
        kind,
        stage,
        reason,
        people,
      })),
      issues,
      overrides,
      metrics: end?.type === 'RolloutCompleted' ? end.metrics : (history.at(-1)?.metrics ?? []),
      ...(cleanup && { cleanup }),
    },
    report: { mediaType: 'text/markdown', text: renderReport(records, state, { now: message.at }) },
  };
}
