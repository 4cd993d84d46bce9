import type { Flag } from '@rampart/flags';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientHarness } from './client-harness.test.support.ts';
import type { RampartClient } from './client-options.ts';
import { BANNER, CHECKOUT, patchOf, rulesetOf } from './control-plane.test.support.ts';

const harness = ClientHarness.use({ beforeEach, afterEach });

/** `CHECKOUT` in a rollout that judges quickly. */
const QUICK: Flag = { ...CHECKOUT, exposure: { ...CHECKOUT.exposure!, reportEveryMs: 500 } };

async function change(client: RampartClient, fromRevision: number, flag: Flag): Promise<void> {
  const changed = new Promise<void>((resolve) => client.on('change', () => resolve()));
  harness().plane.streams.all[0]!.patch(patchOf(fromRevision, fromRevision + 1, flag));
  await changed;
}

describe('the interval of reports', () => {
  it('is the shortest that a rollout asks for, from the change of the ruleset on, and long again after it', async () => {
    const { clock } = harness();
    const client = await harness().live();
    await clock.fire('flush');
    await change(client, 5, QUICK);
    expect(await clock.fire('flush')).toBe(250);
    expect(await clock.fire('flush')).toBe(500);
    await change(client, 6, CHECKOUT);
    expect(await clock.fire('flush')).toBe(500);
    expect(await clock.fire('flush')).toBe(5000);
  });

  it('of the application stays where it is the shorter one', async () => {
    harness().plane.ruleset = rulesetOf(5, BANNER, QUICK);
    await harness().live({ flushIntervalMs: 300 });
    expect(await harness().clock.fire('flush')).toBe(150);
    expect(await harness().clock.fire('flush')).toBe(300);
  });
});

describe('the last report', () => {
  it('tells that the process is gone, and only it does', async () => {
    const client = await harness().live();
    await client.flush();
    await client.close();
    const { all } = harness().plane.batches;
    expect(all.map(({ closing = false, series }) => [closing, series.length])).toEqual([
      [false, 0],
      [true, 0],
    ]);
  });
});
