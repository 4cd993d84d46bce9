import { type McpServer, type ReadResourceResult, ResourceTemplate } from '@modelcontextprotocol/server';
import type { ApiClient } from '@rampart/api';
import { planJsonSchema } from '@rampart/rollout';
import { rolesPage } from './roles-page.ts';
import { summaryOf } from './rollout-summary.ts';
import { dataOf, textOf } from './untrusted.ts';

const JSON_TYPE = 'application/json';
const MARKDOWN = 'text/markdown';

const text = (uri: URL, mimeType: string, content: string): ReadResourceResult => ({
  contents: [{ uri: uri.href, mimeType, text: content }],
});
const json = (uri: URL, value: unknown) => text(uri, JSON_TYPE, JSON.stringify(value));
/** A document holds what people wrote: it stands between delimiters, as in the answer of a tool. */
const document = (uri: URL, markdown: string) => text(uri, MARKDOWN, textOf({ document: dataOf(markdown) }));

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value) ?? '';

/** Rollouts, reports and incidents to read, and what to know before acting. */
export function registerResources(server: McpServer, client: ApiClient): void {
  registerFixed(server, client);
  registerRollouts(server, client);
}

function registerFixed(server: McpServer, client: ApiClient): void {
  server.registerResource(
    'rollouts',
    'rollout://rollouts',
    { title: 'Rollouts', description: 'Every rollout in short, newest first.', mimeType: JSON_TYPE },
    async (uri) => json(uri, { rollouts: (await client.listRollouts('all')).map(summaryOf) }),
  );
  server.registerResource(
    'roles',
    'rollout://policies/roles',
    { title: 'Roles', description: 'What each role may do, and the rules for agents.', mimeType: MARKDOWN },
    (uri) => text(uri, MARKDOWN, rolesPage()),
  );
  server.registerResource(
    'plan-schema',
    'rollout://docs/plan-schema.json',
    { title: 'Schema of a plan', description: 'JSON Schema of a plan, both forms.', mimeType: JSON_TYPE },
    (uri) => json(uri, planJsonSchema()),
  );
}

function registerRollouts(server: McpServer, client: ApiClient): void {
  const listed = (mimeType: string, ending: string) => async () => ({
    resources: (await client.listRollouts('all')).map(({ state: { id } }) => {
      return { uri: `rollout://rollouts/${id}${ending}`, name: `${id}${ending}`, mimeType };
    }),
  });
  server.registerResource(
    'rollout',
    new ResourceTemplate('rollout://rollouts/{id}', { list: listed(JSON_TYPE, '') }),
    { title: 'A rollout', description: 'One rollout in short.', mimeType: JSON_TYPE },
    async (uri, { id }) => json(uri, summaryOf(await client.getRollout(one(id)))),
  );
  server.registerResource(
    'report',
    new ResourceTemplate('rollout://rollouts/{id}/report.md', { list: listed(MARKDOWN, '/report.md') }),
    { title: 'Report', description: 'The report of a rollout.', mimeType: MARKDOWN },
    async (uri, { id }) => document(uri, await client.getReport(one(id))),
  );
  server.registerResource(
    'incident',
    new ResourceTemplate('rollout://incidents/{id}/{number}.md', { list: undefined }),
    { title: 'Incident', description: 'The document of an incident of a rollout.', mimeType: MARKDOWN },
    async (uri, { id, number }) => document(uri, await client.getIncident(one(id), Number(one(number)))),
  );
}
