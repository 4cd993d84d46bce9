import { describe, expect, it } from 'vitest';
import { openApiDocument } from './openapi.ts';
import { PROBLEM_CODES, PROBLEMS } from './problem-table.ts';
import { problemsOf, type Route } from './route.ts';
import { ROUTES } from './routes.ts';

const document = openApiDocument({ version: '1.2.3', url: 'https://rampart.example.com' });
const routes = Object.entries<Route>(ROUTES);
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

/** Every `$ref` anywhere in a value. */
function refsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = '$ref' in value && typeof value.$ref === 'string' ? [value.$ref] : [];
  return [...own, ...Object.values(value).flatMap(refsIn)];
}

function at(pointer: string): unknown {
  return pointer
    .slice(2)
    .split('/')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

describe('openApiDocument', () => {
  it('is plain JSON of OpenAPI 3.1 with version and address', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect([document.openapi, document.info.version, document.servers]).toEqual([
      '3.1.0',
      '1.2.3',
      [{ url: 'https://rampart.example.com' }],
    ]);
    expect(openApiDocument({ version: '1.2.3' })).not.toHaveProperty('servers');
  });

  it('resolves every $ref', () => {
    const refs = [...new Set(refsIn(document))];
    expect(refs.length).toBeGreaterThan(40);
    expect(refs.filter((ref) => !ref.startsWith('#/components/schemas/') || at(ref) === undefined)).toEqual([]);
  });

  it('uses every schema it names', () => {
    const used = new Set(refsIn(document).map((ref) => ref.split('/').at(-1)));
    const queries = Object.keys(document.components.schemas).filter((name) => name.endsWith('Query'));
    const unused = Object.keys(document.components.schemas).filter(
      (name) => !used.has(name) && !queries.includes(name),
    );
    expect(unused).toEqual([]);
  });

  it('has every route once, with a unique operation id', () => {
    expect(operations).toHaveLength(routes.length);
    const ids = operations.map((operation) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(routes.map(([, route]) => `${route.method} ${route.path}`)).size).toBe(routes.length);
  });

  it('declares every parameter of a path, and a body for every route that has one', () => {
    for (const [id, route] of routes) {
      const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
      const operation = document.paths[path]?.[route.method.toLowerCase()] as {
        operationId: string;
        parameters: { in: string; name: string }[];
        requestBody?: unknown;
        security?: unknown;
      };
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect([operation.operationId, declared]).toEqual([id, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)]);
      expect(operation.requestBody !== undefined).toBe(route.body !== undefined || route.media !== undefined);
      expect(operation.security !== undefined).toBe(route.auth.length > 0);
    }
  });

  it('documents every problem that is sent over HTTP, in the answer with its status', () => {
    const sent = PROBLEM_CODES.filter((code) => PROBLEMS[code].status > 0);
    const documented = operations.flatMap((operation) =>
      Object.entries(operation.responses as Record<string, { description: string }>).flatMap(([status, answer]) =>
        [...answer.description.matchAll(/([A-Z_]{5,}): /g)].map(([, code]) => `${code} ${status}`),
      ),
    );
    expect([...new Set(documented)].toSorted()).toEqual(
      sent.map((code) => `${code} ${PROBLEMS[code].status}`).toSorted(),
    );
    const codes = (document.components.schemas.Problem as { properties: { code: { enum: string[] } } }).properties.code
      .enum;
    expect(codes).toEqual([...PROBLEM_CODES]);
  });

  it('answers Markdown, HTML and JSON for a report under one status', () => {
    const report = document.paths['/v1/rollouts/{id}/report']?.get as { responses: { 200: { content: object } } };
    expect(Object.keys(report.responses[200].content)).toEqual(['text/markdown', 'text/html', 'application/json']);
  });
});

describe('routes', () => {
  it('need a token for MCP and everything under /v1 but for deliveries, which are signed, and none elsewhere', () => {
    for (const [, route] of routes)
      expect([route.path, route.auth.length > 0]).toEqual([
        route.path,
        route.path === '/mcp' ||
          (route.path.startsWith('/v1/') && !['/v1/hooks/:name', '/v1/slack/interactions'].includes(route.path)),
      ]);
  });

  it('let no viewer and no program write to a rollout or a flag', () => {
    // MCP carries reads and writes: what a tool does goes through these routes.
    const readsByPost = ['/v1/plans/validate', '/mcp'];
    const writes = routes.filter(
      ([, route]) =>
        route.method !== 'GET' && !['sdk', 'otlp'].includes(route.tag) && !readsByPost.includes(route.path),
    );
    expect(writes.length).toBeGreaterThan(8);
    for (const [id, route] of writes) {
      expect([id, route.auth.filter((kind) => ['viewer', 'sdk-server', 'ingest'].includes(kind))]).toEqual([id, []]);
    }
  });

  it('name each of their problems once, and only problems that are sent', () => {
    for (const [, route] of routes) {
      const codes = problemsOf(route);
      expect(new Set(codes).size).toBe(codes.length);
      expect(codes.filter((code) => PROBLEMS[code].status === 0)).toEqual([]);
    }
  });
});
