import { type Json, modelOf, objectOf, readUsage, type Usage } from './ai-usage.ts';

/** What was learned from a stream. */
export type StreamEnd = {
  readonly usage?: Usage;
  readonly model?: string;
  /** Whether it ended by an error, of the stream or in it. */
  readonly failed: boolean;
};

/** Who hears of a stream. Each is called at most once. */
export type StreamListener = { readonly onFirstToken: () => void; readonly onEnd: (end: StreamEnd) => void };

/** Whether a chunk brings a first piece of an answer: text, reasoning or a call of a tool. */
function bringsToken(chunk: Json): boolean {
  const { type, choices } = chunk;
  if (typeof type === 'string') return type.endsWith('delta') && type !== 'message_delta';
  if (!Array.isArray(choices)) return false;
  return choices.some((choice) => {
    const { content, reasoning_content, refusal, tool_calls } = objectOf(objectOf(choice).delta);
    return [content, reasoning_content, refusal].some(isText) || Array.isArray(tool_calls);
  });
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** The types under which the streams say that the model failed: AI SDK and Anthropic, OpenAI Responses. */
const FAILURES: readonly unknown[] = ['error', 'response.failed'];

/** Watches the chunks of one answer, of any shape that `readUsage` knows. */
export class StreamWatch {
  readonly #listener: StreamListener;
  #usage: Json = {};
  #model: string | undefined;
  #failed = false;
  #hasToken = false;
  #isOver = false;

  constructor(listener: StreamListener) {
    this.#listener = listener;
  }

  /** Looks at a chunk; never throws, and changes nothing in it. */
  chunk(value: unknown): void {
    const chunk = objectOf(value);
    if (!this.#hasToken && bringsToken(chunk)) {
      this.#hasToken = true;
      this.#listener.onFirstToken();
    }
    if (FAILURES.includes(chunk.type)) this.#failed = true;
    // Anthropic opens with a message, OpenAI Responses closes with a response; the rest say it in the chunk.
    for (const part of [chunk, objectOf(chunk.message), objectOf(chunk.response)]) this.#learn(part);
    if (chunk.type === 'response-metadata' && typeof chunk.modelId === 'string') this.#model = chunk.modelId;
  }

  /** The stream is over: read to its end, given up by its reader, or broken off. */
  over(isBroken: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const usage = readUsage(this.#usage);
    this.#listener.onEnd({
      failed: isBroken || this.#failed,
      ...(usage !== undefined && { usage }),
      ...(this.#model !== undefined && { model: this.#model }),
    });
  }

  /** Later counts replace earlier ones: they are totals so far. */
  #learn(part: Json): void {
    this.#model = modelOf(part) ?? this.#model;
    const known = Object.entries(objectOf(part.usage)).filter(([, value]) => value !== null && value !== undefined);
    this.#usage = { ...this.#usage, ...Object.fromEntries(known) };
  }
}

/** The chunks of an iterable, watched as its reader takes them. */
export async function* watched<T>(chunks: AsyncIterable<T>, watch: StreamWatch): AsyncGenerator<T, void, undefined> {
  try {
    for await (const chunk of chunks) {
      watch.chunk(chunk);
      yield chunk;
    }
  } catch (error) {
    watch.over(true);
    throw error;
  } finally {
    // A reader that stops early is no failure of the model.
    watch.over(false);
  }
}

/** A web stream, watched as its reader takes it. */
export function watchedStream<T>(stream: ReadableStream<T>, watch: StreamWatch): ReadableStream<T> {
  const reader = stream.getReader();
  return new ReadableStream<T>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            watch.over(false);
            controller.close();
            return;
          }
          watch.chunk(value);
          controller.enqueue(value);
        } catch (error) {
          watch.over(true);
          controller.error(error);
        }
      },
      async cancel(reason) {
        watch.over(false);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Whether an answer comes in chunks. */
export function isStream(answer: unknown): answer is AsyncIterable<unknown> & object {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer;
}

/** The same stream with all its methods, watched when it is iterated. */
export function watchedObject<T extends AsyncIterable<unknown> & object>(answer: T, watch: StreamWatch): T {
  return new Proxy(answer, {
    get(target, key) {
      if (key === Symbol.asyncIterator) return () => watched(target, watch);
      const value: unknown = Reflect.get(target, key, target);
      // Private fields of the stream are only reached through itself.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
