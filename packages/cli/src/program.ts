import { readFileSync } from 'node:fs';
import { Command, Help, type Option } from 'commander';
import { addBacktestCommand } from './commands/backtest.ts';
import { addBaselineCommands } from './commands/baseline.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDrillCommand } from './commands/drill.ts';
import { addFlagCommands } from './commands/flag.ts';
import { addGateCommands } from './commands/gate.ts';
import { addHookCommands } from './commands/hook.ts';
import { addIncidentCommands } from './commands/incident.ts';
import { addInitCommand } from './commands/init.ts';
import { addIssueCommands } from './commands/issue.ts';
import { addJudgeCommands } from './commands/judge.ts';
import { addMcpCommand } from './commands/mcp.ts';
import { addMetricCommands } from './commands/metric.ts';
import { addNotifyCommands } from './commands/notify.ts';
import { addObserveCommands } from './commands/observe.ts';
import { addOperateCommands } from './commands/operate.ts';
import { addPlanCommands } from './commands/plan.ts';
import { addPlaneCommands } from './commands/plane.ts';
import { addSchemaCommand } from './commands/schema.ts';
import { addSegmentCommands } from './commands/segment.ts';
import { addServeCommands } from './commands/serve.ts';
import { addSimulateCommand } from './commands/simulate.ts';
import { addStartCommand } from './commands/start.ts';
import { addTokenCommands } from './commands/token.ts';
import { addTrackerCommands } from './commands/tracker.ts';
import { addWebhookCommands } from './commands/webhook.ts';
import type { Shell } from './session.ts';

const afterHelp = (call: string) => `
A rollout is named by its id or its flag, or left out when one is active.
Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no server answers.
First steps: ${call} demo, or ${call} init, then ${call} serve.`;

/** Version of this package. */
function cliVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}

/** `status [rollout]`: options stand in the help of the command itself. */
function subcommandTerm(command: Command): string {
  const words = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [command.name(), ...(command.commands.length > 0 ? ['…'] : words)].join(' ');
}

/** Options of all commands. The version is not among them: behind a subcommand its flag belongs to that one. */
function visibleGlobalOptions(command: Command): Option[] {
  const help = Object.assign(new Help(), { showGlobalOptions: true });
  return help.visibleGlobalOptions(command).filter(({ long }) => long !== '--version');
}

/** Whether `-V` or `--version` stands behind a subcommand. */
function isVersionOfSubcommand(program: Command, words: readonly string[]): boolean {
  const at = words.findIndex((word) => word === '-V' || /^--version(?:=|$)/.test(word));
  return words.slice(0, Math.max(0, at)).some((word) => program.commands.some((command) => command.name() === word));
}

/**
 * The whole command line; commands take over the settings made before they are added. `words`: what is to be parsed.
 * `isQuiet`: usage errors are not printed.
 */
export function createProgram(shell: Shell, words: readonly string[], isQuiet: boolean): Command {
  const { io } = shell;
  const program = new Command('rampart')
    .description('Progressive rollouts of features, with metric gates.')
    .option('--url <url>', 'address of the server. Default: RAMPART_URL, else where `rampart serve` ran')
    .option('--token <token>', 'token; better in RAMPART_TOKEN, because others see options')
    .option('--json', 'print one JSON document')
    .option('--no-color', 'print without colours, as NO_COLOR does')
    .configureHelp({ showGlobalOptions: true, subcommandTerm, visibleGlobalOptions, minWidthToWrap: 20 })
    .addHelpCommand(
      new Command('help').argument('[command]').helpGroup('More:').description('show what a command takes'),
    )
    .configureOutput({
      writeOut: io.stdout,
      writeErr: (text) => (isQuiet ? undefined : io.stderr(text)),
      // Told with its code, like every other error.
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(110, io.columns()),
      getErrHelpWidth: () => Math.min(110, io.columns()),
    })
    .exitOverride()
    .addHelpText('after', afterHelp(io.call));
  addServeCommands(program, shell);
  addDemoCommand(program, shell);
  addMcpCommand(program, shell);
  addInitCommand(program, shell);
  addPlanCommands(program, shell);
  addSimulateCommand(program, shell);
  addBacktestCommand(program, shell);
  addSchemaCommand(program, shell);
  addStartCommand(program, shell);
  addOperateCommands(program, shell);
  addDrillCommand(program, shell);
  addObserveCommands(program, shell);
  addBaselineCommands(program, shell);
  addMetricCommands(program, shell);
  addIssueCommands(program, shell);
  addIncidentCommands(program, shell);
  addJudgeCommands(program, shell);
  addGateCommands(program, shell);
  addFlagCommands(program, shell);
  addSegmentCommands(program, shell);
  addTokenCommands(program, shell);
  addWebhookCommands(program, shell);
  addNotifyCommands(program, shell);
  addHookCommands(program, shell);
  addTrackerCommands(program, shell);
  addPlaneCommands(program, shell);
  addCompletionCommand(program, shell);
  if (!isVersionOfSubcommand(program, words)) program.version(cliVersion(), '-V, --version');
  return program;
}
