import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@rampart/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import type { PlaneEntry } from '../spec/plane-fake.ts';
import { cliHands } from './workflow-cli.ts';
import { WORKFLOW_HISTORY } from './workflow-history.ts';
import { mcpHands } from './workflow-mcp.ts';
import { apiHands, tokensOf, Workflow, type WorkflowRole } from './workflow-run.ts';
import { WorkflowServer } from './workflow-server.ts';
import { startWorld, type World } from './workflow-world.ts';

/** 2026-01-05 09:00 UTC, a Monday. */
const START_AT = Date.UTC(2026, 0, 5, 9);

/** A day lasts 8.64 s of the virtual clock: what silence is does not shrink below 2 s, so that two weeks are a hundred looks. */
const planFor = ({ url }: World): string => `
flag: feature-xyz
title: Feature XYZ
version: build-1
timeScale: 0.0001
owners: { operator: operator, observer: observer, analyst: analyst }
preflight:
  - launch-readiness
  - flag-configured
  - { item: dashboards-ready, url: '${url}/dashboard' }
  - rollback-tested
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
tracker: plane
next: { webhook: '${url}/next', secretRef: WORKFLOW_SECRET }
`;

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server, the world around it, and one SDK that is connected to it. */
async function open(): Promise<{ readonly server: WorkflowServer; readonly world: World }> {
  const dir = mkdtempSync(join(tmpdir(), 'rampart-workflow-'));
  closing.push(() => rmSync(dir, { recursive: true, force: true }));
  const world = await startWorld();
  closing.push(world.stop);
  const server = new WorkflowServer(dir, world.settings, world.env, START_AT);
  closing.push(() => server.kill());
  await server.start();
  const sdk = createClient({ url: server.url, token: server.tokens.sdk });
  closing.push(() => sdk.close());
  await sdk.ready();
  return { server, world };
}

const stageOf = (state: { readonly history: readonly { readonly name: string }[] }) => state.history.at(-1)?.name;

/** The workflow from pre-flight to the report, step by step. */
async function lead(run: Workflow, world: World): Promise<void> {
  const confirmInternal = async () => {
    await run.give('observer', { type: 'Approve', item: 'No critical bugs' });
    await run.give('observer', { type: 'Approve', item: 'Internal feedback positive' });
  };
  await run.step('the plan', () => run.create(planFor(world)));
  await run.step('pre-flight', async () => {
    await run.give('operator', { type: 'Start' });
    // Rampart looks at the flag and the dashboard, and tries a rollback in the SDK that is connected.
    const byHand = ['launch-readiness', 'plan-approved'];
    await run.until(({ preflight }) =>
      Object.entries(preflight).every(([item, given]) => given !== null || byHand.includes(item)),
    );
    const { preflight } = await run.state();
    expect(preflight['rollback-tested']).toMatchObject({ by: 'rampart', evidence: expect.stringContaining('1 of 1') });
    for (const item of byHand.filter((one) => preflight[one] === null))
      await run.give('observer', { type: 'Approve', item, evidence: `https://wiki.example.com/${item}` });
  });
  await run.step('baseline', () => run.serveUntil(({ phase }) => phase === 'exposing'));
  await run.step('internal', async () => {
    await confirmInternal();
    await run.serveUntil((state) => stageOf(state) === 'canary');
  });
  await run.step('canary, which aborts', async () => {
    await run.serveBadlyUntil(({ phase }) => phase === 'aborted');
    // The process of the reports says once more by what it evaluates; the SDK that is connected follows in its own time.
    let reports = 0;
    await run.serveUntil(() => reports++ > 0);
    await run.until(({ incidents }) => incidents[0]?.tookEffectAt !== undefined);
  });
  await run.step('triage and fix', async () => {
    await run.give('analyst', { type: 'AcknowledgeIncident', incident: 1 });
    await run.give('analyst', { type: 'NoteIncident', incident: 1, text: 'only long documents fail' });
    await run.give('analyst', { type: 'RecordRootCause', incident: 1, text: 'the prompt is too long' });
    await run.give('analyst', { type: 'AddAction', incident: 1, text: 'limit the length of prompts' });
    const fix = { text: 'prompt cut', reference: 'https://example.com/pull/1' };
    await run.give('analyst', { type: 'RecordFix', incident: 1, ...fix });
    await run.give('analyst', { type: 'ResolveIncident', incident: 1 });
  });
  await run.step('retry from stage 1', async () => {
    await run.server.pass(1_000);
    await run.give('operator', { type: 'Retry', version: 'build-2', reason: 'fixed' });
    const proposal = (await run.state()).proposals.find(({ decided }) => decided === undefined);
    if (proposal !== undefined) await run.give('observer', { type: 'Approve', item: `proposal ${proposal.number}` });
  });
  await run.step('internal again', async () => {
    await confirmInternal();
    await run.serveUntil((state) => stageOf(state) === 'canary');
  });
  await run.step('canary again', () => run.serveUntil((state) => stageOf(state) === 'beta'));
  await run.step('beta', () => run.serveUntil((state) => stageOf(state) === 'ga'));
  await run.step('exit items', async () => {
    await run.give('observer', { type: 'Approve', item: 'docs-updated', evidence: 'https://docs.example.com/xyz' });
    await run.give('observer', { type: 'Approve', item: 'flag-cleanup-scheduled', evidence: '2026-03-01' });
  });
  await run.step('two quiet weeks', () => run.serveUntil(({ phase }) => phase === 'complete'));
  await run.step('hand-over', () => run.until(({ handovers = [] }) => handovers.length > 0, 1_000));
}

