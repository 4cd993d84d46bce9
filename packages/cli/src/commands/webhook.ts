import { checkBody, type WebhookSetting, webhooksSchema } from '@rampart/api';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { several } from './arguments.ts';

type SetOptions = { readonly event?: readonly string[]; readonly secretRef?: string; readonly secret?: string };

/** Commands for webhooks; they need an admin's token. */
export function addWebhookCommands(program: Command, { perform }: Shell): void {
  const webhook = program
    .command('webhook')
    .helpGroup('Set up:')
    .description('signed webhooks that are told what happens');
  webhook
    .command('list')
    .description('list the webhooks')
    .action((_: unknown, command: Command) =>
      perform(command, async (session) => shown(session, await session.client().getWebhooks())),
    );
  webhook
    .command('set')
    .summary('create or replace a webhook')
    .description('Creates or replaces a webhook (Standard Webhooks). Without a secret one that exists keeps its own.')
    .argument('<name>', 'its name')
    .argument('<address>', 'http or https URL')
    .option('--event <type>', 'type to send, for example rollout.aborted; may be repeated. Default: all', several)
    .option('--secret-ref <variable>', 'environment variable of the server that holds the signing secret')
    .option('--secret <whsec>', 'the signing secret itself')
    .action((name: string, address: string, options: SetOptions, command: Command) =>
      perform(command, (session) => setWebhook(session, name, address, options)),
    );
  webhook
    .command('delete')
    .description('delete a webhook')
    .argument('<name>', 'its name')
    .action((name: string, _: unknown, command: Command) =>
      perform(command, (session) => deleteWebhook(session, name)),
    );
}

function shown(session: Session, webhooks: readonly WebhookSetting[]): Outcome {
  const columns = [
    { title: 'WEBHOOK', cell: ({ name }: WebhookSetting) => name },
    { title: 'URL', keep: 2, cell: ({ url }: WebhookSetting) => oneLine(url) },
    { title: 'EVENTS', keep: 1, cell: ({ events }: WebhookSetting) => events?.join(', ') ?? 'all' },
  ];
  const text = renderTable<WebhookSetting>({ columns, rows: webhooks }, session.width(), session.paint);
  return { data: { webhooks }, text: webhooks.length === 0 ? 'There is no webhook.' : text };
}

async function setWebhook(session: Session, name: string, url: string, options: SetOptions): Promise<Outcome> {
  const { event, ...secret } = options;
  const client = session.client();
  const others = (await client.getWebhooks()).filter((hook) => hook.name !== name);
  const webhooks = [...others, { name, url, ...secret, ...(event === undefined ? {} : { events: event }) }];
  return shown(session, await client.putWebhooks(checkBody(webhooksSchema, webhooks)));
}

async function deleteWebhook(session: Session, name: string): Promise<Outcome> {
  const client = session.client();
  const before = await client.getWebhooks();
  const others = before.filter((hook) => hook.name !== name);
  if (others.length === before.length) {
    const known = before.map((hook) => hook.name).join(', ') || 'none';
    throw new CliError('WEBHOOK_NOT_FOUND', `No webhook is named ${JSON.stringify(name)}; known: ${known}.`);
  }
  return shown(session, await client.putWebhooks(others));
}
