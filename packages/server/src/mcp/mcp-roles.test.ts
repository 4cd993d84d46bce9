import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { live, liveUntil, PLAN, type Rig, startRig } from '../server-rig.test.support.ts';
import { type Agent, agentOf } from './mcp-client.test.support.ts';
import { TOOLS } from './tools.ts';

let r: Rig;
let operator: Agent;
let observer: Agent;
let analyst: Agent;
let ana: Agent;
const called = new Set<string>();
const rollout = 'checkout-1';

beforeAll(async () => {
  r = await startRig();
  operator = await agentOf(r, { kind: 'operator', name: 'agent:devops', principal: 'agent' }, called);
  observer = await agentOf(r, { kind: 'observer', name: 'agent:o11y', principal: 'agent' }, called);
  analyst = await agentOf(r, { kind: 'analyst', name: 'agent:triage', principal: 'agent' }, called);
  ana = await agentOf(r, { kind: 'approver', name: 'ana@example.com' }, called);
});
afterAll(async () => {
  for (const { client } of [operator, observer, analyst, ana]) await client.close();
  await r.dispose();
});

const refused = (code: string) => ({ isError: true, data: { error: { code } } });
const done = (data: object) => ({ isError: false, data });
const reason = 'as the runbook says';

describe('three agents and a person run a rollout through MCP alone', () => {
  it('plan: errors have their line and column, nothing is made by a dry run, and a draft exposes nobody', async () => {
    const checked = await operator.call('rollout_create', {
      plan: 'flag: 7\nstages: []\n',
      file: 'p.yaml',
      dry_run: true,
    });
    expect(checked).toMatchObject(done({ isCreated: false, isValid: false }));
    expect(checked.data.issues[0]).toMatchObject({ line: 1, column: expect.any(Number), message: { untrusted: true } });
    expect(await operator.call('rollout_create', { plan: 'flag: 7' })).toMatchObject(refused('PLAN_INVALID'));
    expect(await analyst.call('rollout_create', { plan: PLAN })).toMatchObject(refused('FORBIDDEN'));
    const plan = { plan: PLAN, time_scale: 0.001, idempotency_key: 'one' };
    const made = await operator.call('rollout_create', plan);
    expect(made).toMatchObject(done({ isCreated: true, rollout: { id: rollout, phase: 'draft', exposure: [] } }));
    expect(await operator.call('rollout_create', plan)).toMatchObject(done({ rollout: { id: rollout } }));
    expect((await operator.call('rollout_list')).data).toMatchObject({
      total: 1,
      you: { name: 'agent:devops', kind: 'operator', principal: 'agent' },
    });
  });

  it('start: only by an operator, and an agent cannot approve the plan that it starts', async () => {
    expect(await observer.call('rollout_start', { rollout })).toMatchObject(refused('FORBIDDEN'));
    const started = await operator.call('rollout_start', { rollout, expected_version: 1 });
    expect(started).toMatchObject(
      done({ rollout: { phase: 'preflight', openItems: ['launch-readiness', 'plan-approved'] } }),
    );
    // No SDK is connected here.
    expect(await operator.call('rollout_drill', { rollout })).toMatchObject({ isError: true });
    expect(await analyst.call('rollout_drill', { rollout })).toMatchObject(refused('FORBIDDEN'));
    const own = await operator.call('rollout_approve', { rollout, item: 'plan-approved' });
    expect(own).toMatchObject(refused('ANOTHER_PRINCIPAL_REQUIRED'));
    expect(own.data.error).toMatchObject({ received: { untrusted: true }, remedy: expect.any(String) });
    expect(JSON.stringify(started.data.allowedActions)).not.toContain('plan-approved');
    const seen = await ana.call('rollout_status', { rollout });
    expect(JSON.stringify(seen.data.allowedActions)).toContain('plan-approved');
    expect(await ana.call('rollout_approve', { rollout, item: 'plan-approved', reason })).toMatchObject({
      isError: false,
    });
  });

  it('pre-flight and baseline: the observer gives evidence, and the baseline is measured by itself', async () => {
    const evidence = 'https://wiki.example.com/launch';
    const given = await observer.call('rollout_approve', { rollout, item: 'launch-readiness', evidence });
    expect(given).toMatchObject(done({ rollout: { phase: 'baseline', next: { step: 'measure-baseline' } } }));
    expect((await observer.call('rollout_status', { rollout })).data.preflight).toContainEqual({
      item: 'launch-readiness',
      given: { by: 'agent:o11y', at: expect.any(String), evidence: { untrusted: true, text: evidence } },
    });
    const test = await observer.call('rollout_metric_test', { rollout, metric: 'errorRate' });
    expect(test).toMatchObject(refused('BODY_INVALID'));
    await liveUntil(r, rollout, 'exposing');
    await liveFor(3);
    const { data } = await observer.call('rollout_metrics', { rollout });
    expect(data.now).toContainEqual(
      expect.objectContaining({ metric: 'errorRate', baseline: expect.any(Number), control: expect.any(Number) }),
    );
    expect(data.checks[0]).toMatchObject({ treatmentCount: expect.any(Number), wouldChange: { untrusted: true } });
    expect(data.people.treatment).toBeGreaterThan(0);
    expect(await analyst.call('rollout_baseline_capture', { rollout, reason })).toMatchObject(refused('FORBIDDEN'));
    // A new baseline needs a tenth of the observations of the one before.
    await liveFor(3);
    const anew = await observer.call('rollout_baseline_capture', { rollout, reason });
    expect(anew).toMatchObject(done({ events: [{ type: 'BaselineCaptured', by: 'agent:o11y' }] }));
  });

  it('pace: a hold by anyone, ended by the operator, and writes for another version are refused', async () => {
    expect(await analyst.call('rollout_pace', { rollout, action: 'hold', reason })).toMatchObject(
      done({
        rollout: { hold: { by: 'agent:triage', reason: { untrusted: true, text: reason } }, next: { step: 'resume' } },
      }),
    );
    expect(await analyst.call('rollout_pace', { rollout, action: 'resume', reason })).toMatchObject(
      refused('FORBIDDEN'),
    );
    const stale = await operator.call('rollout_pace', { rollout, action: 'resume', reason, expected_version: 1 });
    expect(stale).toMatchObject(refused('VERSION_CONFLICT'));
    expect(stale.data.error).toMatchObject({ remedy: expect.stringContaining('expected_version') });
    expect(stale.data.error.version).toBeGreaterThan(1);
    await operator.call('rollout_pace', { rollout, action: 'resume', reason });
    const longer = { rollout, action: 'extend', reason, by_hours: 0.001, idempotency_key: 'longer' };
    const first = await operator.call('rollout_pace', longer);
    expect(first.data.events).toMatchObject([{ type: 'StageExtended', by: 'agent:devops' }]);
    expect((await operator.call('rollout_pace', longer)).data.events).toEqual(first.data.events);
  });

  it('four eyes: a raise by an agent is a proposal that neither it nor another agent can approve', async () => {
    await liveFor(2);
    const actions = (await operator.call('rollout_status', { rollout })).data.allowedActions;
    expect(actions).toContainEqual({ tool: 'rollout_advance', arguments: { action: 'proceed' }, effect: 'proposal' });
    const asked = await operator.call('rollout_advance', { rollout, action: 'proceed', reason });
    expect(asked).toMatchObject(done({ rollout: { exposure: [{ audience: 'everyone', percent: 10 }] } }));
    const item = `proposal ${asked.data.rollout.openProposals[0].number}`;
    expect(await operator.call('rollout_approve', { rollout, item })).toMatchObject(
      refused('ANOTHER_PRINCIPAL_REQUIRED'),
    );
    expect(await observer.call('rollout_approve', { rollout, item })).toMatchObject(refused('FORBIDDEN'));
    expect(await ana.call('rollout_approve', { rollout, item, reason })).toMatchObject(
      done({ rollout: { exposure: [{ audience: 'everyone', percent: 50 }], openProposals: [] } }),
    );
    await operator.call('rollout_advance', { rollout, action: 'proceed', reason });
    const declined = await ana.call('rollout_approve', { rollout, item: 'proposal 2', decision: 'decline', reason });
    expect(declined).toMatchObject(done({ rollout: { openProposals: [] } }));
  });

  it('abort: any agent lowers exposure at once, alone', async () => {
    const aborted = await analyst.call('rollout_abort', { rollout, reason: 'errors in the logs' });
    expect(aborted).toMatchObject(
      done({ rollout: { phase: 'aborted', exposure: [], openIncidents: [1], next: { step: 'retry' } } }),
    );
    expect(aborted.data.events[0]).toMatchObject({ type: 'RolloutAborted', by: 'agent:triage' });
  });

  it('triage: the analyst records cause and fix, the observer may not', async () => {
    const document = await analyst.call('rollout_report', { rollout, incident: 1 });
    expect(document.data.document).toMatchObject({ untrusted: true, text: expect.stringContaining('# Incident 1') });
    const write = { rollout, incident: 1 };
    const cause = { ...write, action: 'root_cause', text: 'the prompt was cut' };
    expect(await observer.call('rollout_incident_write', cause)).toMatchObject(refused('FORBIDDEN'));
    await analyst.call('rollout_incident_write', { ...write, action: 'assign', text: 'agent:triage' });
    await analyst.call('rollout_incident_write', cause);
    await analyst.call('rollout_incident_write', {
      ...write,
      action: 'fix',
      text: 'limit raised',
      reference: 'abc123',
    });
    expect(await analyst.call('rollout_incident_write', { ...write, action: 'resolve' })).toMatchObject(
      done({ rollout: { openIncidents: [] } }),
    );
    const issue = { rollout, action: 'add', title: 'slow first answer', severity: 'minor' };
    expect(await analyst.call('rollout_issue_write', issue)).toMatchObject(done({ rollout: { openIssues: [1] } }));
    const fixed = { rollout, action: 'change', number: 1, status: 'fixed' };
    expect(await observer.call('rollout_issue_write', fixed)).toMatchObject(done({ rollout: { openIssues: [] } }));
  });

  it('retry: proposed by the operator after the cool-down, approved by a person', async () => {
    const retry = { rollout, action: 'retry', version: 'build-2', reason: 'fixed' };
    expect(await operator.call('rollout_advance', retry)).toMatchObject(refused('COOLDOWN'));
    await r.pass(3_600_000);
    expect((await operator.call('rollout_advance', retry)).data.rollout).toMatchObject({
      phase: 'aborted',
      exposure: [],
    });
    const again = await ana.call('rollout_approve', { rollout, item: 'proposal 3' });
    expect(again).toMatchObject(done({ rollout: { attempt: 2, build: 'build-2' } }));
  });

  it('kill: latched by an agent, re-armed by no agent, and cancelled by the operator', async () => {
    expect(await observer.call('rollout_abort', { rollout, how: 'kill', reason })).toMatchObject(
      done({ rollout: { killSwitchLatched: true, exposure: [], next: { step: 're-arm' } } }),
    );
    expect(await operator.call('rollout_advance', { rollout, action: 'rearm', reason })).toMatchObject(
      refused('FORBIDDEN'),
    );
    expect(await analyst.call('rollout_abort', { rollout, how: 'cancel', reason })).toMatchObject(refused('FORBIDDEN'));
    const ended = await operator.call('rollout_abort', { rollout, how: 'cancel', reason });
    expect(ended).toMatchObject(done({ rollout: { phase: 'cancelled', next: { step: 'nothing' } } }));
  });

  it('report and timeline tell who did each step', async () => {
    const { data } = await ana.call('rollout_timeline', { rollout, limit: 200 });
    const by = (type: string) => data.events.find((event: { type: string }) => event.type === type)?.by;
    expect(['PreflightStarted', 'RolloutAborted', 'FixRecorded'].map(by)).toEqual([
      'agent:devops',
      'agent:triage',
      'agent:triage',
    ]);
    const report = await operator.call('rollout_report', { rollout });
    expect(report.data.document.text).toContain('# Rollout Report');
  });

  it('has called every tool', () => {
    expect([...called].toSorted()).toEqual(TOOLS.map(({ name }) => name).toSorted());
  });
});

/** Some steps of healthy traffic. */
async function liveFor(steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) await live(r);
}
