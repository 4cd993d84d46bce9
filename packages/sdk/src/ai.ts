import { AsyncResource } from 'node:async_hooks';
import { companionOf } from '@rampart/api/wire';
import type { EvaluationContext } from '@rampart/flags';
import {
  isStream,
  type StreamEnd,
  type StreamListener,
  StreamWatch,
  watchedObject,
  watchedStream,
} from './ai-stream.ts';
import { modelOf, type Usage, usageOf } from './ai-usage.ts';
import type { RampartClient } from './client-options.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { GENAI_PRICES, type PriceBook } from './price-book.ts';
import type { Scope } from './scope.ts';

export type { Usage } from './ai-usage.ts';
export { firstPrice, GENAI_PRICES, liteLlmPrices, type ModelPrices, type PriceBook, priceFile } from './price-book.ts';

/** How calls of models are measured. */
export type AiOptions = {
  /** Default: the prices bundled with `@pydantic/genai-prices`. */
  readonly prices?: PriceBook;
  /** Whether a call counts in `errorRate`. Say `false` where a middleware counts requests already. Default: true. */
  readonly errorRate?: boolean;
  /** Milliseconds of a clock that never goes back. Default: `performance.now()`. */
  readonly monotonicMs?: () => number;
  /** Uniform in [0, 1), for sampling. Default: `Math.random`. */
  readonly random?: () => number;
};

/** For whom a measurement counts: the flags evaluated in a scope, or the place of a context. Default: the scope of the caller. */
export type Target = { readonly target?: EvaluationContext | Scope };

/** What is known of a call beforehand. */
export type CallOptions = Target & {
  /** Model asked for; what the answer says wins. */
  readonly model?: string;
  /** Who serves the model, as OpenTelemetry names it (`openai`, `anthropic`, `aws.bedrock`). Default: whoever has the model. */
  readonly provider?: string;
};

/** How a score came about. */
export type ScoreOptions = Target & {
  /** Share of answers that are scored, in (0, 1]. Default: not said. */
  readonly samplingRate?: number;
  /** What judging it cost, in USD. */
  readonly cost?: number;
  /** What a score may be; another one counts as not measured. Default: 0 to 1. */
  readonly range?: readonly [least: number, most: number];
};

/** A middleware for `wrapLanguageModel` of the AI SDK 7. */
export type AiMiddleware = {
  readonly specificationVersion: 'v4';
  readonly wrapGenerate: <R>(call: ModelCall<R>) => Promise<R>;
  readonly wrapStream: <R extends { stream: ReadableStream }>(call: {
    readonly doStream: () => PromiseLike<R>;
    readonly model: ModelName;
  }) => Promise<R>;
};

type ModelName = { readonly provider: string; readonly modelId: string };
type ModelCall<R> = { readonly doGenerate: () => PromiseLike<R>; readonly model: ModelName };

/** Measures calls of models for the flags in rollout. Nothing it does fails a call. */
export type Ai = {
  /**
   * Makes a call, gives what it gives, and records it as one query: tokens, cost, errors and, where the answer is a stream,
   * the time to its first token. Takes answers of OpenAI (Chat Completions, Responses), of Anthropic (Messages) and of the AI
   * SDK's `generateText`; a stream is recorded once it was read, or given up.
   */
  call<T>(work: () => T | PromiseLike<T>, options?: CallOptions): Promise<T>;
  /** For `wrapLanguageModel` of the AI SDK 7: every call of the model is one query, streamed or not. */
  middleware(options?: CallOptions): AiMiddleware;
  /**
   * Records what an evaluator says of an answer: `hallucinationRate` takes true (bad) or false, `faithfulness` a number in
   * [0, 1]. `undefined`, an error, or a value out of range counts as not measured, never as 0.
   */
  score(metric: string, value: number | boolean | Error | undefined, options?: ScoreOptions): void;
  /**
   * Has a judge score an answer, at the sampling rate, and records what comes of it; a judge that throws counts as not
   * measured. Resolves to the score; `undefined` where the answer was not sampled or the judge failed. Never rejects.
   */
  evaluate(
    metric: string,
    judge: () => number | boolean | PromiseLike<number | boolean>,
    options?: ScoreOptions,
  ): Promise<number | undefined>;
};

/** Starts measuring calls of models through a client. */
export function createAi(client: RampartClient, options: AiOptions = {}): Ai {
  const prices = options.prices ?? GENAI_PRICES;
  client.usePriceBook(prices.version);
  return new Meter(client, { ...options, prices });
}

/** Records a value where the call began: a stream is often read in another context. */
type Recorder = (metric: string, value?: number) => void;

class Meter implements Ai {
  readonly #client: RampartClient;
  readonly #prices: PriceBook;
  readonly #countsErrors: boolean;
  readonly #nowMs: () => number;
  readonly #random: () => number;

