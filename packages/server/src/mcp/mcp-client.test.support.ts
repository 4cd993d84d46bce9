import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { NewToken } from '@rampart/api';
import type { Rig } from '../server-rig.test.support.ts';

/** What a tool answered. */
export type ToolAnswer = {
  readonly isError: boolean;
  /** Structured content. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly data: any;
  readonly text: string;
};

/** A client of the official SDK with the token of one principal. */
export type Agent = {
  readonly client: Client;
  readonly call: (tool: string, args?: Readonly<Record<string, unknown>>) => Promise<ToolAnswer>;
};

/** Calls a tool and takes its answer apart. */
export async function callTool(
  client: Client,
  name: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<ToolAnswer> {
  const answer = await client.callTool({ name, arguments: { ...args } });
  const text = answer.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
  return { isError: answer.isError === true, data: answer.structuredContent, text };
}

/** Connects over HTTP, as a client of 2026 (`auto`) or of 2025 (`legacy`) does. */
export async function connectHttp(url: string, token: string, mode: 'auto' | 'legacy' = 'auto'): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
  return client;
}

/** A principal of a rig, with a client of its own. `called` is told the name of every tool that is called. */
export async function agentOf(
  { admin, server }: Pick<Rig, 'admin' | 'server'>,
  token: NewToken,
  called?: Set<string>,
): Promise<Agent> {
  const client = await connectHttp(server.url, (await admin.createToken(token)).token);
  return {
    client,
    call: (tool, args) => {
      called?.add(tool);
      return callTool(client, tool, args);
    },
  };
}
