import { type ApiClient, ProblemError, type RolloutView } from '@rampart/api';
import { describeEvent, type EventRecord } from '@rampart/rollout';
import { findRollout } from './find-rollout.ts';
import { formatMoment } from './output/format.ts';
import { renderStatus } from './output/status-page.ts';
import type { Outcome, Session } from './session.ts';

const CLEAR = '\u001B[H\u001B[J';

type Seen = { readonly view: RolloutView; readonly events: readonly EventRecord[] };

/** A rollout with its events. */
export async function lookAt(client: ApiClient, name: string | undefined): Promise<Seen> {
  const view = await findRollout(client, name);
  return { view, events: await client.listEvents(view.state.id) };
}

/** JSON of a status: the view, with its events. */
export function statusData({ view, events }: Seen): RolloutView & Pick<Seen, 'events'> {
  return { ...view, events };
}

/**
 * Follows a rollout until its attempt ends or Ctrl-C: redraws the page on a terminal, prints each new event in a pipe, and
 * with `--json` prints only the last state. Exit code 1 when the rollout was aborted or cancelled.
 */
export async function watchRollout(session: Session, name: string | undefined, everyMs: number): Promise<Outcome> {
  const client = session.client();
  const stop = session.io.interrupted();
  let seen = await lookAt(client, name);
  let shown = 0;
  for (;;) {
    shown = show(session, seen, shown);
    if (stop.aborted || isOver(seen)) break;
    await session.io.sleep(everyMs, stop);
    if (!stop.aborted) seen = await lookAgain(session, client, seen);
  }
  const { phase } = seen.view.state;
  return { data: statusData(seen), text: '', exitCode: phase === 'aborted' || phase === 'cancelled' ? 1 : 0 };
}

function isOver({ view }: Seen): boolean {
  return ['complete', 'aborted', 'cancelled'].includes(view.state.phase);
}

/** A server that does not answer may come back: the last page stays, and says so. */
async function lookAgain({ io, isJson }: Session, client: ApiClient, before: Seen): Promise<Seen> {
  try {
    const { id } = before.view.state;
    const last = before.events.at(-1)?.version ?? 0;
    const [view, newer] = await Promise.all([client.getRollout(id), client.listEvents(id, last)]);
    return { view, events: [...before.events, ...newer] };
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'UNREACHABLE') throw error;
    if (!isJson) io.stderr(`${error.problem.detail} Trying again.\n`);
    return before;
  }
}

/** Shows what is new; gives the version of the last event shown. */
function show({ io, isJson, paint, width }: Session, { view, events }: Seen, shown: number): number {
  const last = events.at(-1)?.version ?? shown;
  if (isJson) return last;
  const canRedraw = io.isTty && io.env.TERM !== 'dumb';
  if (canRedraw) {
    const steps = { call: io.call, isWatching: true };
    io.stdout(
      `${CLEAR}${renderStatus({ view, events, steps }, width(), paint)}\n\n${paint.dim('Ctrl-C ends watching')}\n`,
    );
    return last;
  }
  const fresh = events.filter(({ version, event }) => version > shown && event.type !== 'ChecksJudged');
  for (const record of fresh)
    io.stdout(`${formatMoment(record.at)} ${describeEvent(record, view.state.plan.metrics)}\n`);
  return last;
}
