import { createApiClient, TOKEN_KINDS } from '@rampart/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  HEALTHY,
  liveUntil,
  PLAN,
  type Rig,
  START_AT,
  startRig,
  startRollout,
  trafficOf,
} from '../server-rig.test.support.ts';
import { openSse } from '../sse-reader.test.support.ts';

let r: Rig;
beforeAll(async () => {
  r = await startRig();
});
afterAll(() => r.dispose());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json' };
const planFor = (flag: string) => PLAN.replaceAll('checkout', flag);
const problemIn = async (response: Response) => ({
  status: response.status,
  type: response.headers.get('content-type'),
  body: (await response.json()) as Record<string, unknown>,
});

describe('every failure is a problem', () => {
  it.each([
    ['an unknown address', 'GET', '/nowhere', undefined, 404, 'NOT_FOUND'],
    ['a method the address does not take', 'PATCH', '/v1/rollouts', undefined, 405, 'METHOD_NOT_ALLOWED'],
    ['a body that is no JSON', 'POST', '/v1/rollouts', '{', 400, 'BODY_INVALID'],
    ['a field that is not asked for', 'POST', '/v1/rollouts', '{"plan":1}', 400, 'BODY_INVALID'],
    ['a rollout that is not there', 'GET', '/v1/rollouts/none', undefined, 404, 'ROLLOUT_UNKNOWN'],
    ['evidence of a rollout that is not there', 'GET', '/v1/rollouts/none/evidence', undefined, 404, 'ROLLOUT_UNKNOWN'],
    ['too many batches at once', 'GET', '/v1/rollouts/none/evidence?limit=501', undefined, 400, 'BODY_INVALID'],
    ['a flag that is not there', 'GET', '/v1/flags/none', undefined, 404, 'NOT_FOUND'],
    ['a plan with errors', 'POST', '/v1/rollouts', '{"text":"flag: 7"}', 422, 'PLAN_INVALID'],
    ['a query that is not understood', 'GET', '/v1/rollouts?state=old', undefined, 400, 'BODY_INVALID'],
  ])('%s', async (_, method, path, body, status, code) => {
    const headers = { ...bearer(r.tokens.admin), ...(body !== undefined && json) };
    const answer = await problemIn(
      await fetch(r.server.url + path, { method, headers, ...(body !== undefined && { body }) }),
    );
    expect(answer).toMatchObject({
      status,
      type: 'application/problem+json',
      body: { status, code, instance: expect.any(String) },
    });
  });

  it('a body that is no JSON by its type', async () => {
    const headers = { ...bearer(r.tokens.admin), 'content-type': 'application/xml' };
    const answer = await problemIn(
      await fetch(`${r.server.url}/v1/rollouts`, { method: 'POST', headers, body: '<plan/>' }),
    );
    expect(answer).toMatchObject({ status: 415, body: { code: 'BODY_INVALID', status: 415 } });
  });

  it('a body above 4 MB', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(5 * 1024 * 1024) });
    const headers = { ...bearer(r.tokens.admin), ...json };
    const answer = await problemIn(await fetch(`${r.server.url}/v1/rollouts`, { method: 'POST', headers, body }));
    expect(answer).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
  });
});

