import {
  type ClientCommand,
  type GateChange,
  type Problem,
  type ProblemCode,
  problem,
  type RolloutView,
  type StaleFlag,
} from '@rampart/api';
import type { Flag, Segment } from '@rampart/flags';
import {
  addFact,
  applyAll,
  decide,
  documentMarkdown,
  type EventRecord,
  type EvidenceBatch,
  type EvidenceState,
  factsAt,
  incidentDocument,
  type Judgement,
  NO_EVIDENCE,
  openControlBaseline,
  type Principal,
  parsePlan,
  RAMPART,
  type RolloutDocument,
  type RolloutEvent,
  type RolloutState,
  reconcile,
  reportDocument,
  rolloutStatsOf,
  waitingFor,
} from '@rampart/rollout';

/** A request the fake was sent. */
export type Seen = { readonly method: string; readonly path: string; readonly token: string; readonly body: unknown };

type Run = {
  state: RolloutState;
  records: EventRecord[];
  evidence: EvidenceState;
  judgement?: Judgement;
  batches: EvidenceBatch[];
};
type Answer = { readonly status: number; readonly body: unknown };

const ANA: Principal = { id: 'ana', kind: 'person', roles: ['admin'] };
/** Token the fake knows. */
export const TOKEN = 'rmp_admin_fake1234_abcdefghijklmnopqrstuvwxyz012345';
/** Address of the fake. */
export const URL_OF_FAKE = 'http://rampart.test:4180';

