import { encodedUrl } from './encoded-url.ts';
import { attemptOf } from './matter.ts';
import { clipped, type Notice } from './notice.ts';
import type { Notification } from './notification.ts';
import { SLACK_ACTION_IDS, type SlackAction, type SlackActionName, slackActionValue } from './slack-action.ts';

/** A block of Block Kit. */
export type SlackBlock = Readonly<Record<string, unknown>>;

/** Longest text of a section, of one of its fields, and of a button. */
const LONGEST_SECTION = 3000;
const LONGEST_FIELD = 500;
const LONGEST_BUTTON = 75;
const MOST_FIELDS = 10;
/** Buttons to approve in one message; blocks of a message are limited to 50. */
const MOST_APPROVALS = 8;
/** Longest fallback, which notifications of devices show. */
const LONGEST_FALLBACK = 3000;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Plain text inside mrkdwn: escaped, so that no `<!channel>`, `<@U…>` or link can be written, and with `@here` and the like
 * taken apart. At most `most` characters.
 */
export function slackText(text: string, most = LONGEST_SECTION): string {
  const quiet = text.replace(/@(?=here|channel|everyone)/gi, '@\u200B');
  const escaped = quiet.replace(/[&<>]/g, (character) => ESCAPES[character] ?? '');
  return escaped.length <= most ? escaped : clipped(escaped, most).replace(/&[a-z]*…$/, '…');
}

/** `text` of a message: what is shown where blocks are not. */
export function slackFallback({ emoji, title, summary }: Notice): string {
  return slackText(`${emoji} ${title}: ${summary}`, LONGEST_FALLBACK);
}

/** A notice as blocks, without buttons. */
export function slackBlocks({ emoji, title, lines, facts, links }: Notice): readonly SlackBlock[] {
  const fields = facts.slice(0, MOST_FIELDS).map(({ name, value }) => ({
    type: 'mrkdwn',
    text: `*${slackText(name)}*\n${slackText(value, LONGEST_FIELD)}`,
  }));
  return [
    section(`${emoji} *${slackText(title.replaceAll('*', ''), 200)}*`),
    section(slackText(lines.join('\n'))),
    ...(fields.length === 0 ? [] : [{ type: 'section', fields }]),
    ...(links.length === 0 ? [] : [{ type: 'context', elements: [{ type: 'mrkdwn', text: linksText(links) }] }]),
  ];
}

function section(text: string): SlackBlock {
  return { type: 'section', text: { type: 'mrkdwn', text } };
}

function linksText(links: Notice['links']): string {
  return links.map(({ title, url }) => `<${encodedUrl(url).replaceAll('|', '%7C')}|${slackText(title)}>`).join(' · ');
}

/** Messages that call for a decision, and what can be done about them. */
const CALLS: Readonly<Record<string, readonly SlackActionName[]>> = {
  'alert.raised': ['hold', 'abort'],
  'approval.needed': ['approve', 'hold', 'abort'],
  'data.invalid': ['hold', 'abort'],
  'decision.needed': ['hold', 'abort'],
  'judge.drifted': ['hold', 'abort'],
  'overlap.confounded': ['hold', 'abort'],
  'rollout.held': ['abort'],
  'rollout.stuck': ['hold', 'abort'],
  'sight.lost': ['hold', 'abort'],
  'stage.entered': ['approve', 'hold', 'abort'],
};

/** Whether a message calls for a decision that only a person can take. */
export function callsForDecision({ type }: Notification): boolean {
  return type === 'approval.needed' || type === 'decision.needed' || type === 'rollout.stuck';
}

/**
 * Buttons of a message that calls for a decision: one row for each thing that can be approved (an id may stand only once in
 * a row), and one for holding and aborting. Approving and aborting ask again. Empty for other messages.
 */
export function slackButtons(message: Notification): readonly SlackBlock[] {
  const calls = CALLS[message.type] ?? [];
  const attempt = attemptOf(message);
  if (message.rollout === '' || attempt === undefined || calls.length === 0) return [];
  const { rollout, version, stage = '' } = message;
  const action: SlackAction = { rollout, version, attempt, stage };
  const approvals = calls.includes('approve') ? approvable(message).map((item) => [approve({ ...action, item })]) : [];
  const others = [
    ...(calls.includes('hold') ? [hold(action)] : []),
    ...(calls.includes('abort') ? [abort(action)] : []),
  ];
  return [...approvals, others]
    .map((row) => row.filter((element) => element.value !== undefined))
    .filter((row) => row.length > 0)
    .map((elements) => ({ type: 'actions', elements }));
}

/** What a message asks to be approved, as `rampart approve` takes it. */
function approvable({ data }: Notification): readonly string[] {
  const { proposal, confirmations } = data;
  if (typeof proposal === 'number') return [`proposal ${proposal}`];
  return Array.isArray(confirmations) ? confirmations.slice(0, MOST_APPROVALS) : [];
}

const approve = (action: SlackAction) =>
  button('approve', `Approve ${action.item}`, action, {
    style: 'primary',
    confirm: dialog('Approve?', `“${action.item}” of ${action.rollout} is recorded as approved by you.`, 'Approve'),
  });
const hold = (action: SlackAction) => button('hold', 'Hold', action, {});
const abort = (action: SlackAction) =>
  button('abort', 'Abort', action, {
    style: 'danger',
    confirm: { ...dialog('Abort?', `Exposure of ${action.rollout} goes to 0 at once.`, 'Abort'), style: 'danger' },
  });

function button(name: SlackActionName, text: string, action: SlackAction, more: SlackBlock) {
  return {
    type: 'button',
    action_id: SLACK_ACTION_IDS[name],
    text: plain(text, LONGEST_BUTTON),
    value: slackActionValue(action),
    ...more,
  };
}

function dialog(title: string, text: string, confirm: string) {
  return { title: plain(title, 100), text: plain(text, 300), confirm: plain(confirm, 30), deny: plain('Back', 30) };
}

function plain(text: string, most: number) {
  return { type: 'plain_text', text: clipped(text, most) };
}
