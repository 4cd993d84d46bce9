import type { ClientCommand } from '@rampart/api';
import type { Command } from 'commander';
import type { Shell } from '../session.ts';
import { duration, ordinal } from './arguments.ts';
import { act } from './rollout-action.ts';

type Reasoned = { readonly reason: string };

const ROLLOUT = 'id, or key of the flag (its newest rollout). Default: the only active one';
const WHY = 'why: it stands in the report';
const NOT_GIVEN = 'no reason given';
const GROUP = 'Operate a rollout:';

/** Commands that people and agents steer a rollout with. */
export function addOperateCommands(program: Command, shell: Shell): void {
  addApprovals(program, shell);
  addReasoned(program, shell, 'Hold', 'stop advances; exposure stays as it is');
  addResume(program, shell);
  addExtend(program, shell);
  addReasoned(program, shell, 'Proceed', 'advance although the gate is undecided; recorded as an override');
  addUrgent(program, shell, 'Abort', 'set exposure to 0 at once and open an incident');
  addUrgent(program, shell, 'Kill', 'abort, and latch the kill switch until a person re-arms it');
  addReasoned(program, shell, 'Rearm', 'lift the latch of the kill switch; exposure stays 0 until a retry');
  addRetry(program, shell);
  addReasoned(program, shell, 'Cancel', 'end the rollout for good, with exposure 0');
}

/** A command whose reason stands in the report. */
function addReasoned(
  program: Command,
  { perform }: Shell,
  type: 'Hold' | 'Proceed' | 'Rearm' | 'Cancel',
  description: string,
): void {
  program
    .command(type.toLowerCase())
    .helpGroup(GROUP)
    .description(description)
    .argument('[rollout]', ROLLOUT)
    .requiredOption('--reason <text>', WHY)
    .action((name: string | undefined, { reason }: Reasoned, command: Command) =>
      perform(command, (session) => act(session, name, { type, reason })),
    );
}

/** A command that lowers exposure: it never waits until a reason is found. */
function addUrgent(program: Command, { perform }: Shell, type: 'Abort' | 'Kill', description: string): void {
  program
    .command(type.toLowerCase())
    .helpGroup(GROUP)
    .description(description)
    .argument('[rollout]', ROLLOUT)
    .option('--reason <text>', WHY, NOT_GIVEN)
    .action((name: string | undefined, { reason }: Reasoned, command: Command) =>
      perform(command, (session) => act(session, name, { type, reason })),
    );
}

type ApproveOptions = { readonly evidence?: string; readonly note?: string; readonly waive?: true };

function addApprovals(program: Command, { perform }: Shell): void {
  program
    .command('approve')
    .helpGroup(GROUP)
    .summary('give a pre-flight item, a confirmation, an exit item or an approval')
    .description(
      'Gives a pre-flight item, a confirmation, an exit item, or an approval ("proposal 1"). `rampart status` lists what is open.',
    )
    .usage('[options] [rollout] <item>')
    .argument('<rollout-or-item>', 'the rollout, or the item when only one rollout is active')
    .argument('[item]', 'exact text of the item')
    .option('--evidence <url>', 'where the evidence is')
    .option('--note <text>', 'a remark for the report')
    .option('--waive', 'give a pre-flight item without the evidence it asks for; --note says why, as an override')
    .action((first: string, second: string | undefined, options: ApproveOptions, command: Command) =>
      perform(command, (session) =>
        act(session, second === undefined ? undefined : first, { type: 'Approve', item: second ?? first, ...options }),
      ),
    );
  program
    .command('decline')
    .helpGroup(GROUP)
    .description('decline a proposal')
    .usage('[options] [rollout] <proposal>')
    .argument('<rollout-or-proposal>', 'the rollout, or the number when only one rollout is active')
    .argument('[proposal]', 'number of the proposal')
    .requiredOption('--reason <text>', WHY)
    .action((first: string, second: string | undefined, { reason }: Reasoned, command: Command) =>
      perform(command, (session) => {
        const proposal = ordinalOr(command, second ?? first);
        return act(session, second === undefined ? undefined : first, { type: 'Decline', proposal, reason });
      }),
    );
}

/** The number of a proposal, where commander cannot know which of two arguments it is. */
function ordinalOr(command: Command, text: string): number {
  try {
    return ordinal(text);
  } catch {
    return command.error(`error: received ${JSON.stringify(text)}; expected the number of a proposal`);
  }
}

type ExtendOptions = Reasoned & { readonly by?: number };
type RetryOptions = { readonly version?: string; readonly people?: string; readonly reason?: string };

function retryOf({ version, people, reason }: RetryOptions): ClientCommand {
  return {
    type: 'Retry',
    ...(version === undefined ? {} : { version }),
    ...(people === 'same' || people === 'fresh' ? { people } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

function addResume(program: Command, { perform }: Shell): void {
  program
    .command('resume')
    .helpGroup(GROUP)
    .description('end a hold')
    .argument('[rollout]', ROLLOUT)
    .option('--reason <text>', WHY)
    .action((name: string | undefined, options: Partial<Reasoned>, command: Command) =>
      perform(command, (session) => act(session, name, { type: 'Resume', ...options })),
    );
}

function addExtend(program: Command, { perform }: Shell): void {
  program
    .command('extend')
    .helpGroup(GROUP)
    .description('let the stage run longer')
    .argument('[rollout]', ROLLOUT)
    .requiredOption('--reason <text>', WHY)
    .option('--by <duration>', 'how much longer. Default: one stage duration', duration)
    .action((name: string | undefined, { reason, by }: ExtendOptions, command: Command) =>
      perform(command, (session) =>
        act(session, name, { type: 'Extend', reason, ...(by === undefined ? {} : { byMs: by }) }),
      ),
    );
}

function addRetry(program: Command, { perform }: Shell): void {
  const retry = program
    .command('retry')
    .helpGroup(GROUP)
    .description('start the next attempt after an abort, from stage 1')
    .argument('[rollout]', ROLLOUT)
    .option(
      '--release, --version <version>',
      'new build, prompt or model version: with a recorded fix it starts fresh statistics',
    )
    .option('--reason <text>', `${WHY}; needed where no fix is recorded`);
  retry
    .addOption(retry.createOption('--people <which>', 'who is exposed').choices(['same', 'fresh']))
    .action((name: string | undefined, options: RetryOptions, command: Command) =>
      perform(command, (session) => act(session, name, retryOf(options))),
    );
}
