import { createHmac } from 'node:crypto';
import { retryAfterMs } from './retry-after.ts';
import {
  field,
  refusedRequest,
  type TrackerAnswer,
  type TrackerAsk,
  TrackerFailure,
  textField,
} from './tracker-http.ts';

/** The parts of the REST API of GitHub that trackers use (version 2022-11-28), for one repository. Every method throws `TrackerFailure`. */
export type GitHubApi = {
  /** A request below the repository; `path` begins with a slash. Gives the body of a 2xx. */
  readonly send: (
    request: { readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'; readonly path: string; readonly body?: unknown },
    signal: AbortSignal,
  ) => Promise<unknown>;
  /** The first item of a list, over all its pages, that `isIt`. `query` begins with a question mark, or is empty. */
  readonly find: (
    path: string,
    query: string,
    isIt: (item: unknown) => boolean,
    signal: AbortSignal,
  ) => Promise<unknown>;
  /** What stands, invisible, in the body of what has an external id. Nobody without the token can write it. */
  readonly marker: (externalId: string) => string;
};

const PER_PAGE = 100;
const MOST_PAGES = 30;
/** What GitHub asks for where a secondary limit names no time. */
const SECONDARY_WAIT_MS = 60_000;

/** `repository`: `owner/name`. `token` is not shown: it is the key of markers. */
export function gitHubApi(ask: TrackerAsk, repository: string, token: string): GitHubApi {
  const root = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`;
  const send: GitHubApi['send'] = async ({ method, path, body }, signal) => {
    const answer = await ask({ method, path: root + path, ...(body !== undefined && { body }) }, signal);
    if (answer.status >= 200 && answer.status < 300) return answer.json;
    throw refusalOf(answer, `${method} ${path.replace(/\?.*/, '')}`);
  };
  return {
    send,
    async find(path, query, isIt, signal) {
      const join = query === '' ? '?' : `${query}&`;
      for (let page = 1; page <= MOST_PAGES; page += 1) {
        const items = await send({ method: 'GET', path: `${path}${join}per_page=${PER_PAGE}&page=${page}` }, signal);
        const all = Array.isArray(items) ? items : [];
        const found = all.find(isIt);
        if (found !== undefined || all.length < PER_PAGE) return found;
      }
      return undefined;
    },
    marker: (externalId) => {
      const proof = createHmac('sha256', token).update(`rampart marker ${externalId}`).digest('hex').slice(0, 24);
      return `<!-- rampart ${externalId.replace(/[^\w:.-]/g, '_')} ${proof} -->`;
    },
  };
}

function refusalOf({ status, said, json }: TrackerAnswer, what: string): TrackerFailure {
  const errors = field(json, 'errors');
  const more = Array.isArray(errors) ? errors.map((one) => textField(one, 'message') || textField(one, 'code')) : [];
  const detail = [said, ...more.filter((one) => one !== '')].join('; ');
  const isGone = status === 404 || status === 410;
  const hint = isGone ? '; check the repository, that issues are on there, and what the token may see' : '';
  return refusedRequest(`GitHub refused ${what} (status ${status}: ${detail})${hint}`);
}

/**
 * Limits that GitHub tells with status 403: the primary one (`x-ratelimit-remaining: 0`) and secondary ones, with or
 * without `retry-after` (docs.github.com, rate limits for the REST API).
 */
export function gitHubLimit({ status, headers, said }: TrackerAnswer, now: number): TrackerFailure | undefined {
  if (status !== 403) return undefined;
  const asked = retryAfterMs(headers.get('retry-after') ?? undefined, now);
  const isSpent = headers.get('x-ratelimit-remaining') === '0';
  const reset = Number(headers.get('x-ratelimit-reset')) * 1000 - now;
  if (asked === undefined && !isSpent && !/rate limit/i.test(said)) return undefined;
  const primary = isSpent && reset > 0 ? reset : undefined;
  const afterMs = asked ?? primary ?? SECONDARY_WAIT_MS;
  return new TrackerFailure({
    kind: 'retry',
    why: `GitHub asks for patience of ${Math.ceil(afterMs / 1000)} s (${said})`,
    afterMs,
  });
}
