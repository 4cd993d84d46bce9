import type { Notification, ServerRoute } from '@rampart/connectors';
import { describe, expect, it } from 'vitest';
import { routedTo } from './notify-routes.ts';

function given(more: Partial<Notification> = {}): Notification {
  return {
    ...{ id: 'r1:1', type: 'stage.entered', at: 0, severity: 'info', audience: ['stakeholders'], group: 'g' },
    ...{ rollout: 'r1', flag: 'f', environment: 'production', version: 1, by: 'rampart', text: '', data: {} },
    ...more,
  };
}

const never = () => false;
const ROUTES: readonly ServerRoute[] = [
  { channel: 'pager', severity: ['page'], audience: ['on-call'], environments: ['production'] },
  { channel: 'slack', events: ['stage.*', 'rollout.*'], digestMs: 900_000 },
  { channel: 'slack', severity: ['page', 'warn'] },
  { channel: 'mail', events: ['rollout.aborted'], audience: ['stakeholders'], digestMs: 60_000 },
];
const PAGE = { type: 'rollout.aborted', severity: 'page', audience: ['on-call', 'stakeholders'] } as const;

describe('routes', () => {
  it('send to every channel that fits, each once, a page at once', () => {
    expect(routedTo(given(PAGE), ROUTES, never)).toEqual([
      { channel: 'pager' },
      { channel: 'slack' },
      { channel: 'mail' },
    ]);
    expect(routedTo(given(), ROUTES, never)).toEqual([{ channel: 'slack', digestMs: 900_000 }]);
  });

  it('send at once where any route of the channel does, and else by the shortest digest', () => {
    expect(routedTo(given({ severity: 'warn' }), ROUTES, never)).toEqual([{ channel: 'slack' }]);
    const two = [{ channel: 'slack', digestMs: 5 }, ...ROUTES];
    expect(routedTo(given(), two, never)).toEqual([{ channel: 'slack', digestMs: 5 }]);
  });

  it('look at environment, audience, type and its beginning', () => {
    const to = (more: Partial<Notification>) => routedTo(given(more), ROUTES, never).map(({ channel }) => channel);
    expect(to({ ...PAGE, environment: 'staging' })).toEqual(['slack', 'mail']);
    expect(to({ ...PAGE, audience: ['on-call'] })).toEqual(['pager', 'slack']);
    expect(to({ type: 'staged.entered' })).toEqual([]);
    expect(to({ type: 'alert.cleared' })).toEqual([]);
    expect(routedTo(given(PAGE), [], never)).toEqual([]);
    expect(routedTo(given(), [{ channel: 'all' }], never)).toEqual([{ channel: 'all' }]);
  });

  it('tell a pager what is over, though it is no page, and nobody else', () => {
    const isPager = (channel: string) => channel === 'pager';
    const resolved = given({ type: 'incident.resolved', audience: ['on-call', 'stakeholders'] });
    expect(routedTo(resolved, ROUTES, isPager)).toEqual([{ channel: 'pager' }]);
    expect(routedTo({ ...resolved, environment: 'staging' }, ROUTES, isPager)).toEqual([]);
    expect(routedTo(given({ type: 'issue.added' }), ROUTES, isPager)).toEqual([]);
    const onlyPages = ROUTES.slice(0, 1);
    for (const type of ['stage.passed', 'stage.entered', 'monitoring.started'])
      expect(routedTo(given({ type }), onlyPages, isPager)).toEqual([{ channel: 'pager' }]);
    // What opens an alert is for routes to say.
    const blindOnly = [{ channel: 'pager', events: ['sight.*'] }];
    expect(routedTo(given(PAGE), blindOnly, isPager)).toEqual([]);
  });
});
