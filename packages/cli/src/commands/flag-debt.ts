import { resolve } from 'node:path';
import type { StaleFlag } from '@rampart/api';
import { formatElapsed } from '@rampart/rollout';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { formatDate, NOTHING } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import { findReferences, type Search } from '../references/find-references.ts';
import { sourceFiles } from '../references/source-files.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { instant, numberBetween } from './arguments.ts';
import { act } from './rollout-action.ts';

type CleanupOptions = { readonly by: number; readonly owner?: string; readonly task?: string };
type StaleOptions = { readonly days?: number };
type ReferencesOptions = { readonly dir?: string; readonly failIfFound?: boolean };

const MOST_DAYS = 36_500;

/** Commands for flags that are debt, under `flag`. */
export function addFlagDebtCommands(flag: Command, { perform }: Shell): void {
  flag
    .command('cleanup')
    .summary('say when a flag is to be removed')
    .description(
      'Says when the flag of a rollout is to be removed: gives the exit item flag-cleanup-scheduled, and reminds at that date and weekly until the flag is deleted.',
    )
    .argument('<flag>', 'key of the flag, or id of its rollout')
    .requiredOption('--by <date>', 'when it is to be gone: 2026-03-01', instant)
    .option('--owner <who>', 'who removes it. Default: the operator of the plan')
    .option('--task <link>', 'the task in the tracker')
    .action((name: string, options: CleanupOptions, command: Command) =>
      perform(command, (session) => scheduleCleanup(session, name, options)),
    );
  flag
    .command('stale')
    .summary('list flags that are debt')
    .description(
      'Lists flags that serve the same to everyone, that no SDK evaluates, that should be gone, and kill switches of rollouts that are over.',
    )
    .option('--days <number>', 'how long a flag may stand still. Default: 30', numberBetween(0, MOST_DAYS))
    .action(({ days }: StaleOptions, command: Command) => perform(command, (session) => listStale(session, days)));
  flag
    .command('references')
    .summary('find flags in source code')
    .description(
      'Finds where source files refer to a flag: its quoted key, constants of it, and values of configurations. Files are those git tracks or would track; elsewhere what no .gitignore excludes. Without a key: every flag of the server.',
    )
    .argument('[flag]', 'key of the flag; needs no server')
    .option('--dir <directory>', 'where to look. Default: here')
    .option('--fail-if-found', 'exit with 1 when there is any; without a key, of flags whose rollout is over')
    .action((key: string | undefined, options: ReferencesOptions, command: Command) =>
      perform(command, (session) => listReferences(session, key, options)),
    );
}

function scheduleCleanup(session: Session, name: string, { by, owner, task }: CleanupOptions): Promise<Outcome> {
  if (by < session.io.now()) {
    const received = new Date(by).toISOString().slice(0, 10);
    throw new CliError('USAGE', `--by ${received} is over; name a date to come.`);
  }
  return act(session, name, {
    type: 'ScheduleCleanup',
    dueAt: by,
    ...(owner !== undefined && { owner }),
    ...(task !== undefined && { link: task }),
  });
}

async function listStale(session: Session, days: number | undefined): Promise<Outcome> {
  const flags = await session.client().listStaleFlags(days);
  const columns = [
    { title: 'FLAG', cell: ({ flag }: StaleFlag) => flag },
    { title: 'WHY', cell: ({ findings }: StaleFlag) => findings.map(({ reason }) => reason).join(', ') },
    { title: 'AGE', cell: ({ ageMs }: StaleFlag) => (ageMs === undefined ? NOTHING : formatElapsed(ageMs)) },
    { title: 'OWNER', keep: 3, cell: ({ owner }: StaleFlag) => oneLine(owner ?? NOTHING) },
    {
      title: 'EVALUATED',
      keep: 1,
      cell: ({ lastSeenAt }: StaleFlag) => (lastSeenAt === undefined ? NOTHING : formatDate(lastSeenAt)),
    },
  ];
  const below = ({ findings }: StaleFlag) => findings.map(({ evidence }) => oneLine(evidence)).join('; ');
  const table = renderTable<StaleFlag>({ columns, rows: flags, below }, session.width(), session.paint);
  return { data: { flags }, text: flags.length === 0 ? 'No flag is stale.' : table };
}

/** Keys to look for: the one that was named, or those of the server; with `endedOnly` those whose rollouts are over. */
async function keysOf({ client }: Session, key: string | undefined, endedOnly: boolean): Promise<readonly string[]> {
  if (key !== undefined) return [key];
  const api = client();
  const views = await api.listRollouts('all');
  const isOver = (phase: string) => phase === 'complete' || phase === 'cancelled';
  const planned = views.map(({ state }) => state.plan.flag);
  const running = views.filter(({ state }) => !isOver(state.phase)).map(({ state }) => state.plan.flag);
  if (endedOnly) return [...new Set(planned)].filter((flag) => !running.includes(flag));
  return [...new Set([...planned, ...(await api.listFlags()).map((one) => one.key)])];
}

/** Files between two signs of life. */
const PROGRESS_EVERY = 2_000;

async function listReferences(
  session: Session,
  key: string | undefined,
  { dir = '.', failIfFound = false }: ReferencesOptions,
): Promise<Outcome> {
  const { io } = session;
  const keys = await keysOf(session, key, failIfFound);
  if (keys.length === 0) return { data: { references: [] }, text: 'There is no flag to look for.' };
  const root = resolve(io.cwd, dir);
  const showsProgress = io.isTty && !session.isJson;
  const search = await findReferences(keys, {
    dir: root,
    files: () => sourceFiles(root),
    ...(showsProgress && {
      onProgress: (files: number) => {
        if (files % PROGRESS_EVERY === 0) io.stderr(`\r${files.toLocaleString('en-US')} files …`);
      },
    }),
  });
  if (showsProgress && search.files >= PROGRESS_EVERY) io.stderr('\r\u001b[K');
  const isFailure = failIfFound && search.references.length > 0;
  return { data: search, text: referencesPage(search, keys, session), exitCode: isFailure ? 1 : 0 };
}

function referencesPage(search: Search, keys: readonly string[], { paint }: Session): string {
  const { references, files, binary, large, isCut } = search;
  const lines = references.map(({ file, line, kind, constant, flag, text }) => {
    const what = [
      ...(keys.length > 1 ? [flag] : []),
      ...(kind === 'key' ? [] : [constant ? `${kind} ${constant}` : kind]),
    ];
    const note = what.length === 0 ? '' : paint.dim(` (${oneLine(what.join(', '))})`);
    return `${paint.cyan(`${oneLine(file)}:${line}`)}: ${oneLine(text)}${note}`;
  });
  const skipped = [...(binary > 0 ? [`${binary} binary`] : []), ...(large > 0 ? [`${large} over 2 MB`] : [])];
  const not = skipped.length === 0 ? '' : `, not in ${skipped.join(' and ')}`;
  const cut = isCut ? ' There are more; name one flag, or a directory with --dir.' : '';
  const sum = `${references.length} references in ${files} files${not}.${cut}`;
  return [...lines, sum].join('\n');
}
