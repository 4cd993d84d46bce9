import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ApiClient, createApiClient, ProblemError } from '@rampart/api';
import { type EvidenceBatch, openItems, type RolloutState, type Verdict } from '@rampart/rollout';
import type { RampartClient } from '@rampart/sdk';
import { type Ai, type AiOptions, createAi } from '@rampart/sdk/ai';
import type { World } from '../bench/system-world.ts';

/** A day of the plan lasts 43.2 s of the virtual clock. */
const TIME_SCALE = 0.0005;
/** Virtual time between two reports: the longest that is never silence. */
const STEP_MS = 1800;

/** What a variant does to one question of a user. */
export type Ask = (isNew: boolean, context: { readonly targetingKey: string }) => Promise<void> | void;

/** Sums of one metric in one arm, from the evidence as stored. */
export type ArmSum = { readonly count: number; readonly sum: number };

/** A chat application in rollout: real server, SDK and HTTP, a clock moved by hand. */
export class AiSite {
  readonly world: World;
  readonly client: RampartClient;
  readonly ai: Ai;
  readonly id: string;
  readonly flag: string;
  /** The API with the token of an SDK. */
  readonly sdk: ApiClient;
  #now = 0;
  #user = 0;

  private constructor(world: World, flag: string, client: RampartClient, id: string, options: AiOptions) {
    this.world = world;
    this.flag = flag;
    this.sdk = createApiClient({ url: world.server.url, token: world.server.firstToken?.sdk });
    this.client = client;
    this.id = id;
    this.ai = createAi(client, { monotonicMs: () => this.#now, ...options });
  }

  /** Starts the rollout of a plan; its baseline is still to come. */
  static async open(world: World, flag: string, text: string, options: AiOptions = {}): Promise<AiSite> {
    const { id } = (await world.admin.createRollout({ text, timeScale: TIME_SCALE })).state;
    await world.admin.command(id, { type: 'Start' });
    const { state } = world.server.controlPlane.getRollout(id);
    for (const item of openItems(state))
      await world.admin.command(id, { type: 'Approve', item, evidence: 'https://wiki.example.com/launch' });
    const client = await world.connect(() => undefined);
    return new AiSite(world, flag, client, id, options);
  }

  get admin(): ApiClient {
    return this.world.admin;
  }

  /** Time as the calls of models see it, in milliseconds. */
  pass(ms: number): void {
    this.#now += ms;
  }

  async state(): Promise<RolloutState> {
    return (await this.admin.getRollout(this.id)).state;
  }

  async verdictsOf(metric: string): Promise<readonly Verdict[]> {
    return (await this.state()).verdicts.filter((one) => one.metric === metric);
  }

  /** So many new users of each variant ask, the SDK reports, time passes, and the server looks. */
  async step(perVariant: number, ask: Ask): Promise<void> {
    const left = { true: perVariant, false: perVariant };
    const isSplit = (await this.state()).phase === 'exposing';
    while (left.false > 0 || (isSplit && left.true > 0)) {
      this.#user += 1;
      const context = { targetingKey: `user-${this.#user}` };
      const scope = this.client.openScope(context);
      const { value } = this.client.details(this.flag, false, context);
      if (left[`${value === true}`] === 0) continue;
      left[`${value === true}`] -= 1;
      await scope.run(async () => ask(this.client.boolean(this.flag, false), context));
    }
    await this.look();
  }

  /** What was recorded reaches the server, time passes, the server looks, and what it decides reaches the SDK. */
  async look(): Promise<void> {
    if (!(await this.client.flush())) throw new Error('the server did not acknowledge telemetry');
    this.world.clock.advance(STEP_MS);
    await this.world.server.reconciler.wake(this.id);
    await this.world.settle([this.client]);
  }

  /** Steps until a phase is reached. */
  async until(phase: RolloutState['phase'], perVariant: number, ask: Ask, most = 60): Promise<number> {
    for (let steps = 0; steps < most; steps += 1) {
      if ((await this.state()).phase === phase) return steps;
      await this.step(perVariant, ask);
    }
    const { state, waitingFor } = await this.admin.getRollout(this.id);
    throw new Error(`the rollout is in ${state.phase}, not in ${phase}: it waits for ${waitingFor.join('; ')}`);
  }

  async evidence(): Promise<readonly EvidenceBatch[]> {
    return (await this.admin.listEvidence(this.id, 0, 500)).batches;
  }

  /** All of a series in an arm of the running stage, as it stands in the stored evidence. */
  async sum(metric: string, arm: 'treatment' | 'control'): Promise<ArmSum> {
    const { epoch } = await this.state();
    const own = (await this.evidence())
      .flatMap(({ series }) => series)
      .filter((one) => one.metric === metric && one.arm === arm && one.epoch === epoch);
    const total = (pick: 'count' | 'sum') => own.flatMap((one) => one[pick]).reduce((all, value) => all + value, 0);
    return { count: total('count'), sum: total('sum') };
  }

  async dispose(): Promise<void> {
    const { phase } = await this.state();
    const isOver = phase === 'complete' || phase === 'cancelled';
    if (!isOver) await this.admin.command(this.id, { type: 'Cancel', reason: 'the test is over' });
    await this.client.close();
  }
}

/** Code of the problem that a call is refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProblemError) return error.code;
  throw new Error(`expected a refusal, got ${String(error)}`);
}

/** Tokens of one answer. */
export type Tokens = { readonly prompt: number; readonly completion: number };

/** A server in the shape of OpenAI's Chat Completions: JSON, or chunks as Server-Sent Events. */
export type ChatServer = { readonly url: string; readonly close: () => Promise<void> };

/** Starts one on a free port. `beforeFirstToken` is called when the first token of a stream is due. */
export async function startChatServer(
  tokensOf: (model: string, prompt: string) => Tokens,
  beforeFirstToken: (prompt: string) => void,
): Promise<ChatServer> {
  const server: Server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const { model, messages, stream } = JSON.parse(Buffer.concat(chunks).toString());
    const prompt = String(messages[0].content);
    if (prompt === 'fail') return void response.writeHead(500).end('{"error":{"message":"overloaded"}}');
    const { prompt: input, completion } = tokensOf(model, prompt);
    const usage = { prompt_tokens: input, completion_tokens: completion, total_tokens: input + completion };
    if (stream !== true) {
      const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello' } }];
      return void response.end(JSON.stringify({ id: 'c', object: 'chat.completion', model, choices, usage }));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (delta: object, more: object = { usage: null }) =>
      response.write(
        `data: ${JSON.stringify({ object: 'chat.completion.chunk', model, choices: [{ index: 0, delta }], ...more })}\n\n`,
      );
    send({ role: 'assistant', content: '' });
    beforeFirstToken(prompt);
    send({ content: 'Hel' });
    send({ content: 'lo' });
    response.write(`data: ${JSON.stringify({ object: 'chat.completion.chunk', model, choices: [], usage })}\n\n`);
    return void response.end('data: [DONE]\n\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function post(url: string, body: object): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  return response;
}

/** One answer, whole. */
export async function complete(url: string, model: string, content: string): Promise<object> {
  return (await post(url, { model, messages: [{ role: 'user', content }] })).json() as Promise<object>;
}

/** One answer in chunks. */
export async function streamed(url: string, model: string, content: string): Promise<AsyncIterable<object>> {
  const response = await post(url, { model, messages: [{ role: 'user', content }], stream: true });
  return chunksOf(response);
}

async function* chunksOf(response: Response): AsyncGenerator<object> {
  let rest = '';
  for await (const bytes of response.body ?? []) {
    rest += Buffer.from(bytes as Uint8Array).toString();
    const events = rest.split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) if (event !== 'data: [DONE]') yield JSON.parse(event.slice('data: '.length));
  }
}
