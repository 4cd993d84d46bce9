import type { FastifyInstance } from 'fastify';

/** Statuses whose answers have no body. */
const BODILESS: readonly number[] = [204, 304];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const;

/** A `fetch` that asks an app in this process, through all that a request from outside goes through. */
export function injectFetch(app: FastifyInstance): typeof fetch {
  return async (input, init = {}) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    const method = METHODS.find((one) => one === init.method) ?? 'GET';
    const payload = typeof init.body === 'string' ? { payload: init.body } : {};
    const headers = Object.fromEntries(new Headers(init.headers));
    const answer = await app.inject({ method, url: pathname + search, headers, ...payload });
    const kept = new Headers();
    for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) kept.set(name, String(value));
    const body = BODILESS.includes(answer.statusCode) ? null : new Uint8Array(answer.rawPayload);
    return new Response(body, { status: answer.statusCode, headers: kept });
  };
}
