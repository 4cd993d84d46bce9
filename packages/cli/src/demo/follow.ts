import type { ApiClient, RolloutView } from '@rampart/api';
import type { EventRecord } from '@rampart/rollout';
import { CliError } from '../cli-error.ts';
import type { Io } from '../io.ts';
import { attend } from './cast.ts';
import { isSettled } from './demo-outcome.ts';
import { boardOf, eventLine, statusLine } from './progress.ts';
import type { Screen } from './screen.ts';
import type { Play, Running } from './set-up.ts';

/** A rollout as the demo follows it. */
export type Followed = { readonly view: RolloutView; readonly events: readonly EventRecord[] };

/** Everything that following takes. */
export type FollowOptions = {
  readonly io: Io;
  readonly screen: Screen;
  readonly play: Play;
  readonly running: Running;
  /** Epoch ms; progress tells times since then. */
  readonly startedAt: number;
  /** Time since `startedAt` after which following ends, whatever the rollouts do. */
  readonly deadlineMs: number;
  readonly interrupted: AbortSignal;
};

const LOOK_MS = 250;
const STATUS_EVERY_MS = 5000;

/**
 * Follows rollouts to their ends, the deadline or an interruption, telling what happens and giving what people have to
 * give. Throws `START_FAILED` when a process of the demo ends on the way.
 */
export async function follow(options: FollowOptions, begun: readonly Followed[]): Promise<readonly Followed[]> {
  const { io, screen, play, running, startedAt, deadlineMs, interrupted } = options;
  let loadLine = '';
  play.load.onMessage((report) => {
    loadLine = describeLoad(report);
  });
  let followed = begun;
  let toldAt = io.now();
  for (;;) {
    followed = await Promise.all(followed.map((one) => look(one, options)));
    const atMs = io.now() - startedAt;
    const isDone = followed.every(({ view }) => isSettled(view.state));
    if (isDone || atMs > deadlineMs || interrupted.aborted) return followed;
    screen.draw(({ width, paint }) =>
      boardOf(
        followed.map((one) => one.view),
        loadLine,
        width(),
        paint,
      ),
    );
    if (!screen.isLive && io.now() - toldAt >= STATUS_EVERY_MS) {
      toldAt = io.now();
      const open = followed.filter(({ view }) => !isSettled(view.state));
      for (const { view } of open) screen.log(statusLine(view, atMs, screen.width()));
    }
    await io.sleep(LOOK_MS, interrupted);
    const broken = running.children.map((child) => child.ended()).find((why) => why !== undefined);
    if (broken !== undefined && !interrupted.aborted) throw new CliError('START_FAILED', broken);
  }
}

async function look(before: Followed, { screen, play, startedAt }: FollowOptions): Promise<Followed> {
  const { view, events, news } = await lookAgain(play.admin, before);
  for (const record of news) {
    const line = eventLine(record, view, record.at - startedAt, screen.width());
    if (line !== undefined) screen.log(line);
  }
  await attend(view, play.cast, play.url);
  return { view, events };
}

async function lookAgain(
  client: ApiClient,
  before: Followed,
): Promise<Followed & { readonly news: readonly EventRecord[] }> {
  const view = await client.getRollout(before.view.state.id);
  const known = before.events.at(-1)?.version ?? 0;
  if (view.state.version === known) return { view, events: before.events, news: [] };
  const news = await client.listEvents(view.state.id, known);
  return { view, events: [...before.events, ...news], news };
}

function describeLoad(report: unknown): string {
  if (typeof report !== 'object' || report === null) return '';
  const figure = (key: string): number => Number(Reflect.get(report, key));
  const late = figure('lateMs') > 50 ? `, sent up to ${figure('lateMs').toFixed(0)} ms late` : '';
  return `load: ${figure('sent')} requests in the last second, ${figure('failed')} failed, p99 ${figure('p99Ms').toFixed(0)} ms${late}`;
}
