import { createHash } from 'node:crypto';
import { type ClientCommand, ProblemError } from '@rampart/api';
import {
  checkSignature,
  readSlackClick,
  replyInSlack,
  type SlackClick,
  type SlackReply,
  type SlackSettings,
  type UrlPolicy,
} from '@rampart/connectors';
import type { Principal, RolloutState } from '@rampart/rollout';
import type { Clock } from './clock.ts';
import type { ControlPlane } from './control-plane.ts';
import { type Log, messageOf } from './log.ts';
import type { RolloutTable } from './rollout-table.ts';
import type { Store } from './store/store.ts';

/** How long a click is known: far beyond the five minutes in which its signature counts. */
const CLICK_KEEP_MS = 24 * 3_600_000;
const REPLY_TIMEOUT_MS = 5_000;
/** Below the 3 s after which Slack tells the person that nobody answers. */
const ACKNOWLEDGE_WITHIN_MS = 2_000;
/** A rollout that changes between the look at it and the command is looked at again this often. */
const MOST_LOOKS = 10;

/** Clicks on buttons in Slack. */
export type SlackClicks = {
  /**
   * Takes a click; resolves once it is carried out, so that a crash loses none that was acknowledged, or after 2 s, for Slack
   * waits for 3. What it led to is answered in Slack, after that. @throws ProblemError `NOT_FOUND`, `HOOK_SIGNATURE_INVALID`, `BODY_INVALID`
   */
  readonly receive: (delivery: SlackDelivery) => Promise<void>;
  /** Resolves when no click is being worked on. */
  readonly idle: () => Promise<void>;
};

