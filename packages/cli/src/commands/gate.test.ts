import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCli } from '../cli.test.support.ts';

describe('rampart gate', () => {
  it('closes and opens a gate with a reason, for one flag or for all', async () => {
    const { run, plane } = openCli();
    await run(['gate', 'close', 'error-budget', '--reason', 'incident 42', '--flag', 'checkout']);
    const { out } = await run(['gate', 'open', 'deploys', '--reason', 'all clear']);
    expect(plane.gates).toEqual([
      { gate: 'error-budget', open: false, reason: 'incident 42', flag: 'checkout' },
      { gate: 'deploys', open: true, reason: 'all clear' },
    ]);
    expect(out).toMatch(/error-budget +checkout +closed, by hand +ana/);
    expect(out).toMatch(/deploys +all +open +ana/);
    expect(out).toContain('all clear');
  });

  it('lists what gates say to rollouts, and one that has not answered', async () => {
    const { run, json } = openCli();
    expect((await run(['gate', 'list'])).out).toMatch(/checkout-1 +change-calendar +advance +–/);
    expect(await json(['gate', 'list'])).toMatchObject({
      code: 0,
      data: { gates: [], rollouts: [{ when: 'advance' }] },
    });
  });

  it('says so where no rollout asks a gate of that name', async () => {
    const { run } = openCli();
    expect((await run(['gate', 'close', 'change-calender', '--reason', 'freeze'])).out).toContain(
      'No rollout asks "change-calender" now; they ask: change-calendar.',
    );
    expect((await run(['gate', 'close', 'change-calendar', '--reason', 'freeze'])).out).not.toContain(
      'No rollout asks',
    );
  });

  it('does nothing without a reason', async () => {
    const { run, plane } = openCli();
    expect(await run(['gate', 'close', 'error-budget'])).toMatchObject({ code: 2 });
    expect(plane.gates).toEqual([]);
  });
});

describe('rampart hook set --receives gates', () => {
  it('sends the mapping from a file', async () => {
    const { run, plane, dir } = openCli();
    const mapping = "gate: error-budget\nstate: '$.status'\nopens: ok\ncloses: [spent]\n";
    writeFileSync(join(dir, 'slo.yaml'), mapping);
    const signed = ['--scheme', 'standard-webhooks', '--secret-ref', 'SLO_SECRET'];
    expect(await run(['hook', 'set', 'slo', '--receives', 'gates', ...signed])).toMatchObject({ code: 1 });
    await run(['hook', 'set', 'slo', '--receives', 'gates', ...signed, '--gates', 'slo.yaml']);
    expect(plane.hooks).toEqual([
      {
        name: 'slo',
        verify: { scheme: 'standard-webhooks' },
        receives: 'gates',
        secretRef: 'SLO_SECRET',
        gates: { gate: 'error-budget', state: '$.status', opens: 'ok', closes: ['spent'] },
      },
    ]);
  });
});
