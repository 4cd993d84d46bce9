import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePlan } from '@rampart/rollout';
import { describe, expect, it } from 'vitest';
import { openCli } from './cli.test.support.ts';

const QUERY = `-- who came back\nSELECT user_id AS "user", variant AS arm, minutes AS value\nFROM sessions WHERE at >= :from AND at < :to`;
const PLAN = `flag: feature-xyz
metrics:
  engagement: { source: warehouse, query: engagement.sql, freshness: 'SELECT max(at) FROM sessions', unit: user }
stages:
  - { name: canary, percentage: 5, duration: 48h, gate: [ { metric: engagement, limit: not worse than control by 5% } ] }
  - { name: ga, percentage: 100, duration: permanent, holdback: 1 }
`;

/** A directory `plans` with a plan in it, run from the one above. */
function given(text: string, name = 'plan.yaml', query: string | null = QUERY) {
  const cli = openCli();
  mkdirSync(join(cli.dir, 'plans'));
  writeFileSync(join(cli.dir, 'plans', name), text);
  if (query !== null) writeFileSync(join(cli.dir, 'plans', 'engagement.sql'), query);
  return cli;
}

async function sent(cli: ReturnType<typeof openCli>, file: string) {
  await cli.run(['start', file, '--json']);
  const request = cli.plane.seen.find(({ body }) => typeof body === 'object' && body !== null && 'text' in body);
  const result = parsePlan(String((request?.body as { text?: string } | undefined)?.text));
  return result.ok ? result.plan.metrics.engagement?.binding : result.issues;
}

describe('a query in a file beside the plan', () => {
  it('reaches the server as its text, from YAML and from a module', async () => {
    const binding = { query: QUERY, freshness: 'SELECT max(at) FROM sessions' };
    expect(await sent(given(PLAN), 'plans/plan.yaml')).toEqual(binding);
    const module = `export default ${JSON.stringify({
      flag: 'feature-xyz',
      metrics: { engagement: { source: 'warehouse', ...binding, query: 'engagement.sql' } },
      stages: [
        {
          name: 'canary',
          percentage: 5,
          duration: '48h',
          gate: [{ metric: 'engagement', limit: 'not worse than control by 5%' }],
        },
        { name: 'ga', percentage: 100, duration: 'permanent', holdback: 1 },
      ],
    })};`;
    expect(await sent(given(module, 'plan.mjs'), 'plans/plan.mjs')).toEqual(binding);
  });

  it('leaves every line of the plan where it is', async () => {
    const { run } = given(PLAN.replace('holdback: 1', 'holdbak: 1'));
    expect((await run(['validate', 'plans/plan.yaml'])).out).toContain('plans/plan.yaml:6:55: error unknown-key');
  });

  it('is missed when it is not there', async () => {
    const { run } = given(PLAN, 'plan.yaml', null);
    const { code, err } = await run(['validate', 'plans/plan.yaml']);
    expect(code).toBe(2);
    expect(err).toContain('engagement.sql');
  });
});
