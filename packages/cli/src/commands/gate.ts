import type { GatesView } from '@rampart/api';
import type { Command } from 'commander';
import { formatDate, NOTHING } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';

type SetOptions = { readonly reason: string; readonly flag?: string };
type Named = GatesView['gates'][number];
type Asked = GatesView['rollouts'][number];

/** Commands for external gates. */
export function addGateCommands(program: Command, shell: Shell): void {
  const gate = program
    .command('gate')
    .helpGroup('Operate a rollout:')
    .description('gates that other systems, and people, open and close');
  gate
    .command('list')
    .description('list what was said of named gates, and what gates say to rollouts')
    .action((_: unknown, command: Command) =>
      shell.perform(command, async (session) => shown(session, await session.client().listGates())),
    );
  addSet(
    gate,
    shell,
    'open',
    'open a gate; a person who may run a rollout forward does it, and it stands in the report',
  );
  addSet(gate, shell, 'close', 'close a gate until a person opens it again; whoever may hold a rollout does it');
}

function addSet(gate: Command, { perform }: Shell, what: 'open' | 'close', description: string): void {
  gate
    .command(what)
    .description(description)
    .argument('<name>', 'its name, or that of the signal it reads')
    .requiredOption('--reason <text>', 'why: it stands in the report')
    .option('--flag <key>', 'only for rollouts of this flag. Default: for every rollout of the server')
    .action((name: string, { reason, flag }: SetOptions, command: Command) =>
      perform(command, async (session) => {
        const change = { open: what === 'open', reason, ...(flag !== undefined && { flag }) };
        const view = await session.client().setGate(name, change);
        const listed = shown(session, view);
        const unread = unreadGate(name, view);
        return unread === undefined ? listed : { ...listed, text: `${listed.text}\n\n${unread}` };
      }),
    );
}

const stateOf = (open: boolean | undefined) => (open === undefined ? NOTHING : open ? 'open' : 'closed');

/** What to tell of a name that no rollout asks: it may be misspelt, and would then stop nothing. */
function unreadGate(name: string, { rollouts }: GatesView): string | undefined {
  if (rollouts.some(({ gate, signal }) => gate === name || signal === name)) return undefined;
  const asked = [...new Set(rollouts.map(({ gate, signal }) => signal ?? gate))].map(oneLine);
  const others = asked.length === 0 ? 'they ask none at the moment' : `they ask: ${asked.join(', ')}`;
  return `No rollout asks "${oneLine(name)}" now; ${others}. It counts for those that ask it later.`;
}

function shown(session: Session, view: GatesView): Outcome {
  const named = [
    { title: 'GATE', cell: ({ gate }: Named) => oneLine(gate) },
    { title: 'FLAG', keep: 3, cell: ({ flag }: Named) => (flag === undefined ? 'all' : oneLine(flag)) },
    { title: 'STATE', cell: ({ open, byHand }: Named) => `${stateOf(open)}${byHand ? ', by hand' : ''}` },
    { title: 'BY', keep: 2, cell: ({ by }: Named) => oneLine(by) },
    { title: 'SINCE', keep: 1, cell: ({ at }: Named) => formatDate(at) },
  ];
  const asked = [
    { title: 'ROLLOUT', cell: ({ rollout }: Asked) => rollout },
    { title: 'GATE', cell: ({ gate }: Asked) => oneLine(gate) },
    { title: 'WHEN', keep: 1, cell: ({ when }: Asked) => when },
    { title: 'STATE', cell: ({ open }: Asked) => stateOf(open) },
  ];
  const below = ({ why = '' }: Named | Asked) => oneLine(why);
  const width = session.width();
  const tables = [
    view.gates.length === 0
      ? ''
      : renderTable<Named>({ columns: named, rows: view.gates, below }, width, session.paint),
    view.rollouts.length === 0
      ? ''
      : renderTable<Asked>({ columns: asked, rows: view.rollouts, below }, width, session.paint),
  ];
  const text = tables.filter((table) => table !== '').join('\n\n');
  return {
    data: view,
    text:
      text === ''
        ? 'No gate is known, and no rollout asks one now: it asks once pre-flight and baseline are done.'
        : text,
  };
}
