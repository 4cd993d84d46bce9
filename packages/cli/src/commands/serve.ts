import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readCredentials, writeCredentials } from '../config.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { Io } from '../io.ts';
import { readMapping } from '../read-mapping.ts';
import type { Outcome, Session, Shell } from '../session.ts';
import { duration, port } from './arguments.ts';

type ServeOptions = {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly environment: string;
  readonly retention?: number;
  readonly settings?: string;
};

const GROUP = 'Run:';

/** Commands that run a server in this process. */
export function addServeCommands(program: Command, { perform }: Shell): void {
  program
    .command('serve')
    .helpGroup(GROUP)
    .summary('run the control plane')
    .description(
      'Runs the control plane until Ctrl-C. The first start makes an admin token and writes it where later commands find it.',
    )
    .option('--port <port>', 'where to listen; 0 is any free one', port, 4180)
    .option('--host <host>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--data <dir>', 'where the store is', '.rampart')
    .option('--environment <name>', 'environment it serves', 'production')
    .option(
      '--retention <duration>',
      'how long the evidence of an ended rollout is kept; its events and report stay for ever. Default: 400d',
      duration,
    )
    .option(
      '--settings <file>',
      'metric sources and other connectors (YAML or JSON). Default: the file in RAMPART_SETTINGS',
    )
    .action((options: ServeOptions, command: Command) => perform(command, (session) => serve(session, options)));
}

async function serve(session: Session, options: ServeOptions): Promise<Outcome> {
  const { io } = session;
  const { port, host, data, environment, retention } = options;
  const stop = io.interrupted();
  const file = options.settings ?? (io.env.RAMPART_SETTINGS || undefined);
  const settings = file === undefined ? {} : { settings: await readMapping(file, io) };
  const dataDir = resolve(io.cwd, data);
  const plane = await io.startServer({
    ...{ dataDir, host, port, environment, logAsJson: !io.isTty },
    ...(retention !== undefined && { retentionMs: retention }),
    ...settings,
  });
  try {
    announce(session, plane, dataDir, environment);
    await new Promise<void>((done) =>
      stop.aborted ? done() : stop.addEventListener('abort', () => done(), { once: true }),
    );
  } finally {
    await plane.close();
  }
  return { data: { stopped: plane.url }, text: session.isJson ? '' : 'Stopped; everything acknowledged is stored.' };
}

/** Says where it serves. With `--json` nothing is printed before the one document at the end, so this goes to stderr. */
function announce({ io, isJson, paint }: Session, plane: ControlPlane, dataDir: string, environment: string): void {
  const say = isJson ? io.stderr : io.stdout;
  const lines = [
    `${paint.bold('Rampart')} serves ${paint.cyan(plane.url)}`,
    `  environment  ${environment}`,
    `  data         ${dataDir}`,
    ...credentialLines(plane, io),
    '',
    'In another terminal:',
    `  ${io.call} init                        writes an example plan`,
    `  ${io.call} start rampart.plan.yaml     makes a rollout of it`,
    `  ${io.call} status --watch              follows it`,
    // Only in a checkout: an installed SDK is built.
    ...(io.call === 'rampart'
      ? []
      : ['  npm run build                           once, before an app of yours imports @rampart/sdk']),
    '',
    paint.dim('Ctrl-C stops it; exposure stays as it is, and SDKs keep serving.'),
  ];
  say(`${lines.join('\n')}\n`);
}

/** Keeps the credentials of another server: those are only printed then. */
function credentialLines({ url, firstTokens }: ControlPlane, io: Io): readonly string[] {
  const stored = readCredentials(io.env);
  if (firstTokens === undefined) {
    return stored?.url === url
      ? []
      : [`  token        the one of the first start; export RAMPART_URL=${url} RAMPART_TOKEN=…`];
  }
  const { admin, sdk } = firstTokens;
  if (stored !== undefined && stored.url !== url) {
    return [
      `  tokens       shown this once, because the credentials of ${stored.url} are kept:`,
      `    export RAMPART_URL=${url} RAMPART_TOKEN=${admin}`,
      `    for your apps: ${sdk}`,
    ];
  }
  const file = writeCredentials(io.env, { url, token: admin, sdkToken: sdk });
  return [`  credentials  ${file} (yours alone to read; sdkToken in it is for your apps)`];
}
