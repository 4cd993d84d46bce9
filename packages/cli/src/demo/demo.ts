import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import picocolors from 'picocolors';
import type { ExitCode } from '../cli-error.ts';
import type { Io } from '../io.ts';
import { hasColours } from '../session.ts';
import type { Cast } from './cast.ts';
import { explainFailure, renderEnding } from './demo-ending.ts';
import { outcomeOf } from './demo-outcome.ts';
import { collectPapers } from './demo-papers.ts';
import { DEMO_TIME_SCALE, type DemoPlan, DIGEST_TURBO, SUMMARY_OUTLINE } from './demo-plans.ts';
import { type Followed, follow } from './follow.ts';
import { Screen } from './screen.ts';
import { type Play, type Running, setUp, tearDown } from './set-up.ts';

/** How the demo runs. */
export type DemoOptions = {
  /** Whole number; another one means other users, documents and timing. Default: 1. */
  readonly seed?: number;
  /** Where the control plane listens. Default: any free port. */
  readonly port?: number;
  /** Requests per second over both routes, if the machine holds them. Default: 600. */
  readonly rate?: number;
  /** Keeps control plane, app and load running at the end, until Ctrl-C. */
  readonly keep?: boolean;
  /** One JSON document on standard output; progress goes to standard error. */
  readonly json?: boolean;
};

const DEFAULT_RATE = 600;
const DEFAULT_SEED = 1;
/** The rollouts are given up after this long. */
const DEADLINE_MS = 140_000;
/** Load before anything is measured: a cold process is slow. */
const WARM_UP_MS = 3000;
const NARROWEST = 60;
const WIDEST = 140;

/**
 * Rolls out a good feature and a bad one of an example app under load, on this machine, and shows what Rampart makes of
 * them. Exit code 0 when the good one completed and the bad one was aborted, 1 otherwise. Throws `START_FAILED` when
 * something of it cannot run here.
 */
export async function runDemo(options: DemoOptions, io: Io): Promise<ExitCode> {
  const directory = await mkdtemp(join(tmpdir(), 'rampart-demo-'));
  const dataDir = join(directory, 'data');
  const running: Running = { children: [] };
  const screen = new Screen({
    write: options.json ? io.stderr : io.stdout,
    isLive: io.isTty && !options.json,
    width: () => Math.max(NARROWEST, Math.min(WIDEST, io.columns())),
    paint: paintOf(options, io),
  });
  try {
    return await perform({ options, io, screen, running, directory, dataDir, interrupted: io.interrupted() });
  } finally {
    screen.clear();
    await tearDown(running);
    await rm(dataDir, { recursive: true, force: true });
    // Refused, and rightly so, when papers were written into it.
    await rmdir(directory).catch(() => undefined);
  }
}

type Performance = {
  readonly options: DemoOptions;
  readonly io: Io;
  readonly screen: Screen;
  readonly running: Running;
  readonly directory: string;
  readonly dataDir: string;
  readonly interrupted: AbortSignal;
};

async function perform(performance: Performance): Promise<ExitCode> {
  const { options, io, screen, running, dataDir, interrupted } = performance;
  const { seed = DEFAULT_SEED, rate = DEFAULT_RATE, port = 0 } = options;
  const startedAt = io.now();
  screen.log(
    `Rampart's demo, seed ${seed}: a good feature and a bad one, rolled out under load. It takes about a minute.`,
  );
  const play = await setUp(io, { dataDir, port, seed, rate }, running);
  screen.log(`Control plane at ${play.url}, app at ${play.appUrl}, about ${rate} requests a second from 5,000 users.`);
  await io.sleep(WARM_UP_MS, interrupted);
  const begun = [await begin(SUMMARY_OUTLINE, play.cast), await begin(DIGEST_TURBO, play.cast)];
  const following = { io, screen, play, running, startedAt, deadlineMs: DEADLINE_MS, interrupted };
  const followed = await follow(following, begun);
  screen.clear();
  if (interrupted.aborted) {
    io.stderr('The demo was interrupted; everything it started is stopped.\n');
    return 1;
  }
  const exitCode = await tellEnd(performance, play, followed, startedAt);
  if (options.keep) await stay(performance, play);
  return exitCode;
}

async function begin({ text, file }: DemoPlan, { ana }: Cast): Promise<Followed> {
  const { state } = await ana.createRollout({ text, file, timeScale: DEMO_TIME_SCALE });
  const { rollout } = await ana.command(state.id, { type: 'Start' });
  return { view: rollout, events: [] };
}

async function tellEnd(
  { options, io, directory }: Performance,
  { admin }: Play,
  followed: readonly Followed[],
  startedAt: number,
): Promise<ExitCode> {
  const { seed = DEFAULT_SEED, json } = options;
  const papers = await collectPapers(admin, followed, directory);
  const outcomes = followed.map(({ view, events }) =>
    outcomeOf(view, events, view.state.plan.flag === SUMMARY_OUTLINE.flag ? 'complete' : 'aborted'),
  );
  const tookSeconds = Math.round((io.now() - startedAt) / 100) / 10;
  const explanation = explainFailure(outcomes);
  if (json) {
    const paths = {
      reports: papers.reports.map(({ path }) => path),
      incidents: papers.incidents.map(({ path }) => path),
    };
    const data = {
      ok: explanation === undefined,
      seed,
      tookSeconds,
      outcomes,
      ...paths,
      ...(explanation && { explanation }),
    };
    io.stdout(`${JSON.stringify(data, null, 2)}\n`);
  } else {
    io.stdout(`\n${renderEnding({ outcomes, papers, seed, tookSeconds }, paintOf(options, io))}\n`);
    if (explanation !== undefined) io.stdout(`\n${explanation}\n`);
  }
  return explanation === undefined ? 0 : 1;
}

/** Leaves everything running until Ctrl-C, and says how to look at it. */
async function stay({ options, io, interrupted }: Performance, { url, adminToken }: Play): Promise<void> {
  const tell = options.json ? io.stderr : io.stdout;
  tell(
    `\nEverything goes on until Ctrl-C. In another terminal:\n  export RAMPART_URL=${url} RAMPART_TOKEN=${adminToken}\n  npx rampart status\n`,
  );
  while (!interrupted.aborted) await io.sleep(60_000, interrupted);
}

function paintOf(options: DemoOptions, io: Io): ReturnType<typeof picocolors.createColors> {
  return picocolors.createColors(!options.json && hasColours(io));
}
