import { checkBody, segmentSchema } from '@rampart/api';
import type { Segment } from '@rampart/flags';
import { type Command, InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import { renderTable } from '../output/table.ts';
import { oneLine } from '../output/text.ts';
import { readMapping } from '../read-mapping.ts';
import type { Outcome, Session, Shell } from '../session.ts';

type RawCondition = { readonly attribute: string; readonly operator: string; readonly value: unknown };
type SetOptions = { readonly file?: string; readonly when?: readonly RawCondition[]; readonly description?: string };

/** Commands for segments: named rules over the evaluation context. */
export function addSegmentCommands(program: Command, { perform }: Shell): void {
  const segment = program.command('segment').helpGroup('Set up:').description('segments: named groups of people');
  segment
    .command('list')
    .description('list the segments')
    .action((_: unknown, command: Command) => perform(command, listSegments));
  segment
    .command('get')
    .description('print a segment, as JSON')
    .argument('<key>', 'key of the segment')
    .action((key: string, _: unknown, command: Command) =>
      perform(command, async (session) => printed(await session.client().getSegment(key))),
    );
  segment
    .command('set')
    .summary('create or replace a segment')
    .description('Creates or replaces a segment, from conditions that must all hold or from a JSON or YAML file.')
    .argument('<key>', 'key of the segment')
    .option(
      '--when <condition>',
      'attribute operator value, for example "email endsWith @example.com"; may be repeated',
      condition,
    )
    .option('--file <file>', 'the whole segment, as `segment get` prints it; - reads standard input')
    .option('--description <text>', 'who is in it')
    .action((key: string, options: SetOptions, command: Command) => {
      if ((options.file === undefined) === (options.when === undefined)) command.error('error: give --when, or --file');
      return perform(command, (session) => setSegment(session, key, options));
    });
  segment
    .command('delete')
    .description('delete a segment')
    .argument('<key>', 'key of the segment')
    .action((key: string, _: unknown, command: Command) => perform(command, (session) => deleteSegment(session, key)));
}

const printed = (value: unknown): Outcome => ({ data: value, text: JSON.stringify(value, null, 2) });

/** Operators that compare text as it is written: `plan startsWith 2` means the text "2". */
const TEXT_OPERATORS: readonly string[] = ['contains', 'startsWith', 'endsWith'];

/** Reads `attribute operator value`. The value is a number, a boolean or a list where it looks like one, as in YAML. */
function condition(text: string, earlier: readonly RawCondition[] = []): readonly RawCondition[] {
  const [, attribute, operator = '', value = ''] = /^(\S+)\s+(\S+)\s+(.+)$/.exec(text.trim()) ?? [];
  if (attribute === undefined) {
    throw new InvalidArgumentError(`Received ${JSON.stringify(text)}; expected "attribute operator value".`);
  }
  const isText = TEXT_OPERATORS.includes(operator) || operator.startsWith('semver');
  return [...earlier, { attribute, operator, value: isText ? value : scalarOf(value) }];
}

function scalarOf(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

async function listSegments(session: Session): Promise<Outcome> {
  const segments = await session.client().listSegments();
  const columns = [
    { title: 'SEGMENT', cell: ({ key }: Segment) => key },
    { title: 'WHO', keep: 1, cell: rule },
  ];
  const below = ({ description }: Segment) => oneLine(description ?? '');
  const text = renderTable<Segment>({ columns, rows: segments, below }, session.width(), session.paint);
  return {
    data: { segments },
    text: segments.length === 0 ? 'There is no segment yet. Create one: rampart segment set KEY --when …' : text,
  };
}

function rule({ all, any }: Segment): string {
  const groups = [...(all === undefined ? [] : [all]), ...(any ?? [])];
  const text = (group: NonNullable<Segment['all']>) =>
    group.map(({ attribute, operator, value }) => `${attribute} ${operator} ${JSON.stringify(value)}`).join(' and ');
  return oneLine(groups.map(text).join(' or ')) || 'nobody';
}

async function setSegment({ client, io }: Session, key: string, options: SetOptions): Promise<Outcome> {
  const { file, when, description } = options;
  const base = file === undefined ? { all: when } : await readMapping(file, io);
  const changed = { ...base, key, ...(description === undefined ? {} : { description }) };
  return printed(await client().putSegment(checkBody(segmentSchema, changed)));
}

async function deleteSegment({ client }: Session, key: string): Promise<Outcome> {
  await client().deleteSegment(key);
  return { data: { deleted: key }, text: `Deleted segment ${key}.` };
}
