import { type CreatedToken, type DeadLetter, type NewToken, ProblemError, type WebhookSetting } from '@rampart/api';
import type { Tokens } from '../auth.ts';
import type { Store } from '../store/store.ts';
import type { Webhooks } from '../webhooks.ts';
import type { Ask, Handlers } from './handler.ts';
import { principalOf } from './rollout-handlers.ts';

type AdminRoute =
  | 'listTokens'
  | 'createToken'
  | 'revokeToken'
  | 'listDeadLetters'
  | 'retryDeadLetter'
  | 'getWebhooks'
  | 'putWebhooks';

/** What the routes of admins work with. */
export type AdminParts = { readonly store: Store; readonly tokens: Tokens; readonly webhooks: Webhooks };

/** Routes of tokens and deliveries. Bodies were checked by the schema of their route: each cast is that edge. */
export function adminHandlers({ store, tokens, webhooks }: AdminParts): Handlers<AdminRoute> {
  const created = createTokenMemory();
  return {
    listTokens: async () => ({ body: { tokens: await tokens.list() } }),
    async createToken(ask) {
      const make = () => tokens.create(ask.body as NewToken, principalOf(ask).id);
      return { status: 201, body: await created(ask, make) };
    },
    async revokeToken({ params }) {
      await tokens.revoke(params.selector ?? '');
      return { status: 204 };
    },
    async listDeadLetters() {
      const [entries, stats] = await Promise.all([store.listOutbox('dead'), store.stats()]);
      const letters = entries.map(
        ({ id, destination, kind, body, dueAt, attempts, error }): DeadLetter => ({
          id: String(id),
          destination,
          type: kind,
          ...rolloutOf(body),
          createdAt: instantOf(body) ?? dueAt,
          attempts,
          lastError: error ?? '',
        }),
      );
      return { body: { letters: letters.toReversed(), total: stats.outboxDead } };
    },
    async retryDeadLetter({ params }) {
      const id = Number(params.id);
      const isRevived = Number.isSafeInteger(id) && id >= 0 && (await store.reviveOutbox(id));
      if (!isRevived) throw new ProblemError('NOT_FOUND', `There is no dead letter ${JSON.stringify(params.id)}.`);
      return { status: 202 };
    },
    getWebhooks: () => ({ body: webhooks.list() }),
    putWebhooks: async ({ body }) => ({ body: await webhooks.replace(body as readonly WebhookSetting[]) }),
  };
}

const MOST_REMEMBERED = 1_000;

/**
 * Answers of token creations by idempotency key, in memory only: a token must never be written down in clear. After a
 * restart a repeated key makes another token.
 */
function createTokenMemory(): (ask: Ask, make: () => Promise<CreatedToken>) => Promise<CreatedToken> {
  const known = new Map<string, Promise<CreatedToken>>();
  return (ask, make) => {
    const key = ask.header('idempotency-key');
    if (key === undefined) return make();
    const id = JSON.stringify([ask.caller?.selector, key, ask.body]);
    const before = known.get(id);
    if (before !== undefined) return before;
    const made = make();
    known.set(id, made);
    made.catch(() => known.delete(id));
    const [oldest] = known.keys();
    if (known.size > MOST_REMEMBERED && oldest !== undefined) known.delete(oldest);
    return made;
  };
}

function rolloutOf(body: unknown): { readonly rollout?: string } {
  const isNamed = typeof body === 'object' && body !== null && 'rollout' in body && typeof body.rollout === 'string';
  return isNamed ? { rollout: String(body.rollout) } : {};
}

function instantOf(body: unknown): number | undefined {
  const isDated = typeof body === 'object' && body !== null && 'at' in body && typeof body.at === 'number';
  return isDated ? Number(body.at) : undefined;
}
