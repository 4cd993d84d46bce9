import { DRILL_UNIT, type TelemetryBatch } from '@rampart/api/wire';
import type { Flag } from '@rampart/flags';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClientHarness } from './client-harness.test.support.ts';
import { patchOf } from './control-plane.test.support.ts';

const harness = ClientHarness.use({ beforeEach, afterEach });

const KEY = 'rampart.drill/checkout';

function drillFlag(position: 'on' | 'off'): Flag {
  const conditions = [{ attribute: 'targetingKey', operator: 'equals', value: DRILL_UNIT }] as const;
  const flag = { key: KEY, enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' };
  return position === 'on' ? { ...flag, rules: [{ conditions, serve: { variant: 'on' } }] } : flag;
}

async function confirmed(): Promise<TelemetryBatch> {
  for (;;) {
    const batch = await harness().plane.batches.next();
    if (batch.evaluated !== undefined) return batch;
  }
}

it('tells at once what it evaluates the flag of a drill to, and no more once it is gone', async () => {
  const client = await harness().live();
  const stream = await harness().plane.streams.next();
  stream.patch(patchOf(5, 6, drillFlag('on')));
  // No timer of the client has fired: nothing waits for the next flush.
  expect(await confirmed()).toMatchObject({ revision: 6, evaluated: { [KEY]: true }, series: [] });
  expect(client.boolean(KEY, false, { targetingKey: 'somebody' })).toBe(false);
  stream.patch(patchOf(6, 7, drillFlag('off')));
  expect(await confirmed()).toMatchObject({ revision: 7, evaluated: { [KEY]: false } });
  stream.patch({ ...patchOf(7, 8), flags: { [KEY]: null } });
  await client.flush();
  expect(harness().plane.batches.all.filter(({ evaluated }) => evaluated !== undefined)).toHaveLength(2);
});
