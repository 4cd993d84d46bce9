import { describe, expect, it } from 'vitest';
import { readSlackAction, SLACK_ACTION_IDS, slackActionValue } from './slack-action.ts';

const action = { rollout: 'r1', version: 12, attempt: 2, stage: 'canary', item: 'proposal 3' };

describe('the value of a button in Slack', () => {
  it.each(Object.entries(SLACK_ACTION_IDS))('is read as it was written, for %s', (name, id) => {
    expect(readSlackAction(id, slackActionValue(action)!)).toEqual({ ...action, action: name });
  });

  it.each([
    ['another button', 'other_button', JSON.stringify(action)],
    ['no JSON', 'rampart_hold', 'r1:12'],
    ['a field too many', 'rampart_hold', JSON.stringify({ ...action, role: 'admin' })],
    ['an approval of nothing', 'rampart_approve', JSON.stringify({ ...action, item: undefined })],
    ['a version that is no number', 'rampart_hold', JSON.stringify({ ...action, version: '12' })],
  ])('is nothing with %s', (_, id, value) => {
    expect(readSlackAction(id, value)).toBeUndefined();
  });

  it('is never longer than Slack takes', () => {
    expect(slackActionValue({ ...action, item: 'x'.repeat(2000) })).toBeUndefined();
  });
});
