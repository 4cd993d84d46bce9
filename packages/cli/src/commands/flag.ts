import { type ApiClient, checkBody, flagSchema, ProblemError } from '@rampart/api';
import type { Flag } from '@rampart/flags';
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { formatLayers } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import { readMapping } from '../read-mapping.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { addFlagDebtCommands } from './flag-debt.ts';

type SetOptions = {
  readonly file?: string;
  readonly enable?: boolean;
  readonly disable?: boolean;
  readonly serve?: string;
  readonly description?: string;
};

/** Commands for flags; their exposure belongs to rollouts and is not set here. */
export function addFlagCommands(program: Command, shell: Shell): void {
  const { perform } = shell;
  const flag = program.command('flag').alias('flags').helpGroup('Set up:').description('feature flags');
  flag
    .command('list')
    .description('list the flags')
    .action((_: unknown, command: Command) => perform(command, listFlags));
  flag
    .command('get')
    .description('print a flag, as JSON')
    .argument('<key>', 'key of the flag')
    .action((key: string, _: unknown, command: Command) =>
      perform(command, async (session) => printed(await session.client().getFlag(key))),
    );
  flag
    .command('set')
    .summary('create or change a flag')
    .description(
      'Creates or changes a flag: from a JSON or YAML file, or one setting at a time. A new flag is boolean: on, off; it serves off.',
    )
    .argument('<key>', 'key of the flag')
    .option('--file <file>', 'the whole flag, as `flag get` prints it; - reads standard input')
    .option('--enable', 'evaluate it')
    .option('--disable', 'serve its default variant to everyone')
    .option('--serve <variant>', 'default variant, served where nothing else decides')
    .option('--description <text>', 'what it is for')
    .action((key: string, options: SetOptions, command: Command) =>
      perform(command, (session) => setFlag(session, key, options)),
    );
  flag
    .command('delete')
    .summary('delete a flag')
    .description(
      'Deletes a flag. Code that still evaluates it is served the fallback it gives; while SDKs report that they do, it is refused.',
    )
    .argument('<key>', 'key of the flag')
    .option('--force', 'although SDKs still evaluate it')
    .action((key: string, { force = false }: { readonly force?: boolean }, command: Command) =>
      perform(command, (session) => deleteFlag(session, key, force)),
    );
  addFlagDebtCommands(flag, shell);
}

const printed = (value: unknown): Outcome => ({ data: value, text: JSON.stringify(value, null, 2) });

async function listFlags(session: Session): Promise<Outcome> {
  const flags = await session.client().listFlags();
  const columns = [
    { title: 'FLAG', cell: ({ key }: Flag) => key },
    { title: 'ENABLED', cell: ({ enabled }: Flag) => (enabled ? 'yes' : 'no') },
    { title: 'SERVES', cell: ({ defaultVariant }: Flag) => oneLine(defaultVariant) },
    { title: 'VARIANTS', keep: 2, cell: ({ variants }: Flag) => oneLine(Object.keys(variants).join(', ')) },
    { title: 'EXPOSED', keep: 3, cell: ({ exposure }: Flag) => (exposure ? formatLayers(exposure.layers) : '') },
    { title: 'ROLLOUT', keep: 1, cell: ({ exposure }: Flag) => exposure?.rollout ?? '' },
  ];
  const text = renderTable<Flag>({ columns, rows: flags }, session.width(), session.paint);
  return {
    data: { flags },
    text: flags.length === 0 ? 'There is no flag yet. Create one: rampart flag set KEY' : text,
  };
}

async function existing(client: ApiClient, key: string): Promise<Flag> {
  try {
    const { exposure, ...flag } = await client.getFlag(key);
    return flag;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'NOT_FOUND') throw error;
    return { key, enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' };
  }
}

/** The flag in a file, without the exposure that `flag get` shows: that belongs to its rollout. */
async function flagIn(file: string, io: Io): Promise<Readonly<Record<string, unknown>>> {
  const { exposure, ...flag } = await readMapping(file, io);
  return flag;
}

async function setFlag({ client, io }: Session, key: string, options: SetOptions): Promise<Outcome> {
  const api = client();
  const { file, enable, disable, serve, description } = options;
  const base = file === undefined ? await existing(api, key) : await flagIn(file, io);
  const changed = {
    ...base,
    key,
    ...(enable ? { enabled: true } : {}),
    ...(disable ? { enabled: false } : {}),
    ...(serve === undefined ? {} : { defaultVariant: serve }),
    ...(description === undefined ? {} : { description }),
  };
  return printed(await api.putFlag(checkBody(flagSchema, changed)));
}

async function deleteFlag({ client, io }: Session, key: string, force: boolean): Promise<Outcome> {
  await client().deleteFlag(key, force);
  const text = `Deleted flag ${key}. Code that still evaluates it is served the fallback it gives; look for it: ${io.call} flag references ${key}`;
  return { data: { deleted: key }, text };
}
