import { type ApiClient, ProblemError, type RolloutView } from '@rampart/api';
import { CliError } from './cli-error.ts';
import { oneLine } from './output/text.ts';

/**
 * The rollout a person means: by id, else the newest of a flag; unnamed, the only active one, else the only one there is.
 * Throws `ROLLOUT_NOT_FOUND`, `ROLLOUT_AMBIGUOUS` or `NO_ROLLOUT`.
 */
export async function findRollout(client: ApiClient, name: string | undefined): Promise<RolloutView> {
  return name === undefined ? onlyRollout(client) : namedRollout(client, name);
}

async function namedRollout(client: ApiClient, name: string): Promise<RolloutView> {
  const exact = await byId(client, name);
  if (exact !== undefined) return exact;
  const all = await client.listRollouts('all');
  const ofFlag = all.filter(({ state }) => state.plan.flag === name);
  const newest = ofFlag.toSorted((left, right) => right.state.createdAt - left.state.createdAt)[0];
  if (newest !== undefined) return newest;
  throw new CliError('ROLLOUT_NOT_FOUND', `No rollout has the id or the flag ${JSON.stringify(name)}. ${known(all)}`);
}

async function byId(client: ApiClient, id: string): Promise<RolloutView | undefined> {
  try {
    return await client.getRollout(id);
  } catch (error) {
    if (error instanceof ProblemError && (error.code === 'ROLLOUT_UNKNOWN' || error.code === 'NOT_FOUND'))
      return undefined;
    throw error;
  }
}

async function onlyRollout(client: ApiClient): Promise<RolloutView> {
  const active = await client.listRollouts('active');
  const candidates = active.length > 0 ? active : await client.listRollouts('all');
  const [first, ...others] = candidates;
  if (first === undefined) throw new CliError('NO_ROLLOUT', 'There is no rollout yet.');
  if (others.length === 0) return first;
  const sort = active.length > 0 ? 'active rollouts' : 'rollouts, none of them active';
  throw new CliError('ROLLOUT_AMBIGUOUS', `There are ${candidates.length} ${sort}. ${known(candidates)}`);
}

const SHOWN = 8;

function known(rollouts: readonly RolloutView[]): string {
  if (rollouts.length === 0) return 'There is none.';
  const names = rollouts
    .slice(0, SHOWN)
    .map(({ state }) => `${state.id} (${oneLine(state.plan.flag)}, ${state.phase})`);
  const more = rollouts.length > SHOWN ? `, and ${rollouts.length - SHOWN} more` : '';
  return `Known: ${names.join(', ')}${more}.`;
}
