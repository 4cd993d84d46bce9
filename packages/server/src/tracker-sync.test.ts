import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RolloutState } from '@rampart/rollout';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PlaneFake, startPlaneFake } from '../../../spec/plane-fake.ts';
import type { Fault } from '../../../spec/tracker-fake.ts';
import {
  HEALTHY,
  liveUntil,
  PLAN,
  type Rig,
  startRig,
  startRollout,
  type TestClock,
  testClock,
} from './server-rig.test.support.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { makeStoreDir } from './store-dir.test.support.ts';
import { openTrackers } from './tracker-book.ts';
import { openTrackerSync, type TrackerSync } from './tracker-sync.ts';

const KEY = 'plane_api_planted0123456789abcdef';
const TRACKED = `${PLAN}title: Feature XYZ\ntracker: plane\nretry: { cooldown: 0s }\n`;
const BAD = { ...HEALTHY, treatment: { errorRate: 0.08, latency: 0.2 } };
const PUBLIC = 'https://rampart.example.com';

/** A whole rollout in the store, of which no tracker has heard yet. */
let recorded: { readonly file: string; readonly id: string; readonly state: RolloutState };
let dir: string;
let plane: PlaneFake;

const settingsFor = (url: string) => ({
  ...{ allowPrivate: true, publicUrl: PUBLIC },
  trackers: { plane: { kind: 'plane', url, apiKey: { secretRef: 'KEY' }, workspace: 'samsam', project: 'ROLL' } },
});

/** To GA and the exit gate, with an abort and a retry on the way. */
async function wholeRollout(rig: Rig): Promise<string> {
  const id = await startRollout(rig, TRACKED);
  await liveUntil(rig, id, 'exposing');
  await rig.admin.command(id, { type: 'Hold', reason: 'a look at <b>tickets</b>' });
  await rig.admin.command(id, { type: 'Resume' });
  await liveUntil(rig, id, 'aborted', { traffic: BAD, steps: 30 });
  await liveUntil(rig, id, 'aborted');
  await rig.admin.command(id, { type: 'AssignIncident', incident: 1, assignee: 'agent:triage' });
  await rig.admin.command(id, { type: 'RecordRootCause', incident: 1, text: 'a missing index & a bad cache' });
  await rig.admin.command(id, { type: 'RecordFix', incident: 1, text: 'index added', reference: 'PR 12' });
  await rig.admin.command(id, { type: 'ResolveIncident', incident: 1 });
  await rig.admin.command(id, { type: 'Retry', version: 'build-2' });
  await liveUntil(rig, id, 'monitoring');
  await rig.admin.command(id, { type: 'Approve', item: 'docs-updated' });
  await liveUntil(rig, id, 'complete');
  return id;
}

beforeAll(async () => {
  dir = makeStoreDir('rampart-w-plane-');
  const deaf = await startPlaneFake(KEY);
  deaf.given('forbids');
  const rig = await startRig({ settings: settingsFor(deaf.url), secretOf: () => KEY });
  // Looks only when time passes, so that each recording is the same, down to the numbers of its events.
  await rig.server.reconciler.stop();
  const id = await wholeRollout(rig);
  const { state } = await rig.admin.getRollout(id);
  await rig.server.close();
  const file = join(dir, 'recorded.db');
  copyFileSync(rig.file, file);
  recorded = { file, id, state };
  await rig.dispose();
  await deaf.stop();
}, 120_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let copies = 0;
const stores: Store[] = [];
async function freshStore(): Promise<Store> {
  copies += 1;
  const file = join(dir, `copy-${copies}.db`);
  copyFileSync(recorded.file, file);
  const store = await openSqliteStore({ file });
  stores.push(store);
  return store;
}
beforeEach(async () => {
  plane = await startPlaneFake(KEY);
  return async () => {
    expect(plane.violations).toEqual([]);
    await plane.stop();
    for (const store of stores.splice(0)) await store.close();
  };
});

type Logged = { readonly level: string; readonly message: string };
const logged: Logged[] = [];
const log = Object.fromEntries(
  ['info', 'warn', 'error'].map((level) => [
    level,
    (fields: object, message: string) => void logged.push({ level, message: message + JSON.stringify(fields) }),
  ]),
) as unknown as Parameters<typeof openTrackerSync>[0]['log'];

let owners = 0;
function syncOn(store: Store, clock: TestClock): Promise<TrackerSync> {
  owners += 1;
  const { policy, trackers } = { policy: { allowPrivate: true }, ...settingsFor(plane.url) };
  const book = openTrackers({ policy, trackers }, () => KEY, clock.now);
  const table = { all: () => [{ state: recorded.state }] } as unknown as Parameters<typeof openTrackerSync>[0]['table'];
  return openTrackerSync({
    ...{ store, table, clock, log, trackers: book, owner: `server-${owners}`, random: () => 0, publicUrl: PUBLIC },
  });
}

/** Drains until nothing is pending, letting time pass as retries ask. */
async function toTheEnd(sync: TrackerSync, clock: TestClock): Promise<void> {
  for (let n = 0; n < 200; n += 1) {
    await sync.drain();
    if (sync.standings()[0]?.pending === 0) return;
    clock.advance(60_000);
  }
  throw new Error(JSON.stringify(sync.standings()));
}

/** Without what differs from run to run: the id of the rollout. */
const historyOf = (fake: PlaneFake): unknown => JSON.parse(JSON.stringify(fake.history).replaceAll(recorded.id, 'R'));

async function undisturbed(): Promise<{
  readonly history: unknown;
  readonly requests: number;
  readonly writes: number;
}> {
  const clock = testClock();
  const store = await freshStore();
  let writes = 0;
  const counted: Store = {
    ...bound(store),
    putDocuments: (save) => {
      writes += 1;
      return store.putDocuments(save);
    },
  };
  const sync = await syncOn(counted, clock);
  await toTheEnd(sync, clock);
  // That the lease is given back at a stop is no step of the way.
  const steps = writes;
  await sync.stop();
  return { history: historyOf(plane), requests: plane.requests, writes: steps };
}

/** A store is an object with private fields: its methods must stay its own. */
function bound(store: Store): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    ownKeys: () => ['putDocuments', 'getDocument', 'listDocuments', 'readStream', 'onChange'],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  });
}

