import type { SlackClicks } from '../slack-clicks.ts';
import type { Handlers } from './handler.ts';

/** Route of clicks in Slack. Its body is the bytes that were signed; the answer is empty: Slack shows what it holds. */
export function slackHandlers(slack: SlackClicks): Handlers<'receiveSlackClick'> {
  return {
    async receiveSlackClick({ header, body }) {
      await slack.receive({ header, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) });
      return { status: 200 };
    },
  };
}
