import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cliHands } from './workflow-cli.ts';
import { apiHands, tokensOf, Workflow } from './workflow-run.ts';
import { WorkflowServer } from './workflow-server.ts';

/** 2026-01-05 09:00 UTC, a Monday. */
const START_AT = Date.UTC(2026, 0, 5, 9);
/** A day lasts 8.64 s: what silence is does not shrink below 2 s, so that two weeks are a hundred looks. */
const PLAN = `
flag: feature-xyz
title: Feature XYZ
version: build-1
timeScale: 0.0001
owners: { operator: operator, observer: observer, analyst: analyst }
preflight: [launch-readiness, flag-configured, dashboards-ready, rollback-tested]
baseline: { window: 24h }
stages:
  - { name: internal, percentage: 0.5, duration: 24h,
      gate: [ { metric: errorRate, limit: 1% }, { confirm: No critical bugs }, { confirm: Internal feedback positive } ] }
  - { name: canary, percentage: 5, duration: 48h, gate: [ { metric: errorRate, limit: control + 0.5% } ] }
  - { name: beta, percentage: 25, duration: 1w, gate: [ { stage: canary } ] }
  - { name: ga, percentage: 100, duration: permanent, monitor: 2w }
abortCriteria: [ { metric: errorRate, limit: 1% }, { metric: p99Latency, limit: 2x baseline } ]
retry: { cooldown: 1h, limit: 3 }
exit: [ ga-stable, no-abort, docs-updated, flag-cleanup-scheduled ]
`;

const servers: { readonly server: WorkflowServer; readonly dir: string }[] = [];
async function serverOf(settings: object): Promise<WorkflowServer> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-workflow-'));
  const server = new WorkflowServer(dir, settings, START_AT);
  servers.push({ server, dir });
  await server.start();
  return server;
}
afterEach(async () => {
  for (const { server, dir } of servers.splice(0)) {
    await server.kill();
    rmSync(dir, { recursive: true, force: true });
  }
});

const stageName = (state: { readonly history: readonly { readonly name: string }[] }) => state.history.at(-1)?.name;

/** The workflow from pre-flight to the report, step by step. */
async function lead(run: Workflow): Promise<void> {
  const internalConfirmed = async () => {
    await run.give('observer', { type: 'Approve', item: 'No critical bugs' });
    await run.give('observer', { type: 'Approve', item: 'Internal feedback positive' });
  };
  await run.step('plan', () => run.create(PLAN));
  await run.step('start', () => run.give('operator', { type: 'Start' }));
  await run.step('pre-flight', async () => {
    const { preflight } = await run.state();
    const open = Object.keys(preflight).filter((item) => preflight[item] === null);
    for (const item of open)
      await run.give('observer', { type: 'Approve', item, evidence: `https://wiki.example.com/${item}` });
  });
  await run.step('baseline', () => run.serveUntil(({ phase }) => phase === 'exposing'));
  await run.step('internal', async () => {
    await internalConfirmed();
    await run.serveUntil((state) => stageName(state) === 'canary');
  });
  await run.step('canary, which aborts', () => run.serveBadlyUntil(({ phase }) => phase === 'aborted'));
  await run.step('triage', async () => {
    await run.give('analyst', { type: 'RecordRootCause', incident: 1, text: 'the prompt is too long' });
    await run.give('analyst', {
      type: 'RecordFix',
      incident: 1,
      text: 'cut it',
      reference: 'https://example.com/pull/1',
    });
    await run.give('analyst', { type: 'ResolveIncident', incident: 1 });
  });
  await run.step('retry', async () => {
    await run.server.pass(1_000);
    await run.give('operator', { type: 'Retry', version: 'build-2', reason: 'fixed' });
    const proposal = (await run.state()).proposals.find(({ decided }) => decided === undefined);
    if (proposal !== undefined) await run.give('observer', { type: 'Approve', item: `proposal ${proposal.number}` });
  });
  await run.step('internal again', async () => {
    await internalConfirmed();
    await run.serveUntil((state) => stageName(state) === 'canary');
  });
  await run.step('canary again', () => run.serveUntil((state) => stageName(state) === 'beta'));
  await run.step('beta', () => run.serveUntil((state) => stageName(state) === 'ga'));
  await run.step('exit items', async () => {
    await run.give('observer', { type: 'Approve', item: 'docs-updated', evidence: 'https://docs.example.com/xyz' });
    await run.give('operator', {
      type: 'Approve',
      item: 'flag-cleanup-scheduled',
      evidence: 'https://example.com/issues/9',
    });
  });
  await run.step('two quiet weeks', () => run.serveUntil(({ phase }) => phase === 'complete'));
}

describe('the whole workflow', () => {
  it('is led by people at the command line', { timeout: 120_000 }, async () => {
    const server = await serverOf({});
    const run = new Workflow(server, cliHands(server, await tokensOf(server, 'person'), server.dataDir));
    await lead(run);
    const state = await run.state();
    expect(state.attempts).toMatchObject([{ outcome: 'aborted' }, { version: 'build-2', outcome: 'completed' }]);
  });

  it('is the same where the server is killed at every step and in every call', { timeout: 240_000 }, async () => {
    const server = await serverOf({});
    const tokens = await tokensOf(server, 'person');
    let calls = 0;
    const restart = async () => {
      await server.kill();
      await server.start();
    };
    // Before it arrives, while it is worked on, after its answer.
    const fire = async (call: Promise<unknown>) => {
      calls += 1;
      if (calls % 3 === 1) await new Promise((done) => setTimeout(done, 3));
      if (calls % 3 === 2) await call;
      await restart();
    };
    const run = new Workflow(server, apiHands(server, tokens, fire), restart);
    await lead(run);
    const state = await run.state();
    expect(state.attempts).toMatchObject([{ outcome: 'aborted' }, { version: 'build-2', outcome: 'completed' }]);
  });
});
