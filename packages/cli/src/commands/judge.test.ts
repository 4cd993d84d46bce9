import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandAnswer } from '@rampart/api';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli } from '../cli.test.support.ts';

const PLAN = `flag: chat
version: prompt-1
preflight: [launch-readiness]
stages:
  - { name: canary, percentage: 5, duration: 24h }
  - { name: ga, percentage: 100, duration: permanent }
abortCriteria: [ { metric: faithfulness, limit: 0.85 } ]
`;
const JUDGES = 'judges: { faithfulness: { goldenSet: golden-3, items: 2, expected: 0.9, tolerance: 0.05 } }\n';

async function started(plan: string): Promise<Cli> {
  const cli = openCli();
  writeFileSync(join(cli.dir, 'plan.yaml'), plan);
  await cli.json<CommandAnswer>(['start', 'plan.yaml']);
  return cli;
}

const scores = (cli: Cli, content: object) => writeFileSync(join(cli.dir, 'scores.json'), JSON.stringify(content));
const calibrate = ['judge', 'calibrate', 'faithfulness', 'scores.json'];

describe('rampart judge', () => {
  it('submits how a judge scored the golden set of the plan, and lists what came of it', async () => {
    const cli = await started(PLAN + JUDGES);
    expect((await cli.run(['judge', 'list'])).out).toContain('not calibrated');
    scores(cli, {
      judge: 'gpt-judge/2',
      scores: [
        { item: 'a', score: 0.9 },
        { item: 'b', score: 0.94 },
      ],
    });
    const { code, out } = await cli.run(calibrate);
    expect(code).toBe(0);
    expect(out).toContain('calibrated the judge of faithfulness (gpt-judge/2) on golden-3: mean 0.92 over 2 items');
    expect((await cli.run(['judge', 'list'])).out).toContain('off by 0.02 of 0.05');
    scores(cli, {
      scores: [
        { item: 'a', score: 0.5 },
        { item: 'b', score: 0.5 },
      ],
    });
    await cli.run(calibrate);
    expect((await cli.run(['judge', 'list'])).out).toContain('drifted, off by 0.4 of 0.05');
  });

  it('says what is wrong with scores that are no calibration', async () => {
    const cli = await started(PLAN + JUDGES);
    scores(cli, { scores: [{ item: 'a', score: 0.9 }] });
    expect(await cli.run(calibrate)).toMatchObject({
      code: 1,
      err: expect.stringContaining('received 1 scores; at least 2'),
    });
    scores(cli, { scores: [{ item: 'a', score: 'high' }] });
    expect(await cli.run(calibrate)).toMatchObject({ code: 1, err: expect.stringContaining('scores[0].score') });
  });

  it('says so where the plan has no judges', async () => {
    const cli = await started(PLAN);
    expect((await cli.run(['judge', 'list'])).out).toContain('has no judges');
    scores(cli, { scores: [{ item: 'a', score: 0.9 }] });
    expect(await cli.run(calibrate)).toMatchObject({ code: 1, err: expect.stringContaining('JUDGE_UNKNOWN') });
  });
});
