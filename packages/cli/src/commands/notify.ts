import {
  checkBody,
  type DeadLetter,
  type NotifyTest,
  type NotifyTestResult,
  type NotifyView,
  notifyTestSchema,
} from '@rampart/api';
import { formatDuration } from '@rampart/rollout';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { findRollout } from '../find-rollout.ts';
import { formatMoment, NOTHING } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';

type Channel = NotifyView['channels'][number];
type Route = NotifyView['routes'][number];
type Result = NotifyTestResult['results'][number];

/** Commands for channels, and for messages that did not arrive. */
export function addNotifyCommands(program: Command, { perform }: Shell): void {
  const notify = program
    .command('notify')
    .helpGroup('Set up:')
    .description('who is told what happens: channels, routes, test messages, what did not arrive');
  notify
    .command('list')
    .summary('show channels, routes and how deliveries go')
    .description(
      'Shows channels (notify in the file of rampart serve --settings) and webhooks, who is told what, and how deliveries go.',
    )
    .option('--rollout <rollout>', 'count the routes of its plan as well: id, or key of its flag')
    .action((options: { rollout?: string }, command: Command) =>
      perform(command, (session) => list(session, options.rollout)),
    );
  notify
    .command('test')
    .summary('send a test message now')
    .description('Sends a test message now and says what each receiver answered. Exit code 1 when one did not take it.')
    .argument('[channel]', 'a channel or webhook. Default: all')
    .addOption(
      notify
        .createOption('--severity <severity>', 'how bad it is said to be: a page wakes someone')
        .choices(['page', 'warn', 'info'])
        .default('info'),
    )
    .action((channel: string | undefined, options: { severity: string }, command: Command) =>
      perform(command, (session) => test(session, channel, options.severity)),
    );
  notify
    .command('dead')
    .description('list the messages that were given up')
    .action((_: unknown, command: Command) =>
      perform(command, async (session) => shownDead(session, await session.client().listDeadLetters())),
    );
  notify
    .command('retry')
    .summary('deliver given-up messages again')
    .description('Queues messages again that were given up; one that is refused again is given up again.')
    .argument('[ids...]', 'as `notify dead` shows them')
    .option('--all', 'all of them')
    .action((ids: string[], options: { all?: boolean }, command: Command) => {
      if ((ids.length === 0) === (options.all !== true)) command.error('error: give ids, or --all');
      return perform(command, (session) => retry(session, ids));
    });
}

async function list(session: Session, rollout: string | undefined): Promise<Outcome> {
  const client = session.client();
  const id = rollout === undefined ? undefined : (await findRollout(client, rollout)).state.id;
  const view = await client.getNotify(id);
  const { channels, routes, toldOfAbort } = view;
  const told =
    toldOfAbort.length === 0
      ? session.paint.yellow('Nobody is told of an abort.')
      : `Told of an abort: ${toldOfAbort.join(', ')}.`;
  const tables = [
    channels.length === 0 ? 'There is no channel and no webhook.' : channelTable(session, channels),
    ...(routes.length === 0 ? [] : [routeTable(session, routes)]),
  ];
  return { data: view, text: [...tables, told].join('\n\n') };
}

function channelTable(session: Session, rows: readonly Channel[]): string {
  const columns = [
    { title: 'CHANNEL', cell: ({ name }: Channel) => name },
    { title: 'KIND', keep: 3, cell: ({ kind }: Channel) => kind },
    { title: 'PENDING', keep: 4, cell: ({ pending }: Channel) => String(pending) },
    { title: 'DEAD', keep: 4, cell: ({ dead }: Channel) => String(dead) },
    { title: 'LAST DELIVERED', keep: 2, cell: ({ lastDeliveredAt }: Channel) => momentOf(lastDeliveredAt) },
    { title: 'WAITS UNTIL', keep: 1, cell: ({ waitsUntil }: Channel) => momentOf(waitsUntil) },
  ];
  const below = ({ lastFailure }: Channel) =>
    lastFailure === undefined ? '' : `last failure ${formatMoment(lastFailure.at)}: ${oneLine(lastFailure.why)}`;
  return renderTable<Channel>({ columns, rows, below }, session.width(), session.paint);
}

const momentOf = (at: number | undefined): string => (at === undefined ? NOTHING : formatMoment(at));
const listOf = (items: readonly string[] | undefined): string => items?.join(', ') ?? 'all';

function routeTable(session: Session, rows: readonly Route[]): string {
  const columns = [
    { title: 'TO', cell: ({ channel }: Route) => channel },
    { title: 'EVENTS', keep: 4, cell: ({ events }: Route) => listOf(events) },
    { title: 'SEVERITY', keep: 5, cell: ({ severity }: Route) => listOf(severity) },
    { title: 'AUDIENCE', keep: 3, cell: ({ audience }: Route) => listOf(audience) },
    { title: 'ENVIRONMENT', keep: 2, cell: ({ environments }: Route) => listOf(environments) },
    { title: 'DIGEST', keep: 1, cell: ({ digestMs }: Route) => (digestMs ? formatDuration(digestMs) : NOTHING) },
    { title: 'OF', keep: 1, cell: ({ of }: Route) => of },
  ];
  return renderTable<Route>({ columns, rows }, session.width(), session.paint);
}

async function test(session: Session, channel: string | undefined, severity: string): Promise<Outcome> {
  const asked: NotifyTest = checkBody(notifyTestSchema, { severity, ...(channel !== undefined && { channel }) });
  const result = await session.client().testNotify(asked);
  const { paint } = session;
  const line = ({ channel: name, delivered, answer }: Result) =>
    `${delivered ? paint.green('✔') : paint.red('✘')} ${name}: ${oneLine(answer)}`;
  const isTaken = result.results.every(({ delivered }) => delivered);
  return { data: result, text: result.results.map(line).join('\n'), exitCode: isTaken ? 0 : 1 };
}

function shownDead(session: Session, letters: readonly DeadLetter[]): Outcome {
  const columns = [
    { title: 'ID', cell: ({ id }: DeadLetter) => id },
    { title: 'TO', cell: ({ destination }: DeadLetter) => destination },
    { title: 'TYPE', keep: 3, cell: ({ type }: DeadLetter) => type },
    { title: 'ROLLOUT', keep: 2, cell: ({ rollout }: DeadLetter) => rollout ?? NOTHING },
    { title: 'OF', keep: 1, cell: ({ createdAt }: DeadLetter) => formatMoment(createdAt) },
  ];
  const below = ({ lastError }: DeadLetter) => oneLine(lastError);
  const text = renderTable<DeadLetter>({ columns, rows: letters, below }, session.width(), session.paint);
  return { data: { letters }, text: letters.length === 0 ? 'No message was given up.' : text };
}

async function retry(session: Session, ids: readonly string[]): Promise<Outcome> {
  const client = session.client();
  const letters = await client.listDeadLetters();
  const known = new Set(letters.map(({ id }) => id));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined)
    throw new CliError('LETTER_NOT_FOUND', `No message that was given up has the id ${JSON.stringify(unknown)}.`);
  const queued = ids.length === 0 ? [...known] : ids;
  for (const id of queued) await client.retryDeadLetter(id);
  const text = `${queued.length} ${queued.length === 1 ? 'message is' : 'messages are'} queued again.`;
  return { data: { queued }, text };
}