/** The history of the issues in Plane, once the tracker has followed to the end; without what differs from run to run. */
async function issuesOf(run: Workflow, { plane }: World): Promise<readonly string[]> {
  for (let look = 0; look < 300; look += 1) {
    const { rollouts } = await run.admin.getTrackers();
    if (rollouts[0]?.pending === 0) break;
    // A killed server keeps its lease on the tracker for half a minute.
    await run.server.pass(5_000);
    await new Promise((done) => setTimeout(done, 20));
  }
  expect(plane.violations).toEqual([]);
  return plane.history.map(lineOf);
}

/** An entry as one line, without instants, numbers of events, how many SDKs are connected, and whether people or agents acted. */
function lineOf({ made, on, ...entry }: PlaneEntry): string {
  const words = Object.values(entry)
    .map(String)
    .join(' | ')
    .replaceAll(/<\/li>|<\/strong>|<\/p>/g, ' / ')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC/g, 'TIME')
    .replaceAll(/:evt:\d+/g, ':evt')
    .replaceAll(/\d+ of \d+ connected SDKs/g, 'all connected SDKs')
    .replaceAll('agent:', '');
  const line = `${made === undefined ? on : `new ${made}`}: ${words}`;
  return line
    .replaceAll(/ +/g, ' ')
    .replaceAll(/(?: \/)+ (?=\||$)/g, ' ')
    .trim();
}

async function expectTheEnd(run: Workflow, world: World): Promise<void> {
  const state = await run.state();
  expect(state).toMatchObject({ phase: 'complete', attempts: [{ outcome: 'aborted' }, { outcome: 'completed' }] });
  expect(state.history.map(({ name, result }) => `${name} ${result}`)).toEqual([
    ...['internal passed', 'canary rolled-back'],
    ...['internal passed', 'canary passed', 'beta passed', 'ga passed'],
  ]);
  await run.server.settle();
  const report = await run.admin.getReport(run.id);
  expect(report).toContain('# Rollout Report: Feature XYZ');
  const aborts = world.deliveries.filter(({ path, type }) => path === '/ops' && type === 'rollout.aborted');
  expect(aborts).toHaveLength(1);
  const next = world.deliveries.filter(({ path }) => path === '/next');
  expect(next).toHaveLength(1);
  expect(JSON.stringify(next[0]?.data)).toContain('# Rollout Report: Feature XYZ');
}

/** `WORKFLOW_KILLS=all npm test -- e2e/workflow` is the full run. */
const IS_FULL = process.env.WORKFLOW_KILLS === 'all';

const historyBy = (retrier: WorkflowRole) => WORKFLOW_HISTORY.map((line) => line.replace('RETRIER', retrier));

describe('the whole workflow', () => {
  it('is led by people at the command line', { timeout: 120_000 }, async () => {
    const { server, world } = await open();
    const hands = cliHands(server, await tokensOf(server, 'person'), server.dataDir);
    const run = new Workflow(server, hands);
    await lead(run, world);
    await expectTheEnd(run, world);
    expect(await issuesOf(run, world)).toEqual(historyBy('operator'));
  });

  it('is led by three agents who have nothing but MCP', { timeout: 120_000 }, async () => {
    const { server, world } = await open();
    const hands = await mcpHands(server, await tokensOf(server, 'agent'));
    closing.push(hands.close);
    const run = new Workflow(server, hands);
    await lead(run, world);
    await expectTheEnd(run, world);
    expect(await issuesOf(run, world)).toEqual(historyBy('observer'));
    expect(await hands.read('rollout_report', { rollout: run.id })).toContain('agent:operator');
    expect(await hands.read('rollout_report', { rollout: run.id, incident: 1 })).toContain('the prompt is too long');
  });

  it(`leaves the same behind where the server is killed at every step${IS_FULL ? ', in every call and between reports' : ' and in every other call'}`, {
    timeout: 300_000,
  }, async () => {
    const { server, world } = await open();
    const tokens = await tokensOf(server, 'person');
    const restart = async () => {
      await server.kill();
      await server.start();
    };
    let calls = 0;
    // Before it arrives, while it is worked on, after its answer.
    const fire = async (call: Promise<unknown>) => {
      calls += 1;
      if (!IS_FULL && calls % 2 === 0) return;
      if (calls % 3 === 1) await new Promise((done) => setTimeout(done, 3));
      if (calls % 3 === 2) await call;
      await restart();
    };
    const run = new Workflow(server, apiHands(server, tokens, fire), {
      afterStep: restart,
      ...(IS_FULL && { betweenReports: restart }),
    });
    await lead(run, world);
    await expectTheEnd(run, world);
    expect(await issuesOf(run, world)).toEqual(historyBy('operator'));
  });
});
