import { writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { codeOf } from '../config.ts';
import { LONG_PLAN, SHORT_PLAN } from '../example-plans.ts';
import type { Io } from '../io.ts';
import type { Outcome, Session, Shell } from '../session.ts';

type InitOptions = { readonly short?: boolean; readonly force?: boolean };

/** The command that writes a first plan. */
export function addInitCommand(program: Command, { perform }: Shell): void {
  program
    .command('init')
    .helpGroup('Plans:')
    .summary('write an example plan')
    .description('Writes an example plan: rampart.plan.yaml in the long form, or rampart.plan.ts in the short one.')
    .argument('[file]', 'where to write it')
    .option('--short', 'the short form, in TypeScript')
    .option('--force', 'replace a file that exists')
    .action((file: string | undefined, options: InitOptions, command: Command) =>
      perform(command, (session) => init(session, file ?? defaultFile(options), options)),
    );
}

const defaultFile = ({ short = false }: InitOptions) => (short ? 'rampart.plan.ts' : 'rampart.plan.yaml');

async function init({ io, paint }: Session, file: string, options: InitOptions): Promise<Outcome> {
  refuseEnding(file, options);
  await write(file, options.short ? SHORT_PLAN : LONG_PLAN, options.force === true, io);
  const steps = [
    `${io.call} validate ${file}`,
    `${io.call} plan ${file} --requests-per-day 100000 --error-rate 0.2%`,
    `${io.call} serve`,
    `${io.call} start ${file}`,
  ];
  const next = steps.map((step) => `  ${step}`).join('\n');
  return { data: { file, next: steps }, text: `Wrote ${file}.\n\n${paint.bold('Next')}\n${next}` };
}

/** A plan is only found again under an ending that says how it is written. */
function refuseEnding(file: string, { short = false }: InitOptions): void {
  const endings = short ? ['.ts', '.mts'] : ['.yaml', '.yml'];
  if (endings.includes(extname(file))) return;
  const form = short ? 'the short form' : 'the long form';
  throw new CliError('FILE_KIND_UNKNOWN', `${file} cannot be written: ${form} is written to ${endings.join(' or ')}.`);
}

async function write(file: string, text: string, force: boolean, io: Io): Promise<void> {
  try {
    await writeFile(resolve(io.cwd, file), text, { flag: force ? 'w' : 'wx' });
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') throw new CliError('FILE_EXISTS', `${file} exists already.`, { cause });
    throw new CliError('FILE_UNREADABLE', `${file} cannot be written (${codeOf(cause)}).`, { cause });
  }
}