/** Routes of the API over the real rollout core, in memory, behind a `fetch`: no socket, no waiting, its own clock. */
export class FakeControlPlane {
  now = Date.parse('2026-01-05T09:00:00Z');
  readonly seen: Seen[] = [];
  readonly runs = new Map<string, Run>();
  readonly flags = new Map<string, Flag>();
  readonly segments = new Map<string, Segment>();
  stale: StaleFlag[] = [];
  webhooks: unknown[] = [];
  hooks: unknown[] = [];
  notify: unknown = { channels: [], routes: [], toldOfAbort: ['pager'] };
  /** Set by a test: what became of test messages. */
  tested: unknown = { results: [] };
  letters: { id: string }[] = [];
  /** What was asked of gates. */
  readonly gates: { readonly gate: string; readonly open: boolean; readonly reason: string; readonly flag?: string }[] =
    [];
  /** Set: nothing answers. */
  isDown = false;

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const url = new URL(String(input));
    if (this.isDown || url.origin !== URL_OF_FAKE)
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) });
    const body = init.body === undefined ? undefined : JSON.parse(String(init.body));
    const token = new Headers(init.headers).get('authorization')?.replace('Bearer ', '') ?? '';
    const method = init.method ?? 'GET';
    this.seen.push({ method, path: url.pathname + url.search, token, body });
    const answer =
      token === TOKEN ? await this.#answer(method, url, body) : refused('TOKEN_INVALID', 'The token is not known.');
    const wantsPage = new Headers(init.headers).get('accept') === 'text/html' && answer.status === 200;
    if (wantsPage) return new Response('<!doctype html>\n');
    return new Response(answer.status === 204 ? null : JSON.stringify(answer.body), {
      status: answer.status,
      headers: { 'content-type': 'application/json' },
    });
  };

  /** The rollout with this id, as the API shows it. */
  view(id: string): RolloutView {
    const { state, judgement } = this.#run(id);
    return {
      state,
      ...(judgement ? { judgement } : {}),
      now: this.now,
      waitingFor: waitingFor(state, judgement, this.now),
    };
  }

  /** Lets `durationMs` pass in steps of two minutes, with this much evidence of `errorRate` in each. */
  run(id: string, durationMs: number, perStep: { n: number; bad: number; controlN: number; controlBad: number }): void {
    const run = this.#run(id);
    const stepMs = 120_000;
    for (let passed = 0; passed < durationMs; passed += stepMs) {
      const fromAt = this.now;
      this.now += stepMs;
      const series = seriesOf(run.state, perStep);
      const look = { at: this.now, version: run.state.version };
      const seq = run.batches.length + 1;
      const batch: EvidenceBatch = { seq, fromAt, toAt: this.now, series, instances: 1, look };
      run.batches.push(batch);
      const { evidence, judgement, events } = reconcile(run.state, run.evidence, batch, this.now);
      run.evidence = evidence;
      run.judgement = judgement;
      this.#append(run, events, RAMPART);
    }
  }

  #run(id: string): Run {
    const run = this.runs.get(id);
    if (run === undefined) throw new Error(`the fake has no rollout ${id}`);
    return run;
  }

  #answer(method: string, url: URL, body: unknown): Answer | Promise<Answer> {
    const [, , resource = '', key = '', sub = '', number = ''] = url.pathname.split('/').map(decodeURIComponent);
    if (resource === 'rollouts') return this.#rollouts(method, url, key, sub, Number(number), body);
    if (resource === 'flags' && key === 'stale') return ok({ flags: this.stale });
    if (resource === 'stats') return ok(this.#stats(Number(url.searchParams.get('since') ?? 0)));
    if (resource === 'status') return ok({ now: this.now });
    if (resource === 'flags') return stored(this.flags, 'flags', method, key, body as Flag);
    if (resource === 'segments') return stored(this.segments, 'segments', method, key, body as Segment);
    if (resource === 'gates') {
      if (method === 'PUT') this.gates.push({ gate: key, ...(body as GateChange) });
      const said = this.gates.map(({ reason, ...one }) => ({
        ...{ ...one, why: reason, at: this.now, by: 'ana', byHand: !one.open },
      }));
      return ok({ gates: said, rollouts: [{ rollout: 'checkout-1', gate: 'change-calendar', when: 'advance' }] });
    }
    if (resource === 'hooks') {
      if (method === 'PUT') this.hooks = body as unknown[];
      return ok(this.hooks);
    }
    if (resource === 'notify' || resource === 'outbox') return this.#delivery(method, resource, key);
    if (resource === 'webhooks') {
      if (method === 'PUT') this.webhooks = body as unknown[];
      return ok(this.webhooks);
    }
    if (resource === 'tokens') return this.#tokens(method, key);
    return refused('NOT_FOUND', `There is no ${url.pathname}.`);
  }

  #delivery(method: string, resource: 'notify' | 'outbox', key: string): Answer {
    if (resource === 'notify') return ok(key === 'test' ? this.tested : this.notify);
    if (method === 'GET') return ok({ letters: this.letters, total: this.letters.length });
    this.letters = this.letters.filter(({ id }) => id !== key);
    return { status: 202, body: '' };
  }

  #stats(since: number) {
    const facts = [...this.runs.values()].map(({ records, state }) =>
      records.reduce(addFact, factsAt(state.createdAt)),
    );
    return rolloutStatsOf(facts, this.now, since);
  }

  #tokens(method: string, key: string): Answer {
    if (method === 'POST')
      return {
        status: 201,
        body: { token: 'rmp_viewer_new12345_0123456789abcdefghijklmnopqrstuv', selector: 'new12345' },
      };
    if (method === 'DELETE')
      return key === 'new12345' ? { status: 204, body: undefined } : refused('NOT_FOUND', `There is no token ${key}.`);
    const token = {
      selector: 'new12345',
      kind: 'viewer',
      name: 'bo',
      principal: 'person',
      createdAt: this.now,
      createdBy: 'ana',
    };
    return ok({ tokens: [token] });
  }

  #rollouts(
    method: string,
    url: URL,
    id: string,
    sub: string,
    number: number,
    body: unknown,
  ): Answer | Promise<Answer> {
    if (id === '')
      return method === 'POST' ? this.#create(body as { text: string }) : this.#list(url.searchParams.get('state'));
    const run = this.runs.get(id);
    if (run === undefined) return refused('ROLLOUT_UNKNOWN', `There is no rollout ${id}.`);
    if (sub === 'events')
      return ok({ events: run.records.filter(({ version }) => version > Number(url.searchParams.get('after') ?? 0)) });
    if (sub === 'evidence') return this.#evidence(run, Number(url.searchParams.get('after') ?? 0));
    if (sub === 'report') return documentAnswer(reportDocument(run.records, run.state, { now: this.now }));
    if (sub === 'incidents') return documentAnswer(incidentDocument(run.records, run.state, number, { now: this.now }));
    if (sub === 'baselines') return method === 'POST' ? this.#capture(run, body) : this.#baselines(run);
    return sub === 'commands' ? this.#command(run, body as ClientCommand) : ok(this.view(id));
  }

  /** Versions in the events, and control now; the first look at a reading sees it half done. */
  #baselines({ state, records, batches }: Run): Answer {
    const versions = records.flatMap(({ at, by, event }) =>
      event.type === 'BaselineCaptured' ? [{ at, by, baseline: event.baseline, reason: event.reason }] : [],
    );
    const control = openControlBaseline(state, this.now);
    for (const batch of batches) control.feed(batch);
    this.release?.();
    return ok({ versions, current: control.finish(), reading: { source: 'prometheus', share: 0.5 } });
  }

  /** Set: a re-capture waits until someone has looked how far it is. */
  release: (() => void) | undefined;

  async #capture(run: Run, body: unknown): Promise<Answer> {
    if (run.state.baseline === undefined) return refused('WRONG_PHASE', 'It has no baseline yet.');
    const looked = new Promise<void>((resolve) => {
      this.release = resolve;
    });
    const control = openControlBaseline(run.state, this.now);
    for (const batch of run.batches) control.feed(batch);
    await looked;
    const { reason } = body as { reason: string };
    const decision = decide(run.state, { type: 'CaptureBaseline', baseline: control.finish(), reason }, ANA, this.now);
    if (!decision.ok) return refused(decision.code, decision.message);
    const records = this.#append(run, decision.events, ANA);
    return ok({ rollout: this.view(run.state.id), events: records });
  }

  /** In pages of 100. */
  #evidence({ batches }: Run, after: number): Answer {
    return ok({ batches: batches.slice(after, after + 100), throughSeq: batches.length });
  }

  #list(state: string | null): Answer {
    const views = [...this.runs.keys()].map((id) => this.view(id));
    const isActive = (view: RolloutView) => view.state.phase !== 'complete' && view.state.phase !== 'cancelled';
    return ok({ rollouts: state === 'all' ? views : views.filter(isActive) });
  }

  #create(body: { text: string; file?: string; timeScale?: number; override?: string }): Answer {
    const { text, ...options } = body;
    const result = parsePlan(text, { ...options, now: this.now });
    if (!result.ok) return refused('PLAN_INVALID', 'The plan has errors.', { issues: result.issues });
    const id = `${result.plan.flag}-${this.runs.size + 1}`;
    const decision = decide(
      undefined,
      { type: 'Create', id, plan: result.plan, warnings: result.warnings },
      ANA,
      this.now,
    );
    if (!decision.ok) return refused(decision.code, decision.message);
    const state = applyAll(undefined, decision.events, ANA, this.now);
    if (state === undefined) throw new Error('a created rollout has a state');
    const records = recordsOf(decision.events, 0, this.now, ANA.id);
    this.runs.set(id, {
      state,
      records,
      evidence: NO_EVIDENCE,
      batches: [],
    });
    return { status: 201, body: { rollout: this.view(id) } };
  }

  #command(run: Run, command: ClientCommand): Answer {
    const decision = decide(run.state, command, ANA, this.now);
    if (!decision.ok) return refused(decision.code, decision.message);
    const records = this.#append(run, decision.events, ANA);
    return ok({ rollout: this.view(run.state.id), events: records });
  }

  #append(run: Run, events: readonly RolloutEvent[], by: Principal): readonly EventRecord[] {
    const records = recordsOf(events, run.state.version, this.now, by.id);
    run.records.push(...records);
    run.state = applyAll(run.state, events, by, this.now) ?? run.state;
    return records;
  }
}