/** A click as it arrived. */
export type SlackDelivery = {
  /** Value of a header, by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
};

/** What clicks are worked on with. `settings`: absent when no Slack app is set up. */
export type SlackClickDeps = {
  readonly settings: SlackSettings | undefined;
  readonly secretOf: (name: string) => string | undefined;
  readonly policy: UrlPolicy;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly table: Pick<RolloutTable, 'get'>;
  readonly command: ControlPlane['command'];
};

/** Clicks on buttons of the Slack app of a server. */
export function createSlackClicks(deps: SlackClickDeps): SlackClicks {
  const underWay = new Set<Promise<void>>();
  return {
    async receive(delivery) {
      const settings = verified(delivery, deps);
      const reading = readSlackClick(delivery.body);
      if (reading.kind === 'ignored') return;
      if (reading.kind === 'invalid')
        throw new ProblemError('BODY_INVALID', `The click cannot be read: ${reading.problem}.`);
      await refuseRepetition(reading.click, deps);
      const answering = carryOut(reading.click, settings, deps);
      const work = answering
        .then((answer) => tell(reading.click, answer, settings, deps))
        .finally(() => underWay.delete(work));
      underWay.add(work);
      await endOf(answering, ACKNOWLEDGE_WITHIN_MS);
    },
    async idle() {
      await Promise.all(underWay);
    },
  };
}

function verified(delivery: SlackDelivery, { settings, secretOf, clock }: SlackClickDeps): SlackSettings {
  if (settings === undefined)
    throw new ProblemError('NOT_FOUND', 'No Slack app is set up on this server (notify.slack in its settings).');
  const secret = secretOf(settings.signingSecretRef) ?? '';
  if (secret === '') {
    const message = `${settings.signingSecretRef} is not set on this server, so that no click can be checked.`;
    throw new ProblemError('HOOK_SIGNATURE_INVALID', message);
  }
  const checked = checkSignature(delivery, { scheme: 'slack' }, secret, clock.now());
  if (checked.ok) return settings;
  throw new ProblemError('HOOK_SIGNATURE_INVALID', `The click was refused: ${checked.why}.`);
}

/** Durable, so that a click that was overheard counts for nothing on any server of the store, nor after a restart. */
async function refuseRepetition({ clickId }: SlackClick, { store, clock }: SlackClickDeps): Promise<void> {
  const now = clock.now();
  const key = `slack-click/${createHash('sha256').update(clickId).digest('hex')}`;
  const reply = { key, value: true, at: now, expiresAt: now + CLICK_KEEP_MS };
  const kept = await store.putDocuments({ documents: [], reply });
  if (!kept.ok) throw new ProblemError('HOOK_SIGNATURE_INVALID', 'The click was refused: it was taken before.');
}

/** Waits for the end of a work, and no longer than so many milliseconds. */
async function endOf(work: Promise<unknown>, mostMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, mostMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** Never rejects. */
function carryOut(click: SlackClick, settings: SlackSettings, deps: SlackClickDeps): Promise<SlackReply> {
  return answerTo(click, settings, deps).catch((error: unknown): SlackReply => {
    const isRefusal = error instanceof ProblemError;
    if (!isRefusal) deps.log.error({ err: error, user: click.user }, `a click in Slack failed: ${messageOf(error)}`);
    return refused(click, isRefusal ? (error.problem.detail ?? error.message) : 'the server failed; see its log');
  });
}

async function tell(
  click: SlackClick,
  answer: SlackReply,
  settings: SlackSettings,
  { log, policy }: SlackClickDeps,
): Promise<void> {
  if (click.responseUrl === undefined) return;
  const { apiUrl } = settings;
  const how = { policy, timeoutMs: REPLY_TIMEOUT_MS, ...(apiUrl !== undefined && { apiUrl }) };
  const problem = await replyInSlack(click.responseUrl, answer, how);
  if (problem !== undefined)
    log.warn({ user: click.user }, `the answer to a click in Slack could not be given: ${problem}`);
}

function refused({ verb, target }: SlackClick, why: string): SlackReply {
  return { text: `Refused: ${verb} of ${target.rollout}. ${why}`, isPublic: false };
}

async function answerTo(click: SlackClick, settings: SlackSettings, deps: SlackClickDeps): Promise<SlackReply> {
  const { user, target, verb } = click;
  const known = Object.hasOwn(settings.users, user) ? settings.users[user] : undefined;
  if (known === undefined)
    return refused(click, `${user} is nobody here; an admin can add you under notify.slack.users.`);
  const by: Principal = { id: known.principal, kind: 'person', roles: known.roles };
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    const state = deps.table.get(target.rollout)?.state;
    if (state === undefined) return refused(click, 'There is no such rollout.');
    const stale = staleness(click, state);
    if (stale !== undefined) return refused(click, stale);
    try {
      // Lowering exposure waits for no other look.
      const options = verb === 'abort' ? {} : { ifVersion: state.version };
      await deps.command(target.rollout, commandOf(click), by, options);
      return { text: `${by.id}: ${verb} of ${target.rollout}${itemIn(click)}, from Slack.`, isPublic: true };
    } catch (error) {
      const hasMoved = error instanceof ProblemError && error.code === 'VERSION_CONFLICT';
      if (!hasMoved) throw error;
    }
  }
  return refused(click, 'It changes too fast; use the command line.');
}

const itemIn = ({ target }: SlackClick): string => (target.item === undefined ? '' : ` ("${target.item}")`);

/** Why a button is not meant for what the rollout is now; its version alone never makes it stale: every judgement raises it. */
function staleness({ verb, target }: SlackClick, state: RolloutState): string | undefined {
  if (target.attempt !== state.attempt)
    return `This button is of attempt ${target.attempt}; the rollout is in attempt ${state.attempt}.`;
  if (verb === 'abort') return undefined;
  const current = state.stage && state.plan.stages[state.stage.index]?.name;
  if (target.stage === current) return undefined;
  return `This button is of ${placeOf(target.stage)}; the rollout is in ${placeOf(current)} now.`;
}

function placeOf(stage: string | undefined): string {
  return stage === undefined ? 'no stage' : `stage ${stage}`;
}

function commandOf({ verb, target }: SlackClick): ClientCommand {
  const reason = 'asked for in Slack';
  if (verb === 'abort') return { type: 'Abort', reason };
  if (verb === 'hold') return { type: 'Hold', reason };
  // A button to approve always names something: others are not read.
  return { type: 'Approve', item: target.item ?? '', note: reason };
}
