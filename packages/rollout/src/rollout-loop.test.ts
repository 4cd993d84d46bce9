import { describe, expect, it } from 'vitest';
import { BATCH_MS, Drive, HOUR_MS, planOf } from './arbitraries.contract.ts';
import { prepareBatch } from './judge/prepare-batch.ts';
import { RAMPART } from './principal.ts';
import { openLoop, type RolloutLoop } from './rollout-loop.ts';

/** Takes a loop through everything that a drive went through. */
function retrace(drive: Drive): RolloutLoop {
  const loop = openLoop(new Drive(planOf()).state);
  const batches = [...drive.batches];
  for (const { command, by, at, events } of drive.steps) {
    if (command !== undefined) {
      expect(loop.command(command, by, at)).toEqual({ ok: true, events });
    } else if (batches[0]?.batch.toAt === at) {
      const { batch } = batches.shift()!;
      expect(loop.feed(prepareBatch(batch), at)).toEqual(events);
    } else {
      expect(loop.tick(at)).toEqual(events);
    }
  }
  expect(batches).toEqual([]);
  return loop;
}

describe('the core in a loop of its own', () => {
  it.each([
    ['a healthy rollout', 0.001],
    ['one that does harm', 0.04],
  ])('decides for %s what the core decides batch by batch', (_what, bad) => {
    const drive = new Drive(planOf()).reach('canary').serve(HOUR_MS, bad);
    drive.tick(HOUR_MS);
    const loop = retrace(drive);
    expect(loop.state()).toEqual(drive.state);
    expect(loop.judge(drive.now)).toEqual(drive.judgement);
    expect(drive.state.phase === 'aborted').toBe(bad === 0.04);
  });

  it('refuses what the core refuses', () => {
    const { state, now } = new Drive(planOf());
    expect(openLoop(state).command({ type: 'Start' }, RAMPART, now)).toMatchObject({ ok: false, code: 'FORBIDDEN' });
  });

  it('skips looks that would find nothing', () => {
    const drive = new Drive(planOf()).reach('canary');
    const before = drive.quietLooks;
    for (let turn = 0; turn < 6; turn += 1) drive.serve(BATCH_MS);
    expect(drive.quietLooks).toBeGreaterThan(before);
  });
});
