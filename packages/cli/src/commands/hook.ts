import { checkBody, HOOK_SCHEMES, type HookSetting, hookSchema } from '@rampart/api';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { renderTable } from '../output/table.ts';
import { readMapping } from '../read-mapping.ts';
import type { Outcome, Session, Shell } from '../session.ts';

type SetOptions = {
  readonly receives: string;
  readonly scheme: string;
  readonly header?: string;
  readonly timestampHeader?: string;
  readonly secretRef?: string;
  readonly secret?: string;
  readonly signals?: string;
  readonly attestation?: string;
  readonly gates?: string;
};

/** Commands for hooks; they need an admin's token. */
export function addHookCommands(program: Command, { perform }: Shell): void {
  const hook = program
    .command('hook')
    .helpGroup('Set up:')
    .description('ways in for other systems: complaints, tickets, alerts, gates');
  hook
    .command('list')
    .description('list the hooks')
    .action((_: unknown, command: Command) =>
      perform(command, async (session) => shown(session, await session.client().getHooks())),
    );
  hook
    .command('set')
    .summary('create or replace a hook')
    .description(
      'Creates or replaces a hook; others deliver to /v1/hooks/NAME. Without a secret one that exists keeps its own.',
    )
    .argument('<name>', 'its name')
    .requiredOption('--receives <what>', 'alerts (of Alertmanager or Grafana), signals, attestations, or gates')
    .requiredOption('--scheme <scheme>', `how the sender proves who it is: ${HOOK_SCHEMES.join(', ')}`)
    .option('--header <name>', 'header of the signature, where the sender lets you choose it')
    .option('--timestamp-header <name>', 'header of the time, where it is signed as well')
    .option('--secret-ref <variable>', 'environment variable of the server that holds the secret')
    .option('--secret <secret>', 'the secret itself')
    .option('--signals <file>', 'YAML or JSON file that says where occurrences are in a body; - for standard input')
    .option('--attestation <file>', 'the same for attestations: where flag and link are. Default: $.flag, $.link')
    .option('--gates <file>', 'YAML or JSON file that says where gates are in a body; - for standard input')
    .action((name: string, options: SetOptions, command: Command) =>
      perform(command, (session) => setHook(session, name, options)),
    );
  hook
    .command('delete')
    .description('delete a hook')
    .argument('<name>', 'its name')
    .action((name: string, _: unknown, command: Command) => perform(command, (session) => deleteHook(session, name)));
}

function shown(session: Session, hooks: readonly HookSetting[]): Outcome {
  const columns = [
    { title: 'HOOK', cell: ({ name }: HookSetting) => name },
    { title: 'PATH', keep: 2, cell: ({ name }: HookSetting) => `/v1/hooks/${name}` },
    { title: 'RECEIVES', keep: 1, cell: ({ receives }: HookSetting) => receives },
    { title: 'SIGNED', keep: 1, cell: ({ verify }: HookSetting) => verify.scheme },
  ];
  const text = renderTable<HookSetting>({ columns, rows: hooks }, session.width(), session.paint);
  return { data: { hooks }, text: hooks.length === 0 ? 'There is no hook.' : text };
}

async function setHook(session: Session, name: string, options: SetOptions): Promise<Outcome> {
  const { receives, scheme, header, timestampHeader, signals, attestation, gates, ...secret } = options;
  const client = session.client();
  const others = (await client.getHooks()).filter((hook) => hook.name !== name);
  const verify = { scheme, ...(header && { header }), ...(timestampHeader && { timestampHeader }) };
  const mapping = {
    ...(signals !== undefined && { signals: await readMapping(signals, session.io) }),
    ...(attestation !== undefined && { attestation: await readMapping(attestation, session.io) }),
    ...(gates !== undefined && { gates: await readMapping(gates, session.io) }),
  };
  const hook = checkBody(hookSchema, { name, verify, receives, ...secret, ...mapping });
  return shown(session, await client.putHooks([...others, hook]));
}

async function deleteHook(session: Session, name: string): Promise<Outcome> {
  const client = session.client();
  const before = await client.getHooks();
  const others = before.filter((hook) => hook.name !== name);
  if (others.length === before.length) {
    const known = before.map((hook) => hook.name).join(', ') || 'none';
    throw new CliError('HOOK_NOT_FOUND', `No hook is named ${JSON.stringify(name)}; known: ${known}.`);
  }
  return shown(session, await client.putHooks(others));
}