describe('a tracker that follows a rollout', () => {
  it('tells its story in one issue: created, a comment per step, urgent while aborted, done through the exit gate', async () => {
    const { history } = await undisturbed();
    await expect(`${JSON.stringify(history, null, 2)}\n`).toMatchFileSnapshot('../../../spec/plane-history.json');
  });
});

async function restarted(): Promise<void> {
  expect(plane.violations).toEqual([]);
  await plane.stop();
  plane = await startPlaneFake(KEY);
  for (const store of stores.splice(0)) await store.close();
}

describe('a server that is killed', () => {
  /** Follows with a crash at one point, then with another server on the same store. */
  async function withCrash(arm: (store: Store, crash: () => void) => Store): Promise<unknown> {
    const clock = testClock();
    const store = await freshStore();
    let crashed: () => void = () => undefined;
    const crash = new Promise<void>((resolve) => {
      crashed = resolve;
    });
    let isDead = false;
    const die = () => {
      isDead = true;
      crashed();
    };
    const armed = arm(store, die);
    // A dead process writes nothing any more.
    const mortal: Store = {
      ...bound(store),
      putDocuments: (save) => (isDead ? new Promise(() => undefined) : armed.putDocuments(save)),
    };
    const first = await syncOn(mortal, clock);
    await Promise.race([toTheEnd(first, clock), crash]);
    expect(isDead).toBe(true);
    plane.faultAt = () => undefined;
    clock.advance(60_000);
    const second = await syncOn(store, clock);
    await toTheEnd(second, clock);
    await second.stop();
    return historyOf(plane);
  }

  it.each(['cuts', 'loses-answers'] as const)(
    'at any request (%s) leaves the same history as one that is not',
    { timeout: 240_000 },
    async (fault: Fault) => {
      const { history, requests } = await undisturbed();
      for (let at = 0; at < requests; at += 1) {
        await restarted();
        plane.faultAt = (request) => (request >= at ? fault : undefined);
        const after = await withCrash((store, die) => {
          plane.onFault = die;
          return store;
        });
        expect(after, `killed at request ${at} of ${requests}`).toEqual(history);
      }
      expect(requests).toBeGreaterThan(30);
    },
  );

  // Just after a write is just before the next request.
  it('just before any write of its store leaves the same history', { timeout: 240_000 }, async () => {
    const { history, writes } = await undisturbed();
    for (let at = 0; at < writes; at += 1) {
      await restarted();
      let write = 0;
      const after = await withCrash((store, die) => ({
        ...bound(store),
        putDocuments: (save) => {
          write += 1;
          if (write - 1 !== at) return store.putDocuments(save);
          die();
          return new Promise(() => undefined);
        },
      }));
      expect(after, `killed before write ${at} of ${writes}`).toEqual(history);
    }
    expect(writes).toBeGreaterThan(15);
  });
});

describe('a server that lives on', () => {
  it.each(['cuts', 'loses-answers'] as const)(
    'leaves the same history when a request is lost (%s)',
    { timeout: 240_000 },
    async (fault: Fault) => {
      const { history, requests } = await undisturbed();
      for (let at = 0; at < requests; at += 3) {
        await restarted();
        plane.faultAt = (request) => (request === at ? fault : undefined);
        const clock = testClock();
        const sync = await syncOn(await freshStore(), clock);
        await toTheEnd(sync, clock);
        await sync.stop();
        expect(historyOf(plane), `lost request ${at} of ${requests}`).toEqual(history);
      }
    },
  );
});
