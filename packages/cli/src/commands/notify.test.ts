import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli } from '../cli.test.support.ts';

const at = Date.parse('2026-01-05T09:00:00Z');
const VIEW = {
  channels: [
    { name: 'pager', kind: 'pagerduty', pending: 0, dead: 1, failures: 0, lastDeliveredAt: at },
    {
      ...{ name: 'team-slack', kind: 'slack', pending: 12, dead: 0, failures: 4, waitsUntil: at + 60_000 },
      lastFailure: { at, why: 'it could not be reached (ECONNREFUSED)' },
    },
  ],
  routes: [
    { channel: 'pager', of: 'server', severity: ['page'], audience: ['on-call'], environments: ['production'] },
    { channel: 'team-slack', of: 'plan', events: ['stage.*'], digestMs: 900_000 },
  ],
  toldOfAbort: ['pager'],
};

type Failed = { readonly error: { readonly code: string; readonly message: string } };

async function started(cli: Cli): Promise<string> {
  const plan = {
    ...{
      flag: 'checkout',
      stages: [
        { name: 'canary', percentage: 5, duration: '1d' },
        { name: 'ga', percentage: 100 },
      ],
    },
    abortCriteria: { errorRate: 0.01 },
  };
  writeFileSync(join(cli.dir, 'plan.json'), JSON.stringify(plan));
  return (await cli.run(['start', 'plan.json'])).out;
}

describe('rampart notify', () => {
  it('lists channels, routes, and who is told of an abort, with the routes of a plan when asked', async () => {
    const cli = openCli();
    cli.plane.notify = VIEW;
    const { out } = await cli.run(['notify', 'list'], { columns: () => 120 });
    expect(out).toMatch(/pager +pagerduty +0 +1 +01-05 09:00:00/);
    expect(out).toMatch(/team-slack +slack +12 +0 +– +01-05 09:01:00/);
    expect(out).toContain('last failure 01-05 09:00:00: it could not be reached (ECONNREFUSED)');
    expect(out).toMatch(/team-slack +stage\.\* +all +all +all +15 min +plan/);
    expect(out).toContain('Told of an abort: pager.');
    await started(cli);
    expect((await cli.json(['notify', 'list', '--rollout', 'checkout'])).data).toEqual(VIEW);
    expect(cli.plane.seen.at(-1)?.path).toBe('/v1/notify?rollout=checkout-1');
  });

  it('sends a test message, says what each receiver answered, and fails where one did not take it', async () => {
    const { run, plane, json } = openCli();
    const pager = { channel: 'pager', delivered: true, answer: 'it took the message' };
    plane.tested = { results: [pager] };
    expect(await run(['notify', 'test', 'pager', '--severity', 'page'])).toMatchObject({
      code: 0,
      out: '✔ pager: it took the message\n',
    });
    expect(plane.seen.at(-1)).toMatchObject({ body: { channel: 'pager', severity: 'page' } });
    plane.tested = { results: [pager, { channel: 'ops', delivered: false, answer: 'it answered 403' }] };
    expect(await run(['notify', 'test'])).toMatchObject({
      code: 1,
      out: expect.stringContaining('✘ ops: it answered 403'),
    });
    const wrong = await json<Failed>(['notify', 'test', '--severity', 'loud']);
    expect(wrong).toMatchObject({ code: 2, data: { error: { code: 'USAGE' } } });
  });

  it('lists what was given up and queues it again', async () => {
    const { run, plane, json } = openCli();
    expect((await run(['notify', 'dead'])).out).toContain('No message was given up.');
    const letter = { destination: 'channel:pager', type: 'rollout.aborted', rollout: 'checkout-1', createdAt: at };
    plane.letters = ['7', '8'].map((id) => ({ ...letter, id, attempts: 12, lastError: 'it answered 503' }));
    expect((await run(['notify', 'dead'])).out).toMatch(/7 +channel:pager +rollout\.aborted +checkout-1/);
    expect((await json<Failed>(['notify', 'retry', '9'])).data.error.code).toBe('LETTER_NOT_FOUND');
    expect((await run(['notify', 'retry', '7'])).out).toContain('1 message is queued again.');
    expect((await run(['notify', 'retry'])).code).toBe(2);
    expect((await run(['notify', 'retry', '--all'])).out).toContain('1 message is queued again.');
    expect(plane.letters).toEqual([]);
  });

  it('is what start and status point to when nobody is told of an abort', async () => {
    const cli = openCli();
    expect(await started(cli)).not.toContain('Nobody is told');
    cli.plane.notify = { channels: [], routes: [], toldOfAbort: [] };
    const { out } = await cli.run(['status']);
    expect(out).toContain('Nobody is told when this rollout is aborted');
    expect(out).toContain('rampart notify list');
    expect((await cli.json(['status'])).data).toMatchObject({ toldOfAbort: [] });
    expect((await cli.run(['notify', 'list'])).out).toContain('Nobody is told of an abort.');
    const other = openCli();
    other.plane.notify = cli.plane.notify;
    expect(await started(other)).toContain('Nobody is told when this rollout is aborted');
  });
});
