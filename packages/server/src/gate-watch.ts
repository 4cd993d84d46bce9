import {
  decide,
  type ExternalGate,
  gateEveryMs,
  gatesNow,
  isGateAsked,
  needsGatesAnew,
  type Principal,
  RAMPART,
  type RolloutState,
} from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { GateAsker, GateSaying } from './gate-asker.ts';
import { type Log, messageOf } from './log.ts';
import type { RolloutRun } from './rollout-run.ts';
import type { RolloutTable } from './rollout-table.ts';

/** Asks the external gates of rollouts, and puts on record what they say. */
export type GateWatch = {
  /** Asks every gate that is due now. Never rejects. */
  readonly askAll: () => Promise<void>;
  /** Asks every gate of a name, or that reads the signal of that name, at once. Never rejects. */
  readonly askNamed: (name: string, change?: HandChange) => Promise<void>;
  /** Asks regularly from now on. */
  readonly start: () => void;
  /** Asks no more; resolves when the last question has ended. */
  readonly stop: () => Promise<void>;
};

/** What someone has changed by hand, so that it stands under their name. `flag`: only for rollouts of this flag. */
export type HandChange = { readonly by: Principal; readonly open: boolean; readonly flag?: string };

/** What a watch works with. `wake` has a rollout looked at that may go on. */
export type GateWatchOptions = {
  readonly table: RolloutTable;
  readonly clock: Clock;
  readonly asker: GateAsker;
  readonly log: Log;
  readonly wake: (id: string) => Promise<void>;
};

/** Interval of looks for gates that are due, milliseconds. */
const BEAT_MS = 250;
/** Questions over the network at a time; the others wait for the next look. */
const MOST_AT_ONCE = 32;
/** A gate that asks for more patience than this is asked all the same: it may be the last thing that is waited for. */
const LONGEST_PAUSE_MS = 3_600_000;

/** A gate where it is asked now. */
type Post = { readonly key: string; readonly rollout: string; readonly place: string; readonly gate: ExternalGate };
type Progress = { nextAt: number; turn?: Promise<void> };

/** A watch at rest. */
export function createGateWatch(options: GateWatchOptions): GateWatch {
  const { table, clock, log, asker } = options;
  const progress = new Map<string, Progress>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let underWay = 0;

  const askOnce = async ({ rollout, place, gate }: Post, own: Progress, change?: HandChange): Promise<void> => {
    const run = table.get(rollout);
    if (run === undefined || placeOf(run.state) !== place) return;
    own.nextAt = clock.now() + gateEveryMs(gate);
    try {
      const said = await asker.ask(gate, run.state, stopping.signal);
      if (said === undefined || stopping.signal.aborted) return;
      const pauseMs = Math.min(said.retryAfterMs ?? 0, LONGEST_PAUSE_MS);
      own.nextAt = clock.now() + Math.max(gateEveryMs(gate), pauseMs);
      const isOfHand = change !== undefined && said.isOfBook && said.open === change.open;
      await record({ rollout, place, gate, said, by: isOfHand ? change.by : RAMPART }, options);
    } catch (error) {
      log.error({ rollout, gate: gate.name, err: error }, `gate ${gate.name} could not be asked: ${messageOf(error)}`);
    }
  };
  /** One question to a gate at a time: one that is under way was put before the change that asks for another. */
  const ask = async (post: Post, isAnew: boolean, change?: HandChange): Promise<void> => {
    const own = progress.get(post.key) ?? { nextAt: 0 };
    progress.set(post.key, own);
    if (isAnew) await own.turn;
    if (own.turn !== undefined || stopping.signal.aborted) return own.turn;
    const weight = isCall(post) ? 1 : 0;
    underWay += weight;
    own.turn = askOnce(post, own, change).finally(() => {
      underWay -= weight;
      delete own.turn;
    });
    return own.turn;
  };
  const askAll = async (): Promise<void> => {
    const posts = table.all().flatMap(({ state }) => postsOf(state, clock.now()));
    const known = new Set(posts.map(({ key }) => key));
    for (const key of progress.keys()) if (!known.has(key)) progress.delete(key);
    const due = posts.filter(({ key }) => clock.now() >= (progress.get(key)?.nextAt ?? 0));
    const calls = due.filter(isCall).slice(0, Math.max(0, MOST_AT_ONCE - underWay));
    await Promise.all([...due.filter((post) => !isCall(post)), ...calls].map((post) => ask(post, false)));
  };
  return {
    askAll,
    async askNamed(name, change) {
      const meant = table.all().filter(({ state }) => (change?.flag ?? state.plan.flag) === state.plan.flag);
      const posts = meant.flatMap(({ state }) => postsOf(state, clock.now()));
      await Promise.all(posts.filter(({ gate }) => isNamed(gate, name)).map((post) => ask(post, true, change)));
    },
    start() {
      timer = setInterval(() => void askAll(), BEAT_MS);
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await Promise.all([...progress.values()].map(({ turn }) => turn));
    },
  };
}

/** Whether it takes a question over the network: a signal is read from the store. */
function isCall({ gate }: Post): boolean {
  return gate.ask.kind === 'webhook';
}

function isNamed({ name, ask }: ExternalGate, wanted: string): boolean {
  return name === wanted || (ask.kind === 'signal' && ask.signal === wanted);
}

/** Where a rollout stands: an answer counts only there. */
function placeOf({ attempt, stage, phase }: RolloutState): string {
  return `${attempt}/${stage?.index ?? phase}`;
}

function postsOf(state: RolloutState, now: number): readonly Post[] {
  const asked = gatesNow(state).filter((gate) => isGateAsked(state, gate, now));
  const place = placeOf(state);
  return asked.map((gate) => ({ key: `${state.id}/${place}/${gate.name}`, rollout: state.id, place, gate }));
}

type Answer = Pick<Post, 'rollout' | 'place' | 'gate'> & { readonly said: GateSaying; readonly by: Principal };

/** Whether what a gate says is to be put on record: another word, or the same one where it is needed anew. */
function isNews({ state, look }: RolloutRun, { gate, said }: Answer, now: number): boolean {
  const before = state.gates?.[gate.name];
  const isKnown = before?.open === said.open && before.why === said.why;
  return !isKnown || (said.open && needsGatesAnew(state, look?.judgement, now));
}

async function record(answer: Answer, { table, clock, log, wake }: GateWatchOptions): Promise<void> {
  const { rollout, place, gate, said, by } = answer;
  const isRecorded = await table.exclusively(rollout, async () => {
    const run = table.get(rollout);
    const now = clock.now();
    if (run === undefined || placeOf(run.state) !== place || !isNews(run, answer, now)) return false;
    const { people } = run.evidence;
    const command = { type: 'AnswerGate', gate: gate.name, open: said.open, why: said.why, people } as const;
    const decision = decide(run.state, command, by, now);
    if (!decision.ok) throw new Error(decision.message);
    if (decision.events.length === 0) return false;
    const causes = decision.events.map((event) => ({ event, by: by.id }));
    const committed = await table.commit({ rollout, before: run, causes, at: now });
    if (!committed.ok) await table.refresh();
    return committed.ok;
  });
  if (!isRecorded) return;
  if (!said.open)
    log.warn({ rollout, gate: gate.name }, `gate ${gate.name} of rollout ${rollout} is closed: ${said.why}`);
  await wake(rollout);
}
