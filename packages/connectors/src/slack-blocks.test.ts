import { describe, expect, it } from 'vitest';
import { noticeOf } from './notice.ts';
import { messageOf } from './notification.test.support.ts';
import { readSlackAction } from './slack-action.ts';
import { slackBlocks, slackButtons, slackFallback, slackText } from './slack-blocks.ts';

type Button = { action_id: string; value: string; text: { text: string }; confirm?: unknown };
const rows = (change: Parameters<typeof messageOf>[0]) =>
  slackButtons(messageOf(change)).map(({ elements }) => elements as Button[]);
const ids = (change: Parameters<typeof messageOf>[0]) =>
  rows(change).map((row) => row.map(({ action_id }) => action_id));

describe('text in Slack', () => {
  it('calls nobody and links nowhere, whatever people wrote', () => {
    const evil = '<!channel> <@U012AB> <https://evil.example|click> @here @Everyone & co';
    expect(slackText(evil)).toBe(
      '&lt;!channel&gt; &lt;@U012AB&gt; &lt;https://evil.example|click&gt; @\u200Bhere @\u200BEveryone &amp; co',
    );
    const message = messageOf({ text: evil, flag: evil, by: evil, data: { note: evil } });
    const notice = noticeOf(message, 'https://rampart.example');
    const told = JSON.stringify([slackFallback(notice), slackBlocks(notice), slackButtons(message)]);
    expect(told).not.toMatch(/<[!@]|<https:\/\/evil|@here/i);
  });

  it('links to an address that is not encoded as it should be, rather than never being sent', () => {
    const links = JSON.stringify(slackBlocks(noticeOf(messageOf({}), 'https://rampart.example/%zz|<x>')));
    expect(links).toContain('<https://rampart.example/%25zz%7C%3Cx%3E/rollouts/');
  });

  it('stays within what Slack takes, also where escaping makes it longer, and cuts no escape in two', () => {
    const long = slackText('<'.repeat(5000));
    expect(long.length).toBeLessThanOrEqual(3000);
    expect(long).toMatch(/^(&lt;)+…$/);
    const blocks = slackBlocks(noticeOf(messageOf({ text: '&'.repeat(9000), data: { note: '&'.repeat(9000) } })));
    expect(blocks.length).toBeLessThan(50);
    for (const { text, fields = [] } of blocks as { text?: { text: string }; fields?: { text: string }[] }[])
      for (const one of [text, ...fields]) expect(one?.text.length ?? 0).toBeLessThanOrEqual(3000);
  });
});

describe('buttons in Slack', () => {
  it('approve a proposal, hold and abort, and say what stood when the message was written', () => {
    const change = { type: 'approval.needed', severity: 'warn', data: { proposal: 3 } } as const;
    expect(ids(change)).toEqual([['rampart_approve'], ['rampart_hold', 'rampart_abort']]);
    const [[approve], [hold, abort]] = rows(change) as [[Button], [Button, Button]];
    expect(readSlackAction(approve.action_id, approve.value)).toEqual({
      ...{ action: 'approve', rollout: 'r1', version: 12, attempt: 2, stage: 'canary', item: 'proposal 3' },
    });
    expect(readSlackAction(abort.action_id, abort.value)).toEqual({
      ...{ action: 'abort', rollout: 'r1', version: 12, attempt: 2, stage: 'canary' },
    });
    expect([approve.confirm, hold.confirm, abort.confirm].map((one) => one !== undefined)).toEqual([true, false, true]);
  });

  it('approve each confirmation of a stage, in a row of its own, for an id may stand once in a row', () => {
    const confirmations = ['No critical bugs', 'Internal feedback positive'];
    const change = { type: 'stage.entered', severity: 'info', data: { stage: 'canary', confirmations } } as const;
    expect(ids(change)).toEqual([['rampart_approve'], ['rampart_approve'], ['rampart_hold', 'rampart_abort']]);
    expect(
      rows(change)
        .flat()
        .slice(0, 2)
        .map(({ text }) => text.text),
    ).toEqual(['Approve No critical bugs', 'Approve Internal feedback positive']);
  });

  it('leave out what would not fit, and never grow beyond 75 characters', () => {
    const change = { type: 'stage.entered', data: { confirmations: ['x'.repeat(300), 'y'.repeat(2000)] } } as const;
    const [first] = rows(change).flat();
    expect(first!.text.text).toHaveLength(75);
    expect(ids(change)).toEqual([['rampart_approve'], ['rampart_hold', 'rampart_abort']]);
  });

  it.each([
    { type: 'rollout.aborted' },
    { type: 'stage.passed' },
    { type: 'alert.raised', rollout: '', group: 'digest' },
  ])('stand under no %o', (change) => {
    expect(rows(change)).toEqual([]);
  });
});
