import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlaneFake, startPlaneFake } from './plane-fake.ts';

let plane: PlaneFake;
beforeAll(async () => {
  plane = await startPlaneFake();
});
afterAll(() => plane.stop());

async function ask(method: string, path: string, body?: unknown, key: string | undefined = plane.apiKey) {
  const response = await fetch(`${plane.url}/api/v1/workspaces/samsam/${path}`, {
    ...{ method, redirect: 'manual' },
    headers: { ...(key !== '' && { 'x-api-key': key }), 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
const projectPath = async (): Promise<string> => {
  const { body } = await ask('GET', 'projects/?per_page=100&cursor=100:1:0');
  return `projects/${body.results[0].id}`;
};

describe('the fake of Plane has the quirks that were recorded', () => {
  it('wants a slash at the end: redirects what is read, does not find what is written', async () => {
    expect((await ask('GET', 'projects')).status).toBe(301);
    expect((await ask('POST', `${await projectPath()}/work-items`, { name: 'x' })).status).toBe(404);
  });

  it('answers 401 without a key, 403 with a wrong one', async () => {
    expect((await ask('GET', 'projects/', undefined, '')).status).toBe(401);
    expect((await ask('GET', 'projects/', undefined, 'plane_api_wrong')).status).toBe(403);
  });

  it('refuses a priority that is a number', async () => {
    const { status, body } = await ask('POST', `${await projectPath()}/work-items/`, { name: 'x', priority: 2 });
    expect([status, body]).toEqual([400, { priority: ['"2" is not a valid choice.'] }]);
  });

  it('makes a state with 200, and answers the same again with 409 and its id', async () => {
    const state = { name: 'Review', color: '#000000', group: 'started' };
    const made = await ask('POST', `${await projectPath()}/states/`, state);
    const again = await ask('POST', `${await projectPath()}/states/`, state);
    expect([made.status, again.status, again.body.id]).toEqual([200, 409, made.body.id]);
  });

  it('looks an external id up as one object, leaves foreign labels out, and tells what is left of the limit', async () => {
    const foreign = '5b1f6a52-0b50-4d6e-9a55-00000000ffff';
    const item = { name: 'x', labels: [foreign], external_id: 'e1', external_source: 'rampart' };
    const made = await ask('POST', `${await projectPath()}/work-items/`, item);
    expect([made.status, made.body.labels, made.headers.get('x-ratelimit-remaining')]).toEqual([201, [], '59']);
    const found = await ask('GET', `${await projectPath()}/work-items/?external_id=e1&external_source=rampart`);
    expect(found.body.id).toBe(made.body.id);
    const again = await ask('POST', `${await projectPath()}/work-items/`, item);
    expect([again.status, again.body.id]).toEqual([409, made.body.id]);
  });
});
