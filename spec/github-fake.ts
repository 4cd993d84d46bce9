import type { Reply, Seen } from '../packages/connectors/src/http-fake.test.support.ts';
import { startTrackerFake, type TrackerFake } from './tracker-fake.ts';

/** A GitHub in memory, over HTTP, with one repository: `acme/shop`. */
export type GitHubFake = TrackerFake & {
  readonly token: string;
  /** All that was made and changed, in order. */
  readonly history: Readonly<Record<string, unknown>>[];
  /** What is answered instead, as long as it gives something. */
  instead: (seen: Seen) => Reply | undefined;
  /** An issue of somebody else's. */
  readonly addIssue: (body: string) => void;
};

type Issue = {
  number: number;
  html_url: string;
  title: string;
  body: string;
  state: string;
  labels: { name: string }[];
};
type Deployment = { id: number; task: string; environment: string };
type Row = { readonly on: number; readonly body?: string; readonly state?: string };

const MISSING: Reply = {
  status: 404,
  body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' },
};
const invalid = (resource: string, name: string): Reply => ({
  status: 422,
  body: { message: 'Validation Failed', errors: [{ resource, field: name, code: 'missing_field' }] },
});

export async function startGitHubFake(token = 'github_pat_planted_secret'): Promise<GitHubFake> {
  const history: Readonly<Record<string, unknown>>[] = [];
  const issues: Issue[] = [];
  const comments: Row[] = [];
  const deployments: Deployment[] = [];
  const statuses: Row[] = [];

  const page = (all: readonly unknown[], { url }: Seen): Reply => {
    const [per, at] = ['per_page', 'page'].map((name) => Number(url.searchParams.get(name)));
    return { body: all.slice(((at || 1) - 1) * (per || 30), (at || 1) * (per || 30)) };
  };
  const addIssue = (title: string, body: string, labels: readonly string[] = []): Issue => {
    const number = issues.length + 1;
    const issue = { number, html_url: `https://github.com/acme/shop/issues/${number}`, title, body, state: 'open' };
    issues.push({ ...issue, labels: labels.map((name) => ({ name })) });
    return { ...issue, labels: labels.map((name) => ({ name })) };
  };
  const createIssue = ({ title, body, labels }: Record<string, unknown>): Reply => {
    if (typeof title !== 'string') return invalid('Issue', 'title');
    const made = addIssue(title, String(body), labels as string[]);
    history.push({ made: `#${made.number}`, title, body, labels });
    return { status: 201, body: made };
  };
  const change = (issue: Issue, body: Record<string, unknown>): Reply => {
    const known = issue as unknown as Record<string, unknown>;
    for (const [name, value] of Object.entries(body)) {
      if (known[name] === value) continue;
      history.push({ on: `#${issue.number}`, changed: name, to: value });
      known[name] = value;
    }
    return { body: issue };
  };
  const labelReply = (issue: Issue, seen: Seen, label: string | undefined, body: Record<string, unknown>): Reply => {
    if (seen.method === 'DELETE') {
      if (!issue.labels.some(({ name }) => name === label))
        return { ...MISSING, body: { message: 'Label does not exist' } };
      issue.labels = issue.labels.filter(({ name }) => name !== label);
      history.push({ on: `#${issue.number}`, unlabelled: label });
      return { body: issue.labels };
    }
    for (const name of body.labels as string[]) {
      if (issue.labels.some((one) => one.name === name)) continue;
      issue.labels.push({ name });
      history.push({ on: `#${issue.number}`, labelled: name });
    }
    return { body: issue.labels };
  };
  const issueReply = (seen: Seen, parts: readonly string[], body: Record<string, unknown>): Reply => {
    const [number, part, label] = parts;
    if (number === undefined) return seen.method === 'POST' ? createIssue(body) : page(issues.toReversed(), seen);
    const issue = issues.find((one) => String(one.number) === number);
    if (issue === undefined) return MISSING;
    if (part === 'labels') return labelReply(issue, seen, label, body);
    if (part === undefined) return seen.method === 'PATCH' ? change(issue, body) : { body: issue };
    const mine = comments.filter(({ on }) => on === issue.number);
    if (seen.method === 'GET') return page(mine, seen);
    comments.push({ on: issue.number, body: String(body.body) });
    history.push({ on: `#${number}`, comment: body.body });
    return { status: 201, body: { id: comments.length, body: body.body } };
  };
  const deploymentReply = (seen: Seen, parts: readonly string[], body: Record<string, unknown>): Reply => {
    const [id, part] = parts;
    if (id === undefined && seen.method === 'GET') {
      const task = seen.url.searchParams.get('task');
      return page(
        deployments.filter((one) => task === null || one.task === task),
        seen,
      );
    }
    if (id === undefined) {
      if (typeof body.ref !== 'string') return invalid('Deployment', 'ref');
      const made = {
        ...body,
        id: deployments.length + 1,
        task: String(body.task),
        environment: String(body.environment),
      };
      deployments.push(made);
      history.push({ deployment: made.id, ...body });
      return { status: 201, body: made };
    }
    if (part !== 'statuses' || !deployments.some((one) => String(one.id) === id)) return MISSING;
    const mine = statuses.filter(({ on }) => String(on) === id).toReversed();
    if (seen.method === 'GET') return page(mine, seen);
    if (String(body.description).length > 140) return invalid('DeploymentStatus', 'description');
    statuses.push({ on: Number(id), state: String(body.state) });
    history.push({ deployment: Number(id), status: body.state, url: body.log_url });
    return { status: 201, body: { id: statuses.length, state: body.state } };
  };
  const answer = (seen: Seen): Reply => {
    if (seen.headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' } };
    const instead = fake.instead(seen);
    if (instead !== undefined) return instead;
    const [, repos, owner, name, kind, ...parts] = seen.url.pathname.split('/');
    if (repos !== 'repos' || owner !== 'acme' || name !== 'shop') return MISSING;
    const body = seen.body === '' ? {} : (JSON.parse(seen.body) as Record<string, unknown>);
    if (kind === 'issues') return issueReply(seen, parts, body);
    return kind === 'deployments' ? deploymentReply(seen, parts, body) : MISSING;
  };
  const started = await startTrackerFake(answer, {
    refuses: { status: 422, body: { message: 'Validation Failed', errors: [{ code: 'custom', message: 'no' }] } },
    forbids: { status: 401, body: { message: `Bad credentials ${token}` } },
  });
  const fake: GitHubFake = Object.assign(started, {
    ...{ token, history },
    instead: () => undefined,
    addIssue: (body: string) => void addIssue('theirs', body),
  });
  return fake;
}
