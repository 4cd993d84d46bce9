import type { Notification } from './notification.ts';

/** The abort of a canary, with the changes that a test is about. */
export function messageOf(change: Partial<Notification> = {}): Notification {
  return {
    id: 'r1:12',
    type: 'rollout.aborted',
    at: Date.parse('2026-01-02T03:04:05Z'),
    severity: 'page',
    audience: ['on-call', 'stakeholders'],
    group: 'rollout/r1/2',
    rollout: 'r1',
    flag: 'feature-xyz',
    environment: 'production',
    stage: 'canary',
    version: 12,
    by: 'rampart',
    text: 'Feature XYZ (production) was aborted in stage canary: errorRate is above 1%. Exposure is 0.',
    data: { reason: 'errorRate is above 1%', incident: 1, people: { treatment: 40, control: 800 }, assignee: 'ana' },
    ...change,
  };
}

/** As `joinNotifications` of a server makes it, of several rollouts. */
export const DIGEST: Notification = messageOf({
  id: 'r1:12+2',
  type: 'digest',
  severity: 'info',
  group: 'digest',
  rollout: '',
  flag: '',
  stage: undefined,
  text: '3 messages about 2 rollouts:\n- Feature XYZ passed stage canary.\n- Feature ABC is complete.\n… and 1 more',
  data: { messages: 3, types: { 'stage.passed': 2, 'rollout.completed': 1 } },
});
