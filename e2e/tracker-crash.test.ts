import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient } from '@rampart/api';
import { expect, it, vi } from 'vitest';
import { type PlaneFake, startPlaneFake } from '../spec/plane-fake.ts';
import { KillableServer } from './killable-server.ts';

const PLAN = `
flag: checkout
title: Feature XYZ
tracker: plane
preflight: []
stages:
  - { name: canary, percentage: 10, duration: 24h }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: errorRate, limit: 2% } ]
`;
/** Requests of the undisturbed way at which the process is killed: a request is taken, its answer is never seen. */
const KILLED_AT = [9];

/** A rollout of commands alone, up to its end; `plane` may kill the server on the way. */
async function followed(plane: PlaneFake, dir: string): Promise<unknown> {
  const trackers = {
    plane: {
      kind: 'plane',
      url: plane.url,
      apiKey: { secretRef: 'TRACKER_KEY' },
      workspace: 'samsam',
      project: 'ROLL',
    },
  };
  const server = new KillableServer(dir, { allowPrivate: true, publicUrl: 'https://rampart.example.com', trackers });
  let restarting = Promise.resolve();
  plane.onFault = () => {
    restarting = server.stop('SIGKILL').then(() => server.start());
  };
  try {
    await server.start();
    const admin = createApiClient({ url: server.url, token: server.tokens!.admin });
    const { state } = await admin.createRollout({ text: PLAN });
    const { id } = state;
    // While the process is away its clients try again.
    const give = (command: Parameters<typeof admin.command>[1]) =>
      vi.waitFor(() => admin.command(id, command, { idempotencyKey: command.type }), {
        timeout: 60_000,
        interval: 200,
      });
    await give({ type: 'Start' });
    await give({ type: 'Hold', reason: 'a look' });
    await give({ type: 'Resume' });
    await give({ type: 'Abort', reason: 'seen enough' });
    await give({ type: 'RecordRootCause', incident: 1, text: 'a cache' });
    await give({ type: 'Cancel', reason: 'another way' });
    // A killed server keeps its lease on trackers for half a minute.
    await vi.waitFor(
      async () => {
        const { rollouts } = await admin.getTrackers();
        expect(rollouts).toMatchObject([{ pending: 0 }]);
      },
      { timeout: 120_000, interval: 500 },
    );
    // When SDKs are known to have followed depends on the time, not on the tracker.
    const entries = plane.history.filter((entry) => !String(entry.comment).includes('took effect'));
    return JSON.parse(
      JSON.stringify(entries)
        .replaceAll(id, 'R')
        .replaceAll(/evt:\d+/g, 'evt'),
    );
  } finally {
    await restarting;
    await server.stop('SIGTERM');
  }
}

/** Half a minute of waiting for the lease of a process that is gone: `WORKFLOW_KILLS=all npm test -- e2e/tracker`. */
const isAsked = process.env.WORKFLOW_KILLS === 'all';

it.runIf(isAsked)(
  'kill -9 within a sync leaves the history of the issue as it is without',
  {
    timeout: 300_000,
  },
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rampart-tracker-crash-'));
    process.env.TRACKER_KEY = 'plane_api_planted';
    const [calm, stormy] = [await startPlaneFake('plane_api_planted'), await startPlaneFake('plane_api_planted')];
    try {
      const expected = await followed(calm, join(dir, 'calm'));
      expect(calm.requests).toBeGreaterThan(Math.max(...KILLED_AT));
      stormy.faultAt = (request) => (KILLED_AT.includes(request) ? 'loses-answers' : undefined);
      expect(await followed(stormy, join(dir, 'stormy'))).toEqual(expected);
      expect(stormy.requests).toBeGreaterThan(calm.requests);
      expect([...calm.violations, ...stormy.violations]).toEqual([]);
    } finally {
      delete process.env.TRACKER_KEY;
      await calm.stop();
      await stormy.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
);
