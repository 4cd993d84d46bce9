import { ConnectorError, type GateQuestion, gateCall, type UrlPolicy } from '@rampart/connectors';
import {
  currentVersion,
  type ExternalGate,
  formatElapsed,
  type GateAsk,
  type RolloutState,
  stageOf,
} from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { GateBook, GateWord } from './gate-book.ts';
import { messageOf } from './log.ts';

/** What a gate says now. */
export type GateSaying = {
  readonly open: boolean;
  readonly why: string;
  /** Whether somebody has set it, rather than being asked. */
  readonly isOfBook: boolean;
  /** Not to be asked earlier, milliseconds. */
  readonly retryAfterMs?: number;
};

/** Asks gates, whichever way each is asked. */
export type GateAsker = {
  /** Never rejects for what another system does. `undefined`: a gate of rollback that asks for none. @throws StoreError */
  readonly ask: (gate: ExternalGate, state: RolloutState, signal: AbortSignal) => Promise<GateSaying | undefined>;
  /** Why a gate of a plan could never be asked by this server; `undefined` where it can. Repeats no address and no secret. */
  readonly problemOf: (gate: ExternalGate) => string | undefined;
};

/** What an asker works with. `secretOf` reads the environment variable that a `secretRef` names. */
export type GateAskerOptions = {
  readonly book: GateBook;
  readonly clock: Clock;
  readonly policy: UrlPolicy;
  readonly secretOf: (name: string) => string | undefined;
  /** A new id for every question. */
  readonly newId: () => string;
};

type Webhook = Extract<GateAsk, { kind: 'webhook' }>;
type Signal = Extract<GateAsk, { kind: 'signal' }>;

export function createGateAsker(options: GateAskerOptions): GateAsker {
  const { book, clock, policy, secretOf } = options;
  const callOf = (name: string, { url, secretRef, timeoutMs }: Webhook) => {
    const secret = secretRef === undefined ? undefined : secretOf(secretRef);
    if (secretRef !== undefined && (secret === undefined || secret === ''))
      throw new ConnectorError('SECRET_INVALID', `${secretRef} is not set on this server; give it in its environment`);
    return gateCall({ name, url, timeoutMs, policy, now: clock.now, ...(secret !== undefined && { secret }) });
  };
  const askWebhook = async (gate: ExternalGate, ask: Webhook, state: RolloutState, signal: AbortSignal) => {
    try {
      const reply = await callOf(gate.name, ask)(questionOf(gate, state, options), signal);
      return { ...reply, open: reply.isYes, isOfBook: false };
    } catch (error) {
      if (error instanceof ConnectorError) return { open: false, why: reasonIn(error), isOfBook: false };
      throw error;
    }
  };
  const readSignal = async ({ signal, initially, maxAgeMs }: Signal, flag: string): Promise<GateSaying> => {
    const word = await book.wordFor(signal, flag);
    if (word === undefined) {
      return { open: initially === 'open', why: `nobody has said anything of ${signal} yet`, isOfBook: false };
    }
    if (word.open && maxAgeMs !== undefined && clock.now() - word.at > maxAgeMs) {
      return { open: false, why: `nothing was said of ${signal} for ${formatElapsed(maxAgeMs)}`, isOfBook: false };
    }
    return wordOf(word);
  };
  return {
    async ask(gate, state, signal) {
      const { ask, name } = gate;
      const { flag } = state.plan;
      const isOfRollback = gate.when === 'rollback';
      if (ask.kind === 'signal') {
        const said = await readSignal(ask, flag);
        return isOfRollback && said.open ? undefined : said;
      }
      // A person who wants a rollback has a command of its own for it.
      const shut = isOfRollback ? undefined : await book.shutFor(name, flag);
      if (shut !== undefined) return wordOf(shut);
      const said = await askWebhook(gate, ask, state, signal);
      if (!isOfRollback) return said;
      return said.open ? { ...said, open: false } : undefined;
    },
    problemOf({ name, ask }) {
      try {
        if (ask.kind === 'webhook') callOf(name, ask);
        return undefined;
      } catch (error) {
        if (error instanceof ConnectorError) return reasonIn(error);
        throw error;
      }
    },
  };
}

function wordOf({ open, why, by }: GateWord): GateSaying {
  return { open, why: `${why} (${by})`, isOfBook: true };
}

/** Without its code: it stands among words for people. */
function reasonIn(error: ConnectorError): string {
  return messageOf(error).replace(/^[A-Z_]+: /, '');
}

function questionOf({ name, when }: ExternalGate, state: RolloutState, options: GateAskerOptions): GateQuestion {
  const { id, plan, attempt } = state;
  return {
    id: options.newId(),
    at: options.clock.now(),
    gate: name,
    asks: when,
    rollout: id,
    flag: plan.flag,
    environment: plan.environment,
    stage: stageOf(state)?.name ?? 'start',
    attempt,
    version: currentVersion(state),
  };
}
