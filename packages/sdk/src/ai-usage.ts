/** Tokens that one call of a model took. */
export type Usage = {
  /** All tokens of the input, those read from and written to a cache included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Parts of `inputTokens`. Default: 0. */
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
};

/** A JSON object of which nothing is known. */
export type Json = Readonly<Record<string, unknown>>;

/** The value as an object; empty for anything else, so that a path can be walked without asking. */
export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function numberAt(from: unknown, ...path: readonly string[]): number | undefined {
  const value = path.reduce<unknown>((at, key) => objectOf(at)[key], from);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function usageFrom(
  input: number | undefined,
  output: number | undefined,
  read: number | undefined,
  write?: number,
): Usage | undefined {
  if (input === undefined || output === undefined) return undefined;
  return {
    inputTokens: input,
    outputTokens: output,
    ...(read !== undefined && read > 0 && { cacheReadTokens: read }),
    ...(write !== undefined && write > 0 && { cacheWriteTokens: write }),
  };
}

/** OpenAI, Chat Completions: `prompt_tokens` holds what was cached. */
function ofChatCompletion(usage: Json): Usage | undefined {
  const cached = numberAt(usage, 'prompt_tokens_details', 'cached_tokens');
  return usageFrom(numberAt(usage, 'prompt_tokens'), numberAt(usage, 'completion_tokens'), cached);
}

/** Anthropic, Messages: `input_tokens` leaves out what was read from or written to the cache. */
function ofMessage(usage: Json): Usage | undefined {
  const [read, write] = [numberAt(usage, 'cache_read_input_tokens'), numberAt(usage, 'cache_creation_input_tokens')];
  if (read === undefined && write === undefined) return undefined;
  const fresh = numberAt(usage, 'input_tokens');
  const input = fresh === undefined ? undefined : fresh + (read ?? 0) + (write ?? 0);
  return usageFrom(input, numberAt(usage, 'output_tokens'), read, write);
}

/** OpenAI, Responses: `input_tokens` holds what was cached. Also Anthropic without a cache. */
function ofResponse(usage: Json): Usage | undefined {
  const cached = numberAt(usage, 'input_tokens_details', 'cached_tokens');
  return usageFrom(numberAt(usage, 'input_tokens'), numberAt(usage, 'output_tokens'), cached);
}

/** AI SDK, what a function such as `generateText` gives: totals as numbers. */
function ofAiSdkResult(usage: Json): Usage | undefined {
  const details = objectOf(usage.inputTokenDetails);
  const [read, write] = [numberAt(details, 'cacheReadTokens'), numberAt(details, 'cacheWriteTokens')];
  return usageFrom(numberAt(usage, 'inputTokens'), numberAt(usage, 'outputTokens'), read, write);
}

/** AI SDK, what a language model gives (specification v4): totals with their parts. */
function ofAiSdkModel(usage: Json): Usage | undefined {
  const input = objectOf(usage.inputTokens);
  const [read, write] = [numberAt(input, 'cacheRead'), numberAt(input, 'cacheWrite')];
  return usageFrom(numberAt(input, 'total'), numberAt(usage, 'outputTokens', 'total'), read, write);
}

const READERS = [ofChatCompletion, ofMessage, ofResponse, ofAiSdkResult, ofAiSdkModel];

/** Reads a `usage` object as OpenAI, Anthropic or the AI SDK writes it; `undefined` where it says too little. */
export function readUsage(usage: unknown): Usage | undefined {
  const object = objectOf(usage);
  for (const read of READERS) {
    const found = read(object);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Tokens that a whole answer took. An AI SDK result with several steps gives those of all steps. */
export function usageOf(answer: unknown): Usage | undefined {
  const { totalUsage, usage } = objectOf(answer);
  return readUsage(totalUsage) ?? readUsage(usage);
}

/** Model that gave an answer, as the answer says; it may be more exact than the one asked for. */
export function modelOf(answer: unknown): string | undefined {
  const { model, response } = objectOf(answer);
  const name = typeof model === 'string' ? model : objectOf(response).modelId;
  return typeof name === 'string' && name !== '' ? name : undefined;
}
