import type { TrackerStatus } from '@rampart/api';
import { expect, it } from 'vitest';
import { openCli } from '../cli.test.support.ts';

const at = Date.UTC(2026, 0, 5, 9);
const STATUS: TrackerStatus = {
  trackers: [{ name: 'plane', kind: 'plane' }],
  rollouts: [
    {
      ...{ rollout: 'r1', flag: 'checkout', tracker: 'plane', pending: 3 },
      issue: { key: 'ROLL-1', url: 'https://plane.example/samsam/browse/ROLL-1/' },
      error: { why: 'Plane answered 502', at, nextAt: at + 60_000 },
      refused: [{ version: 9, what: 'comment', why: 'Plane refused it (status 404: gone\u001b[31m)' }],
    },
  ],
};
const answering = (status: TrackerStatus) => ({ fetch: async () => Response.json(status) });

it('shows each issue, how far its tracker has followed, and what went wrong', async () => {
  const cli = openCli();
  const { code, out } = await cli.run(['tracker', 'status'], { ...answering(STATUS), columns: () => 120 });
  expect(code).toBe(0);
  expect(out).toContain('Trackers: plane (plane)');
  expect(out).toMatch(/checkout +plane +ROLL-1 +3 +https:\/\/plane\.example\/samsam\/browse\/ROLL-1\//);
  expect(out).toContain('checkout: Plane answered 502 (since 01-05 09:00:00, again at 01-05 09:01:00)');
  expect(out).toContain('checkout: comment of event 9 was left out: Plane refused it');
  expect(out).not.toContain('\u001b');
  expect((await cli.json(['tracker', 'status'], answering(STATUS))).data).toEqual(STATUS);
});

it('says how to set one up where there is none', async () => {
  const { out } = await openCli().run(['tracker', 'status'], answering({ trackers: [], rollouts: [] }));
  expect(out).toContain('No tracker is set up.');
});
