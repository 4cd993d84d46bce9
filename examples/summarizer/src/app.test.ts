import type { RampartClient } from '@rampart/sdk';
import { createClient } from '@rampart/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp } from './app.ts';
import { LoadRun } from './load-run.ts';

const FAST = { readMsPerToken: 0, writeMsPerToken: 0 };
const TEXT = 'Cats like warm roofs. Rain fell. Cats on warm roofs sleep. The mayor spoke. Dogs bark at cats on roofs.';
const LIST = 'A plan was made. 1) Buy land. 2) Build.';

type Tracked = { readonly metric: string; readonly value: number };

/** The real client, told which flags are on, listening to what handlers and middleware record. */
function recordingClient(on: readonly string[]) {
  const tracked: Tracked[] = [];
  const outcomes: boolean[] = [];
  const users: unknown[] = [];
  const real = createClient();
  const overrides: Partial<RampartClient> = {
    boolean: (key) => on.includes(key),
    openScope: (context) => {
      users.push(context?.targetingKey);
      return real.openScope(context);
    },
    track: (metric, value = 1) => void tracked.push({ metric, value }),
    recordOutcome: (outcome) => void outcomes.push(outcome.error),
  };
  const client = new Proxy(real, {
    get: (_, key) => Reflect.get(overrides, key) ?? Reflect.get(real, key).bind(real),
  });
  return { client, tracked, outcomes, users };
}

describe('the app', () => {
  let close = async (): Promise<void> => undefined;
  afterEach(async () => close());

  async function start(on: readonly string[] = []) {
    const recording = recordingClient(on);
    const app = createApp(recording.client, FAST);
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    close = () => app.close();
    return { ...recording, url };
  }

  function post(url: string, text: string): Promise<Response> {
    const headers = { 'content-type': 'application/json', 'x-user-id': 'ana', 'x-user-group': 'team' };
    return fetch(url, { method: 'POST', headers, body: JSON.stringify({ text }) });
  }

  it('streams sentences, then what they cost, and records it', async () => {
    const { url, tracked, outcomes, users } = await start();
    const lines = (await (await post(`${url}/summarize`, TEXT)).text()).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { sentence: 'Cats like warm roofs.' },
      { sentence: 'Cats on warm roofs sleep.' },
      { sentence: 'Dogs bark at cats on roofs.' },
      expect.objectContaining({ faithfulness: 1, hallucinated: false }),
    ]);
    const metrics = ['hallucinationRate', 'faithfulness', 'costPerQuery', 'tokensPerQuery', 'timeToFirstToken'];
    expect(tracked.map((one) => one.metric)).toEqual(metrics);
    expect(outcomes).toEqual([false]);
    expect(users).toEqual(['ana']);
  });

  it('answers 500 and counts an error where the new digest breaks and the old one does not', async () => {
    const old = await start();
    expect((await post(`${old.url}/digest`, LIST)).status).toBe(200);
    await close();
    const fresh = await start(['digest-turbo']);
    const answer = await post(`${fresh.url}/digest`, LIST);
    await answer.text();
    expect(answer.status).toBe(500);
    expect(fresh.outcomes).toEqual([true]);
    expect(fresh.tracked).toEqual([]);
  });

  it('refuses a request without text', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/digest`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(400);
  });

  it('holds the load of many users', async () => {
    const { url, outcomes, users } = await start();
    const seen = await new Promise<{ sent: number; answered: number }>((resolve) => {
      const run = new LoadRun({
        url,
        seed: 3,
        rate: 200,
        onSecond: (report) => {
          run.stop();
          resolve(report);
        },
      });
    });
    expect(seen.sent).toBeGreaterThan(20);
    expect(seen.answered).toBeGreaterThan(0);
    expect(outcomes.length).toBeGreaterThan(0);
    expect(new Set(users).size).toBeGreaterThan(15);
  });
});