  constructor(client: RampartClient, options: AiOptions & { readonly prices: PriceBook }) {
    this.#client = client;
    this.#prices = options.prices;
    this.#countsErrors = options.errorRate ?? true;
    this.#nowMs = options.monotonicMs ?? SYSTEM_CLOCK.monotonicMs;
    this.#random = options.random ?? Math.random;
  }

  async call<T>(work: () => T | PromiseLike<T>, options: CallOptions = {}): Promise<T> {
    const record = this.#recorder(options);
    const listener = this.#listener(record, options);
    const answer = await this.#attempt(work, record);
    if (!isStream(answer)) {
      this.#answered(record, options, usageOf(answer), modelOf(answer));
      return answer;
    }
    const watch = new StreamWatch(listener);
    const isWebStream = answer instanceof ReadableStream;
    return isWebStream ? (watchedStream(answer, watch) as typeof answer) : watchedObject(answer, watch);
  }

  middleware(options: CallOptions = {}): AiMiddleware {
    const optionsOf = (model: ModelName): CallOptions => ({
      model: model.modelId,
      // `openai.chat` is how the AI SDK names OpenAI's chat endpoint.
      provider: model.provider.split('.')[0] ?? model.provider,
      ...options,
    });
    return {
      specificationVersion: 'v4',
      wrapGenerate: ({ doGenerate, model }) => this.call(doGenerate, optionsOf(model)),
      wrapStream: async ({ doStream, model }) => {
        const own = optionsOf(model);
        const record = this.#recorder(own);
        const listener = this.#listener(record, own);
        const result = await this.#attempt(doStream, record);
        return { ...result, stream: watchedStream(result.stream, new StreamWatch(listener)) };
      },
    };
  }

  score(metric: string, value: number | boolean | Error | undefined, options: ScoreOptions = {}): void {
    const { samplingRate, cost, range: [least, most] = [0, 1] } = options;
    const record = this.#recorder(options);
    const score = typeof value === 'boolean' ? Number(value) : value;
    const isScore = typeof score === 'number' && score >= least && score <= most;
    if (isScore) record(metric, score);
    else record(companionOf(metric, 'unmeasured'));
    if (isScore && samplingRate !== undefined) record(companionOf(metric, 'sampling'), samplingRate);
    if (cost !== undefined) record(companionOf(metric, 'cost'), cost);
  }

  async evaluate(
    metric: string,
    judge: () => number | boolean | PromiseLike<number | boolean>,
    options: ScoreOptions = {},
  ): Promise<number | undefined> {
    if (options.samplingRate !== undefined && this.#random() >= options.samplingRate) return undefined;
    const value = await attempted(judge);
    this.score(metric, value, options);
    return value === undefined ? undefined : Number(value);
  }

  #recorder({ target }: Target): Recorder {
    return AsyncResource.bind((metric: string, value?: number) => this.#client.track(metric, value, target));
  }

  #listener(record: Recorder, options: CallOptions): StreamListener {
    const startedMs = this.#nowMs();
    return {
      onFirstToken: () => record('timeToFirstToken', (this.#nowMs() - startedMs) / 1000),
      onEnd: (end) => this.#ended(record, options, end),
    };
  }

  async #attempt<T>(work: () => T | PromiseLike<T>, record: Recorder): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // Whoever asked has given up: that is no failure of the model.
      this.#outcome(record, !isAbort(error));
      throw error;
    }
  }

  #ended(record: Recorder, options: CallOptions, { failed, usage, model }: StreamEnd): void {
    if (failed) this.#outcome(record, true);
    else this.#answered(record, options, usage, model);
  }

  #answered(record: Recorder, options: CallOptions, usage: Usage | undefined, model = options.model): void {
    this.#outcome(record, false);
    const tokens = usage && usage.inputTokens + usage.outputTokens;
    const cost = usage && model !== undefined ? this.#costOf(usage, model, options.provider) : undefined;
    if (tokens === undefined) record(companionOf('tokensPerQuery', 'unmeasured'));
    else record('tokensPerQuery', tokens);
    if (cost === undefined) record(companionOf('costPerQuery', 'unmeasured'));
    else record('costPerQuery', cost);
  }

  #costOf(usage: Usage, model: string, provider: string | undefined): number | undefined {
    try {
      return this.#prices.priceOf(usage, model, provider);
    } catch {
      // A price book of one's own that fails knows no price; the call was fine.
      return undefined;
    }
  }

  #outcome(record: Recorder, failed: boolean): void {
    if (this.#countsErrors) record('errorRate', failed ? 1 : 0);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'APIUserAbortError');
}

/** What a judge says; `undefined` where it fails. */
async function attempted(judge: () => number | boolean | PromiseLike<number | boolean>) {
  try {
    return await judge();
  } catch {
    return undefined;
  }
}