describe('tokens', () => {
  it('are needed, and only those of this server are taken', async () => {
    const ask = (headers: Record<string, string>) => fetch(`${r.server.url}/v1/rollouts`, { headers }).then(problemIn);
    expect(await ask({})).toMatchObject({ status: 401, body: { code: 'TOKEN_MISSING' } });
    const forged = `${r.tokens.admin.slice(0, -1)}${r.tokens.admin.endsWith('A') ? 'B' : 'A'}`;
    const answer = await ask(bearer(forged));
    expect(answer).toMatchObject({ status: 401, body: { code: 'TOKEN_INVALID' } });
    expect(JSON.stringify(answer)).not.toContain(forged);
    expect(await ask(bearer(r.tokens.admin.replace('rmp_admin', 'rmp_viewer')))).toMatchObject({
      body: { code: 'TOKEN_INVALID' },
    });
    expect(await ask(bearer(r.tokens.sdk))).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  it('expire, and are revoked at once', async () => {
    const { token } = await r.admin.createToken({ kind: 'viewer', name: 'brief', expiresInMs: 1_000 });
    const brief = createApiClient({ url: r.server.url, token });
    expect(await brief.listRollouts()).toEqual([]);
    r.clock.advance(1_000);
    await expect(brief.listRollouts()).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
    const revoked = await r.admin.createToken({ kind: 'viewer', name: 'revoked' });
    await r.admin.revokeToken(revoked.selector);
    const gone = createApiClient({ url: r.server.url, token: revoked.token });
    await expect(gone.status()).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
    await expect(r.admin.revokeToken('nothere123')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('of every kind work, are listed without their secrets, and are kept as hashes only', async () => {
    for (const kind of TOKEN_KINDS) {
      const { token, selector } = await r.admin.createToken({ kind, name: `of ${kind}` });
      expect(token).toMatch(new RegExp(`^rmp_${kind}_${selector}_`));
      const stored = await r.server.store.getDocument('token', selector);
      expect(JSON.stringify(stored)).not.toContain(token.split('_').at(-1));
    }
    const listed = await r.admin.listTokens();
    expect(listed.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...TOKEN_KINDS]));
    expect(JSON.stringify(listed)).not.toContain('verifier');
  });

  it('are made once for one idempotency key, though nothing secret is stored', async () => {
    const ask = () =>
      fetch(`${r.server.url}/v1/tokens`, {
        method: 'POST',
        headers: { ...bearer(r.tokens.admin), ...json, 'idempotency-key': 'same' },
        body: '{"kind":"viewer","name":"twice"}',
      }).then((response) => response.json());
    expect(await ask()).toEqual(await ask());
  });
});

describe('commands', () => {
  it('are refused for another version than If-Match names, which the answer tells', async () => {
    const { state } = await r.admin.createRollout({ text: planFor('if-match') });
    await expect(r.admin.command(state.id, { type: 'Start' }, { ifVersion: 7 })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      problem: { status: 412, version: state.version },
    });
    await r.admin.command(state.id, { type: 'Start' }, { ifVersion: state.version });
    const response = await fetch(`${r.server.url}/v1/rollouts/${state.id}`, { headers: bearer(r.tokens.admin) });
    expect(response.headers.get('etag')).toBe(`"${(await r.admin.getRollout(state.id)).state.version}"`);
  });

  it('with one idempotency key are done once and answered the same, also after a restart', async () => {
    const one = await startRig();
    const { state } = await one.admin.createRollout({ text: PLAN }, { idempotencyKey: 'create' });
    expect((await one.admin.createRollout({ text: PLAN }, { idempotencyKey: 'create' })).state.id).toBe(state.id);
    const issue = { type: 'AddIssue', title: 'slow', severity: 'minor' } as const;
    await one.admin.command(state.id, { type: 'Start' });
    const first = await one.admin.command(state.id, issue, { idempotencyKey: 'issue' });
    expect(await one.admin.command(state.id, issue, { idempotencyKey: 'issue' })).toEqual(first);
    const woken = await one.restart();
    expect(await woken.admin.command(state.id, issue, { idempotencyKey: 'issue' })).toEqual(first);
    expect((await woken.admin.getRollout(state.id)).state.issues).toHaveLength(1);
    const other = { ...issue, title: 'other' };
    await expect(woken.admin.command(state.id, other, { idempotencyKey: 'issue' })).rejects.toMatchObject({
      code: 'BODY_INVALID',
    });
    await woken.dispose();
  });

  it('given at once by many are all done, one after the other', async () => {
    const { state } = await r.admin.createRollout({ text: planFor('many') });
    await r.admin.command(state.id, { type: 'Start' });
    const titles = Array.from({ length: 20 }, (_, i) => `issue ${i}`);
    await Promise.all(titles.map((title) => r.admin.command(state.id, { type: 'AddIssue', title, severity: 'minor' })));
    const after = await r.admin.getRollout(state.id);
    expect(after.state.issues.map(({ title }) => title).sort()).toEqual([...titles].sort());
    expect(new Set(after.state.issues.map(({ number }) => number)).size).toBe(20);
  });

  it('that the core refuses keep its code', async () => {
    const { state } = await r.admin.createRollout({ text: planFor('refused') });
    await expect(r.admin.command(state.id, { type: 'Resume' })).rejects.toMatchObject({
      code: 'NOT_HELD',
      problem: { status: 409 },
    });
    await expect(r.admin.createRollout({ text: planFor('refused') })).rejects.toMatchObject({ code: 'ROLLOUT_EXISTS' });
    const viewer = await r.admin.createToken({ kind: 'viewer', name: 'vera' });
    const eyes = createApiClient({ url: r.server.url, token: viewer.token });
    await expect(eyes.command(state.id, { type: 'Start' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('telemetry', () => {
  it('is counted once however often it is delivered, and taken though it names what is not there', async () => {
    const one = await startRig();
    const id = await startRollout(one);
    const ruleset = await one.sdk.getRuleset();
    if (ruleset === 'unchanged') throw new Error('no ruleset');
    const batch = trafficOf(ruleset, ruleset.flags.checkout!, 'twice', START_AT, HEALTHY);
    expect(await one.sdk.sendTelemetry(batch)).toEqual({ batchId: 'twice', status: 'accepted' });
    expect(await one.sdk.sendTelemetry(batch)).toEqual({ batchId: 'twice', status: 'duplicate' });
    const unknown = {
      ...batch,
      batchId: 'unknown',
      series: batch.series.map((series) => ({ ...series, flag: 'x', rollout: 'x-1' })),
    };
    expect(await one.sdk.sendTelemetry(unknown)).toEqual({ batchId: 'unknown', status: 'accepted' });
    await one.pass(1_000);
    const [evidence, ...more] = await one.server.store.evidenceAfter(id, 0);
    expect(more).toEqual([]);
    const assigned = (evidence!.value as { series: { metric: string; count: number[] }[] }).series.find(
      ({ metric }) => metric === 'assigned',
    );
    expect(assigned?.count.reduce((sum, n) => sum + n, 0)).toBe(HEALTHY.users);
    const metrics = await one.admin.metrics();
    expect(metrics).toContain('rampart_ingest_batches_total{status="duplicate"} 1');
    expect(metrics).toContain(`rampart_ingest_ignored_series_total ${batch.series.length}`);
    await one.dispose();
  });

  it('that cannot be counted is refused with the path of the field', async () => {
    const body = {
      schema: 1,
      batchId: 'b',
      instance: 'i',
      sdk: 's',
      fromAt: 0,
      toAt: 0,
      revision: 0,
      dropped: 0,
      series: [{ flag: 'f' }],
    };
    const response = await fetch(`${r.server.url}/v1/telemetry`, {
      method: 'POST',
      headers: { ...bearer(r.tokens.sdk), ...json },
      body: JSON.stringify(body),
    });
    const answer = await problemIn(response);
    expect(answer).toMatchObject({ status: 422, body: { code: 'TELEMETRY_INVALID' } });
    expect(JSON.stringify(answer.body.errors)).toContain('series[0].rollout');
  });

  it('without observations shows that the SDK is there', async () => {
    const one = await startRig();
    const id = await startRollout(one);
    await liveUntil(one, id, 'exposing');
    const freshAt = async () => (await one.admin.getRollout(id)).judgement?.freshAt ?? 0;
    const say = async (batchId: string) => {
      const batch = { schema: 1, batchId, instance: batchId, sdk: 's', fromAt: 0, toAt: 0, revision: 1, dropped: 0 };
      const response = await fetch(`${one.server.url}/v1/telemetry`, {
        method: 'POST',
        headers: { ...bearer(one.tokens.sdk), ...json },
        body: JSON.stringify({ ...batch, idle: [id, 'unheard-of'], series: [] }),
      });
      expect(response.status).toBe(202);
      await one.pass(1_000);
    };
    // What the last traffic left is seen, and nothing more comes by itself.
    await one.pass(1_000);
    for (const batchId of ['a', 'b']) {
      await one.pass(1_000);
      const saidAt = one.clock.now();
      expect(await freshAt()).toBeLessThan(saidAt);
      await say(batchId);
      // The server may look at once, or only when time has passed.
      expect(await freshAt()).toBeGreaterThanOrEqual(saidAt);
    }
    await one.dispose();
  });

  it('of complaints reaches the rollout of its flag', async () => {
    const one = await startRig();
    const text = PLAN.replace('abortCriteria: [', 'abortCriteria: [ { metric: userComplaints, limit: 10 per 24h },');
    const id = await startRollout(one, text);
    await liveUntil(one, id, 'exposing');
    const occurrences = [{ metric: 'userComplaints', count: 11 }];
    await one.sdk.sendSignals({ schema: 1, batchId: 'desk-1', flag: 'checkout', occurrences });
    await one.pass(1_000);
    expect((await one.admin.getRollout(id)).state).toMatchObject({
      phase: 'aborted',
      incidents: [{ kind: 'criterion' }],
    });
    await one.dispose();
  });
});

describe('the ruleset', () => {
  it('is answered 304 to who has it, and whole to who has another revision, be it from the future', async () => {
    const ruleset = await r.sdk.getRuleset();
    if (ruleset === 'unchanged') throw new Error('no ruleset');
    expect(await r.sdk.getRuleset(ruleset.revision)).toBe('unchanged');
    expect(await r.sdk.getRuleset(ruleset.revision + 1_000)).toEqual(ruleset);
  });

  it('is streamed: put to the unknown and the future, patch to who is behind, silence to who is level', async () => {
    const url = `${r.server.url}/v1/stream`;
    const behind = (await r.admin.status()).revision;
    await r.admin.putFlag({ key: 'banner', enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' });
    const { revision } = await r.admin.status();
    const fresh = await openSse(url, bearer(r.tokens.sdk));
    expect(await fresh.next()).toMatchObject({
      event: 'put',
      id: String(revision),
      data: { revision, flags: { banner: {} } },
    });
    expect(fresh.headers.get('content-type')).toContain('text/event-stream');
    expect(fresh.text()).toMatch(/^retry: \d+\n\n/);
    const future = await openSse(`${url}?revision=${revision + 50}`, bearer(r.tokens.sdk));
    expect(await future.next()).toMatchObject({ event: 'put', data: { revision } });
    expect(r.logged.some(({ fields }) => 'code' in fields && fields.code === 'REVISION_IN_FUTURE')).toBe(true);
    const resumed = await openSse(`${url}?revision=${behind}`, bearer(r.tokens.sdk));
    expect(await resumed.next()).toMatchObject({
      event: 'patch',
      data: { fromRevision: behind, revision, flags: { banner: {} } },
    });
    const level = await openSse(url, { ...bearer(r.tokens.sdk), 'last-event-id': String(revision) });
    await r.admin.deleteFlag('banner');
    const removed = {
      event: 'patch',
      data: { fromRevision: revision, revision: revision + 1, flags: { banner: null } },
    };
    expect(await level.next()).toMatchObject(removed);
    expect(await fresh.next()).toMatchObject(removed);
    expect((await r.admin.status()).connectedSdks).toBeGreaterThanOrEqual(4);
    await Promise.all([fresh, future, resumed, level].map((stream) => stream.cancel()));
  });
});

describe('flags and segments', () => {
  const flag = { key: 'owned', enabled: true, variants: { on: true, off: false }, defaultVariant: 'off' } as const;
  const segment = { key: 'team', all: [{ attribute: 'team', operator: 'equals', value: true }] } as const;

  it('that a rollout runs on keep what it stands by', async () => {
    await r.admin.putFlag(flag);
    await r.admin.putSegment(segment);
    const text = planFor('owned').replace('name: canary,', 'name: canary, audience: team,');
    const { state } = await r.admin.createRollout({ text });
    await expect(r.admin.deleteFlag('owned')).rejects.toMatchObject({ code: 'FLAG_IN_ROLLOUT' });
    await expect(
      r.admin.putFlag({ ...flag, variants: { on: true, no: false }, defaultVariant: 'no' }),
    ).rejects.toMatchObject({ code: 'FLAG_IN_ROLLOUT' });
    await expect(r.admin.putSegment({ ...segment, all: [] })).rejects.toMatchObject({ code: 'FLAG_IN_ROLLOUT' });
    await expect(r.admin.deleteSegment('team')).rejects.toMatchObject({ code: 'FLAG_IN_ROLLOUT' });
    expect(await r.admin.putFlag({ ...flag, description: 'said better' })).toMatchObject({
      description: 'said better',
    });
    await r.admin.command(state.id, { type: 'Cancel', reason: 'only a test' });
    await r.admin.deleteFlag('owned');
    await expect(r.admin.getFlag('owned')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are refused when SDKs could not use them', async () => {
    const rules = [{ segments: ['nobody-made'], serve: { variant: 'on' } }];
    await expect(r.admin.putFlag({ ...flag, rules })).rejects.toMatchObject({ code: 'BODY_INVALID' });
  });

  it('are needed by a plan: an audience without its segment, or a flag without its variants, is refused', async () => {
    const audience = planFor('lonely').replace('name: canary,', 'name: canary, audience: nobody,');
    await expect(r.admin.createRollout({ text: audience })).rejects.toMatchObject({ code: 'PLAN_INVALID' });
    expect(await r.admin.validatePlan({ text: audience })).toMatchObject({
      ok: false,
      issues: [{ path: 'stages[0].audience' }],
    });
    const line = audience.split('\n').findIndex((text) => text.includes('audience: nobody')) + 1;
    const column = (audience.split('\n')[line - 1] ?? '').indexOf('nobody') + 1;
    expect(await r.admin.validatePlan({ text: audience, file: 'plan.yaml' })).toMatchObject({
      issues: [{ file: 'plan.yaml', line, column }],
    });
    await r.admin.putFlag({ ...flag, key: 'words', variants: { a: 'x', b: 'y' }, defaultVariant: 'a' });
    await expect(r.admin.createRollout({ text: planFor('words') })).rejects.toMatchObject({ code: 'PLAN_INVALID' });
  });
});

describe('the server', () => {
  it('says that it lives and is ready, what it is, and how it is spoken to', async () => {
    expect(await r.admin.health()).toEqual({ status: 'ok' });
    expect(await r.admin.ready()).toEqual({ status: 'ready' });
    expect(await r.admin.status()).toMatchObject({
      environment: 'production',
      now: r.clock.now(),
      version: expect.any(String),
    });
    expect(await r.admin.openapi()).toMatchObject({ openapi: '3.1.0' });
    const { headers } = await fetch(`${r.server.url}/healthz`);
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-request-id')).toMatch(/-/);
  });

  it('names the port when another program has it', async () => {
    const port = Number(new URL(r.server.url).port);
    await expect(startRig({ port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(port)),
    });
  });
});
