import type { Client } from '@modelcontextprotocol/client';
import type { ClientCommand } from '@rampart/api';
import { callTool, connectHttp } from '../packages/server/src/mcp/mcp-client.test.support.ts';
import type { Hands, WorkflowRole } from './workflow-run.ts';
import type { WorkflowServer } from './workflow-server.ts';

type Call = { readonly tool: string; readonly args: Readonly<Record<string, unknown>> };

const incidentCall = (incident: number, action: string, more: object = {}): Call => ({
  tool: 'rollout_incident_write',
  args: { incident, action, ...more },
});

/** The tool an agent calls for a command. */
function callOf(command: ClientCommand): Call {
  switch (command.type) {
    case 'Start':
      return { tool: 'rollout_start', args: {} };
    case 'Approve':
      return { tool: 'rollout_approve', args: { item: command.item, evidence: command.evidence } };
    case 'Retry':
      return { tool: 'rollout_advance', args: { action: 'retry', version: command.version, reason: command.reason } };
    case 'AcknowledgeIncident':
      return incidentCall(command.incident, 'acknowledge');
    case 'NoteIncident':
      return incidentCall(command.incident, 'note', { text: command.text });
    case 'AddAction':
      return incidentCall(command.incident, 'action', { text: command.text });
    case 'RecordRootCause':
      return incidentCall(command.incident, 'root_cause', { text: command.text });
    case 'RecordFix':
      return incidentCall(command.incident, 'fix', { text: command.text, reference: command.reference });
    case 'ResolveIncident':
      return incidentCall(command.incident, 'resolve');
    default:
      throw new Error(`no agent calls ${command.type} in the workflow`);
  }
}

/** Hands of three agents, each a client of the official SDK with a token of its own; they use nothing but tools. */
export async function mcpHands(
  server: WorkflowServer,
  tokens: Readonly<Record<WorkflowRole, string>>,
): Promise<
  Hands & { readonly read: (tool: string, args: object) => Promise<string>; readonly close: () => Promise<void> }
> {
  const connect = (role: WorkflowRole) => connectHttp(server.url, tokens[role]);
  const clients: Readonly<Record<WorkflowRole, Client>> = {
    operator: await connect('operator'),
    observer: await connect('observer'),
    analyst: await connect('analyst'),
  };
  const call = async (role: WorkflowRole, tool: string, args: Call['args']) => {
    const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
    const answer = await callTool(clients[role], tool, given);
    if (answer.isError) throw new Error(`${role} called ${tool} with ${JSON.stringify(given)}: ${answer.text}`);
    return answer;
  };
  return {
    async create(plan) {
      const { data } = await call('operator', 'rollout_create', { plan });
      return data.rollout.id;
    },
    async give(role, rollout, command) {
      const { tool, args } = callOf(command);
      await call(role, tool, { rollout, ...args });
    },
    read: async (tool, args) => (await call('analyst', tool, { ...args })).text,
    async close() {
      await Promise.all(Object.values(clients).map((client) => client.close()));
    },
  };
}
