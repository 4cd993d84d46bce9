import { type ApiClient, ProblemError } from '@rampart/api';
import { wrap } from './output/text.ts';
import type { Session } from './session.ts';

/** Names of those who are told when a rollout is aborted; `undefined` where the server cannot say. */
export async function toldOfAbort(client: ApiClient, rollout: string): Promise<readonly string[] | undefined> {
  try {
    return (await client.getNotify(rollout)).toldOfAbort;
  } catch (error) {
    // An older server, or one that has just gone: what was asked for has been answered all the same.
    if (error instanceof ProblemError) return undefined;
    throw error;
  }
}

/** What people must know when nobody is; empty otherwise. */
export function nobodyTold(told: readonly string[] | undefined, { io, paint, width }: Session): string {
  if (told === undefined || told.length > 0) return '';
  const text = `Nobody is told when this rollout is aborted: no channel, route or webhook of the server takes it. See ${io.call} notify list.`;
  return paint.yellow(wrap(text, width(), ''));
}
