import {
  ConnectorError,
  type PlaneOptions,
  type PlaneTracker,
  planeTracker,
  type TrackedIssue,
  type TrackerPriority,
  type TrackerResult,
  tokenBucket,
} from '@rampart/connectors';
import { type Command, InvalidArgumentError } from 'commander';
import { CliError } from '../cli-error.ts';
import type { Io } from '../io.ts';
import { oneLine } from '../output/text.ts';
import type { Outcome, Session, Shell } from '../session.ts';

type Place = { readonly workspace: string; readonly project: string };
type CreateOptions = Place & {
  readonly title: string;
  readonly description?: string;
  readonly priority: TrackerPriority;
  readonly state: string;
  readonly labels?: string;
  readonly externalId?: string;
};
type CommentOptions = Place & { readonly text: string; readonly commentId?: string };
type StateOptions = Place & {
  readonly to: 'working' | 'done' | 'cancelled';
  readonly state: string;
  readonly priority?: TrackerPriority;
};

const PRIORITIES = ['none', 'urgent', 'high', 'medium', 'low'] as const;
/** Plane allows 60 a minute; one command needs a dozen at most. */
const PER_MINUTE = 50;

/** Commands that write into Plane directly, without a server of Rampart. */
export function addPlaneCommands(program: Command, { perform }: Shell): void {
  const plane = program
    .command('plane')
    .helpGroup('Set up:')
    .description('write into Plane directly; address and key from PLANE_BASE_URL and PLANE_API_KEY');
  placed(plane.command('create-issue'))
    .summary('create an issue in Plane')
    .description('Creates an issue. With --external-id the same call again gives the same issue.')
    .requiredOption('-t, --title <title>', 'title')
    .option('-d, --description <text>', 'what it is about, in plain text; - for standard input')
    .option('--priority <priority>', '0 none, 1 urgent, 2 high, 3 medium, 4 low; or the word', priority, 0)
    .option('--state <name>', 'state to begin in', 'Todo')
    .option('--labels <names>', 'labels, separated by commas; made where there are none')
    .option('--external-id <id>', 'your own id: an issue that has it is not made again')
    .action((options: CreateOptions, command: Command) => perform(command, (session) => createIssue(session, options)));
  placed(plane.command('comment'))
    .summary('comment on an issue of Plane')
    .description('Adds a comment to the issue with an external id. With --comment-id the same call again adds nothing.')
    .argument('<external-id>', 'the external id that the issue was created with')
    .requiredOption('--text <text>', 'the comment, in plain text; - for standard input')
    .option('--comment-id <id>', 'your own id of the comment')
    .action((id: string, options: CommentOptions, command: Command) =>
      perform(command, (session) => comment(session, id, options)),
    );
  placed(plane.command('state'))
    .summary('move an issue of Plane')
    .description('Moves the issue with an external id.')
    .argument('<external-id>', 'the external id that the issue was created with')
    .requiredOption('--to <where>', 'working, done or cancelled', where)
    .option('--state <name>', 'name of the state for working', 'In Progress')
    .option('--priority <priority>', 'as for create-issue. Default: it stays as it is', priority)
    .action((id: string, options: StateOptions, command: Command) =>
      perform(command, (session) => move(session, id, options)),
    );
}

function placed(command: Command): Command {
  return command
    .requiredOption('-w, --workspace <slug>', 'workspace, as in its address')
    .requiredOption('-p, --project <project>', 'project: name, identifier or id');
}

function priority(text: string): TrackerPriority {
  const index = PRIORITIES.findIndex((word, i) => word === text.toLowerCase() || String(i) === text);
  const found = ([0, 1, 2, 3, 4] as const)[index];
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected 0 to 4, or ${PRIORITIES.join(', ')}.`);
}

function where(text: string): StateOptions['to'] {
  const found = (['working', 'done', 'cancelled'] as const).find((one) => one === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected working, done or cancelled.`);
}

