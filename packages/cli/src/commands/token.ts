import { isTokenKind, type NewToken, TOKEN_KINDS, type Token } from '@rampart/api';
import type { Command } from 'commander';
import { formatDate, NOTHING } from '../output/format.ts';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { duration } from './arguments.ts';

type CreateOptions = {
  readonly kind: string;
  readonly name: string;
  readonly agent?: boolean;
  readonly expires?: number;
};

/** Commands for tokens; they need an admin's. */
export function addTokenCommands(program: Command, { perform }: Shell): void {
  const token = program.command('token').helpGroup('Set up:').description('tokens of people, agents and programs');
  const create = token.command('create').description('create a token; it is shown once');
  create
    .addOption(create.createOption('--kind <kind>', 'what it may do').choices(TOKEN_KINDS).makeOptionMandatory())
    .requiredOption('--name <name>', 'who holds it, for example ana@example.com or agent:triage')
    .option('--agent', 'held by an AI agent: may lower exposure, but only propose to raise it')
    .option('--expires <duration>', 'how long it is valid. Default: for ever', duration)
    .action((options: CreateOptions, command: Command) => perform(command, (session) => createToken(session, options)));
  token
    .command('list')
    .description('list the tokens, without their secrets')
    .action((_: unknown, command: Command) => perform(command, listTokens));
  token
    .command('revoke')
    .description('make a token useless, at once')
    .argument('<selector>', 'third part of the token: rmp_KIND_SELECTOR_…')
    .action((selector: string, _: unknown, command: Command) =>
      perform(command, (session) => revokeToken(session, selector)),
    );
}

async function createToken(
  { client, paint }: Session,
  { kind, name, agent, expires }: CreateOptions,
): Promise<Outcome> {
  // Commander has checked the kind against the same list.
  const body: NewToken = {
    kind: isTokenKind(kind) ? kind : 'viewer',
    name,
    principal: agent ? 'agent' : 'person',
    ...(expires === undefined ? {} : { expiresInMs: expires }),
  };
  const created = await client().createToken(body);
  return { data: created, text: `${created.token}\n${paint.dim('It is shown this once; only its hash is stored.')}` };
}

function standing({ revokedAt, expiresAt }: Token, now: number): string {
  if (revokedAt !== undefined) return 'revoked';
  if (expiresAt === undefined) return 'valid';
  return expiresAt <= now ? 'expired' : `until ${formatDate(expiresAt)}`;
}

async function listTokens(session: Session): Promise<Outcome> {
  const tokens = await session.client().listTokens();
  const now = session.io.now();
  const columns = [
    { title: 'SELECTOR', cell: ({ selector }: Token) => selector },
    { title: 'KIND', cell: ({ kind }: Token) => kind },
    { title: 'NAME', cell: ({ name }: Token) => oneLine(name) },
    { title: 'HELD BY', keep: 2, cell: ({ principal }: Token) => principal },
    { title: 'STATUS', keep: 4, cell: (token: Token) => standing(token, now) },
    {
      title: 'LAST USED',
      keep: 3,
      cell: ({ lastUsedAt }: Token) => (lastUsedAt === undefined ? NOTHING : formatDate(lastUsedAt)),
    },
    {
      title: 'CREATED',
      keep: 1,
      cell: ({ createdAt, createdBy }: Token) => `${formatDate(createdAt)} by ${oneLine(createdBy)}`,
    },
  ];
  return { data: { tokens }, text: renderTable<Token>({ columns, rows: tokens }, session.width(), session.paint) };
}

async function revokeToken({ client }: Session, selector: string): Promise<Outcome> {
  await client().revokeToken(selector);
  return { data: { revoked: selector }, text: `Revoked ${selector}.` };
}
