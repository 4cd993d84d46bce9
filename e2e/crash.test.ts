import { describe, expect, it } from 'vitest';
import { crashRun } from './crash-run.ts';

/** `CRASH_KILLS=100 npm test -- e2e/crash` is the full run. */
const KILLS = Number(process.env.CRASH_KILLS ?? 8);

describe('a control plane killed without warning during a rollout under traffic', () => {
  it(`loses and repeats nothing over ${KILLS} kills, while SDKs go on serving`, {
    timeout: 60_000 + KILLS * 5_000,
  }, async () => {
    const result = await crashRun({ kills: KILLS, seed: 20_261_123 });
    if (KILLS >= 100) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    expect(result).toMatchObject({
      commandsLost: 0,
      replayEqualsState: true,
      chainIntact: true,
      evaluationsWithoutRuleset: 0,
      dropped: 0,
    });
    expect(result.requestsInEvidence).toBe(result.requestsAcknowledged);
    const order = ['internal', 'canary', 'beta', 'ga'];
    expect(result.stages).toEqual(order.slice(0, result.stages.length));
    expect(result.evaluations).toBeGreaterThan(1000);
  });
});