async function createIssue({ io }: Session, options: CreateOptions): Promise<Outcome> {
  const { externalId, title, description = '', labels = '' } = options;
  const text = description === '-' ? await io.stdin() : description;
  const draft = {
    ...(externalId !== undefined && { externalId }),
    ...{ title, priority: options.priority, state: options.state, sinceAt: 0 },
    labels: namesIn(labels),
    text: { lines: paragraphsOf(text) },
  };
  const { issue, isNew, warnings = [] } = done(await openPlane(io, options).ensureIssue(draft, io.interrupted()));
  const { key, url, id } = issue;
  const told = `${isNew ? 'Created' : 'Found'} ${oneLine(key)}: ${oneLine(url)}`;
  return { data: { id, key, url, created: isNew, warnings }, text: withWarnings(told, warnings) };
}

async function comment({ io }: Session, externalId: string, options: CommentOptions): Promise<Outcome> {
  const tracker = openPlane(io, options);
  const issue = await existing(tracker, externalId, io);
  const text = options.text === '-' ? await io.stdin() : options.text;
  const { commentId } = options;
  const body = { text: { lines: paragraphsOf(text) }, ...(commentId !== undefined && { externalId: commentId }) };
  done(await tracker.comment(issue, body, io.interrupted()));
  return {
    data: { key: issue.key, url: issue.url },
    text: `Commented on ${oneLine(issue.key)}: ${oneLine(issue.url)}`,
  };
}

async function move({ io }: Session, externalId: string, options: StateOptions): Promise<Outcome> {
  const tracker = openPlane(io, options);
  const issue = await existing(tracker, externalId, io);
  const change = { status: options.to, state: options.state, priority: options.priority };
  const { warnings = [] } = done(await tracker.transition(issue, change, io.interrupted()));
  const told = `Moved ${oneLine(issue.key)} to ${options.to}: ${oneLine(issue.url)}`;
  return { data: { key: issue.key, url: issue.url, warnings }, text: withWarnings(told, warnings) };
}

async function existing(tracker: PlaneTracker, externalId: string, io: Io): Promise<TrackedIssue> {
  const { issue } = done(await tracker.findIssue(externalId, io.interrupted()));
  if (issue !== undefined) return issue;
  throw new CliError('TRACKER_REFUSED', `Plane has no issue with the external id ${JSON.stringify(externalId)} there.`);
}

function namesIn(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function paragraphsOf(text: string): readonly string[] {
  return text.split(/\n\s*\n/).flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
}

function withWarnings(text: string, warnings: readonly string[]): string {
  return [text, ...warnings.map((warning) => `warning: ${oneLine(warning)}`)].join('\n');
}

/** The address is of whoever types the command: it may be anywhere. */
function openPlane({ env, now }: Io, { workspace, project }: Place): PlaneTracker {
  const { PLANE_BASE_URL: url = '', PLANE_API_KEY: apiKey = '' } = env;
  const missing = Object.entries({ PLANE_BASE_URL: url, PLANE_API_KEY: apiKey }).find(([, value]) => value === '');
  if (missing !== undefined) throw new CliError('PLANE_NOT_SET', `${missing[0]} is not set.`);
  if (!/^[\x21-\x7E]+$/.test(apiKey))
    throw new CliError('PLANE_NOT_SET', 'PLANE_API_KEY holds a space, a line break or a character no key has.');
  const options: PlaneOptions = {
    ...{ name: 'plane', url, apiKey, workspace, project },
    ...{ policy: { allowPrivate: true }, bucket: tokenBucket(PER_MINUTE, now) },
  };
  try {
    return planeTracker(options);
  } catch (error) {
    if (error instanceof ConnectorError) throw new CliError('PLANE_NOT_SET', `PLANE_BASE_URL: ${error.message}`);
    throw error;
  }
}

function done<Given>(result: TrackerResult<Given>): Extract<TrackerResult<Given>, { kind: 'done' }> {
  if (result.kind === 'done') return result;
  const code = result.kind === 'retry' ? 'TRACKER_UNREACHABLE' : 'TRACKER_REFUSED';
  throw new CliError(code, `${result.why}.`);
}