function recordsOf(events: readonly RolloutEvent[], version: number, at: number, by: string): EventRecord[] {
  return events.map((event, index) => ({ version: version + index + 1, at, by, event }));
}

function seriesOf(
  state: RolloutState,
  { n, bad, controlN, controlBad }: { n: number; bad: number; controlN: number; controlBad: number },
) {
  const stratum = state.layers.at(-1)?.weight ?? 0;
  const one = (arm: 'treatment' | 'control', metric: string, count: number, sum: number) => {
    const bucket = Array.from({ length: 64 }, (_, index) => index);
    const spread = (total: number) =>
      bucket.map((index) => Math.floor((total * (index + 1)) / 64) - Math.floor((total * index) / 64));
    return {
      metric,
      arm,
      epoch: state.epoch,
      stratum,
      bucket,
      count: spread(count),
      sum: spread(sum),
      sumSquares: spread(sum),
    };
  };
  const ofArm = (arm: 'treatment' | 'control', count: number, sum: number) =>
    count === 0
      ? []
      : [one(arm, 'errorRate', count, sum), one(arm, 'assigned', count, count), one(arm, 'reported', count, count)];
  return [...ofArm('treatment', n, bad), ...ofArm('control', controlN, controlBad)];
}

function stored<T>(map: Map<string, T>, name: string, method: string, key: string, body: T): Answer {
  if (key === '') return ok({ [name]: [...map.values()] });
  if (method === 'PUT') map.set(key, body);
  const value = map.get(key);
  if (value === undefined) return refused('NOT_FOUND', `There is no ${name.slice(0, -1)} ${key}.`);
  if (method !== 'DELETE') return ok(value);
  map.delete(key);
  return { status: 204, body: undefined };
}

const ok = (body: unknown): Answer => ({ status: 200, body });

function documentAnswer(document: RolloutDocument | undefined): Answer {
  if (document === undefined) return refused('INCIDENT_UNKNOWN', 'There is no such incident.');
  return ok({ markdown: documentMarkdown(document), data: document });
}

function refused(code: ProblemCode, detail: string, extra: Partial<Problem> = {}): Answer {
  const body = problem(code, detail, extra);
  return { status: body.status, body };
}
