import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Cli, openCli } from '../cli.test.support.ts';

const PLAN = `flag: new-checkout
version: build-1
preflight: [launch-readiness]
baseline: { window: 2h }
stages:
  - { name: canary, percentage: 5, duration: 4h, gate: [ { metric: errorRate, limit: control + 0.5% } ] }
  - { name: beta, percentage: 25, duration: 24h, gate: [ { stage: canary } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 24h, gate: [] }
abortCriteria: [ { metric: errorRate, limit: 1% } ]
`;

/** A rollout that has begun. */
async function begun(): Promise<Cli> {
  const cli = openCli();
  writeFileSync(join(cli.dir, 'plan.yaml'), PLAN);
  expect(await cli.run(['start', 'plan.yaml', '--attest-all', '--reason', 'rehearsed'])).toMatchObject({ code: 0 });
  return cli;
}

describe('working on an incident', () => {
  it.each([
    [['incident', 'resolve', '1', '--reason', 'x'], { type: 'ResolveIncident', incident: 1, reason: 'x' }],
    [['incident', 'acknowledge', '1'], { type: 'AcknowledgeIncident', incident: 1 }],
    [['incident', 'note', '1', 'x'], { type: 'NoteIncident', incident: 1, text: 'x' }],
    [
      ['incident', 'link', '1', 'errors', 'https://g.example/d'],
      { type: 'LinkIncident', incident: 1, title: 'errors', url: 'https://g.example/d' },
    ],
    [
      ['incident', 'severity', '1', 'minor', '--reason', 'x'],
      { type: 'RateIncident', incident: 1, severity: 'minor', reason: 'x' },
    ],
    [
      ['incident', 'action', '1', 'x', '--owner', 'bo', '--link', 'https://t.example/7'],
      { type: 'AddAction', incident: 1, text: 'x', owner: 'bo', link: 'https://t.example/7' },
    ],
    [['incident', 'action', '1', '--done', '2'], { type: 'CompleteAction', incident: 1, action: 2 }],
  ])('%j sends exactly that command', async (argv, body) => {
    const { run, plane } = await begun();
    await run(['abort', '--reason', 'a bug']);
    await run(argv);
    const sent = plane.seen.findLast(({ method, path }) => method === 'POST' && path.endsWith('/commands'));
    expect(sent?.body).toEqual(body);
  });

  it('prints an incident in the format asked for, and takes an action item or its number, not both', async () => {
    const { run } = await begun();
    expect((await run(['incident', 'show'])).out).toContain('has no incidents');
    await run(['abort', '--reason', 'a bug']);
    expect((await run(['incident', 'list'])).out).toMatch(/1 +person +minor/);
    expect((await run(['incident', 'show'])).out).toMatch(/^# Incident 1/);
    const incident = JSON.parse((await run(['incident', 'show', '1', '--format', 'json'])).out);
    expect(incident).toMatchObject({ kind: 'incident' });
    await run(['incident', 'acknowledge', '1']);
    expect((await run(['incident', 'list'])).out).toContain('in triage');
    for (const argv of [[], ['x', '--done', '1']]) {
      expect(await run(['incident', 'action', '1', ...argv])).toMatchObject({ code: 2 });
    }
    expect((await run(['incident', 'resolve', '1'])).err).toContain('REASON_REQUIRED');
    expect((await run(['incident', 'severity', '1', 'huge'])).code).toBe(2);
  });
});
