import { request } from 'node:http';
import { TOKEN_KINDS } from '@rampart/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLAN, type Rig, startRig } from '../server-rig.test.support.ts';
import { agentOf, callTool, connectHttp } from './mcp-client.test.support.ts';
import { TOOLS } from './tools.ts';

let r: Rig;
beforeAll(async () => {
  r = await startRig();
});
afterAll(() => r.dispose());

/** A bare request to the endpoint, as any program may send it. */
async function post(
  headers: Readonly<Record<string, string>>,
  body: unknown = { jsonrpc: '2.0', id: 1, method: 'ping' },
) {
  const response = await fetch(`${r.server.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, challenge: response.headers.get('www-authenticate'), text: await response.text() };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('MCP over HTTP', () => {
  it.each(['auto', 'legacy'] as const)(
    'serves the official client (%s): tools, resources and prompts',
    async (mode) => {
      const client = await connectHttp(r.server.url, r.tokens.admin, mode);
      expect(client.getServerVersion()).toMatchObject({ name: 'rampart' });
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
      expect(tools.every(({ outputSchema }) => outputSchema !== undefined)).toBe(true);
      expect((await callTool(client, 'rollout_list')).data.you).toMatchObject({ kind: 'admin', principal: 'person' });
      expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual([
        'run-rollout',
        'capture-baseline',
        'triage-abort',
      ]);
      await client.close();
    },
  );

  it('serves a client that cannot be asked anything: an abort needs no elicitation', async () => {
    const client = await connectHttp(r.server.url, r.tokens.admin, 'legacy');
    await callTool(client, 'rollout_create', { plan: PLAN.replaceAll('checkout', 'alone') });
    await callTool(client, 'rollout_start', { rollout: 'alone-1' });
    const aborted = await callTool(client, 'rollout_abort', { rollout: 'alone-1', reason: 'a test' });
    expect(aborted).toMatchObject({ isError: false, data: { rollout: { phase: 'aborted' } } });
    await client.close();
  });

  it('has at most 16 tools, in the same order every time, and says honestly what each does', async () => {
    const client = await connectHttp(r.server.url, r.tokens.admin);
    const [first, second] = [await client.listTools(), await client.listTools(undefined, { cacheMode: 'bypass' })];
    expect(first.tools.length).toBeLessThanOrEqual(16);
    expect(second.tools).toEqual(first.tools);
    const hints = Object.fromEntries(first.tools.map(({ name, annotations }) => [name, annotations]));
    expect(hints.rollout_status).toMatchObject({ readOnlyHint: true, openWorldHint: false });
    expect(hints.rollout_abort).toMatchObject({ readOnlyHint: false, destructiveHint: true, idempotentHint: true });
    expect(hints.rollout_pace).toMatchObject({ readOnlyHint: false, destructiveHint: false });
    await client.close();
  });

  it('refuses who shows no token, or one of another server, with a challenge', async () => {
    expect(await post({})).toMatchObject({ status: 401, challenge: 'Bearer realm="rampart"' });
    const foreign = await post(bearer(`${r.tokens.admin.slice(0, -2)}xx`));
    expect(foreign).toMatchObject({ status: 401, challenge: expect.stringContaining('Bearer') });
    expect(foreign.text).toContain('TOKEN_INVALID');
    await expect(connectHttp(r.server.url, 'rmp_nothing')).rejects.toThrow(/401|Unauthorized/i);
  });

  it('refuses tokens of programs, and takes those of every role', async () => {
    expect(await post(bearer(r.tokens.sdk))).toMatchObject({ status: 403, text: expect.stringContaining('FORBIDDEN') });
    for (const kind of TOKEN_KINDS.filter((one) => one !== 'sdk-server' && one !== 'ingest')) {
      const { client, call } = await agentOf(r, { kind, name: `of ${kind}`, principal: 'agent' });
      expect((await call('rollout_list')).isError).toBe(false);
      await client.close();
    }
  });

  it.each([
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['a page without an origin of its own', { origin: 'null' }],
  ])('refuses %s, whatever its token', async (_, headers) => {
    const answer = await post({ ...bearer(r.tokens.admin), ...headers });
    expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('ORIGIN_FORBIDDEN') });
  });

  it('refuses a request to another name that leads here (DNS rebinding)', async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { ...bearer(r.tokens.admin), host: 'evil.example', 'content-type': 'application/json' };
      const asked = request(`${r.server.url}/mcp`, { method: 'POST', headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject).end('{}');
    });
    expect(status).toBe(403);
  });

  it('takes a page of its own origin, and one of the publicUrl of its settings', async () => {
    const tools = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    expect((await post({ ...bearer(r.tokens.admin), origin: r.server.url }, tools)).status).toBe(200);
    const named = await startRig({ settings: { publicUrl: 'https://rampart.example.com' } });
    const response = await fetch(`${named.server.url}/mcp`, {
      method: 'POST',
      headers: {
        ...bearer(named.tokens.admin),
        ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        origin: 'https://rampart.example.com',
      },
      body: JSON.stringify(tools),
    });
    expect(response.status).toBe(200);
    await response.text();
    await named.dispose();
  });

  it('lets a viewer read and nothing else, and tells it so in advance', async () => {
    await r.admin.createRollout({ text: PLAN.replaceAll('checkout', 'seen') });
    const { client, call } = await agentOf(r, { kind: 'viewer', name: 'vera@example.com' });
    const { data } = await call('rollout_status', { rollout: 'seen-1' });
    expect(data.allowedActions).toEqual([]);
    for (const tool of ['rollout_start', 'rollout_abort', 'rollout_pace']) {
      const args = { rollout: 'seen-1', ...(tool === 'rollout_pace' && { action: 'hold' }), reason: 'why' };
      const answer = await call(tool, tool === 'rollout_start' ? { rollout: 'seen-1' } : args);
      expect(answer).toMatchObject({ isError: true, data: { error: { code: 'FORBIDDEN' } } });
    }
    await client.close();
  });

  it('refuses arguments that a tool does not have, and says which', async () => {
    const client = await connectHttp(r.server.url, r.tokens.admin);
    const wrong = await callTool(client, 'rollout_abort', { rollout: 'x', why: 'a typo' });
    expect(wrong).toMatchObject({ isError: true, text: expect.stringMatching(/reason.*why/) });
    await client.close();
  });

  it('stops tokens that were revoked while a client was connected', async () => {
    const { token, selector } = await r.admin.createToken({ kind: 'operator', name: 'brief' });
    const client = await connectHttp(r.server.url, token);
    expect((await callTool(client, 'rollout_list')).isError).toBe(false);
    await r.admin.revokeToken(selector);
    await expect(callTool(client, 'rollout_list')).rejects.toThrow();
    await client.close();
  });
});

describe('resources and prompts', () => {
  it('read rollouts, documents, the schema of a plan and the roles', async () => {
    await r.admin.createRollout({ text: PLAN.replaceAll('checkout', 'read') });
    const client = await connectHttp(r.server.url, r.tokens.admin);
    const read = async (uri: string) => {
      const [content] = (await client.readResource({ uri })).contents;
      return content !== undefined && 'text' in content ? content.text : '';
    };
    expect(JSON.parse(await read('rollout://rollouts')).rollouts.map(({ id }: { id: string }) => id)).toContain(
      'read-1',
    );
    expect(JSON.parse(await read('rollout://rollouts/read-1'))).toMatchObject({
      id: 'read-1',
      title: { untrusted: true },
    });
    expect(await read('rollout://rollouts/read-1/report.md')).toMatch(
      /<<data (\w+)>>\n# Rollout Report[\s\S]*<<\/data \1>>$/,
    );
    expect(JSON.parse(await read('rollout://docs/plan-schema.json'))).toHaveProperty('$schema');
    expect(await read('rollout://policies/roles')).toContain('| abort, kill |');
    await expect(read('rollout://incidents/read-1/1.md')).rejects.toThrow('INCIDENT_UNKNOWN');
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toContain('rollout://rollouts/read-1/report.md');
    await client.close();
  });

  it('prompts name only tools that there are, and every rule', async () => {
    const client = await connectHttp(r.server.url, r.tokens.admin);
    const known = TOOLS.map(({ name }) => name);
    for (const { name } of (await client.listPrompts()).prompts) {
      const { messages } = await client.getPrompt({ name, arguments: { rollout: 'read-1' } });
      const [part] = messages.map(({ content }) => (content.type === 'text' ? content.text : ''));
      expect(part).toContain('"read-1"');
      expect(part).toContain('You cannot approve what you asked for');
      const named = [...(part ?? '').matchAll(/\brollout_[a-z_]+/g)].map(([tool]) => tool);
      expect(named.filter((tool) => !known.some((one) => one === tool))).toEqual([]);
    }
    await client.close();
  });
});
